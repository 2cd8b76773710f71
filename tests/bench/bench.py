"""Measures Membergate beside the ceiling and the peers; run by scripts/bench. See README.md."""

import argparse
import contextlib
import fcntl
import os
import resource
import shutil
import signal
import sys
import tempfile
import time

from budgets import ROWS
from fronts import Ceiling
from membership import Membership
from report import Report, commit, machine
from rig import RIG, RUN, Invalid, say
from rows.account import BulkPasswords, Drain
from rows.cliffs import Cliffs
from rows.logins import LoginRate, LoginsBesideWebhooks
from rows.million import Memory, Million
from rows.reads import Reads
from rows.webhooks import SlowDisk, Webhooks

KINDS = (
    Webhooks,
    Reads,
    SlowDisk,
    LoginsBesideWebhooks,
    LoginRate,
    Million,
    Memory,
    Drain,
    BulkPasswords,
    Cliffs,
)


class Bench:
    """What the rows share: how long and how often, the report, and servers started once."""

    def __init__(self, quick, rounds):
        self.quick = quick
        self.rounds = rounds
        self.seconds = 2 if quick else 4
        self.many = 100_000 if quick else 1_000_000  # contacts
        self.report = Report()
        self._closing = contextlib.ExitStack()
        self._shared = {}

    def closing(self, server):
        """Ends it with the bench."""
        self._closing.callback(server.close)
        return server

    def once(self, name, make):
        if name not in self._shared:
            self._shared[name] = self.closing(make())
        return self._shared[name]

    def membership(self):
        def make():
            membership = Membership()
            try:
                membership.check()
            except BaseException:
                membership.close()
                raise
            return membership

        return self.once("membership", make)

    def ceiling(self):
        return self.once("ceiling", lambda: Ceiling(self.membership().stack))

    def close(self):
        self._closing.close()

    def run(self, wanted):
        """One kind of rows after the other; the rounds of a kind take turns within it."""
        for kind in KINDS:
            rows = [row for row in kind.rows if row in wanted]
            if not rows:
                continue
            say(f"== {', '.join(rows)}")
            begun = time.monotonic()
            try:
                self._measure(kind, rows)
            except (Invalid, AssertionError) as error:
                say(f"not measured: {error}")
                self.report.failed(", ".join(rows), error)
            say(f"   {time.monotonic() - begun:.0f} s")

    def _measure(self, kind, rows):
        measuring = kind(self, rows)
        for number in range(1, self.rounds + 1):
            say(f"   round {number}")
            measuring.round(number)
        if hasattr(measuring, "finish"):
            measuring.finish()


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: does the rig work?")
    parser.add_argument("--only", default="", metavar="NAME,...", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, help="default: 5, with --quick 1")
    parser.add_argument("--out", metavar="FILE", help="also write the tables, with every round")
    given = parser.parse_args()
    given.only = [name for name in given.only.split(",") if name] or ROWS
    unknown = sorted(set(given.only) - set(ROWS))
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return given


def prepare():
    """An empty folder, files enough for 1,024 connections, and nobody else who measures."""
    RIG.mkdir(parents=True, exist_ok=True)
    lock = open(RIG / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("bench: another one runs here")
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir()
    tempfile.tempdir = str(RUN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    return lock


def main():
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lock = prepare()
    rounds = given.rounds or (1 if given.quick else 5)
    load = os.getloadavg()[0]
    bench = Bench(given.quick, rounds)
    begun = time.monotonic()
    times = f"{rounds} round{'s'[: rounds != 1]}{', quick' if given.quick else ''}"
    heading = f"{commit()}, {times}; {machine()}"
    if load > 0.5:
        heading += f"; NOT IDLE: load {load:.1f} at the start"
    say(heading)
    try:
        with contextlib.closing(bench):
            bench.run(given.only)
    finally:
        heading += f"; took {(time.monotonic() - begun) / 60:.0f} min"
        if given.out:
            with open(given.out, "w") as file:
                file.write(bench.report.text(heading, raw=True))
        print(bench.report.text(heading, raw=False))
    lock.close()
    missed = bench.report.missed()
    if missed:
        say(f"bench: missed: {', '.join(missed)}")
    sys.exit(1 if missed or bench.report.failures else 0)


if __name__ == "__main__":
    main()
