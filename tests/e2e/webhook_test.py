"""What webhooks bring about, as long as everything goes well."""

import itertools
import urllib.parse

from harness import StackTest, automation_body, main, wait_for
from http_client import all_at_once
from simulator import passwords

NUMBERS = itertools.count(1)


class WebhookTest(StackTest):
    def add(self, **more):
        one = {"email": f"member{next(NUMBERS)}@example.org", "first_name": "Ann", **more}
        (i,) = self.stack.acsim.add(one)
        return {**one, "id": i}

    def accepted(self, answer, status="accepted"):
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.json()["status"], status, str(answer))
        return answer.json()

    def served(self, one):
        """The contact in ActiveCampaign once nothing is left to do."""
        self.stack.wait_until_idle()
        return self.stack.acsim.contact(one["id"])

    def cached(self, one):
        answer = self.stack.get_contact(one["id"], "refresh=never")
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()


class AskingForAPassword(WebhookTest):
    expected_errors = frozenset({"job_dead"})

    def test_the_answer_says_what_will_happen(self):
        one = self.add()
        answer = self.stack.genpass(one)
        self.assertEqual(
            answer.json(), {"status": "accepted", "contact": one["id"], "password": "queued"}
        )
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(len(passwords(self.served(one))), 1)

    def test_the_front_page_is_known_by_its_other_names_too(self):
        for path in ("/?", "/index.php?", "/?utm=1&", "//?"):
            one = self.add()
            target = f"{path}mbr_genpass={self.stack.code}"
            self.accepted(self.stack.post_form(target, automation_body(one)))
            self.assertEqual(len(passwords(self.served(one))), 1, path)

    def test_lists_of_tags_and_automations_may_hold_blanks_and_encoded_commas(self):
        for query in (
            "tid=1,2&automation=3,4",
            "tid=1%2C+2&automation=3%2c%204",
            "tid=,1,,2,&automation=3,4,",
        ):
            one = self.add()
            self.accepted(self.stack.genpass(one, query))
            contact = self.served(one)
            self.assertEqual([tag["id"] for tag in contact["tags"]], ["1", "2"], query)
            self.assertEqual(contact["automations"], ["3", "4"], query)

    def test_a_default_password_is_taken_as_given(self):
        one, password = self.add(), "Grün & 100%+ \"1\""
        self.accepted(self.stack.genpass(one, "default_pass=" + urllib.parse.quote_plus(password)))
        self.assertEqual(passwords(self.served(one)), [password])
        self.assertEqual(self.stack.login(one["email"], password).status, 200)

    def test_a_default_password_does_not_replace_one_that_is_there(self):
        one = self.add(fields={"PASSWORD": "theirs already"})
        self.accepted(self.stack.genpass(one, "default_pass=ours&tid=1"))
        contact = self.served(one)
        self.assertEqual(passwords(contact), ["theirs already"])
        self.assertEqual([tag["id"] for tag in contact["tags"]], ["1"])

    def test_without_autoregister_the_password_goes_to_activecampaign_only(self):
        one = self.add()
        self.accepted(self.stack.genpass(one, "autoregister=n"))
        self.assertEqual(len(passwords(self.served(one))), 1)
        rows = self.stack.query("SELECT * FROM credential WHERE contact_id = ?", int(one["id"]))
        self.assertEqual(rows, [])

    def test_a_contact_named_by_its_email_only_gets_its_password(self):
        one = self.add()
        body = urllib.parse.urlencode({"contact[email]": one["email"].upper()})
        answer = self.accepted(self.stack.post_form(self.stack.genpass_target("tid=1"), body))
        self.assertIsNone(answer["contact"])
        contact = self.served(one)
        self.assertEqual(len(passwords(contact)), 1)
        self.assertEqual([tag["id"] for tag in contact["tags"]], ["1"])
        self.assertEqual(self.stack.login(one["email"], passwords(contact)[0]).status, 200)

    def test_a_contact_named_both_ways_at_once_gets_one_password(self):
        one = self.add()
        body = urllib.parse.urlencode({"contact[email]": one["email"]})
        self.stack.acsim.fault("GET /api/3/contacts", delay_ms=300, times=2)
        self.accepted(self.stack.post_form(self.stack.genpass_target("automation=1"), body))
        self.accepted(self.stack.genpass(one, "automation=1&tid=1"))
        contact = self.served(one)
        self.assertEqual(len(passwords(contact)), 1, contact)
        self.assertEqual(self.stack.login(one["email"], passwords(contact)[0]).status, 200)

    def test_an_automation_that_takes_nobody_ends_refused_and_the_rest_is_done(self):
        one = self.add()
        self.accepted(self.stack.genpass(one, "tid=1,987654&automation=10,1"))
        contact = self.served(one)
        self.assertEqual(len(passwords(contact)), 1)
        self.assertEqual([tag["id"] for tag in contact["tags"]], ["1"])
        self.assertIn("1", contact["automations"])

    def test_a_contact_that_activecampaign_does_not_have_ends_its_job(self):
        one = {"id": "777777", "email": "invented@example.org"}
        self.accepted(self.stack.genpass(one, "tid=1"))
        self.stack.wait_until_idle()
        ((state,),) = self.stack.query(
            "SELECT state FROM job WHERE contact_id = 777777 AND kind = 'password'"
        )
        self.assertEqual(state, 5)  # dead
        self.assertProblem(self.stack.get_contact("777777"), 404, "not_found")

    def test_the_field_is_made_once_and_belongs_to_the_lists(self):
        for _ in range(3):
            self.stack.genpass(self.add())
        self.stack.wait_until_idle()
        fields = [f for f in self.stack.acsim.directory("fields") if f["perstag"] == "PASSWORD"]
        self.assertEqual(len(fields), 1)
        self.assertTrue(fields[0]["relations"])


class TakingData(WebhookTest):
    @classmethod
    def prepare(cls):
        # The daemon learns of the field when it reads the directories.
        cls.stack.acsim.add({"email": "first@example.org", "fields": {"CITY": "Kiel"}})
        cls.stack.kill("membergate", "TERM")
        cls.stack.up()
        cls.stack.wait_until_idle()
        cls.first_pid = cls.stack.pid()

    def hold_reads(self):
        """The refresh that a webhook queues stays out until the test has looked."""
        self.stack.acsim.fault("GET /api/3/contacts", delay_ms=1500, times=1)

    def tearDown(self):
        self.stack.wait_until_idle()
        self.stack.acsim.clear_faults()

    def test_what_a_body_says_is_served_at_once_and_is_unconfirmed_until_it_was_read(self):
        one = self.add(fields={"CITY": "Bonn"}, tags=["Gold"], last_name="Lee", phone="123")
        self.stack.get_contact(one["id"], "refresh=live")
        self.hold_reads()
        body = {**one, "first_name": "Bea", "fields": {"CITY": "Ulm"}, "tags": ["Member", "Gold"]}
        self.accepted(self.stack.event(body))
        contact = self.cached(one)
        self.assertEqual((contact["first_name"], contact["fields"]["CITY"]), ("Bea", "Ulm"))
        self.assertEqual([tag["name"] for tag in contact["tags"]], ["Member", "Gold"])
        self.assertIs(contact["confirmed"], False)
        self.stack.wait_until_idle()
        contact = self.cached(one)
        self.assertEqual((contact["first_name"], contact["fields"]["CITY"]), ("Ann", "Bonn"))
        self.assertIs(contact["confirmed"], True)

    def test_a_key_that_the_body_lacks_is_not_an_empty_value(self):
        one = self.add(last_name="Lee", phone="123", fields={"CITY": "Bonn"})
        self.stack.get_contact(one["id"], "refresh=live")
        self.hold_reads()
        rows = [("type", "update"), ("contact[id]", one["id"]), ("contact[email]", one["email"])]
        body = urllib.parse.urlencode(rows + [("contact[phone]", "")])
        self.accepted(self.stack.post_form(self.stack.events_target(), body))
        contact = self.cached(one)
        self.assertEqual((contact["last_name"], contact["phone"]), ("Lee", ""))
        self.assertEqual(contact["fields"], {"CITY": "Bonn"})

    def test_passwords_are_not_taken_from_bodies(self):
        one = self.add(fields={"PASSWORD": "the real one"})
        self.stack.get_contact(one["id"], "refresh=live")
        self.hold_reads()
        self.accepted(self.stack.event({**one, "fields": {"PASSWORD": "from a body"}}))
        answer = self.stack.login(one["email"], "from a body", client_ip="192.0.2.1")
        self.assertEqual(answer.status, 401, str(answer))
        self.assertEqual(self.cached(one)["fields"], {})

    def test_an_email_that_differs_is_not_taken_from_a_body(self):
        one, other = self.add(), self.add()
        for each in (one, other):
            self.stack.get_contact(each["id"], "refresh=live")
        for email in ("intruder@example.org", other["email"]):
            self.accepted(self.stack.event({**one, "email": email}))
            self.stack.wait_until_idle()
            self.assertEqual(self.cached(one)["email"], one["email"])
        owner = self.stack.get_contact(other["email"], "refresh=never").json()
        self.assertEqual(owner["id"], other["id"])

    def test_an_email_that_changed_in_activecampaign_is_followed(self):
        one = self.add()
        self.stack.get_contact(one["id"], "refresh=live")
        self.stack.acsim.touch(one["id"], email="moved@example.org")
        self.accepted(self.stack.event({**one, "email": "moved@example.org"}))
        self.stack.wait_until_idle()
        moved = self.stack.get_contact("moved@example.org", "refresh=never").json()
        self.assertEqual(moved["id"], one["id"])
        self.assertProblem(self.stack.get_contact(one["email"], "refresh=never"), 404, "not_found")

    def test_an_event_from_before_what_is_known_overwrites_nothing(self):
        one = self.add()
        self.stack.get_contact(one["id"], "refresh=live")
        self.hold_reads()
        old = automation_body({**one, "first_name": "Old"})
        body = f"type=update&date_time=2020-01-01T00:00:00-06:00&{old}"
        self.accepted(self.stack.post_form(self.stack.events_target(), body))
        self.assertEqual(self.cached(one)["first_name"], "Ann")

    def test_a_burst_about_one_contact_costs_few_requests(self):
        one = self.add()
        self.stack.get_contact(one["id"], "refresh=live")
        before = self.stack.acsim.last_request()
        self.hold_reads()
        names = [f"Name {number}" for number in range(200)]
        burst = [lambda n=name: self.stack.event({**one, "first_name": n}) for name in names]
        for answer in all_at_once(burst):
            self.accepted(answer)
        self.stack.wait_until_idle()
        # A read that the contact changed under is repeated, a few times a second.
        self.assertLess(len(self.stack.acsim.log(before)), 40)
        self.assertEqual(self.cached(one)["first_name"], "Ann")

    def test_the_simulators_own_event_bodies_are_understood(self):
        ids = [self.add(fields={"CITY": f"Town {n}"}, tags=["Gold"])["id"] for n in range(20)]
        url = self.stack.env["MEMBERGATE_URL"] + self.stack.events_target()
        self.assertEqual(self.stack.acsim.flood(ids, url, dialect="event"), {200: 20})
        self.stack.wait_until_idle()
        for number, i in enumerate(ids):
            contact = self.cached({"id": i})
            self.assertEqual(contact["fields"]["CITY"], f"Town {number}")
            self.assertEqual([tag["name"] for tag in contact["tags"]], ["Gold"])

    def test_an_event_hook_asks_for_no_password_while_automations_do(self):
        one = self.add()
        self.assertEqual(self.accepted(self.stack.event(one))["password"], "none")
        self.stack.wait_until_idle()
        self.assertEqual(passwords(self.stack.acsim.contact(one["id"])), [])

    def test_a_tag_that_is_new_in_activecampaign_is_learned(self):
        one = self.add()
        self.stack.get_contact(one["id"], "refresh=live")
        self.stack.acsim.touch(one["id"], tags_add=["Brand new, with comma"])
        self.accepted(self.stack.event({**one, "tags": ["Brand new, with comma"]}))
        self.stack.wait_until_idle()
        names = [tag["name"] for tag in self.cached(one)["tags"]]
        self.assertEqual(names, ["Brand new, with comma"])

    def test_a_field_that_is_new_in_activecampaign_is_learned(self):
        one = self.add()
        self.stack.get_contact(one["id"], "refresh=live")
        self.stack.acsim.touch(one["id"], fields={"SIZE": "XL"})
        url = self.stack.env["MEMBERGATE_URL"] + self.stack.events_target()
        self.assertEqual(self.stack.acsim.flood([one["id"]], url, dialect="event"), {200: 1})
        wait_for(
            lambda: self.cached(one)["fields"].get("SIZE") == "XL",
            lambda: f"not learned: {self.cached(one)}",
            timeout=10,
        )


if __name__ == "__main__":
    main()
