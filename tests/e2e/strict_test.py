"""A minute at the shipped rate with more to do than it allows: logins first, no call refused."""

import time

from harness import StackTest, ago, main
from http_client import all_at_once
from simulator import busiest_second, pages, passwords

WEEK = {"cdate": ago(days=7), "udate": ago(days=7)}
SECONDS = 60
LOGINS = 20
JOBS = 200
LONGEST_WAIT = 0.5


class AtTheShippedRate(StackTest):
    rate = None  # 4/s
    config = {"password.bulk_from": "0", "login.max_age": "0s"}

    @classmethod
    def prepare(cls):
        stack, acsim = cls.stack, cls.stack.acsim
        people = [
            {"email": f"guest{n}@example.org", "fields": {"PASSWORD": f"of guest {n}"}, **WEEK}
            for n in range(LOGINS + 3)
        ]
        acsim.add(*people)
        stack.command("sync", "--full")
        stack.wait_until_current(60)
        # What a login takes if nothing is in its way.
        cls.alone = []
        for one in people[LOGINS:]:
            time.sleep(1.2)
            cls.alone.append(cls.login(one))

        ids = acsim.bulk(2000, "member", tags=["Gold"], **WEEK)
        before = acsim.last_request()
        waiting = [
            {"id": i, "email": f"member-{n + 1:05}@example.com"} for n, i in enumerate(ids[:JOBS])
        ]
        cls.answers = all_at_once([lambda one=one: stack.genpass(one) for one in waiting])
        sync = stack.start_command("sync", "--full")
        started = time.monotonic()
        cls.logins = []
        for number, one in enumerate(people[:LOGINS]):
            due = started + 1 + number * (SECONDS - 2) / LOGINS
            time.sleep(max(0, due - time.monotonic()))
            cls.logins.append(cls.login(one))
        time.sleep(max(0, started + SECONDS - time.monotonic()))
        cls.log = acsim.log(before)
        cls.all_requests = acsim.log()
        cls.served = sum(1 for contact in acsim.contacts().values() if passwords(contact))
        cls.left = len(stack.open_jobs("password"))
        sync.terminate()
        sync.communicate(timeout=30)
        print(
            f"{len(cls.log)} calls in {SECONDS} s, {len(pages(cls.log))} of them pages; logins "
            f"alone {max(a.seconds for a in cls.alone):.3f} s, beside it at most "
            f"{max(a.seconds for a in cls.logins):.3f} s; {cls.left} of {JOBS} passwords left"
        )

    @classmethod
    def login(cls, one):
        return cls.stack.login(one["email"], one["fields"]["PASSWORD"])

    def test_no_call_is_refused(self):
        refused = [row for row in self.all_requests if row["status"] in (429, 503)]
        self.assertEqual(refused, [])

    def test_never_more_than_five_calls_come_within_a_second(self):
        second = busiest_second(self.all_requests)
        arrived = [(row["t_ms"], row["method"], row["route"]) for row in second]
        self.assertLessEqual(len(second), 5, arrived)

    def test_the_allowance_is_used(self):
        self.assertGreaterEqual(len(self.log), 4 * SECONDS * 0.9)

    def test_there_was_more_to_do_all_the_time(self):
        self.assertEqual({answer.status for answer in self.answers}, {200})
        self.assertGreater(self.left, 0)
        self.assertLess(self.left, JOBS)

    def test_the_sweep_is_not_starved(self):
        self.assertGreater(len(pages(self.log)), 0)

    def test_every_login_was_served_with_fresh_data(self):
        for answer in self.alone + self.logins:
            self.assertEqual(answer.status, 200, str(answer))
            self.assertEqual(answer.json()["source"], "live", str(answer))

    def test_a_login_waits_half_a_second_at_most(self):
        alone = sorted(answer.seconds for answer in self.alone)[len(self.alone) // 2]
        waits = [answer.seconds - alone for answer in self.logins]
        self.assertLessEqual(max(waits), LONGEST_WAIT, [f"{wait:.3f}" for wait in waits])


if __name__ == "__main__":
    main()
