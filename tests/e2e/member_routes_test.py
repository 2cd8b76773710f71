"""Sessions, passwords, the feed of changes, status and erasing, as a site's own code uses them."""

import itertools
import json
import re
import threading
import time

from harness import StackTest, main, percent, wait_for
from simulator import passwords

NUMBERS = itertools.count(1)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PASSWORD = "correct horse battery"


class MemberTest(StackTest):
    config = {"login.ban_tag": "Banned", "session.refresh": "1s", "sync.interval": "24h"}

    @classmethod
    def add(cls, **more):
        one = {"email": f"person{next(NUMBERS)}@example.org", "first_name": "Ann", **more}
        (i,) = cls.stack.acsim.add(one)
        return {**one, "id": i}

    @classmethod
    def known(cls, **more):
        """A contact that is in the cache, as ActiveCampaign has it."""
        one = cls.add(**more)
        answer = cls.stack.get_contact(one["id"], "refresh=live")
        if answer.status != 200:
            raise AssertionError(str(answer))
        cls.stack.wait_until_idle()
        return one

    @classmethod
    def member(cls, **more):
        """One who has a password."""
        return cls.known(fields={"PASSWORD": PASSWORD}, **more)

    def session_of(self, one, password=PASSWORD):
        answer = self.stack.login(one["email"], password)
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()["session"]

    def session(self, token, method="GET", route="/session", key=None):
        return self.stack.api(method, route, key=key, headers={"Membergate-Session": token})

    def logout(self, token):
        return self.session(token, "POST", "/logout")

    def password(self, who, wait=8, key=None, **body):
        return self.stack.api("POST", f"/contacts/{percent(who)}/password", body, key,
                              {"Prefer": f"wait={wait}"})

    def erase(self, who, **more):
        return self.stack.api("DELETE", f"/contacts/{percent(who)}", **more)

    def changes(self, **query):
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return self.stack.api("GET", f"/changes?{text}")

    def last_change(self):
        return int(self.stack.query("SELECT max(id) FROM change")[0][0])

    def in_account(self, one):
        return self.stack.acsim.contact(one["id"])["fields"].get("PASSWORD", "")


class Sessions(MemberTest):
    def test_a_session_is_looked_up_and_ended(self):
        one = self.member(tags=["Gold"])
        token = self.session_of(one)
        answer = self.session(token)
        self.assertEqual(answer.status, 200, str(answer))
        body = answer.json()
        self.assertEqual(body["contact"], self.stack.get_contact(one["id"]).json())
        self.assertEqual(body["via"], "password")
        self.assertLess(body["created_at"], body["expires_at"])
        self.assertEqual(self.logout(token).status, 204)
        self.assertProblem(self.session(token), 404, "not_found")
        self.assertProblem(self.logout(token), 404, "not_found")

    def test_whoever_gets_the_ban_tag_is_out_at_the_next_look(self):
        one = self.member()
        token = self.session_of(one)
        self.stack.api("POST", f"/contacts/{one['id']}/tags",
                       {"add": ["Banned"], "create_missing": True})
        wait_for(lambda: self.session(token).status == 404, "still in", 10)
        self.assertEqual(self.stack.login(one["email"], PASSWORD).status, 403)

    def test_a_member_on_the_site_is_refreshed_without_a_login(self):
        one = self.member()
        token = self.session_of(one)
        self.stack.acsim.touch(one["id"], tags_add=["Silver"])
        wait_for(lambda: self.session(token).json()["contact"]["tags"], "never refreshed", 15)

    def test_bad_tokens_and_keys(self):
        one = self.member()
        token = self.session_of(one)
        for wrong in ("x", token[:-1], token + "x", "x" * 3000, "' OR 1=1 --", "../../x"):
            self.assertProblem(self.session(wrong), 404, "not_found")
            self.assertProblem(self.logout(wrong), 404, "not_found")
        self.assertProblem(self.stack.api("GET", "/session"), 400, "invalid_request")
        self.assertProblem(self.stack.api("POST", "/logout"), 400, "invalid_request")
        self.assertProblem(self.session(token, key="mbr_wrong"), 401, "key")
        key = self.stack.new_key("sessions-none", "contacts:read,contacts:write,admin")
        self.assertProblem(self.session(token, key=key), 403, "scope")
        self.assertProblem(self.session(token, "POST", "/logout", key), 403, "scope")
        self.assertEqual(self.session(token, "DELETE").status, 405)
        self.assertEqual(self.session(token).status, 200, "nothing of this ended it")


class Passwords(MemberTest):
    def test_a_generated_one_lies_in_activecampaign(self):
        one = self.known()
        answer = self.password(one["id"], action="generate")
        self.assertEqual(answer.status, 200, str(answer))
        made = self.in_account(one)
        self.assertEqual(len(made), 24)
        self.assertNotIn(made.encode(), answer.body)
        self.session_of(one, made)
        self.assertProblem(self.password(one["id"], action="generate"), 409, "conflict")
        self.assertEqual(self.in_account(one), made)
        self.assertEqual(self.password(one["id"], action="generate", force=True).status, 200)
        self.assertNotEqual(self.in_account(one), made)
        self.session_of(one, self.in_account(one))
        self.assertEqual(self.stack.login(one["email"], made).status, 401)

    def test_one_that_only_activecampaign_knows_is_kept(self):
        one = self.known()
        self.stack.acsim.touch(one["id"], fields={"PASSWORD": PASSWORD})
        self.assertProblem(self.password(one["email"], action="generate"), 409, "conflict")
        self.assertEqual(passwords(self.stack.acsim.contact(one["id"])), [PASSWORD])

    def test_the_site_sets_one_which_ends_the_sessions(self):
        one = self.member()
        token = self.session_of(one)
        answer = self.password(one["email"], action="set", password="my own new one")
        self.assertEqual(answer.status, 200, str(answer))
        self.assertNotIn(b"my own", answer.body)
        self.assertEqual(self.in_account(one), "my own new one")
        self.assertEqual(self.session(token).status, 404)
        self.session_of(one, "my own new one")

    def test_a_member_changes_his_own(self):
        one = self.member()
        key = self.stack.new_key("own-change", "login")
        token = self.session_of(one)
        own = {"action": "set", "current_password": PASSWORD, "session": token, "key": key}
        wrong = self.password(one["id"], **{**own, "current_password": "wrong"},
                              password="a fine new one")
        self.assertProblem(wrong, 401, "invalid_credentials")
        self.assertGreaterEqual(wrong.seconds, 0.45)
        other = self.session_of(self.member())
        self.assertProblem(self.password(one["id"], **{**own, "session": other}, password="a fine one"),
                           404, "not_found")
        self.assertProblem(
            self.password(one["id"], key=key, action="set", password="a fine new one"), 403, "scope")
        answer = self.password(one["id"], **own, password="a fine new one")
        self.assertEqual(answer.status, 200, str(answer))
        self.session_of(one, "a fine new one")

    def test_while_activecampaign_is_slow_it_is_in_force_and_written_later(self):
        one = self.member()
        self.stack.acsim.fault("GET /api/3/contacts", status=503, body="", for_s=3)
        began = time.monotonic()
        answer = self.password(one["id"], wait=1, action="set", password="while it is down")
        self.assertEqual(answer.status, 202, str(answer))
        self.assertLess(time.monotonic() - began, 3)
        self.assertRegex(answer.headers["Location"], "^/membergate/v1/jobs/[0-9]+$")
        self.stack.acsim.clear_faults()
        wait_for(lambda: self.in_account(one) == "while it is down", "never written", 30)

    def test_bad_input_changes_nothing(self):
        one = self.member()
        target = f"/contacts/{one['id']}/password"
        before = self.stack.counts()["job"]
        for body in ("", "[]", "{", '{"action":"wipe"}', '{"action":[]}', "{}",
                     '{"action":"set"}', '{"action":"set","password":"short"}',
                     '{"action":"set","password":"1234567890"}',
                     '{"action":"set","password":"a fine one here\\r\\nX: y"}',
                     '{"action":"set","password":{"a":1}}', b'{"action":"set","password":"\xff\xfe"}',
                     json.dumps({"action": "set", "password": one["email"]}),
                     json.dumps({"action": "set", "password": "x" * 257}),
                     json.dumps({"action": "set", "password": "a fine one", "session": "x"})):
            self.assertProblem(self.stack.api("POST", target, body), 400, "invalid_request")
        self.assertProblem(self.stack.api("POST", target, {"action": "generate", "x": 1}), 400,
                           "unknown_field")
        self.assertProblem(self.stack.api("POST", target, "x" * 70000), 413, "too_large")
        self.assertProblem(self.stack.api("POST", target, "action=generate", headers={
            "Content-Type": "application/x-www-form-urlencoded"}), 415, "unsupported_media_type")
        self.assertProblem(self.stack.api("GET", target), 405, "method_not_allowed")
        for who, status in (("0", 400), ("a@b@c", 400), ("nobody@example.org", 404), ("99999", 404)):
            self.assertEqual(self.password(who, action="generate", force=True).status, status)
        self.assertProblem(self.password(one["id"], key="x", action="generate"), 401, "key")
        self.assertEqual(self.stack.counts()["job"], before)
        self.assertEqual(self.in_account(one), PASSWORD)


class Changes(MemberTest):
    def test_the_feed_names_each_contact_once(self):
        after = self.last_change()
        one, two = self.known(), self.known()
        self.stack.api("POST", f"/contacts/{one['id']}/tags",
                       {"add": ["Feed"], "create_missing": True})
        self.stack.wait_until_idle()
        body = self.changes(after=after).json()
        self.assertEqual([row["contact_id"] for row in body["changes"]], [two["id"], one["id"]])
        for row in body["changes"]:
            self.assertRegex(row["at"], TIME)
            self.assertGreater(int(row["id"]), after)
        self.assertEqual(self.changes(after=body["last"]).json()["changes"], [])
        page = self.changes(after=after, limit=1).json()
        self.assertEqual(len(page["changes"]), 1)
        self.assertLess(int(page["last"]), int(body["last"]))

    def test_a_long_poll_is_answered_by_the_change(self):
        one = self.known()
        after = self.last_change()
        answers = []
        poll = threading.Thread(
            target=lambda: answers.append(self.changes(after=after, wait=20)))
        poll.start()
        self.stack.genpass({**one, "first_name": "Changed"})
        poll.join(20)
        self.assertEqual([row["contact_id"] for row in answers[0].json()["changes"]], [one["id"]])
        self.assertLess(answers[0].seconds, 10)

    def test_a_command_beside_the_daemon_answers_it_too(self):
        one = self.known()
        self.stack.wait_until_idle()
        after = self.last_change()
        answers = []
        poll = threading.Thread(
            target=lambda: answers.append(self.changes(after=after, wait=20)))
        poll.start()
        self.stack.command("contact", "erase", one["id"])
        poll.join(20)
        self.assertEqual([row["contact_id"] for row in answers[0].json()["changes"]], [one["id"]])

    def test_a_long_poll_that_nothing_answers_ends_in_time(self):
        self.stack.wait_until_idle()
        answer = self.changes(after=self.last_change(), wait=1)
        self.assertEqual((answer.status, answer.json()["changes"]), (200, []))
        self.assertTrue(0.9 <= answer.seconds < 5, answer.seconds)

    def test_what_never_was_needs_a_resync(self):
        problem = self.assertProblem(self.changes(after=10**15), 409, "resync_needed")
        self.assertEqual(self.changes(after=problem["last"]).status, 200)

    def test_bad_input(self):
        for query in ("after=-1", "after=x", "after=", "wait=26", "wait=x", "limit=0", "limit=1001",
                      "after=%00", "after=%ff", "after=1%0d%0aX:y", "after=99999999999999999999"):
            self.assertProblem(self.stack.api("GET", f"/changes?{query}"), 400, "invalid_request")
        self.assertProblem(self.stack.api("GET", "/changes", key="x"), 401, "key")
        key = self.stack.new_key("changes-none", "login,contacts:write,admin")
        self.assertProblem(self.stack.api("GET", "/changes", key=key), 403, "scope")
        self.assertProblem(self.stack.api("POST", "/changes", {}), 405, "method_not_allowed")


class Status(MemberTest):
    def test_the_status_says_how_the_service_does(self):
        self.known()
        wait_for(lambda: self.stack.api("GET", "/status").json()["contacts"] >= 0, "no status")
        body = self.stack.api("GET", "/status").json()
        self.assertEqual(body["activecampaign"]["state"], "working")
        self.assertEqual(body["activecampaign"]["budget"]["requests_per_second"], 200)
        self.assertEqual(body["last_sweep"]["state"], "done")
        self.assertEqual(body["gaps_open"], 0)
        version = self.stack.command("version").stdout.strip()
        self.assertIn(body["version"], version)

    def test_bad_input(self):
        self.assertProblem(self.stack.api("GET", "/status", key="x"), 401, "key")
        key = self.stack.new_key("status-none", "login,contacts:read,contacts:write")
        self.assertProblem(self.stack.api("GET", "/status", key=key), 403, "scope")
        self.assertProblem(self.stack.api("POST", "/status", {}), 405, "method_not_allowed")


class Erasing(MemberTest):
    def honoured(self):
        return self.stack.metric("membergate_tombstones_honoured_total")

    def test_nothing_brings_an_erased_contact_back(self):
        one = self.member(tags=["Gold"])
        token = self.session_of(one)
        self.assertEqual(self.erase(one["id"]).status, 204)
        self.assertProblem(self.erase(one["id"]), 404, "not_found")
        self.assertEqual(self.session(token).status, 404)

        before = self.honoured()
        for answer in (self.stack.genpass(one), self.stack.event(one)):
            self.assertEqual((answer.status, answer.json()["status"]), (200, "ignored"), str(answer))
        self.assertGreaterEqual(self.honoured(), before + 2)
        self.stack.acsim.touch(one["id"], first_name="Late")
        self.stack.command("sync", "--full")
        self.stack.wait_until_current()
        for who in (one["id"], one["email"]):
            self.assertEqual(self.stack.get_contact(who, "refresh=live").status, 404)
        self.assertEqual(self.stack.login(one["email"], PASSWORD).status, 401)
        self.assertEqual(self.stack.query("SELECT count(*) FROM contact WHERE id = ?", one["id"]),
                         [(0,)])
        for table, column in (("delivery", "email"), ("audit", "detail"), ("job", "payload"),
                              ("email_owner", "email")):
            held = self.stack.query(f"SELECT count(*) FROM {table} WHERE {column} LIKE ?",
                                    f"%{one['email']}%")
            self.assertEqual(held, [(0,)], table)

    def test_the_operator_lifts_it(self):
        one = self.member()
        self.stack.command("contact", "erase", one["email"])
        self.assertEqual(self.stack.get_contact(one["id"], "refresh=live").status, 404)
        self.stack.command("contact", "erase", "--lift", one["email"])
        self.assertEqual(self.stack.get_contact(one["id"], "refresh=live").status, 200)

    def test_whoever_comes_anew_with_the_address_is_taken_in(self):
        one = self.member()
        self.assertEqual(self.erase(one["email"]).status, 204)
        self.stack.acsim.delete(one["id"])
        time.sleep(1.1)  # ActiveCampaign's stamps have whole seconds
        again = self.add(email=one["email"])
        self.assertEqual(self.stack.get_contact(again["id"], "refresh=live").status, 200)
        self.assertEqual(self.stack.genpass(again).json()["status"], "accepted")
        self.assertEqual(self.stack.genpass({**one, "email": "x@example.org"}).json()["status"],
                         "ignored")

    def test_an_open_job_of_it_is_dropped(self):
        one = self.known()
        self.stack.acsim.fault("GET /api/3/contacts", status=503, body="", for_s=2)
        answer = self.password(one["id"], wait=0, action="generate")
        self.assertEqual(self.erase(one["id"]).status, 204)
        job = self.stack.http.request("GET", answer.headers["Location"], headers={
            "Authorization": f"Bearer {self.stack.key}"}).json()
        self.assertEqual(job["state"], "dropped")
        self.stack.acsim.clear_faults()
        self.stack.wait_until_idle()
        self.assertEqual(self.in_account(one), "")

    def test_bad_input_erases_nobody(self):
        one = self.known()
        before = self.stack.counts()["contact"]
        for who in ("0", "-1", "x", "a@b@c", "*", "1 OR 1=1"):
            self.assertProblem(self.erase(who), 400, "invalid_request")
        self.assertProblem(self.stack.api("DELETE", "/contacts/%ff"), 400, "invalid_request")
        self.assertProblem(self.erase("nobody@example.org"), 404, "not_found")
        self.assertEqual(self.stack.api("DELETE", f"/contacts/{one['id']}/").status, 404)
        self.assertEqual(self.stack.api("DELETE", "/contacts").status, 405)
        self.assertProblem(self.erase(one["id"], key="x"), 401, "key")
        key = self.stack.new_key("erase-none", "login,contacts:read,contacts:write")
        self.assertProblem(self.erase(one["id"], key=key), 403, "scope")
        self.assertEqual(self.stack.counts()["contact"], before)


if __name__ == "__main__":
    main()
