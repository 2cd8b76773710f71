"""Ten times more webhooks than nginx lets through: what was turned away is fetched."""

import time

from harness import StackTest, main, wait_for
from http_client import all_at_once
from simulator import passwords

CONTACTS = 2000
COPIES = 10


class Flooded(StackTest):
    rate = "100/s"
    config = {"password.event_rule": "all"}
    limits = ("webhooks=200/100",)

    @classmethod
    def prepare(cls):
        stack, acsim = cls.stack, cls.stack.acsim
        stack.wait_until_current()
        cls.ids = acsim.bulk(CONTACTS, "member")
        url = stack.genpass_url()
        started = time.monotonic()
        cls.answers = acsim.flood(CONTACTS, url, dialect="automation", times=COPIES)
        cls.ended = time.monotonic()
        cls.flood_seconds = cls.ended - started
        cls.before = acsim.last_request()
        cls.wait_for_all()
        cls.recovery_seconds = time.monotonic() - cls.ended
        stack.wait_until_current(60)
        cls.calls = len(acsim.log(cls.before))
        cls.contacts = acsim.contacts()
        print(
            f"{CONTACTS * COPIES} webhooks in {cls.flood_seconds:.1f} s: {cls.answers}; all "
            f"{CONTACTS} contacts served {cls.recovery_seconds:.1f} s later, by {cls.calls} calls"
        )

    @classmethod
    def wait_for_all(cls):
        missing = set(cls.ids)

        def complete():
            for i, (_, _, fields, _) in cls.stack.acsim.digest().items():
                if fields.get("PASSWORD"):
                    missing.discard(i)
            return not missing

        wait_for(complete, lambda: f"{len(missing)} have no password", 45, every=0.25)

    def test_webhooks_are_taken_or_told_to_wait(self):
        self.assertEqual(set(self.answers), {200, 429})
        self.assertEqual(sum(self.answers.values()), CONTACTS * COPIES)
        self.assertGreaterEqual(self.answers[429], CONTACTS * COPIES // 2)

    def test_the_refusal_says_how_long(self):
        one = self.contacts[self.ids[0]]
        answers = all_at_once([lambda: self.stack.genpass(one)] * 300)
        refused = [answer for answer in answers if answer.status == 429]
        self.assertTrue(refused, "nothing was refused")
        for answer in refused:
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)

    def test_every_contact_is_in_the_cache_as_in_activecampaign(self):
        self.assertCurrent()

    def test_every_contact_has_exactly_one_password_that_was_written_once(self):
        held = {i: passwords(self.contacts[i]) for i in self.ids}
        self.assertEqual({i: texts for i, texts in held.items() if len(texts) != 1}, {})
        self.assertEqual(len({texts[0] for texts in held.values()}), CONTACTS)

    def test_nothing_is_left_to_do_and_no_call_was_refused(self):
        self.assertGreater(self.stack.metric("membergate_shed_notes_total"), 0)
        self.assertNotIn(0, self.stack.gaps("shed")[:-1])
        self.assertEqual([row for row in self.stack.acsim.log() if row["status"] == 429], [])

    def test_members_log_in(self):
        for i in self.ids[::200]:
            one = self.contacts[i]
            answer = self.stack.login(one["email"], one["fields"]["PASSWORD"])
            self.assertEqual(answer.status, 200, f"{i}: {answer}")


if __name__ == "__main__":
    main()
