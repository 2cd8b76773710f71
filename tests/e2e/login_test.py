"""POST /membergate/v1/login, as a site's login form uses it."""

import hashlib
import itertools

from harness import StackTest, main, wait_for

FAILURE_TIME = 0.5  # login.failure_time as shipped
ADDRESSES = (f"203.0.113.{number}" for number in itertools.count(1))


def without_request_id(answer):
    body = answer.json()
    return answer.body.replace(body["request_id"].encode(), b"ID")


class LoginTest(StackTest):
    """Adds members; a client address of its own keeps each login out of the others' throttle."""

    @classmethod
    def add(cls, name, password=None, **more):
        one = {"email": f"{name}@example.org", "first_name": name, **more}
        if password:
            one["fields"] = {"PASSWORD": password}
        (i,) = cls.stack.acsim.add(one)
        return {**one, "id": i, "password": password}

    @classmethod
    def member(cls, name, password, **more):
        """One whom the daemon knows already."""
        one = cls.add(name, password, **more)
        cls.stack.genpass(one)
        cls.stack.wait_until_idle()
        return one

    def login(self, one, password=None, **more):
        more.setdefault("client_ip", next(ADDRESSES))
        return self.stack.login(one["email"], password or one["password"], **more)

    def assertAdmitted(self, answer, source=None):
        self.assertEqual(answer.status, 200, str(answer))
        if source:
            self.assertEqual(answer.json()["source"], source, str(answer))
        return answer.json()

    def assertRefused(self, answer):
        self.assertProblem(answer, 401, "invalid_credentials")
        self.assertGreaterEqual(answer.seconds, FAILURE_TIME - 0.01)

    def age(self, seconds):
        """As if `seconds` had passed since every contact was pulled."""
        self.stack.kill("membergate", "TERM")
        self.stack.write("UPDATE contact SET pulled_at = pulled_at - ?", 1000 * seconds)
        # The pass after the start finds nothing new, or it would pull them all.
        later = "UPDATE meta SET value = value + 3 * 86400000 WHERE key = 'sync.cursor'"
        self.stack.write(later)
        self.stack.up()


class Login(LoginTest):
    @classmethod
    def prepare(cls):
        cls.ann = cls.member("ann", "Ann's own", tags=["Member"])
        cls.none_yet = cls.add("nobody.yet")

    def test_the_answer_holds_contact_source_time_and_session(self):
        body = self.assertAdmitted(self.login(self.ann), "cache")
        self.assertEqual(
            set(body), {"contact", "source", "as_of", "session", "session_expires_at"}
        )
        self.assertEqual(body["contact"]["id"], self.ann["id"])
        self.assertEqual(body["contact"]["email"], self.ann["email"])
        self.assertEqual(body["contact"]["tags"], [{"id": "1", "name": "Member"}])
        self.assertNotIn("PASSWORD", body["contact"]["fields"])
        self.assertTrue(body["contact"]["confirmed"])
        self.assertGreater(body["session_expires_at"], body["as_of"])

    def test_an_answer_with_a_session_is_not_to_be_stored_by_caches(self):
        self.assertEqual(self.login(self.ann).headers["Cache-Control"], "no-store")

    def test_the_session_is_in_the_store_but_not_its_token(self):
        one = self.member("has.session", "for a session")
        token = self.assertAdmitted(self.login(one))["session"]
        self.assertGreaterEqual(len(token), 32)
        ((digest, via, expires, created),) = self.stack.query(
            "SELECT digest, via, expires_at, created_at FROM session WHERE contact_id = ?",
            int(one["id"]),
        )
        self.assertEqual(via, "password")
        self.assertGreater(expires, created)
        self.assertNotIn(token.encode(), digest)

    def test_sessions_differ(self):
        tokens = {self.assertAdmitted(self.login(self.ann))["session"] for _ in range(5)}
        self.assertEqual(len(tokens), 5)

    def test_the_email_is_trimmed_and_its_case_does_not_matter(self):
        self.assertAdmitted(self.login({**self.ann, "email": "  ANN@Example.ORG "}))

    def test_a_password_is_taken_as_it_is(self):
        self.assertRefused(self.login(self.ann, "ann's own"))
        self.assertRefused(self.login(self.ann, "Ann's own "))

    def test_unknown_wrong_and_none_yet_are_answered_with_the_same_bytes_and_not_at_once(self):
        answers = [
            self.login(self.ann, "wrong"),
            self.login({"email": "stranger@example.org"}, "wrong"),
            self.login(self.none_yet, "wrong"),
            self.login({"email": "no e-mail at all"}, "wrong"),
        ]
        for answer in answers:
            self.assertRefused(answer)
        self.assertEqual(len({without_request_id(answer) for answer in answers}), 1)
        names = {tuple(sorted(name.lower() for name in answer.headers)) for answer in answers}
        self.assertEqual(len(names), 1)

    def test_a_member_whom_nobody_announced_is_found_by_asking(self):
        stranger = self.add("unannounced", "made in ActiveCampaign")
        self.assertAdmitted(self.login(stranger), "live")
        self.assertAdmitted(self.login(stranger), "cache")

    def test_a_known_and_fresh_member_costs_no_request(self):
        before = self.stack.acsim.last_request()
        self.assertAdmitted(self.login(self.ann), "cache")
        self.assertEqual(self.stack.acsim.log(before), [])

    def test_a_member_whom_only_a_webhook_showed_is_asked_about(self):
        one = self.member("unconfirmed", "not confirmed")
        # The refresh that the webhook queues hangs, so that the login cannot profit from it.
        self.stack.acsim.fault("GET /api/3/contacts", delay_ms=3000, times=1)
        self.assertEqual(self.stack.event({**one, "first_name": "By webhook"}).status, 200)
        wait_for(lambda: not self.stack.acsim.faults_left(), "no refresh was sent")
        body = self.assertAdmitted(self.login(one), "live")
        self.assertEqual(body["contact"]["first_name"], "unconfirmed")
        self.assertTrue(body["contact"]["confirmed"])
        self.stack.wait_until_idle()

    def test_client_ip_must_be_a_literal_address(self):
        for wrong in ("localhost", "203.0.113.300", "", "203.0.113.7:80", "::g", "203.0.113.7 "):
            answer = self.login(self.ann, client_ip=wrong)
            self.assertProblem(answer, 400, "invalid_request", "client_ip")
        for right in ("203.0.113.77", "2001:db8::7", "::1"):
            self.assertAdmitted(self.login(self.ann, client_ip=right))

    def test_email_and_password_are_required(self):
        for body in ({}, {"email": "a@b.org"}, {"password": "x"}, {"email": 1, "password": "x"}):
            self.assertProblem(self.stack.api("POST", "/login", body), 400, "invalid_request")
        body = {"email": "a@b.org", "password": "x", "remember": True}
        self.assertProblem(self.stack.api("POST", "/login", body), 400, "unknown_field", "remember")

    def test_the_key_must_have_the_scope_login(self):
        key = self.stack.new_key("reader", "contacts:read")
        body = {"email": self.ann["email"], "password": self.ann["password"]}
        answer = self.stack.api("POST", "/login", body, key=key)
        self.assertProblem(answer, 403, "scope")
        answer = self.stack.api("POST", "/login", body, key="mbr_nonsense")
        self.assertProblem(answer, 401, "key")
        self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
        answer = self.stack.http.request("POST", "/membergate/v1/login", "{}", {})
        self.assertProblem(answer, 401, "key")

    def test_hidden_fields_and_digests_give_no_password_away(self):
        self.assertAdmitted(self.login(self.ann))
        (hash_of_password,) = self.stack.query(
            "SELECT hash FROM credential WHERE contact_id = ?", int(self.ann["id"])
        )[0]
        password = self.ann["password"].encode()
        for plain in (password, hashlib.sha256(password).digest(), hashlib.md5(password).digest()):
            self.assertNotIn(plain, hash_of_password)


class ChangedElsewhere(LoginTest):
    """What happens in ActiveCampaign between two logins."""

    daemon_restarts = True

    @classmethod
    def prepare(cls):
        cls.one = cls.member("mutable", "the first")
        cls.fresh = cls.member("freshly.pulled", "the first")
        cls.gone = cls.member("gone", "the only")

    def test_passwords_and_contacts_that_change_in_activecampaign_change_here(self):
        self.assertAdmitted(self.login(self.one), "cache")

        with self.subTest("two minutes later: still fresh, but doubted when it does not match"):
            self.age(120)
            self.stack.acsim.touch(self.one["id"], fields={"PASSWORD": "the second"})
            self.assertAdmitted(self.login(self.one, "the second"), "live")
            self.assertRefused(self.login(self.one, "the first"))

        with self.subTest("ten minutes later: no longer fresh, so the old one fails at once"):
            self.age(600)
            self.stack.acsim.touch(self.one["id"], fields={"PASSWORD": "the third"})
            self.assertRefused(self.login(self.one, "the second"))
            self.assertAdmitted(self.login(self.one, "the third"))

        with self.subTest("a contact that was deleted there"):
            self.assertAdmitted(self.login(self.fresh), "live")
            self.stack.acsim.delete(self.gone["id"])
            self.assertRefused(self.login(self.gone))
            self.assertProblem(self.stack.get_contact(self.gone["id"]), 404, "not_found")

    def test_a_webhook_about_a_changed_password_brings_it_in(self):
        one = self.member("announced", "before")
        self.stack.acsim.touch(one["id"], fields={"PASSWORD": "after"})
        self.assertEqual(self.stack.event({**one, "first_name": "Changed"}).status, 200)
        self.stack.wait_until_idle()
        self.assertAdmitted(self.login(one, "after"), "cache")
        self.assertRefused(self.login(one, "before"))


class Entitlement(LoginTest):
    config = {"login.required_tags": "Member,2", "login.ban_tag": "Banned"}

    def test_a_required_tag_is_needed_and_any_of_them_suffices(self):
        for name, tags in (("m", ["Member"]), ("g", ["Gold"]), ("both", ["Gold", "Member"])):
            self.assertAdmitted(self.login(self.member(f"tag.{name}", "has one", tags=tags)))
        for name, tags in (("none", []), ("other", ["Other"])):
            one = self.member(f"tag.{name}", "has none", tags=tags)
            self.assertProblem(self.login(one), 403, "not_entitled")

    def test_the_ban_tag_wins(self):
        one = self.member("banned", "but banned", tags=["Gold", "Banned"])
        self.assertProblem(self.login(one), 403, "not_entitled")

    def test_who_does_not_know_the_password_does_not_learn_of_the_ban(self):
        one = self.member("banned.too", "but banned", tags=["Banned"])
        self.assertRefused(self.login(one, "guess"))

    def test_no_session_is_made_for_who_is_not_entitled(self):
        one = self.member("not.entitled", "no tag")
        self.login(one)
        self.assertEqual(
            self.stack.query("SELECT * FROM session WHERE contact_id = ?", int(one["id"])), []
        )

    def test_a_tag_taken_by_the_site_counts_at_once(self):
        one = self.member("loses.it", "for now", tags=["Gold"])
        self.assertAdmitted(self.login(one))
        answer = self.stack.api("POST", f"/contacts/{one['id']}/tags", {"remove": ["Gold"]})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertProblem(self.login(one), 403, "not_entitled")


class Throttled(LoginTest):
    config = {"login.failure_time": "0ms"}

    @classmethod
    def prepare(cls):
        cls.ann = cls.member("ann", "Ann's own")
        cls.bob = cls.member("bob", "Bob's own")
        cls.eve = cls.member("eve", "Eve's own")

    def assertThrottled(self, answer):
        self.assertProblem(answer, 429, "throttled")
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)

    def guess(self, one, times, **more):
        for number in range(times):
            answer = self.login(one, f"guess {number}", **more)
            self.assertProblem(answer, 401, "invalid_credentials")

    def test_the_sixth_try_of_an_address_has_to_wait_but_the_owner_elsewhere_does_not(self):
        self.guess(self.ann, 5, client_ip="198.51.100.66")
        self.assertThrottled(self.login(self.ann, "guess 5", client_ip="198.51.100.66"))
        # Even the right password: else guessing would go on behind the 429.
        self.assertThrottled(self.login(self.ann, client_ip="198.51.100.66"))
        self.assertAdmitted(self.login(self.ann, client_ip="198.51.100.1"))

    def test_after_retry_after_the_right_password_is_taken(self):
        self.guess(self.eve, 5, client_ip="198.51.100.67")
        answer = self.login(self.eve, client_ip="198.51.100.67")
        self.assertThrottled(answer)
        wait = int(answer.headers["Retry-After"])
        wait_for(
            lambda: self.login(self.eve, client_ip="198.51.100.67").status == 200,
            "the throttle did not let go",
            timeout=wait + 3,
            every=0.2,
        )

    def test_unknown_emails_are_throttled_alike(self):
        nobody = {"email": "nobody@example.org"}
        self.guess(nobody, 5, client_ip="198.51.100.68")
        self.assertThrottled(self.login(nobody, "guess 5", client_ip="198.51.100.68"))

    def test_without_client_ip_only_the_account_counts_from_the_twentieth_on(self):
        body = {"email": self.bob["email"]}
        for number in range(20):
            answer = self.stack.api("POST", "/login", {**body, "password": f"guess {number}"})
            self.assertProblem(answer, 401, "invalid_credentials")
        answer = self.stack.api("POST", "/login", {**body, "password": "one more"})
        self.assertThrottled(answer)


if __name__ == "__main__":
    main()
