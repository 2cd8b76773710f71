"""100,000 contacts: how long a full sweep takes, what it costs, and that nothing is missed.

Not part of the suite. Runs a stack of its own:

  MEMBERGATE_BUILD=build/release python3 -B tests/e2e/large.py [CONTACTS [RATE]]

with CONTACTS (100000) at RATE (400/s), and prints, for each step, the time, the calls to
ActiveCampaign and the daemon's memory:

  1. a full sweep over an account that the cache does not know yet,
  2. 1,000 changes without a webhook, and a sync,
  3. a full sweep that is interrupted by kill -9 in its middle, and goes on,
  4. 100 deletions (0.1 %), and a full sweep that finds them.

After each step every contact is compared with ActiveCampaign's. Ends with 1 if any differs. At 4/s,
as shipped, the first step's 1,000 pages take about four minutes; here the calls count.
"""

import os
import pathlib
import signal
import sys
import time

from harness import Stack, ago, wait_for
from simulator import pages

HOUR = 3600


def memory(stack):
    status = pathlib.Path(f"/proc/{stack.pid()}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]
    return int(kilobytes) / 1024


class Steps:
    def __init__(self, stack):
        self.stack = stack
        self.failed = False

    def run(self, what, work):
        before, started = self.stack.acsim.last_request(), time.monotonic()
        work()
        self.stack.wait_until_current(HOUR)
        seconds = time.monotonic() - started
        log = self.stack.acsim.log(before)
        differing = self.stack.differences()
        self.failed |= bool(differing)
        print(
            f"{what}: {seconds:.1f} s, {len(log)} calls ({len(pages(log))} pages), "
            f"{memory(self.stack):.0f} MB, {len(differing)} contacts differ",
            flush=True,
        )
        for i, pair in list(differing.items())[:3]:
            print(f"  {i}: ActiveCampaign {pair[0]}, cache {pair[1]}")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    rate = sys.argv[2] if len(sys.argv) > 2 else "400/s"
    with Stack(rate) as stack:
        steps = Steps(stack)
        stack.wait_until_current()
        week = {"cdate": ago(days=7), "udate": ago(days=7)}
        ids = stack.acsim.bulk(count, "member", tags=["Gold"], fields={"PLAN": "basic"}, **week)

        def full_sweep(*more):
            stack.command("sync", "--full", *more, timeout=HOUR)

        def interrupted():
            before = stack.acsim.last_request()
            command = stack.start_command("sync", "--full")
            half = count // 200
            wait_for(lambda: len(pages(stack.acsim.log(before))) >= half, "no half", HOUR, 0.2)
            os.kill(stack.pid(), signal.SIGKILL)
            stack.up()
            stack.wait_until_current(HOUR)
            stack.finish_command(command, HOUR)

        def changes():
            for i in ids[:: max(count // 1000, 1)]:
                stack.acsim.touch(i, first_name="Renamed")
            stack.command("sync", timeout=HOUR)

        def deletions():
            for i in ids[:: max(count // 100, 1)][:100]:
                stack.acsim.delete(i)
            full_sweep()

        steps.run(f"a full sweep of {count} contacts", full_sweep)
        steps.run("1,000 changes", changes)
        steps.run("a full sweep with a kill in its middle", interrupted)
        steps.run("100 deletions", deletions)
    sys.exit(1 if steps.failed else 0)


if __name__ == "__main__":
    main()
