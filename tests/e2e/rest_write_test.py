"""What a site writes through the REST API: contacts, tags, automations, lists; repeated requests; the
time of a login."""

import datetime
import itertools
import json
import uuid

from harness import StackTest, main, percent, wait_for
from http_client import all_at_once

NUMBERS = itertools.count(1)
KIB = 1024


class WriteTest(StackTest):
    config = {"login.last_login_field": "last_login"}

    @classmethod
    def email(cls):
        return f"writer{next(NUMBERS)}@example.org"

    @classmethod
    def add(cls, **more):
        one = {"email": cls.email(), "first_name": "Ann", **more}
        (i,) = cls.stack.acsim.add(one)
        return {**one, "id": i}

    @classmethod
    def known(cls, **more):
        one = cls.add(**more)
        answer = cls.stack.get_contact(one["id"], "refresh=live")
        if answer.status != 200:
            raise AssertionError(str(answer))
        cls.stack.wait_until_idle()  # a field that is new is learnt by a refresh
        return one

    @classmethod
    def prepare(cls):
        cls.known(fields={"CITY": "Bonn", "NOTES": "x", "LAST_LOGIN": ""})

    def write(self, method, path, body, wait=8, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        return self.stack.api(method, "/contacts" + path, body, headers=headers)

    def upsert(self, wait=8, **body):
        return self.write("POST", "", body, wait)

    def patch(self, who, wait=8, **body):
        return self.write("PATCH", f"/{percent(who)}", body, wait)

    def change(self, who, what, wait=8, **body):
        return self.write("POST", f"/{percent(who)}/{what}", body, wait)

    def cached(self, who):
        """The contact as it is known here, without asking."""
        answer = self.stack.get_contact(who, "refresh=never")
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()

    def truth(self, one):
        return self.stack.acsim.contact(one["id"] if isinstance(one, dict) else one)

    def results(self, answer):
        return [(row["kind"], row["name"], row["result"]) for row in answer.json()["results"]]

    def job(self, location):
        answer = self.stack.http.request(
            "GET", location, headers={"Authorization": f"Bearer {self.stack.key}"}
        )
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()

    def requests(self, before):
        """What ActiveCampaign was asked since, as METHOD route."""
        return [row["method"] for row in self.stack.acsim.log(before)]


class Contacts(WriteTest):
    def test_a_new_contact_is_created_at_both_ends(self):
        email = self.email()
        answer = self.upsert(
            email=email.upper(), first_name="Jöhn", last_name="Doe", phone="+49 228",
            fields={"city": "Köln", "NOTES": "one\n\ttwo"},
        )
        self.assertEqual(answer.status, 201, str(answer))
        body = answer.json()
        i = body["contact_id"]
        self.assertEqual(answer.headers["Location"], f"/membergate/v1/contacts/{i}")
        names = ["email", "first_name", "last_name", "phone", "CITY", "NOTES"]
        self.assertEqual(self.results(answer), [("field", name, "applied") for name in names])
        there = self.truth(i)
        self.assertEqual((there["email"], there["first_name"]), (email, "Jöhn"))
        self.assertEqual((there["last_name"], there["phone"]), ("Doe", "+49 228"))
        self.assertEqual(there["fields"], {"CITY": "Köln", "NOTES": "one\n\ttwo"})
        here = self.cached(email)
        self.assertEqual((here["id"], here["first_name"], here["phone"]), (i, "Jöhn", "+49 228"))
        self.assertEqual(here["fields"], {"CITY": "Köln", "NOTES": "one\n\ttwo"})
        self.assertIs(here["confirmed"], True)
        job = self.job(f"/membergate/v1/jobs/{body['job']}")
        self.assertEqual((job["state"], job["contact_id"]), ("done", i))

    def test_a_contact_that_has_the_email_is_changed_where_it_differs(self):
        one = self.add(last_name="Old", fields={"CITY": "Bonn"})  # not known here
        before = self.stack.acsim.last_request()
        answer = self.upsert(email=one["email"], first_name="Ann", last_name="New",
                             fields={"CITY": "Bonn"})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.json()["contact_id"], one["id"])
        self.assertEqual([r for *_, r in self.results(answer)],
                         ["already", "already", "applied", "already"])
        self.assertEqual(self.requests(before), ["GET", "PUT"])
        self.assertEqual(self.truth(one)["last_name"], "New")
        self.assertEqual(self.cached(one["id"])["last_name"], "New")
        before = self.stack.acsim.last_request()
        self.assertEqual(self.upsert(email=one["email"], last_name="New").status, 200)
        self.assertEqual(self.requests(before), ["GET"])

    def test_one_new_contact_however_many_ask_for_it_at_once(self):
        email = self.email()
        answers = all_at_once(
            [lambda n=n: self.upsert(email=email, first_name=f"N{n}") for n in range(6)]
        )
        self.assertLessEqual({answer.status for answer in answers}, {200, 201})
        self.assertEqual(sum(answer.status == 201 for answer in answers), 1)
        self.assertEqual(len({answer.json()["contact_id"] for answer in answers}), 1)
        i = answers[0].json()["contact_id"]
        self.assertEqual(self.cached(i)["first_name"], self.truth(i)["first_name"])

    def test_all_that_is_patched_goes_in_one_request(self):
        one = self.known(fields={"CITY": "Bonn", "NOTES": "keep"})
        city = next(f["id"] for f in self.stack.acsim.directory("fields") if f["perstag"] == "CITY")
        before = self.stack.acsim.last_request()
        answer = self.patch(one["id"], first_name="", phone="1", fields={city: "Ulm & <Neu>"})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(self.requests(before), ["PUT"])
        self.assertEqual(answer.json()["results"][2]["name"], "CITY")
        there, here = self.truth(one), self.cached(one["email"])
        for side in (there, here):
            self.assertEqual((side["first_name"], side["phone"]), ("", "1"))
            self.assertEqual(side["fields"], {"CITY": "Ulm & <Neu>", "NOTES": "keep"})

    def test_an_email_is_changed_and_the_old_one_is_nobodys(self):
        one = self.known()
        new = self.email()
        self.assertEqual(self.patch(one["email"], email=new).status, 200)
        self.assertEqual(self.truth(one)["email"], new)
        self.assertEqual(self.cached(new)["id"], one["id"])
        answer = self.stack.get_contact(one["email"], "refresh=never")
        self.assertProblem(answer, 404, "not_found")

    def test_an_email_that_is_taken_is_409_and_nothing_is_set(self):
        one, other = self.known(), self.known()
        answer = self.patch(one["id"], email=other["email"], first_name="Eve")
        self.assertProblem(answer, 409, "email_taken")
        self.assertEqual([r for *_, r in self.results(answer)], ["refused", "refused"])
        self.assertEqual(self.truth(one)["email"], one["email"])
        self.assertEqual(self.cached(one["id"])["first_name"], "Ann")
        self.assertEqual(self.cached(other["email"])["id"], other["id"])

    def test_an_unknown_field_is_422_and_the_rest_is_set(self):
        one = self.known()
        answer = self.patch(one["id"], phone="7", fields={"NO_SUCH": "x", "987654": "y"})
        self.assertProblem(answer, 422, "refused")
        self.assertEqual(self.results(answer), [("field", "phone", "applied"),
                                                ("field", "NO_SUCH", "unknown"),
                                                ("field", "", "unknown")])
        self.assertEqual(self.truth(one)["phone"], "7")
        self.assertEqual(self.cached(one["id"])["phone"], "7")

    def test_a_field_that_is_new_in_activecampaign_is_found(self):
        one = self.known()
        self.add(fields={"BRAND_NEW": "x"})
        answer = self.patch(one["id"], fields={"brand_new": "y"})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(self.cached(one["id"])["fields"]["BRAND_NEW"], "y")

    def test_the_password_is_not_a_field_to_be_set(self):
        one = self.known()
        rows = self.stack.acsim.directory("fields")
        field = next(row["id"] for row in rows if row["perstag"] == "PASSWORD")
        for name in ("PASSWORD", "password", field):
            for answer in (self.patch(one["id"], fields={name: "My own 1"}),
                           self.upsert(email=one["email"], fields={name: "My own 1"})):
                self.assertProblem(answer, 400, "invalid_request", "/password")
        self.assertNotIn("PASSWORD", self.truth(one)["fields"])

    def test_a_contact_that_is_not_known_here_is_asked_for_first(self):
        one = self.add()
        self.assertEqual(self.patch(one["email"], phone="1").status, 200)
        self.assertEqual(self.truth(one)["phone"], "1")
        self.assertProblem(self.patch("nobody@example.org", phone="1"), 404, "not_found")

    def test_activecampaigns_refusal_is_told_in_its_words(self):
        self.stack.acsim.fault(
            "POST /api/3/contacts", status=422, times=1,
            body=json.dumps({"errors": [{"title": "No more contacts in this plan"}]}),
        )
        answer = self.upsert(email=self.email(), phone="1")
        self.assertProblem(answer, 422, "refused")
        self.assertIsNone(answer.json()["contact_id"])
        for row in answer.json()["results"]:
            self.assertEqual(row["result"], "refused")
            self.assertIn("No more contacts", row["detail"])

    def test_no_value_is_left_in_the_jobs(self):
        one = self.known()
        self.assertEqual(self.patch(one["id"], phone="0815-471147").status, 200)
        self.assertEqual(self.upsert(email=self.email(), phone="0815-471147").status, 201)
        self.assertEqual(self.stack.query("SELECT id FROM job WHERE payload LIKE '%471147%'"), [])


class Memberships(WriteTest):
    def test_automations_are_entered_and_left(self):
        one = self.known()
        answer = self.change(one["id"], "automations", add=["1", "Automation 2"])
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(self.results(answer), [("automation", "Automation 1", "applied"),
                                                ("automation", "Automation 2", "applied")])
        self.assertEqual(self.truth(one)["automations"], ["1", "2"])
        answer = self.change(one["email"], "automations", remove=["Automation 1", 3], add=[4])
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual([r for *_, r in self.results(answer)], ["applied", "already", "applied"])
        self.assertEqual(self.truth(one)["automations"], ["2", "4"])

    def test_automations_that_cannot_be_entered_are_422_and_the_others_are_entered(self):
        one = self.known()
        answer = self.change(one["id"], "automations", add=["10", "No such", 987, "1"])
        self.assertProblem(answer, 422, "refused")
        self.assertEqual([r for *_, r in self.results(answer)],
                         ["refused", "unknown", "unknown", "applied"])
        self.assertEqual(self.truth(one)["automations"], ["1"])

    def test_an_answer_that_is_lost_enters_nobody_twice(self):
        one = self.known()
        self.stack.acsim.fault("POST /api/3/contactAutomations", truncate=10, times=1)
        answer = self.change(one["id"], "automations", wait=0, add=["1"])
        self.assertEqual(answer.status, 202, str(answer))
        self.stack.wait_until_idle()
        self.assertEqual(self.job(answer.headers["Location"])["state"], "done")
        self.assertEqual(self.truth(one)["automations"], ["1"])

    def test_lists_are_subscribed_left_and_subscribed_again(self):
        one = self.known()
        for body, status in (({"add": ["Members"]}, "1"), ({"remove": [1]}, "2"),
                             ({"add": ["1"]}, "1")):
            answer = self.change(one["id"], "lists", **body)
            self.assertEqual(answer.status, 200, str(answer))
            self.assertEqual(self.results(answer), [("list", "Members", "applied")])
            self.assertEqual(self.truth(one)["lists"], [{"id": "1", "status": status}])
            self.assertEqual(self.cached(one["id"])["lists"], [{"id": "1", "status": int(status)}])
            again = self.change(one["id"], "lists", **body)
            self.assertEqual(self.results(again), [("list", "Members", "already")])

    def test_unknown_lists_are_422_and_who_is_on_none_stays_on_none(self):
        one = self.known()
        answer = self.change(one["id"], "lists", add=["No such", 987], remove=["Members"])
        self.assertProblem(answer, 422, "refused")
        self.assertEqual([r for *_, r in self.results(answer)], ["already", "unknown", "unknown"])
        self.assertEqual(self.truth(one)["lists"], [])

    def test_a_tag_that_is_there_is_already_added(self):
        one = self.known(tags=["Gold"])
        answer = self.change(one["id"], "tags", add=["Gold", "Member"])
        self.assertEqual(self.results(answer), [("tag", "Gold", "already"),
                                                ("tag", "Member", "applied")])


class Repeated(WriteTest):
    def repeated(self, method, path, body, wait=8, key=None):
        key = key or str(uuid.uuid4())
        return [self.write(method, path, body, wait, Idempotency_Key=key) for _ in range(2)]

    def test_every_write_is_carried_out_once(self):
        one = self.known()
        for method, path, body in (
            ("POST", "", {"email": self.email()}),
            ("PATCH", f"/{one['id']}", {"phone": "1"}),
            ("POST", f"/{one['id']}/tags", {"add": ["Gold"]}),
            ("POST", f"/{one['id']}/automations", {"add": ["1"]}),
            ("POST", f"/{one['id']}/lists", {"add": ["1"]}),
        ):
            jobs = self.stack.counts()["job"]
            first, second = self.repeated(method, path, body)
            self.assertEqual(first.status, 200 if path else 201, str(first))
            self.assertEqual((second.status, second.body), (first.status, first.body))
            self.assertEqual(second.headers["Location"], first.headers["Location"])
            self.assertEqual(self.stack.counts()["job"], jobs + 1)
        self.assertEqual(self.truth(one)["automations"], ["1"])

    def test_at_the_same_time_one_is_carried_out_and_the_others_are_told(self):
        one = self.known()
        key = str(uuid.uuid4())
        answers = all_at_once([
            lambda: self.write("POST", f"/{one['id']}/automations", {"add": ["1"]}, 8,
                               Idempotency_Key=key)
        ] * 8)
        self.assertLessEqual({answer.status for answer in answers}, {200, 409})
        self.assertIn(200, {answer.status for answer in answers})
        self.assertEqual(self.truth(one)["automations"], ["1"])

    def test_while_it_runs_it_is_409_and_later_its_answer(self):
        one = self.known()
        self.stack.acsim.fault(f"PUT /api/3/contacts/{one['id']}", delay_ms=700, times=1)
        request = ("PATCH", f"/{one['id']}", {"phone": "1"}, 0, "slow")
        first, second = self.repeated(*request)
        self.assertEqual(first.status, 202, str(first))
        self.assertProblem(second, 409, "idempotency_in_progress")
        self.assertEqual(second.headers["Retry-After"], "1")
        self.stack.wait_until_idle()
        self.assertEqual(self.repeated(*request)[0].status, 200)

    def test_another_request_under_the_key_is_422(self):
        one = self.known()
        path = f"/{one['id']}"
        self.assertEqual(self.repeated("PATCH", path, {"phone": "1"}, key="same")[0].status, 200)
        for method, other, body in (("PATCH", path, {"phone": "2"}),
                                    ("PATCH", f"/{percent(one['email'])}", {"phone": "1"}),
                                    ("POST", path + "/tags", {"add": ["Gold"]})):
            answer = self.write(method, other, body, 8, Idempotency_Key="same")
            self.assertProblem(answer, 422, "idempotency_mismatch")
        self.assertEqual(self.truth(one)["phone"], "1")
        key = self.stack.new_key("another-site", "contacts:write")
        headers = {"Idempotency-Key": "same", "Prefer": "wait=8"}
        answer = self.stack.api("PATCH", "/contacts" + path, {"phone": "2"}, key, headers)
        self.assertEqual(answer.status, 200, str(answer))

    def test_a_malformed_key_is_400(self):
        one = self.known()
        for key in ("a b", "x" * 129, "\xe9", "a\tb"):
            answer = self.write("PATCH", f"/{one['id']}", {"phone": "1"}, 8, Idempotency_Key=key)
            self.assertProblem(answer, 400, "invalid_request", "Idempotency-Key")


class BadWrites(WriteTest):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.ann = cls.known()
        cls.routes = [
            ("POST", "", {"email": cls.ann["email"], "phone": "bad"}),
            ("PATCH", f"/{cls.ann['id']}", {"phone": "bad"}),
            ("POST", f"/{cls.ann['id']}/tags", {"add": ["Gold"]}),
            ("POST", f"/{cls.ann['id']}/automations", {"add": ["1"]}),
            ("POST", f"/{cls.ann['id']}/lists", {"add": ["1"]}),
        ]

    def setUp(self):
        self.before = self.stack.counts()
        self.asked = self.stack.acsim.last_request()

    def tearDown(self):
        self.assertEqual(self.stack.counts(), self.before)
        self.assertEqual(self.stack.acsim.log(self.asked), [])

    def send(self, method, path, body, **headers):
        return self.stack.api(method, "/contacts" + path, body, headers=headers)

    def test_without_a_key_or_with_another_scope_nothing_is_written(self):
        reader = self.stack.new_key("reader", "login,contacts:read,admin")
        for method, path, body in self.routes:
            answer = self.stack.api(method, "/contacts" + path, body, key="nonsense")
            self.assertProblem(answer, 401, "key")
            answer = self.stack.api(method, "/contacts" + path, body, key=reader)
            self.assertProblem(answer, 403, "scope", "contacts:write")

    def test_what_is_no_json_is_415_and_what_is_too_long_413(self):
        for method, path, body in self.routes:
            for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
                answer = self.send(method, path, json.dumps(body), **{"Content-Type": kind})
                self.assertProblem(answer, 415, "unsupported_media_type")
            answer = self.send(method, path, json.dumps(body) + " " * 64 * KIB)
            self.assertEqual(answer.status, 413, str(answer))

    def test_bodies_that_are_no_json_object_or_bad_utf8_are_400(self):
        broken = ("", "{", "[]", "null", '"x"', b'{"phone":"\xc3\x28"}', b'{"phone":"\xff"}',
                  b'{"fields":{"CITY":"\xed\xa0\x80"}}', '{"phone":"\\ud800"}', b"\x00")
        for method, path, _ in self.routes:
            for body in broken:
                self.assertProblem(self.send(method, path, body), 400, "invalid_request")

    def test_unknown_members_and_wrong_types_are_400(self):
        for method, path, body in self.routes:
            self.assertProblem(self.send(method, path, {**body, "pass": 1}), 400, "unknown_field")
            for name in body:
                for wrong in (7, True, {}, {"x": 1}, 1.5):
                    answer = self.send(method, path, {**body, name: wrong})
                    self.assertProblem(answer, 400, "invalid_request", name)
            self.assertProblem(self.send(method, path, {}), 400, "invalid_request")
        for fields in ([], "x", 7, {"CITY": 7}, {"CITY": None}, {"CITY": ["x"]}, {"": "x"}):
            for method, path, body in self.routes[:2]:
                answer = self.send(method, path, {**body, "fields": fields})
                self.assertProblem(answer, 400, "invalid_request")

    def test_control_characters_and_huge_values_are_400(self):
        for method, path, body in self.routes[:2]:
            for bad in ("\0", "\x1b[31m", "\x7f", "a\x0bb"):
                for more in ({"phone": bad}, {"first_name": f"a{bad}"}, {"fields": {"CITY": bad}},
                             {"fields": {f"CITY{bad}": "x"}}):
                    answer = self.send(method, path, {**body, **more})
                    self.assertProblem(answer, 400, "invalid_request")
            for more in ({"phone": "a\nb"}, {"phone": "x" * (32 * KIB + 1)},
                         {"fields": {"CITY": "x" * (32 * KIB + 1)}},
                         {"fields": {f"F{n}": "x" for n in range(101)}}):
                answer = self.send(method, path, {**body, **more})
                self.assertProblem(answer, 400, "invalid_request")

    def test_emails_that_are_none_are_400(self):
        for email in ("", "x", "@", "a@", "a b@example.org", "a@b@c", "x" * 300 + "@example.org",
                      "a@example.org\r\nX: y"):
            for method, path, _ in self.routes[:2]:
                answer = self.send(method, path, {"email": email})
                self.assertProblem(answer, 400, "invalid_request")

    def test_other_methods_are_405(self):
        for path in ("", *(f"/{self.ann['id']}/{what}" for what in ("tags", "automations", "lists"))):
            for method in ("GET", "PUT", "DELETE", "PATCH"):
                answer = self.stack.api(method, "/contacts" + path)
                self.assertProblem(answer, 405, "method_not_allowed")
                self.assertEqual(answer.headers["Allow"], "POST")

    def test_paths_that_name_no_contact_are_400(self):
        for who in ("x", "0", "-1", "%01", "a@b@c"):
            for method, path, body in self.routes[1:]:
                target = f"/{who}" + path[len(f"/{self.ann['id']}"):]
                self.assertProblem(self.send(method, target, body), 400, "invalid_request")


class LastLogin(WriteTest):
    def test_a_login_is_written_down_once_an_hour(self):
        one = self.known(fields={"PASSWORD": "a good password"})
        answer = self.stack.login(one["email"], "a good password")
        self.assertEqual(answer.status, 200, str(answer))
        self.stack.wait_until_idle()
        written = datetime.datetime.fromisoformat(self.truth(one)["fields"]["LAST_LOGIN"])
        age = datetime.datetime.now(datetime.timezone.utc) - written
        self.assertLess(abs(age.total_seconds()), 60)
        self.assertEqual(self.cached(one["id"])["fields"]["LAST_LOGIN"],
                         self.truth(one)["fields"]["LAST_LOGIN"])
        jobs = "SELECT count(*) FROM job WHERE kind = 'last_login'"
        count = self.stack.query(jobs)
        self.assertEqual(self.stack.login(one["email"], "a good password").status, 200)
        self.assertEqual(self.stack.login(one["email"], "wrong").status, 401)
        self.stack.wait_until_idle()
        self.assertEqual(self.stack.query(jobs), count)


class WhileActiveCampaignIsDown(WriteTest):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.ann = cls.known(fields={"PASSWORD": "a good password"})

    def test_what_is_accepted_is_done_later_and_logins_go_on(self):
        self.stack.acsim_down()
        one, email = self.ann, self.email()
        answers = [
            self.write("PATCH", f"/{one['id']}", {"phone": "later"}, 0, Idempotency_Key="later"),
            self.upsert(0, email=email, first_name="Late"),
            self.change(one["id"], "tags", 0, add=["Gold"]),
            self.change(one["id"], "automations", 0, add=["1"]),
            self.change(one["id"], "lists", 1, add=["Members"]),
        ]
        for answer in answers:
            self.assertEqual(answer.status, 202, str(answer))
            self.assertLess(answer.seconds, 3)
            job = self.job(answer.headers["Location"])
            self.assertIn(job["state"], ("queued", "running"))
        again = self.write("PATCH", f"/{one['id']}", {"phone": "later"}, 0, Idempotency_Key="later")
        self.assertProblem(again, 409, "idempotency_in_progress")
        self.assertProblem(self.patch("stranger@example.org", phone="1"), 503, "unavailable")
        self.assertEqual(self.stack.login(one["email"], "a good password").status, 200)

        self.stack.acsim_up()
        locations = [answer.headers["Location"] for answer in answers]
        wait_for(lambda: all(self.job(where)["state"] == "done" for where in locations),
                 lambda: [self.job(where) for where in locations], 60)
        self.stack.wait_until_idle(60)
        there, here = self.truth(one), self.cached(one["id"])
        self.assertEqual((there["phone"], here["phone"]), ("later", "later"))
        self.assertEqual(there["automations"], ["1"])
        self.assertEqual(here["lists"], [{"id": "1", "status": 1}])
        self.assertEqual([tag["name"] for tag in here["tags"]], ["Gold"])
        self.assertTrue(there["fields"]["LAST_LOGIN"])
        new = self.cached(email)
        self.assertEqual((new["first_name"], self.truth(new["id"])["first_name"]), ("Late", "Late"))
        self.assertEqual(self.job(locations[1])["contact_id"], new["id"])
        done = self.write("PATCH", f"/{one['id']}", {"phone": "later"}, 0, Idempotency_Key="later")
        self.assertEqual(done.status, 200, str(done))


if __name__ == "__main__":
    main()
