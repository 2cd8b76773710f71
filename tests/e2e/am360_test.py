"""What ActiveMember360 documents of its URLs, one case each, through nginx at the site's root.

The docstring of a case names what is documented, and where: "webhook" is the page of that URL,
"passwords", "security" and "login" the pages of that name. Where Membergate does otherwise on
purpose the docstring says so.
"""

import hashlib
import http.cookies
import itertools
import string
import urllib.parse

from harness import StackTest, automation_body, main, percent, wait_for
from http_client import all_at_once
from leaks import leaks
from simulator import passwords, steps

FAILURE_TIME = 0.2
TOKEN = "LOGINTOKEN"
NUMBERS = itertools.count(1)
# What AM360 makes passwords of, without the two characters that URLs and personalization eat.
ALPHABET = set(string.ascii_letters + string.digits + "!@#$^*()")


class Am360Test(StackTest):
    config = {
        "login.failure_time": f"{int(FAILURE_TIME * 1000)}ms",
        "login.ban_tag": "Banned",
        "autologin.enabled": "yes",
        "autologin.token_field": TOKEN,
        "log.level": "debug",
    }
    limits = ("off",)

    @classmethod
    def prepare(cls):
        cls.codes = {
            purpose: cls.stack.command(
                "code", "create", "--name", f"only-{purpose}", "--for", purpose
            ).stdout.strip()
            for purpose in ("genpass", "events", "auth", "autologin", "clearuser")
        }
        # The daemon reads its codes together, so the last one tells of all.
        last = f"/?mbr_clearuser={cls.codes['clearuser']}"
        wait_for(
            lambda: cls.stack.post_form(last, "").status == 400, "the codes are not taken", 5
        )

    @classmethod
    def add(cls, **more):
        number = next(NUMBERS)
        one = {"email": f"member{number}@example.org", "first_name": f"Ann {number}", **more}
        (i,) = cls.stack.acsim.add(one)
        return {**one, "id": i}

    @classmethod
    def member(cls, **more):
        """One with a password, known to the daemon; `password` is the text."""
        one = cls.add(**more)
        cls.stack.genpass(one)
        cls.stack.wait_until_idle()
        return {**one, "password": passwords(cls.stack.acsim.contact(one["id"]))[-1]}

    def in_account(self, one):
        """The contact in ActiveCampaign once nothing is left to do."""
        self.stack.wait_until_idle()
        return self.stack.acsim.contact(one["id"])

    def credentials(self, one):
        where = "SELECT count(*) FROM credential WHERE contact_id = ?"
        return self.stack.query(where, int(one["id"]))[0][0]

    def sessions(self, one):
        where = "SELECT via FROM session WHERE contact_id = ?"
        return [row[0] for row in self.stack.query(where, int(one["id"]))]

    def assertAccepted(self, answer, **members):
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.json()["status"], "accepted", str(answer))
        for name, value in members.items():
            self.assertEqual(answer.json()[name], value, str(answer))

    def assertOpensNothingElse(self, name, method):
        """The codes of other purposes, and what is no code, are refused."""
        codes = self.codes
        purpose = name.removeprefix("mbr_")
        wrong = [code for other, code in codes.items() if other != purpose]
        wrong += ["", "wrong", codes[purpose][:-1], codes[purpose] + "x", codes[purpose].swapcase()]
        both = f"{codes[purpose]}&{name}={codes[purpose]}"
        for code in wrong + [both]:
            target = f"/?{name}={code}"
            if method == "POST":
                self.assertProblem(self.stack.post_form(target, "contact[id]=1"), 403, "code")
            else:
                self.assertEqual(self.stack.http.request(method, target).status, 403, target)


class Genpass(Am360Test):
    def genpass(self, one, query="", code=None):
        return self.stack.genpass(one, query, code or self.codes["genpass"])

    def test_any_of_several_codes_is_taken(self):
        """webhook, security: the parameter's value is one of the security codes of the site."""
        for code in (self.codes["genpass"], self.stack.code):
            one = self.add()
            self.assertAccepted(self.genpass(one, code=code), contact=one["id"], password="queued")
            self.assertEqual(len(passwords(self.in_account(one))), 1)

    def test_the_route_is_the_sites_front_page(self):
        """webhook: the site's address and a query; the parameter's name selects the action."""
        for path in ("/", "/index.php"):
            for query in ("{0}", "utm_source=x&{0}", "tid=1&{0}"):
                one = self.add()
                named = query.format(f"mbr_genpass={self.codes['genpass']}")
                answer = self.stack.post_form(f"{path}?{named}", automation_body(one))
                self.assertAccepted(answer, contact=one["id"])

    def test_the_contact_is_the_one_of_the_body(self):
        """webhook: called by an automation, which posts the contact; the URL names none."""
        one, other = self.add(), self.add()
        self.assertAccepted(self.genpass(one, f"id={other['id']}&email={percent(other['email'])}"))
        self.assertEqual(len(passwords(self.in_account(one))), 1)
        self.assertEqual(passwords(self.in_account(other)), [])

    def test_a_password_is_generated_by_the_rules(self):
        """passwords: 24 characters of letters, digits and marks. Without % and &."""
        one = self.member()
        self.assertEqual(len(one["password"]), 24)
        self.assertLessEqual(set(one["password"]), ALPHABET)

    def test_the_password_lies_in_activecampaign_and_opens_the_login(self):
        """webhook: stored in ActiveCampaign's password field; the local user has the same one."""
        one = self.member()
        field = self.stack.acsim.contact(one["id"])["fields"]["PASSWORD"]
        self.assertEqual(field, one["password"])
        self.assertEqual(self.stack.login(one["email"], field).status, 200)

    def test_a_password_that_is_there_is_never_overwritten(self):
        """webhook, passwords: if the contact has a password, it is kept."""
        one = self.add(fields={"PASSWORD": "theirs"})
        for query in ("", "default_pass=ours", "autoregister=n"):
            self.assertAccepted(self.genpass(one, query))
            self.assertEqual(passwords(self.in_account(one)), ["theirs"], query)

    def test_tags_come_after_the_password(self):
        """webhook: tid adds tags, as a better moment for the mail with the password."""
        one = self.add()
        self.assertAccepted(self.genpass(one, "tid=1,2&automation=4"))
        contact = self.in_account(one)
        wanted = {"PASSWORD", "tag:1", "tag:2", "automation:4"}
        self.assertEqual(steps(contact, wanted), ["PASSWORD", "tag:1", "tag:2", "automation:4"])

    def test_tags_and_automations_are_lists_of_ids(self):
        """webhook: several ids by comma. Blanks and encoded commas are tolerated."""
        for query in (
            "tid=1,2&automation=3,4",
            "tid=1%2C%202&automation=3%2c+4",
            "tid=1,+2,&automation=,3,4",
        ):
            one = self.add()
            self.assertAccepted(self.genpass(one, query))
            contact = self.in_account(one)
            self.assertEqual([tag["id"] for tag in contact["tags"]], ["1", "2"], query)
            self.assertEqual(contact["automations"], ["3", "4"], query)

    def test_names_of_tags_are_no_ids(self):
        """webhook: ids are preferred over names. Names are refused, and nothing is done."""
        one = self.add()
        for query in ("tid=Gold", "automation=Welcome"):
            self.assertProblem(self.genpass(one, query), 400, "invalid_request")
        self.assertEqual(passwords(self.in_account(one)), [])

    def test_tags_are_added_though_the_password_was_there(self):
        """webhook: added during the process, whoever had a password before."""
        one = self.add(fields={"PASSWORD": "theirs"})
        self.assertAccepted(self.genpass(one, "tid=2&automation=5"))
        contact = self.in_account(one)
        self.assertEqual([tag["id"] for tag in contact["tags"]], ["2"])
        self.assertEqual(contact["automations"], ["5"])

    def test_a_default_password_is_stored_instead_of_a_random_one(self):
        """webhook: default_pass is the password of contacts that have none."""
        one = self.add()
        self.assertAccepted(self.genpass(one, "default_pass=Workshop%202031"))
        self.assertEqual(passwords(self.in_account(one)), ["Workshop 2031"])
        self.assertEqual(self.stack.login(one["email"], "Workshop 2031").status, 200)

    def test_without_autoregister_there_is_no_local_member(self):
        """webhook: autoregister=n stops the local user. no, 0 and false mean the same."""
        for word in ("n", "N", "no", "0", "false"):
            one = self.add()
            self.assertAccepted(self.genpass(one, f"autoregister={word}"))
            self.assertEqual(len(passwords(self.in_account(one))), 1)
            self.assertEqual(self.credentials(one), 0, word)

    def test_with_any_other_autoregister_there_is_one(self):
        """webhook: n is the only value documented; by default the user is made."""
        for query in ("", "autoregister=y", "autoregister="):
            one = self.add()
            self.assertAccepted(self.genpass(one, query))
            self.in_account(one)
            self.assertEqual(self.credentials(one), 1, query)

    def test_calls_that_come_twice_make_one_password(self):
        """passwords: one password for a contact, whichever routes ask at once."""
        one = self.add()
        calls = [lambda query=query: self.genpass(one, query) for query in ("", "tid=1") * 4]
        for answer in all_at_once(calls):
            self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(len(passwords(self.in_account(one))), 1)

    def test_what_the_body_says_is_known_at_once(self):
        """automatic webhooks, integration: local data follows what a webhook brings."""
        one = self.add()
        self.genpass({**one, "first_name": "Newly", "tags": ["Gold"]})
        row = self.stack.query("SELECT doc FROM contact WHERE id = ?", int(one["id"]))
        self.assertIn('"Newly"', row[0][0])

    def test_only_post_is_taken(self):
        """webhook: ActiveCampaign's webhook step is a POST."""
        one = self.add()
        target = self.stack.genpass_target(f"id={one['id']}", self.codes["genpass"])
        for method in ("GET", "PUT", "DELETE"):
            answer = self.stack.http.request(method, target)
            self.assertProblem(answer, 405, "method_not_allowed")
            self.assertEqual(answer.headers["Allow"], "POST")
        self.assertEqual(passwords(self.in_account(one)), [])

    def test_other_codes_open_nothing(self):
        """security: any code opens any webhook. Here it is for the routes it was made for."""
        self.assertOpensNothingElse("mbr_genpass", "POST")


class RemoteAuthentication(Am360Test):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.jane = cls.member(
            first_name="Jane",
            last_name="Hill",
            phone="+49 30 1",
            fields={"CITY": "Turin", "SHOE": ""},
        )
        cls.stack.acsim.touch(cls.jane["id"], tags_add=["Member", "Gold"])
        cls.stack.get_contact(cls.jane["id"], "refresh=live")
        cls.stack.wait_until_idle()

    def auth(self, one=None, password=None, query="", code=None, **more):
        one = one or self.jane
        body = {"user": one["email"], "pass": one["password"] if password is None else password}
        target = f"/?mbr_auth={code or self.codes['auth']}{query}"
        return self.stack.post_form(target, urllib.parse.urlencode({**body, **more}))

    def contact(self, **more):
        answer = self.auth(**more)
        self.assertEqual(answer.status, 200, str(answer))
        self.assertIs(answer.json()["result"], True)
        return answer.json()["contact"]

    def test_all_fields_are_answered_by_default(self):
        """webhook: the contact's fields come back; without retfields all of them."""
        jane = self.jane
        contact = self.contact()
        self.assertEqual(contact.pop("CITY"), "Turin")
        contact.pop("SHOE", None)
        self.assertEqual(
            contact,
            {
                "id": jane["id"],
                "email": jane["email"],
                "first_name": "Jane",
                "last_name": "Hill",
                "phone": "+49 30 1",
            },
        )

    def test_the_fields_asked_for_are_answered(self):
        """webhook: retfields is a list of fields by comma. Unknown ones are left out."""
        for asked, expected in (
            ("first_name,city", {"first_name": "Jane", "CITY": "Turin"}),
            (" ID , City ", {"id": self.jane["id"], "CITY": "Turin"}),
            ("shoe", {"SHOE": ""}),
            ("nothing_of_the_kind", {}),
        ):
            self.assertEqual(self.contact(retfields=asked), expected)

    def test_the_password_and_the_token_are_never_answered(self):
        """webhook: the chosen fields. Passwords and tokens are no fields to choose."""
        self.assertEqual(self.contact(retfields=f"PASSWORD,password,{TOKEN}"), {})
        everything = self.auth().body.decode()
        self.assertNotIn(self.jane["password"], everything)
        self.assertNotIn(TOKEN, everything)

    def test_parameters_may_stand_in_the_url_but_not_the_password(self):
        """webhook: by GET or POST. Here by POST, and the password in its body."""
        user = percent(self.jane["email"])
        wanted = "retfields=id%2Cphone&required_tags=1%2C2"
        target = f"/?mbr_auth={self.codes['auth']}&user={user}&{wanted}"
        secret = urllib.parse.urlencode({"pass": self.jane["password"]})
        answer = self.stack.post_form(target, secret)
        self.assertEqual(
            answer.json()["contact"], {"id": self.jane["id"], "phone": "+49 30 1"}, str(answer)
        )
        refused = self.stack.post_form(f"{target}&{secret}", secret)
        self.assertProblem(refused, 400, "invalid_request", "URL")

    def test_a_get_is_told_why_not(self):
        """webhook: by GET or POST. GET would put the password into every log on the way."""
        target = f"/?mbr_auth={self.codes['auth']}&user=x%40example.org&pass=x"
        answer = self.stack.http.request("GET", target)
        self.assertProblem(answer, 405, "method_not_allowed", "logs")
        self.assertEqual(answer.headers["Allow"], "POST")

    def test_all_required_tags_are_needed(self):
        """webhook: required_tags are ids of tags that the contact must have."""
        for tags in ("1", "1,2", " 2 , 1 ", ""):
            self.assertEqual(self.auth(required_tags=tags).status, 200, tags)
        for tags in ("3", "1,3", "1,2,99"):
            self.assertProblem(self.auth(required_tags=tags), 403, "not_entitled")
        self.assertProblem(self.auth(required_tags="Gold"), 400, "invalid_request")

    def test_wrong_logins_are_answered_alike(self):
        """webhook: e-mail and password are checked against ActiveCampaign."""
        nobody = {"email": "nobody@example.org", "password": "x"}
        none = {**self.add(), "password": "x"}
        bodies = set()
        for answer in (self.auth(password="wrong"), self.auth(nobody), self.auth(none)):
            self.assertEqual(answer.status, 401, str(answer))
            self.assertGreaterEqual(answer.seconds, FAILURE_TIME - 0.01)
            bodies.add(answer.body)
        self.assertEqual(bodies, {b'{"result":false}'})

    def test_a_password_set_in_activecampaign_counts(self):
        """login: the password checked is the one in ActiveCampaign."""
        one = {**self.add(fields={"PASSWORD": "set there"}), "password": "set there"}
        self.assertEqual(self.contact(one=one, retfields="id"), {"id": one["id"]})

    def test_the_ban_tag_keeps_out(self):
        """login settings: a contact with the ban tag may not log in."""
        one = self.member()
        self.stack.acsim.touch(one["id"], tags_add=["Banned"])
        self.stack.get_contact(one["id"], "refresh=live")
        self.assertProblem(self.auth(one), 403, "not_entitled")

    def test_no_session_is_made(self):
        """webhook: for applications outside of the site, which keep sessions of their own."""
        answer = self.auth()
        self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(self.sessions(self.jane), [])

    def test_guessing_is_slowed_down(self):
        """security: failed logins are limited."""
        one = self.member()
        wrong = [lambda: self.auth(one, password="wrong") for _ in range(20)]
        self.assertEqual({answer.status for answer in all_at_once(wrong)}, {401})
        answer = self.auth(one)
        self.assertProblem(answer, 429, "throttled")
        self.assertIn("Retry-After", answer.headers)
        self.assertEqual(self.auth().status, 200)

    def test_other_codes_open_nothing(self):
        """security: any code opens remote authentication. Here it is for what it was made for."""
        self.assertOpensNothingElse("mbr_auth", "POST")


class Clearuser(Am360Test):
    def clear(self, one, more="", code=None):
        target = f"/?mbr_clearuser={code or self.codes['clearuser']}{more}"
        return self.stack.post_form(target, automation_body(one))

    def test_the_local_member_is_removed(self):
        """webhook: the local user with the contact's e-mail is deleted, and is logged out."""
        one, other = self.member(), self.member()
        for each in (one, other):
            self.assertEqual(self.stack.login(each["email"], each["password"]).status, 200)
        self.assertAccepted(self.clear(one), contact=one["id"], password="none")
        self.assertEqual((self.credentials(one), self.sessions(one)), (0, []))
        self.assertEqual((self.credentials(other), self.sessions(other)), (1, ["password"]))
        rows = self.stack.query(
            "SELECT actor, action FROM audit WHERE contact_id = ?", int(one["id"])
        )
        self.assertEqual([row[1] for row in rows], ["member_cleared"])
        self.assertRegex(rows[0][0], r"^code:\d+$")

    def test_the_contact_stays_as_it_is(self):
        """webhook: no effect on the contact is documented; here there is none."""
        one = self.member()
        before = self.in_account(one)
        self.assertAccepted(self.clear({**one, "first_name": "Another"}))
        self.assertEqual(self.in_account(one), before)
        cached = self.stack.get_contact(one["id"], "refresh=never").json()
        self.assertEqual(cached["first_name"], one["first_name"])

    def test_reassign_changes_nothing(self):
        """webhook: reassign names who inherits posts, of which there are none here."""
        one, heir = self.member(), self.member()
        self.assertAccepted(self.clear(one, f"&reassign={percent(heir['email'])}"))
        self.assertEqual((self.credentials(one), self.credentials(heir)), (0, 1))

    def test_a_password_left_in_activecampaign_opens_again(self):
        """passwords: ActiveCampaign's field is the password. The ban tag is what bars somebody."""
        one = self.member()
        self.assertAccepted(self.clear(one))
        self.stack.get_contact(one["id"], "refresh=live")
        self.assertEqual(self.stack.login(one["email"], one["password"]).status, 200)
        self.assertAccepted(self.clear(one))
        self.stack.acsim.touch(one["id"], fields={"PASSWORD": ""})
        self.stack.get_contact(one["id"], "refresh=live")
        self.assertEqual(self.stack.login(one["email"], one["password"]).status, 401)

    def test_whoever_is_not_known_is_ignored(self):
        """webhook: it concerns users there are."""
        answer = self.clear({"id": "777001", "email": "stranger@example.org"})
        self.assertEqual(
            answer.json(), {"status": "ignored", "contact": "777001", "password": "none"}
        )
        self.assertProblem(
            self.stack.post_form(f"/?mbr_clearuser={self.codes['clearuser']}", "x=1"),
            400,
            "contact_missing",
        )

    def test_only_post_is_taken(self):
        """webhook: the contact's e-mail comes with the POST."""
        one = self.member()
        target = f"/?mbr_clearuser={self.codes['clearuser']}&email={percent(one['email'])}"
        self.assertProblem(self.stack.http.request("GET", target), 405, "method_not_allowed")
        self.assertEqual(self.credentials(one), 1)

    def test_other_codes_open_nothing(self):
        """security: any code opens any webhook. Here it is for the routes it was made for."""
        self.assertOpensNothingElse("mbr_clearuser", "POST")


class Autologin(Am360Test):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.people = iter([cls.guest() for _ in range(9)])

    @classmethod
    def guest(cls):
        """A member with the token that Membergate gave him."""
        one = cls.member()
        cls.stack.get_contact(one["id"], "refresh=live")
        cls.stack.wait_until_idle()
        return {**one, "t": cls.stack.acsim.contact(one["id"])["fields"].get(TOKEN, "")}

    def follow(self, one, more="", method="GET", **other):
        claim = {"id": one["id"], "email": one["email"], "t": one["t"], **other}
        claim = {name: value for name, value in claim.items() if value is not None}
        query = urllib.parse.urlencode(claim, quote_via=urllib.parse.quote)
        target = f"/?mbr_autologin={self.codes['autologin']}&{query}{more}"
        return self.stack.http.request(method, target)

    def session(self, answer):
        """The cookie's value of one who was let in."""
        self.assertEqual(answer.status, 303, str(answer))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        return http.cookies.SimpleCookie(answer.headers["Set-Cookie"])["membergate_session"].value

    def assertRefused(self, answer, status=403):
        self.assertEqual(answer.status, status, str(answer))
        self.assertTrue(answer.headers["Content-Type"].startswith("text/html"), str(answer))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        for name in ("Set-Cookie", "Location"):
            self.assertNotIn(name, answer.headers)

    def test_the_link_logs_the_contact_in(self):
        """webhook: a link in an e-mail logs the contact in, without the password."""
        one = next(self.people)
        answer = self.follow(one)
        digest = hashlib.sha256(self.session(answer).encode()).digest()
        rows = self.stack.query("SELECT contact_id, via FROM session WHERE digest = ?", digest)
        self.assertEqual(rows, [(int(one["id"]), "link")])
        self.assertEqual(answer.headers["Location"].rpartition(":")[2].lstrip("0123456789"), "/")
        attributes = answer.headers["Set-Cookie"].partition("; ")[2]
        self.assertEqual(attributes, "HttpOnly; SameSite=Lax; Path=/")

    def test_redir_leads_on_inside_the_site(self):
        """webhook: redir is where the member is taken. Never out of the site."""
        one = next(self.people)
        for redir, target in (
            ("/members/?page=2", "/members/?page=2"),
            ("/caf\u00e9 1", "/caf%C3%A9%201"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example/", "/"),
            ("/a\r\nX-Injected: 1", "/"),
        ):
            answer = self.follow(one, f"&redir={percent(redir)}")
            self.session(answer)
            location = answer.headers["Location"].removeprefix(self.stack.env["MEMBERGATE_URL"])
            self.assertEqual(location, target, redir)
            self.assertNotIn("X-Injected", answer.headers)

    def test_both_id_and_email_are_needed(self):
        """webhook: the secure mode wants id and e-mail of the contact. It is the only mode here."""
        one, other = next(self.people), next(self.people)
        for change in (
            {"email": None},
            {"id": None},
            {"email": other["email"]},
            {"id": other["id"]},
            {"id": "%SUBSCRIBERID%"},
            {"id": "777002", "email": "stranger@example.org"},
        ):
            self.assertRefused(self.follow(one, **change))
        self.assertEqual((self.sessions(one), self.sessions(other)), ([], []))

    def test_a_forwarded_link_opens_nobody_else(self):
        """webhook: shared links let others in. The token in a field of the contact bounds that."""
        one, other = next(self.people), next(self.people)
        self.assertNotEqual(one["t"], other["t"])
        self.assertRegex(one["t"], r"^[A-Za-z0-9_-]{22}$")
        for token in (None, "", other["t"], one["t"][:-1], "%LOGINTOKEN%"):
            self.assertRefused(self.follow(one, t=token))
        self.assertEqual(self.sessions(one), [])

    def test_a_token_that_the_owner_changes_ends_the_old_links(self):
        """integration: ActiveCampaign's data is the primary record."""
        one = next(self.people)
        self.stack.acsim.touch(one["id"], fields={TOKEN: "chosen-by-the-owner"})
        self.stack.get_contact(one["id"], "refresh=live")
        self.assertRefused(self.follow(one))
        self.session(self.follow(one, t="chosen-by-the-owner"))

    def test_the_token_is_in_no_answer(self):
        """security: what opens a login is no contact data."""
        one = self.guest()
        answer = self.stack.get_contact(one["id"], "refresh=live")
        self.assertEqual(answer.status, 200, str(answer))
        self.assertNotIn(TOKEN, answer.body.decode())
        rows = self.stack.query("SELECT doc FROM contact WHERE id = ?", int(one["id"]))
        self.assertNotIn(one["t"], rows[0][0])

    def test_the_ban_tag_keeps_out(self):
        """login settings: a contact with the ban tag may not log in, by no route."""
        one = next(self.people)
        self.stack.acsim.touch(one["id"], tags_add=["Banned"])
        self.stack.get_contact(one["id"], "refresh=live")
        self.assertRefused(self.follow(one))
        self.assertEqual(self.sessions(one), [])

    def test_other_parameters_change_nothing(self):
        """webhook: add_tags, remove_tags, lists and default_pass. They are the site's for now."""
        one = self.guest()
        before = self.in_account(one)
        self.session(self.follow(one, "&add_tags=3&remove_tags=1&default_pass=x&autocreate=yes"))
        self.assertEqual(self.in_account(one), before)

    def test_only_a_get_lets_in(self):
        """webhook: a link for browsers. What only looks at it (HEAD) is not let in."""
        one = self.guest()
        for method in ("HEAD", "POST", "PUT"):
            answer = self.follow(one, method=method)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET"), method)
        self.assertEqual(self.sessions(one), [])

    def test_refusals_tell_nothing(self):
        """security: no page says which part of a link was wrong."""
        one = self.guest()
        answers = [
            self.follow(one, t="guess"),
            self.follow(one, id="777003"),
            self.follow(one, email="stranger@example.org"),
        ]
        self.assertEqual(len({answer.body for answer in answers}), 1)
        for answer in answers:
            self.assertRefused(answer)
            self.assertGreaterEqual(answer.seconds, FAILURE_TIME - 0.01)

    def test_guessing_is_slowed_down(self):
        """security: failed logins are limited."""
        one = self.guest()
        for answer in all_at_once([lambda: self.follow(one, t="guess") for _ in range(6)]):
            self.assertIn(answer.status, (403, 429))
        self.assertRefused(self.follow(one), 429)

    def test_other_codes_open_nothing(self):
        """security: AM360 takes any code in a link. Here a link's code opens links alone."""
        self.assertOpensNothingElse("mbr_autologin", "GET")

    def test_no_file_shows_a_code_a_token_or_a_password(self):
        """security: codes are part of URLs. No log of Membergate or nginx keeps one."""
        one = self.guest()
        session = self.session(self.follow(one))
        secret = urllib.parse.urlencode({"user": one["email"], "pass": one["password"]})
        for target in (f"/?mbr_auth={self.codes['auth']}", f"/?mbr_auth={self.codes['genpass']}"):
            self.stack.post_form(target, secret)
            self.stack.http.request("GET", f"{target}&{secret}")
        secrets = {f"code for {purpose}": code for purpose, code in self.codes.items()}
        secrets.update({"token": one["t"], "password": one["password"], "session": session})
        self.assertEqual(leaks(secrets, self.stack.files()), [])


class SubFolder(StackTest):
    """The site lives in /blog/, and links in e-mails are as shipped: off."""

    limits = ("off",)

    @classmethod
    def prepare(cls):
        file = cls.stack.dir / "nginx/conf.d/membergate.conf"
        text = file.read_text()
        assert "    default /;\n" in text
        file.write_text(text.replace("    default /;\n", "    default /blog/;\n", 1))
        cls.stack.kill("nginx", "HUP")
        wait_for(
            lambda: cls.stack.post_form(f"/blog/?mbr_genpass={cls.stack.code}", "").status == 400,
            "nginx did not take the site's path",
            10,
        )
        cls.stack.http.close_all()

    def test_the_routes_are_at_the_sites_front_page(self):
        """webhook: the site's address, with the folder the site lives in."""
        (i,) = self.stack.acsim.add({"email": "blog@example.org"})
        body = automation_body({"id": i, "email": "blog@example.org"})
        code = self.stack.code
        for path in ("/blog/", "/blog", "/blog/index.php"):
            for name in ("mbr_genpass", "mbr_clearuser"):
                answer = self.stack.post_form(f"{path}?{name}={code}&tid=1%2C+2", body)
                self.assertEqual(answer.status, 200, f"{path} {name} {answer}")
            answer = self.stack.post_form(f"{path}?mbr_auth={code}", "user=x&pass=y")
            self.assertEqual((answer.status, answer.body), (401, b'{"result":false}'), path)

    def test_elsewhere_they_are_the_sites_own(self):
        """webhook: the address must be the site's exactly."""
        for path in ("/", "/index.php", "/blog/page", "/blogger/"):
            answer = self.stack.post_form(f"{path}?mbr_genpass={self.stack.code}", "contact[id]=1")
            self.assertIn(answer.status, (404, 405), path)  # of the site

    def test_links_are_off_unless_switched_on(self):
        """webhook: a module of its own. Here it is off by default."""
        code = self.stack.command(
            "code", "create", "--name", "links", "--for", "autologin"
        ).stdout.strip()
        (i,) = self.stack.acsim.add({"email": "link@example.org"})
        self.stack.get_contact(i, "refresh=live")
        answer = self.stack.http.request(
            "GET", f"/blog/?mbr_autologin={code}&id={i}&email=link%40example.org"
        )
        self.assertEqual(answer.status, 403, str(answer))
        self.assertNotIn("Set-Cookie", answer.headers)


if __name__ == "__main__":
    main()
