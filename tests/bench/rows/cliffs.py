"""What must not fall off steeply. Without budgets: the table of measurements shows them."""

import collections
import contextlib
import os
import random
import sqlite3
import time

from load import all_good, open_load, wrk
from rows.million import HOT, many
from rows.webhooks import CONNECTIONS, measured, post_to_daemon

BURST = 200
CONNECTION_COUNTS = (32, 128, 512, 1024)
LARGE_HOT = 100_000  # contacts, some four times what the cache holds


class Cliffs:
    rows = ("cliffs",)

    def __init__(self, bench, wanted):
        self.bench = bench
        self.membership = bench.membership()
        self.webhooks = self.membership.requests("webhooks", self.membership.webhooks())
        self.crowd = many(bench)

    def round(self, number):
        self._connections(number)
        self._long_reader(number)
        self._login_burst(number)
        self._hot_sets(number)
        self._many_contacts(number)

    def _post(self, number, membership, requests, connections, what):
        membership.stack.wait_until_idle(180)
        return post_to_daemon(self.bench, number, membership, requests, connections, what)

    def _connections(self, number):
        for count in CONNECTION_COUNTS:
            what = f"webhooks, {count} connections"
            self._post(number, self.membership, self.webhooks, count, what)

    def _long_reader(self, number):
        """A reader that stands still keeps the WAL from being emptied."""
        path = self.membership.stack.dir / "membergate.db"
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        with contextlib.closing(reader):
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM contact").fetchone()
            what = "webhooks, 32 connections, a long reader"
            self._post(number, self.membership, self.webhooks, CONNECTIONS, what)
            wal = os.path.getsize(f"{path}-wal") / 1e6
            reader.execute("COMMIT")
        self.bench.report.measured(number, what, wal_mb=wal)
        what = "webhooks, 32 connections, after it"
        self._post(number, self.membership, self.webhooks, CONNECTIONS, what)
        self.bench.report.measured(number, what, wal_mb=os.path.getsize(f"{path}-wal") / 1e6)

    def _login_burst(self, number):
        file = self.membership.requests("logins", self.membership.logins())
        found = open_load(self.membership.port, file, BURST / 0.01, 0.01, BURST)
        statuses = collections.Counter(found["statuses"])
        self.bench.report.measured(
            number,
            f"{BURST} logins at once",
            seconds=found["seconds"],
            status_200=statuses[200],
            status_503=statuses[503],
            status_other=sum(statuses.values()) - statuses[200] - statuses[503],
        )

    def _hot_sets(self, number):
        chance = random.Random(5)
        for count in (HOT, min(LARGE_HOT, self.crowd.count)):
            numbers = chance.sample(range(self.crowd.count), count)
            file = self.crowd.reads_of("set", numbers)
            wrk(self.crowd.port, file, CONNECTIONS, 3)
            what = f"contact GET, hot set of {count:,}"
            found = wrk(self.crowd.port, file, CONNECTIONS, self.bench.seconds, self.crowd.pids)
            all_good(found, what)
            measured(self.bench, number, what, found)

    def _many_contacts(self, number):
        name = f"{self.crowd.count:,} contacts"
        file = self.crowd.requests("webhooks", self.crowd.webhooks())
        self._post(number, self.crowd, file, CONNECTIONS, f"webhooks, 32 connections, {name}")
        begun = time.monotonic()
        self.crowd.stack.command("sync")
        seconds = time.monotonic() - begun
        self.bench.report.measured(number, f"a pass over the changes, {name}", seconds=seconds)
