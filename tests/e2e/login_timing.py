"""Does the time of a refused login tell what was wrong? A command of its own, for a machine that has
little else to do: it takes minutes, and other work spreads the times.

    python3 tests/e2e/login_timing.py [--tries N]

Refuses N logins (2,000) of each kind, one after the other, the kinds in random order: an e-mail
that is unknown, a contact without a password, a wrong password where the true one is known by a quick
digest or by argon2. login.failure_time is 0, so that what the check takes shows, and ActiveCampaign
is not asked. Prints the medians, and how well they are known, and exits with 1 if those of the times
are more than 2 % apart. The daemon's CPU time is shown beside them: other work spreads it less.
"""

import argparse
import itertools
import os
import pathlib
import random
import statistics
import sys

from harness import Stack, wait_for

ALLOWED = 0.02
ACCOUNTS = 200  # of each kind: less than 100 failures each, which is where an account is throttled
MAX_TRIES = 90 * ACCOUNTS
PASSWORD = "the true password"
FAST, SLOW = 0, 1  # domain/credential.h

KINDS = {
    "stranger": "unknown e-mail",
    "nonesuch": "no password yet",
    "digested": "wrong password, known by its digest",
    "hashed": "wrong password, known by its argon2 hash",
}


def email_of(kind, number):
    return f"{kind}-{number + 1:05}@example.com"


def of_kind(stack, kind):
    """How many credentials of that kind there are."""
    return stack.query("SELECT count(*) FROM credential WHERE kind = ?", kind)[0][0]


def prepare(stack):
    for kind in ("nonesuch", "digested", "hashed"):
        fields = {} if kind == "nonesuch" else {"PASSWORD": PASSWORD}
        stack.acsim.bulk(ACCOUNTS, kind, fields=fields)
    stack.command("sync", "--full", timeout=300)
    stack.wait_until_current()
    # The first login with a password that somebody may have chosen gives it a slow hash.
    for number in range(ACCOUNTS):
        answer = stack.login(email_of("hashed", number), PASSWORD, client_ip="192.0.2.1")
        if answer.status != 200:
            raise AssertionError(str(answer))
    wait_for(lambda: of_kind(stack, SLOW) == ACCOUNTS, "the passwords have no slow hash", 60)
    if of_kind(stack, FAST) != ACCOUNTS:
        raise AssertionError("there are other credentials than those made here")


def cpu_ms(pid):
    """What all threads of a process have run for, in milliseconds."""
    spent = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e6


def measure(stack, tries):
    """[(milliseconds until the answer, of CPU time)] of every try, by kind."""
    # Each from an address of its own, or addresses and pairs would be throttled.
    addresses = (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in itertools.count(1))
    order = [(kind, number % ACCOUNTS) for kind in KINDS for number in range(tries)]
    random.shuffle(order)
    took = {kind: [] for kind in KINDS}
    pid = stack.pid()
    for kind, number in order:
        before = cpu_ms(pid)
        answer = stack.login(email_of(kind, number), "a wrong one", client_ip=next(addresses))
        if answer.status != 401:
            raise AssertionError(f"{email_of(kind, number)}: {answer}")
        took[kind].append((1000 * answer.seconds, cpu_ms(pid) - before))
    return took


def compare(what, took):
    """Prints the medians of one quantity; how far they are apart, as a share of the least."""
    medians = {kind: statistics.median(values) for kind, values in took.items()}
    least = min(medians.values())
    doubt = 0.0
    print(f"{what}:")
    for kind, words in KINDS.items():
        low, _, high = statistics.quantiles(took[kind], n=4)
        print(f"  {words:41} {len(took[kind])} logins, median {medians[kind]:.3f} ms, quartiles "
              f"{low:.3f} and {high:.3f}: {100 * (medians[kind] / least - 1):.2f} % more")
        # A median's standard error, for values that are spread like a normal distribution's.
        doubt = max(doubt, 0.93 * (high - low) / len(took[kind]) ** 0.5 / medians[kind])
    apart = max(medians.values()) / least - 1
    print(f"  {100 * apart:.2f} % apart; each median is known to {100 * doubt:.2f} %")
    return apart


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tries", type=int, default=2000, metavar="N")
    tries = arguments.parse_args().tries
    if not 2 <= tries <= MAX_TRIES:
        arguments.error(f"N is 2 to {MAX_TRIES}")
    config = {"login.failure_time": "0s", "login.refresh": "never"}
    with Stack(rate="200/s", config=config, limits=("off",)) as stack:
        prepare(stack)
        asked = stack.acsim.last_request()
        took = measure(stack, tries)
        if [row for row in stack.acsim.log(asked) if "email=" in row["path"]]:
            raise AssertionError("ActiveCampaign was asked")
    times = {kind: [time for time, _ in rows] for kind, rows in took.items()}
    cpu = {kind: [spent for _, spent in rows] for kind, rows in took.items()}
    apart = compare("time until the answer", times)
    compare("CPU time of the daemon", cpu)
    print(f"{100 * ALLOWED:.0f} % apart are allowed; load of the machine {os.getloadavg()[0]:.1f}")
    return 0 if apart <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
