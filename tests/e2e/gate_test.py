"""A members' area of plain files behind a real nginx, as the stack serves it at /members/."""

import contextlib
import os
import re
import signal

from harness import main, wait_for
from login_test import LoginTest

AUTHZ = "/.membergate/authz"


class GateTest(LoginTest):
    config = {
        "rule.members": "tag:Gold and not via:link",
        "login.ban_tag": "Banned",
        "login.refresh": "never",
    }
    daemon_restarts = True

    @classmethod
    def prepare(cls):
        cls.folder = cls.stack.dir / "site/members"
        (cls.folder / "page.html").write_text("members only")
        cls.gold = cls.member("gold", "of gold", tags=["Gold"])

    def session(self, one):
        return self.assertAdmitted(self.login(one))["session"]

    def click(self, session=None, target="/members/page.html", **headers):
        if session:
            headers["Cookie"] = f"other=1; membergate_session={session}; more=2"
        return self.stack.http.request("GET", target, None, headers)

    def assertServed(self, answer):
        self.assertEqual((answer.status, answer.body), (200, b"members only"), str(answer))

    def assertKeptOut(self, answer, status):
        self.assertEqual(answer.status, status, str(answer))
        self.assertNotIn(b"members only", answer.body)

    def assertSentToLogin(self, answer):
        self.assertKeptOut(answer, 303)
        self.assertEqual(answer.headers["Location"], "/membergate/login?redir=/members/page.html")

    def counted(self):
        """membergate_authz_total by result."""
        text = self.stack.http.request("GET", "/membergate/metrics").body.decode()
        rows = re.findall(r'membergate_authz_total\{result="(\w+)"\} (\d+)', text)
        return {result: int(count) for result, count in rows}

    @contextlib.contextmanager
    def nginx_with(self, *edits):
        """Until the end of the block nginx serves with (old, new) in its nginx.conf."""
        path = self.stack.dir / "nginx/nginx.conf"
        shipped = text = path.read_text()
        for old, new in edits:
            self.assertIn(old, text)
            text = text.replace(old, new)
        try:
            self.reload(text)
            yield
        finally:
            self.reload(shipped)

    def reload(self, text):
        (self.stack.dir / "nginx/nginx.conf").write_text(text)
        log = self.stack.dir / "nginx/log/error.log"
        seen = len(log.read_text())
        before = self.workers()
        os.kill(self.stack.pid("nginx"), signal.SIGHUP)
        wait_for(lambda: not before & self.workers(), lambda: log.read_text()[seen:], 20)
        self.stack.http.close()

    def workers(self):
        """Worker processes of nginx that take connections."""
        pid = self.stack.pid("nginx")
        children = set()
        for line in os.popen(f"ps --ppid {pid} -o pid=,args="):
            child, _, words = line.strip().partition(" ")
            if "shutting down" not in words:
                children.add(child)
        return children


class Gate(GateTest):
    def test_a_session_with_the_tag_opens_the_page_and_nothing_else_does(self):
        session = self.session(self.gold)
        self.assertSentToLogin(self.click())
        self.assertServed(self.click(session))
        for wrong in (session[:-1], session + "x", session.swapcase(), "x" * 43):
            self.assertSentToLogin(self.click(wrong))

    def test_a_member_without_the_tag_is_refused(self):
        silver = self.member("silver", "of silver", tags=["Silver"])
        self.assertKeptOut(self.click(self.session(silver)), 403)

    def test_a_tag_taken_by_webhook_counts_at_the_next_click(self):
        one = self.member("loses.it", "for now", tags=["Gold", "Silver"])
        session = self.session(one)
        self.assertServed(self.click(session))
        self.stack.acsim.touch(one["id"], tags_remove=["Gold"])
        self.assertEqual(self.stack.event({**one, "tags": ["Silver"]}).status, 200)
        self.assertKeptOut(self.click(session), 403)
        # And given again, by the site.
        answer = self.stack.api("POST", f"/contacts/{one['id']}/tags", {"add": ["Gold"]})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertServed(self.click(session))

    def test_a_ban_counts_at_the_next_click(self):
        one = self.member("banned", "in a moment", tags=["Gold"])
        self.member("villain", "of old", tags=["Banned"])  # so that there is such a tag
        session = self.session(one)
        self.assertServed(self.click(session))
        answer = self.stack.api("POST", f"/contacts/{one['id']}/tags", {"add": ["Banned"]})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertKeptOut(self.click(session), 403)

    def test_a_contact_that_was_deleted_is_no_visitor_any_more(self):
        one = self.member("gone", "for ever", tags=["Gold"])
        session = self.session(one)
        self.assertServed(self.click(session))
        self.stack.acsim.delete(one["id"])
        self.assertEqual(self.stack.get_contact(one["id"], "refresh=live").status, 404)
        self.assertSentToLogin(self.click(session))

    def test_a_session_that_was_ended_opens_nothing(self):
        session = self.session(self.gold)
        self.assertServed(self.click(session))
        answer = self.stack.api("POST", "/logout", headers={"Membergate-Session": session})
        self.assertLess(answer.status, 300, str(answer))
        self.assertSentToLogin(self.click(session))

    def test_parts_of_a_big_file_are_served(self):
        film = os.urandom(8_000_000)
        (self.folder / "film.mp4").write_bytes(film)
        session = self.session(self.gold)
        for begin, end in ((0, 99), (1_000_000, 4_999_999), (7_999_990, 7_999_999)):
            answer = self.click(session, "/members/film.mp4", Range=f"bytes={begin}-{end}")
            self.assertEqual(answer.status, 206)
            self.assertEqual(answer.headers["Content-Range"], f"bytes {begin}-{end}/8000000")
            self.assertEqual(answer.body, film[begin : end + 1])
        self.assertKeptOut(self.click(None, "/members/film.mp4", Range="bytes=0-99"), 303)

    def test_the_question_cannot_be_asked_from_outside(self):
        session = self.session(self.gold)
        before = self.counted()
        for target in (AUTHZ, "/members/..%2f.membergate/authz", "//.membergate/authz",
                       "/membergate/v1/..%2f..%2f.membergate/authz"):
            answer = self.click(session, target, **{"Membergate-Rule": "members",
                                                    "Document-Uri": AUTHZ})
            self.assertIn(answer.status, (400, 401, 403, 404), target)
            self.assertFalse([name for name in answer.headers if "membergate" in name.lower()])
        self.assertEqual(self.counted(), before)

    def test_answers_are_counted_and_not_logged(self):
        session = self.session(self.gold)
        before, lines = self.counted(), len(self.stack.log_lines())
        for _ in range(20):
            self.assertServed(self.click(session))
        self.assertEqual(self.counted()["admitted"], before["admitted"] + 20)
        self.assertEqual(len(self.stack.log_lines()), lines)


class GateAndFaults(GateTest):
    def test_no_daemon_no_page_and_the_session_outlives_it(self):
        session = self.session(self.gold)
        self.assertServed(self.click(session))
        self.stack.kill("membergate")
        self.assertKeptOut(self.click(session), 500)
        self.assertKeptOut(self.click(), 500)
        self.stack.up()
        self.assertServed(self.click(session))

    def test_a_rule_that_the_daemon_does_not_know_admits_nobody(self):
        session = self.session(self.gold)
        with self.nginx_with(("set $membergate_rule members;", "set $membergate_rule nobody;")):
            self.assertKeptOut(self.click(session), 403)
        with self.nginx_with(("set $membergate_rule members;", "")):
            self.assertKeptOut(self.click(session), 403)
        self.assertServed(self.click(session))

    def test_with_the_cache_a_yes_counts_for_two_seconds(self):
        one = self.member("cached", "for a while", tags=["Gold"])
        session = self.session(one)
        path = f"fastcgi_cache_path {self.stack.dir}/nginx/tmp/gate keys_zone=membergate_gate:1m;"
        with self.nginx_with(("membergate-gate.conf", "membergate-gate-cached.conf"),
                             ("http {", "http { " + path)):
            before = self.counted()
            for _ in range(50):
                self.assertServed(self.click(session))
                self.assertSentToLogin(self.click())
            after = self.counted()
            self.assertLess(after["admitted"] - before["admitted"], 20)
            self.assertEqual(after["no_session"] - before["no_session"], 50)
            answer = self.stack.api("POST", f"/contacts/{one['id']}/tags", {"remove": ["Gold"]})
            self.assertEqual(answer.status, 200, str(answer))
            wait_for(lambda: self.click(session).status == 403, "the gate stays open", 5)

    def test_a_tag_that_only_a_webhook_named_counts_for_ten_minutes(self):
        one = self.member("hopeful", "of gold soon", tags=["Silver"])
        session = self.session(one)
        self.assertKeptOut(self.click(session), 403)
        # ActiveCampaign answers nothing that could confirm the tag.
        self.stack.acsim.touch(one["id"], tags_add=["Gold"])
        self.stack.acsim.fault("GET /api/3/", status=503)
        self.assertEqual(self.stack.event({**one, "tags": ["Gold", "Silver"]}).status, 200)
        self.assertServed(self.click(session))

        self.stack.kill("membergate", "TERM")
        self.stack.write(
            "UPDATE contact SET own_changes = replace(own_changes, ?, ?) WHERE id = ?",
            *self.eleven_minutes_older(one["id"]), int(one["id"]))
        self.stack.up()
        self.assertKeptOut(self.click(session), 403)
        self.stack.acsim.clear_faults()
        wait_for(lambda: self.click(session).status == 200, "the tag was not confirmed", 30)

    def eleven_minutes_older(self, contact):
        (text,) = self.stack.query("SELECT own_changes FROM contact WHERE id = ?", int(contact))[0]
        heard_at = int(re.fullmatch(r'\[\[3,\d+,"","",(\d+)\]\]', text).group(1))
        return str(heard_at), str(heard_at - 11 * 60 * 1000)


del LoginTest


if __name__ == "__main__":
    main()
