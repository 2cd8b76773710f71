"""password.policy: what becomes of a password in ActiveCampaign's field."""

import re

from harness import StackTest, main, wait_for

LINK = re.compile(r"http://127\.0\.0\.1:1/membergate/link\?t=[A-Za-z0-9_-]{43}")


class PolicyTest(StackTest):
    def add(self, name, **more):
        one = {"email": f"{name}@example.org", "first_name": name, **more}
        (i,) = self.stack.acsim.add(one)
        return {**one, "id": i}

    def issued(self, name, query="tid=1"):
        """A new contact whose webhook has come; its password field is filled."""
        one = self.add(name)
        answer = self.stack.genpass(one, query)
        self.assertEqual(answer.json()["password"], "queued", str(answer))
        (one["field"],) = self.stack.wait_for_passwords([one["id"]]).values()
        self.stack.wait_until_idle()
        return one

    def field(self, one):
        return self.stack.acsim.contacts()[one["id"]]["fields"].get("PASSWORD", "")

    def written(self, one):
        """Every value that the field has had, oldest first."""
        history = self.stack.acsim.contacts()[one["id"]]["history"]
        return [row["value"] for row in history if row["field"] == "PASSWORD"]

    def tags(self, one):
        return [tag["id"] for tag in self.stack.acsim.contacts()[one["id"]]["tags"]]

    def assertLogsIn(self, one, password):
        answer = self.stack.login(one["email"], password)
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()

    def assertNowhere(self, text):
        """No file of the daemon or of nginx holds it."""
        for name, content in self.stack.files():
            self.assertNotIn(text.encode(), content, name)


class WipeOnLogin(PolicyTest):
    config = {"password.policy": "wipe-on-login"}

    def test_the_first_login_empties_the_field_and_the_password_stays_right(self):
        one = self.issued("ann")
        self.assertEqual(len(one["field"]), 24)
        session = self.assertLogsIn(one, one["field"])["session"]
        wait_for(lambda: self.field(one) == "", "the field is not emptied")
        self.stack.wait_until_idle()
        self.assertLogsIn(one, one["field"])
        self.assertEqual(self.written(one), [one["field"], ""])
        answer = self.stack.api("GET", "/session", headers={"Membergate-Session": session})
        self.assertEqual(answer.status, 200, "the wipe ended a session")
        self.assertEqual(
            self.stack.query("SELECT kind, source FROM credential WHERE contact_id = ?", one["id"]),
            [(1, None)],
            "not a slow hash without a source",
        )
        self.assertNowhere(one["field"])

    def test_another_webhook_does_not_issue_a_second_one(self):
        one = self.issued("bob")
        self.assertLogsIn(one, one["field"])
        wait_for(lambda: self.field(one) == "", "the field is not emptied")
        self.stack.wait_until_idle()
        self.stack.genpass(one, "tid=2")
        wait_for(lambda: "2" in self.tags(one), "no tag 2")
        self.stack.wait_until_idle()
        self.assertEqual(self.field(one), "")
        self.assertLogsIn(one, one["field"])

    def test_a_text_that_somebody_else_wrote_meanwhile_stays(self):
        one = self.issued("cid")
        self.stack.acsim.touch(one["id"], fields={"PASSWORD": "typed by the owner"})
        self.assertLogsIn(one, one["field"])
        self.stack.wait_until_idle()
        self.assertEqual(self.field(one), "typed by the owner")
        self.assertLogsIn(one, "typed by the owner")
        wait_for(lambda: self.field(one) == "", "that one is not wiped at its own login")

    def test_an_outage_only_delays_it(self):
        one = self.issued("dora")
        self.stack.acsim_down()
        self.assertLogsIn(one, one["field"])
        self.stack.acsim_up()
        wait_for(lambda: self.field(one) == "", "the field is not emptied", 60)
        self.stack.wait_until_idle(60)
        self.assertLogsIn(one, one["field"])

    def test_one_that_the_site_sets_lies_in_no_field(self):
        one = self.issued("eva")
        path = f"/contacts/{one['id']}/password"
        body = {"action": "set", "password": "her own choice"}
        answer = self.stack.api("POST", path, body, headers={"Prefer": "wait=8"})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(self.written(one), [one["field"], ""])
        self.assertLogsIn(one, "her own choice")
        self.assertProblem(
            self.stack.login(one["email"], one["field"]), 401, "invalid_credentials"
        )
        self.assertNowhere("her own choice")


class WipeAfter(PolicyTest):
    config = {"password.policy": "wipe-after:24h"}
    daemon_restarts = True

    def pass_a_day(self):
        """As if a day had passed since every password was set."""
        self.stack.kill("membergate", "TERM")
        self.stack.write("UPDATE credential SET changed_at = changed_at - 86400000")
        self.stack.write("UPDATE job SET due_at = due_at - 86400000 WHERE kind = 'wipe'")
        self.stack.up()

    def issued(self, name, query=""):
        one = self.add(name)
        self.stack.genpass(one, query)
        (one["field"],) = self.stack.wait_for_passwords([one["id"]]).values()
        wait_for(
            lambda: self.stack.query(
                "SELECT 1 FROM job WHERE kind = 'wipe' AND contact_id = ?", one["id"]
            ),
            "no wipe is due",
        )
        return one

    def test_a_day_later_the_field_is_empty(self):
        ann = self.issued("ann")
        adopted = self.add("bob", fields={"PASSWORD": "of another program"})
        self.stack.genpass(adopted)
        wait_for(lambda: len(self.stack.open_jobs("wipe")) == 2, "two are to be wiped")
        self.assertEqual(self.field(ann), ann["field"])
        self.pass_a_day()
        wait_for(lambda: self.field(ann) == self.field(adopted) == "", "the fields are not emptied")
        self.stack.wait_until_idle()
        self.assertLogsIn(ann, ann["field"])
        self.assertLogsIn(adopted, "of another program")

    def test_a_process_that_is_killed_amid_a_wipe_goes_on(self):
        one = self.issued("cid")
        self.stack.acsim.fault("PUT /api/3/contacts", delay_ms=1500, times=1)
        self.pass_a_day()
        wait_for(lambda: self.stack.acsim.faults_left() == 0, "nothing is written")
        self.stack.kill("membergate")
        self.stack.up()
        wait_for(lambda: self.field(one) == "", "the field is not emptied")
        self.stack.wait_until_idle()
        self.assertLogsIn(one, one["field"])


class Links(PolicyTest):
    config = {"password.policy": "link", "webhooks.public_url": "http://127.0.0.1:1"}

    def test_the_webhook_brings_a_link_and_then_the_tag(self):
        one = self.issued("ann", "tid=1")
        self.assertRegex(one["field"], LINK)
        self.assertEqual(self.tags(one), ["1"])
        self.assertProblem(
            self.stack.login(one["email"], one["field"]), 401, "invalid_credentials"
        )
        self.assertNowhere(one["field"].rpartition("=")[2])

    def test_a_second_webhook_leaves_the_link_alone(self):
        one = self.issued("bob", "tid=1")
        self.stack.genpass(one, "tid=2")
        self.stack.wait_until_idle()
        self.assertEqual(self.written(one), [one["field"]])

    def test_ten_at_once_go_the_bulk_way(self):
        people = [self.add(f"many{n}") for n in range(12)]
        for one in people:
            self.stack.genpass(one)
        fields = self.stack.wait_for_passwords([one["id"] for one in people])
        for text in fields.values():
            self.assertRegex(text, LINK)
        self.assertEqual(len(set(fields.values())), 12)

    def test_the_site_asks_for_a_link(self):
        one = self.issued("cid")
        path = f"/contacts/{one['id']}/password"
        answer = self.stack.api("POST", path, {"action": "link"})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertRegex(answer.json()["link"], LINK)
        self.assertEqual(self.field(one), one["field"])
        answer = self.stack.api("POST", path, {"action": "link", "push": True})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertRegex(self.field(one), LINK)
        self.assertNotEqual(self.field(one), one["field"])


if __name__ == "__main__":
    main()
