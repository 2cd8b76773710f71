"""Many passwords at once: few calls, and the same promises as for one."""

import os
import random
import signal
import time
import unittest

from harness import StackTest, main, wait_for
from simulator import passwords, steps

TAG = "1"
HELD = "* /api/3/"
ORDER = ["PASSWORD", f"tag:{TAG}"]


class BulkTest(StackTest):
    limits = ("webhooks=off",)

    @classmethod
    def deliver(cls, ids):
        """Every contact's webhook while ActiveCampaign answers nothing; then it does again.

        Returns the number of the last request until then.
        """
        stack, acsim = cls.stack, cls.stack.acsim
        acsim.fault(HELD, status=503, retry_after=2)
        answers = acsim.flood(ids, stack.genpass_url(f"tid={TAG}"), dialect="automation")
        if answers != {200: len(ids)}:
            raise AssertionError(f"the webhooks were answered with {answers}")
        waiting = len(stack.open_jobs("password"))
        if waiting != len(ids):
            raise AssertionError(f"{waiting} passwords wait, not {len(ids)}")
        released = acsim.last_request()
        acsim.clear_faults(HELD)
        return released

    @classmethod
    def wait_for_tags(cls, ids, timeout):
        missing = set(ids)

        def complete():
            for i, (_, _, _, tags) in cls.stack.acsim.digest().items():
                if TAG in tags:
                    missing.discard(i)
            return not missing

        wait_for(
            complete,
            lambda: f"{len(missing)} are not done; {cls.stack.open_jobs()[:10]}",
            timeout,
            every=0.25,
        )
        cls.stack.wait_until_idle(timeout)

    def assertServed(self, ids, contacts=None, repeats=False):
        """One password each, and the tag after it; perhaps written again, if `repeats`."""
        contacts = contacts or self.stack.acsim.contacts()
        bad = {}
        for i in ids:
            order, held = steps(contacts[i], ORDER), set(passwords(contacts[i]))
            again = repeats and order[:1] == ORDER[:1] and order.count(ORDER[1]) == 1
            if len(held) != 1 or not (order == ORDER or again):
                bad[i] = contacts[i]["history"]
        self.assertEqual(len(bad), 0, f"{len(bad)}: {list(bad.items())[:3]}")

    def assertLogIn(self, ids, contacts):
        for i in ids:
            one = contacts[i]
            answer = self.stack.login(one["email"], one["fields"]["PASSWORD"])
            self.assertEqual(answer.status, 200, f"{i}: {answer}")


class TenThousand(BulkTest):
    # Ten times the shipped rate and the importer's limit: a tenth of the time, the same calls.
    rate = "40/s"
    COUNT = 10000

    @classmethod
    def prepare(cls):
        cls.stack.wait_until_current()
        cls.stack.acsim.switch(imports_per_minute=1000)
        cls.ids = cls.stack.acsim.bulk(cls.COUNT, "member")
        released = cls.deliver(cls.ids)
        started = time.monotonic()
        cls.wait_for_tags(cls.ids, 150)
        cls.seconds = time.monotonic() - started
        cls.log = cls.stack.acsim.log(released)
        cls.contacts = cls.stack.acsim.contacts()
        kinds = {}
        for row in cls.log:
            kind = (row["method"], row["route"])
            kinds[kind] = kinds.get(kind, 0) + 1
        cls.kinds = kinds
        print(f"{cls.COUNT} passwords at {cls.rate}: {len(cls.log)} calls in {cls.seconds:.1f} s")
        print("\n".join(f"  {count} {' '.join(kind)}" for kind, count in sorted(kinds.items())))

    def test_it_takes_360_calls_at_most(self):
        self.assertLessEqual(len(self.log), 360, self.kinds)

    def test_every_contact_gets_one_password_and_the_tag_after_it(self):
        self.assertServed(self.ids, self.contacts)

    def test_the_passwords_differ(self):
        self.assertEqual(len({passwords(self.contacts[i])[0] for i in self.ids}), self.COUNT)

    def test_the_login_takes_what_activecampaign_holds(self):
        self.assertLogIn(self.ids[:: self.COUNT // 20], self.contacts)

    def test_no_call_was_refused(self):
        self.assertEqual([row for row in self.log if row["status"] not in (200, 201)], [])


class Trouble(BulkTest):
    rate = "100/s"

    @classmethod
    def prepare(cls):
        cls.stack.wait_until_current()

    def tearDown(self):
        self.stack.acsim.clear_faults()
        self.stack.wait_until_idle(60)

    def through(self, groups, timeout=45, repeats=False):
        """Makes groups of contacts {name: (count, fields)} and serves them together."""
        acsim = self.stack.acsim
        ids = {
            name: acsim.bulk(count, name, fields=fields) for name, (count, fields) in groups.items()
        }
        everyone = sum(ids.values(), [])
        released = self.deliver(everyone)
        self.wait_for_tags(everyone, timeout)
        routes = [row["route"] for row in acsim.log(released)]
        self.assertIn("/api/3/import/bulk_import", routes, "it did not go the bulk way")
        contacts = acsim.contacts()
        self.assertServed(everyone, contacts, repeats)
        self.assertLogIn(everyone[::15], contacts)
        return ids, contacts

    def test_rows_that_fail_go_singly_and_who_has_a_password_keeps_it(self):
        failing = [f"failing-{number:05}@example.com" for number in (1, 15, 30)]
        self.stack.acsim.switch(import_fail=failing)
        groups = {"failing": (30, {}), "theirs": (30, {"PASSWORD": "theirs already"})}
        ids, contacts = self.through(groups)
        held = {passwords(contacts[i])[0] for i in ids["theirs"]}
        self.assertEqual(held, {"theirs already"})
        self.assertEqual(len({passwords(contacts[i])[0] for i in ids["failing"]}), 30)

    def test_rows_that_are_said_to_succeed_and_did_not_go_singly(self):
        self.stack.acsim.switch(import_partial_fields=True)
        self.through({"partial": (30, {})})

    def test_imports_that_are_refused_or_whose_answer_is_lost_give_no_second_password(self):
        page = "<html>Service Unavailable</html>"
        match = "POST /api/3/import"
        self.stack.acsim.fault(match, status=503, body=page, times=2)
        self.stack.acsim.fault(match, reset=True, after=True, times=1)
        self.through({"refused": (30, {})}, timeout=60, repeats=True)

    @unittest.skipUnless(
        os.environ.get("MEMBERGATE_E2E_SLOW"), "takes four minutes: MEMBERGATE_E2E_SLOW=1"
    )
    def test_batches_that_never_end_leave_nobody_without(self):
        self.stack.acsim.switch(import_stuck=True)
        ids, _ = self.through({"stuck": (30, {})}, timeout=260, repeats=True)
        # They are applied after all: with the same password.
        self.stack.acsim.clear_faults()
        self.assertServed(ids["stuck"], repeats=True)


class Killed(BulkTest):
    rate = "100/s"
    daemon_restarts = True

    def test_a_kill_in_the_middle_gives_no_second_password_and_no_early_tag(self):
        chance = random.Random(20240229)
        ids = self.stack.acsim.bulk(300, "member")
        self.deliver(ids)
        self.stack.acsim.fault("* /api", delay_ms=60)
        for _ in range(6):
            before = self.stack.acsim.last_request()
            wait_for(lambda b=before: self.stack.acsim.last_request() > b + 1, "no call", 30)
            time.sleep(chance.uniform(0, 0.6))
            os.kill(self.stack.pid(), signal.SIGKILL)
            self.stack.up()
        self.stack.acsim.clear_faults()
        self.wait_for_tags(ids, 60)
        contacts = self.stack.acsim.contacts()
        self.assertServed(ids, contacts, repeats=True)
        self.assertLogIn(ids[::50], contacts)


if __name__ == "__main__":
    main()
