"""Gated locations with the shipped files and the shipped example, seen with a real nginx.

The responder plays the daemon behind /.membergate/authz and the site's PHP; a small HTTP server
plays the program behind /forum/.
"""

import http.server
import threading
import time
import unittest
import urllib.parse

from fastcgi_responder import ok
from rig import NGINX, Rig

AUTHZ = "/.membergate/authz"
TOKEN = "T" * 43
MINE = {"Cookie": f"membergate_session={TOKEN}"}
OTHER = {"Cookie": "membergate_session=" + "U" * 43}
IDENTITY = {
    "X-Membergate-Contact": "42",
    "X-Membergate-Email": "ann%C3%A9@example.org",
    "X-Membergate-Tags": "1,5",
}
SPOOFED = {
    "X-Membergate-Contact": "1",
    "X-Membergate-Email": "boss@example.org",
    "X-Membergate-Tags": "99",
    "X_Membergate_Contact": "1",
    "Membergate-Rule": "open",
    "MEMBERGATE_RULE": "open",
    "Membergate-Session": TOKEN,
}
PHP = "upstream php { server unix:{directory}/fcgi.sock; }"
SITE = """
    error_page 401 403 404 =200 /index.html;
    error_page 500 502 503 504 =200 /index.html;
    include {directory}/example.conf;
    location ^~ /unset/ { include {directory}/gated.conf; }
    location ^~ /site-pages/ {
        set $membergate_rule members;
        auth_request /.membergate/authz;
    }
    location ^~ /unknown/ { set $membergate_rule unknown; include {directory}/gated.conf; }
"""


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that it got, a line each."""

    def do_GET(self):
        body = "".join(f"{name}: {value}\n" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WithGate(unittest.TestCase):
    gate, more_http = "gate", ""

    @classmethod
    def setUpClass(cls):
        cls.forum = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        cls.addClassCleanup(cls.forum.server_close)
        cls.addClassCleanup(cls.forum.shutdown)
        threading.Thread(target=cls.forum.serve_forever, daemon=True).start()
        edits = (
            ("http://127.0.0.1:8080", f"http://127.0.0.1:{cls.forum.server_port}"),
            ("fastcgi_read_timeout 5s", "fastcgi_read_timeout 1s"),
        )
        cls.rig = Rig(
            edits, PHP + cls.more_http, f"include {{directory}}/{cls.gate}.conf;" + SITE)
        cls.addClassCleanup(cls.rig.close)
        site = cls.rig.directory / "site"
        for folder in ("members", "courses", "unset", "unknown", "site-pages"):
            (site / folder).mkdir()
            (site / folder / "page.html").write_text("members only")
        (site / "courses/lesson.php").write_text("never seen: PHP answers")
        (site / "not-for-you.html").write_text("another tag is needed")
        cls.video = bytes(range(256)) * 40_000
        (site / "members/video.mp4").write_bytes(cls.video)

    def setUp(self):
        self.rig.fresh()
        self.decision = None  # (status, headers) whatever is asked
        self.rig.responder.answer = self.answer
        self.addCleanup(setattr, self.rig.responder, "answer", ok)

    def answer(self, call):
        if call.params["DOCUMENT_URI"] != AUTHZ:
            lines = [f"{name}: {value}" for name, value in call.params.items()]
            return 200, {"Content-Type": "text/plain"}, "\n".join(lines).encode()
        if self.decision:
            return (*self.decision, b"")
        if call.params["MEMBERGATE_RULE"] not in ("members", "gold"):
            return 403, {}, b""
        if f"membergate_session={TOKEN}" not in call.params["HTTP_COOKIE"]:
            return 401, {}, b""
        return 204, IDENTITY, b""

    def asked(self):
        """What the daemon was asked: the parameters of each question."""
        calls = self.rig.responder.calls
        return [call.params for call in calls if call.params["DOCUMENT_URI"] == AUTHZ]

    def seen(self, target, headers):
        """What the program behind the gate was told, by the names as it sees them."""
        answer = self.rig.get(target, headers=headers)
        self.assertEqual(200, answer.status)
        return dict(line.split(": ", 1) if ": " in line else (line.rstrip(": "), "")
                    for line in answer.body.decode().splitlines())


class Gate(WithGate):
    def test_a_file_is_served_to_whom_the_daemon_admits(self):
        answer = self.rig.get("/members/page.html", headers=MINE)
        self.assertEqual((200, b"members only"), (answer.status, answer.body))
        self.assertEqual("private, no-cache", answer.headers["Cache-Control"])
        (question,) = self.asked()
        self.assertEqual("members", question["MEMBERGATE_RULE"])
        self.assertEqual("/members/page.html", question["REQUEST_URI"])

    def test_without_a_session_the_visitor_goes_to_the_login_page(self):
        for headers in ({}, OTHER):
            answer = self.rig.get("/members/page.html?a=1", headers=headers)
            self.assertEqual(303, answer.status)
            self.assertEqual("/membergate/login?redir=/members/page.html?a=1",
                             answer.headers["Location"])
            self.assertNotIn(b"members only", answer.body)

    def test_the_login_redirect_cannot_be_split(self):
        answer = self.rig.get("/members/%0d%0aSet-Cookie:%20x=1")
        self.assertEqual("/membergate/login?redir=/members/%0d%0aSet-Cookie:%20x=1",
                         answer.headers["Location"])
        self.assertIsNone(answer.headers["Set-Cookie"])

    def test_whom_the_rule_does_not_admit_gets_the_sites_403_page(self):
        self.decision = 403, {}
        answer = self.rig.get("/members/page.html", headers=MINE)
        self.assertEqual((403, b"another tag is needed"), (answer.status, answer.body))

    def test_a_location_without_a_rule_or_with_an_unknown_one_is_closed(self):
        for folder, rule in (("unset", ""), ("unknown", "unknown")):
            with self.subTest(folder):
                self.rig.fresh()
                answer = self.rig.get(f"/{folder}/page.html", headers=MINE)
                self.assertEqual(403, answer.status)
                self.assertNotIn(b"members only", answer.body)
                self.assertEqual([rule], [asked["MEMBERGATE_RULE"] for asked in self.asked()])

    def test_any_other_answer_of_the_daemon_keeps_the_gate_closed(self):
        for status in (302, 400, 404, 429, 500, 502, 503, 504):
            with self.subTest(status):
                self.decision = status, {"Location": "/", **IDENTITY}
                answer = self.rig.get("/members/page.html", headers=MINE)
                self.assertNotIn(b"members only", answer.body)

    def test_no_daemon_no_page_whatever_the_sites_error_pages_are(self):
        self.rig.responder.stop()
        self.addCleanup(self.rig.responder.restart)
        for target in ("/members/page.html", "/courses/page.html", "/courses/lesson.php"):
            answer = self.rig.get(target, headers=MINE)
            self.assertEqual(500, answer.status, target)
            self.assertNotIn(b"members only", answer.body, target)
        answer = self.rig.get("/site-pages/page.html", headers=MINE)
        self.assertEqual(b"the site", answer.body)
        self.assertEqual([], self.rig.notes_heard(0))

    def test_a_daemon_that_hangs_is_no_yes(self):
        hanging = threading.Event()
        self.addCleanup(hanging.set)
        self.rig.responder.answer = lambda _: hanging.wait(30) and (204, IDENTITY, b"")
        answer = self.rig.get("/members/page.html", headers=MINE)
        self.assertEqual(500, answer.status)

    def test_a_daemon_that_dies_over_the_question_is_asked_again(self):
        died = []

        def dies_once(call):
            if not died:
                died.append(True)
                return None
            return self.answer(call)

        self.rig.responder.answer = dies_once
        self.assertEqual(200, self.rig.get("/members/page.html", headers=MINE).status)

    def test_parts_of_a_file_are_served_and_each_is_asked_for(self):
        for begin, end in ((0, 0), (1000, 70_999), (5_000_000, len(self.video) - 1)):
            answer = self.rig.get(
                "/members/video.mp4", headers={**MINE, "Range": f"bytes={begin}-{end}"})
            self.assertEqual(206, answer.status)
            self.assertEqual(self.video[begin : end + 1], answer.body)
        self.assertEqual(3, len(self.asked()))
        answer = self.rig.get("/members/video.mp4", headers={"Range": "bytes=0-9"})
        self.assertEqual(303, answer.status)

    def test_head_and_post_are_gated_alike(self):
        for method in ("HEAD", "POST", "PUT", "OPTIONS"):
            answer = self.rig.send(method, "/members/page.html", b"x" * 5000)
            self.assertEqual(303, answer.status, method)
        self.assertEqual(200, self.rig.send("HEAD", "/members/page.html", headers=MINE).status)

    def test_the_daemon_is_asked_with_the_cookies_alone(self):
        self.rig.post("/courses/lesson.php?secret=1", b"x" * 50_000,
                      headers={**MINE, **SPOOFED, "Authorization": "Bearer k", "Referer": "r"})
        for question in self.asked():
            headers = {name for name in question if name.startswith("HTTP_")}
            # Debian's fastcgi_params name the host.
            self.assertEqual({"HTTP_COOKIE"}, headers - {"HTTP_HOST"})
            self.assertEqual("gold", question["MEMBERGATE_RULE"])
            self.assertEqual("", question["QUERY_STRING"])
            self.assertEqual("", question["CONTENT_LENGTH"])
            self.assertRegex(question["MEMBERGATE_REQUEST_ID"], "^[0-9a-f]{32}$")
        for call in self.rig.responder.calls:
            if call.params["DOCUMENT_URI"] == AUTHZ:
                self.assertEqual(b"", call.body)

    def test_php_behind_the_gate_learns_who_it_is_and_nothing_that_the_client_claims(self):
        self.rig.get("/courses/lesson.php", headers={**MINE, **SPOOFED})
        told = self.rig.responder.calls[-1].params
        self.assertEqual(str(self.rig.directory / "site/courses/lesson.php"),
                         told["SCRIPT_FILENAME"])
        named = {name: value for name, value in told.items() if "MEMBERGATE" in name}
        self.assertEqual(
            {
                "HTTP_X_MEMBERGATE_CONTACT": "42",
                "HTTP_X_MEMBERGATE_EMAIL": "ann%C3%A9@example.org",
                "HTTP_X_MEMBERGATE_TAGS": "1,5",
                # The client's own, which nobody reads.
                "HTTP_MEMBERGATE_RULE": "open",
                "HTTP_MEMBERGATE_SESSION": TOKEN,
            },
            named,
        )

    def test_a_program_behind_the_gate_learns_the_same(self):
        told = self.seen("/forum/", {**MINE, **SPOOFED})
        for name, value in IDENTITY.items():
            self.assertEqual(value, told[name])
        self.assertNotIn("X_Membergate_Contact", told)

    def test_a_value_that_is_missing_is_not_the_clients(self):
        self.decision = 204, {"X-Membergate-Contact": "42"}
        told = self.seen("/forum/", {**MINE, **SPOOFED})
        self.assertEqual("42", told["X-Membergate-Contact"])
        self.assertNotIn("X-Membergate-Email", told)
        self.rig.get("/courses/lesson.php", headers={**MINE, **SPOOFED})
        self.assertEqual("", self.rig.responder.calls[-1].params["HTTP_X_MEMBERGATE_EMAIL"])

    def test_neither_body_nor_cookies_of_the_daemons_answer_reach_the_visitor(self):
        self.decision = 204, {**IDENTITY, "Set-Cookie": "x=1"}
        answer = self.rig.get("/members/page.html", headers=MINE)
        self.assertIsNone(answer.headers["Set-Cookie"])
        self.assertIsNone(answer.headers["X-Membergate-Email"])

    def test_nobody_reaches_the_question_from_outside(self):
        for target in (
            AUTHZ,
            "/.membergate/authz?x=1",
            "//.membergate//authz",
            "/%2emembergate/authz",
            "/%2Emembergate%2Fauthz",
            "/membergate/../.membergate/authz",
            "/membergate/v1/../../.membergate/authz",
            "/membergate/v1/%2e%2e/%2e%2e/.membergate/authz",
            "/members/../.membergate/authz",
            "/.membergate/./authz",
        ):
            with self.subTest(target):
                self.rig.fresh()
                self.rig.get(target, headers={**MINE, "Document-Uri": AUTHZ, "DOCUMENT_URI": AUTHZ})
                self.assertEqual([], self.asked())

    def test_a_claimed_document_uri_goes_nowhere(self):
        claims = {"Document-Uri": AUTHZ, "X-Original-URI": AUTHZ, "X-Accel-Redirect": AUTHZ}
        for target in (f"/?mbr_genpass=C&DOCUMENT_URI={AUTHZ}", "/membergate/v1/session",
                       f"/membergate/login?{urllib.parse.urlencode({'redir': AUTHZ})}"):
            with self.subTest(target):
                self.rig.fresh()
                self.assertEqual(200, self.rig.post(target, headers=claims).status)
                (call,) = self.rig.responder.calls
                self.assertNotEqual(AUTHZ, call.params["DOCUMENT_URI"])
                self.assertNotIn("MEMBERGATE_RULE", call.params)

    def test_no_log_holds_the_cookie_or_a_complaint(self):
        self.rig.get("/unset/page.html", headers=MINE)
        self.rig.get("/members/page.html", headers=MINE)
        self.assertNotIn("uninitialized", self.rig.logs()["error.log"])
        self.rig.get("/members/page.html", headers=OTHER)
        self.decision = 500, {}
        self.rig.get("/members/page.html", headers=MINE)
        for name, text in self.rig.logs().items():
            self.assertNotIn(TOKEN, text, name)
            self.assertNotIn("U" * 43, text, name)

    def test_the_login_pages_reach_the_daemon_from_everywhere(self):
        for page in ("login?redir=/members/", "logout", "reset", "link?t=x"):
            with self.subTest(page):
                self.rig.fresh()
                answer = self.rig.get(f"/membergate/{page}", address="127.0.0.2")
                self.assertEqual(200, answer.status)
                self.assertEqual(1, len(self.rig.responder.calls))


class CachedGate(WithGate):
    gate = "gate-cached"
    more_http = (
        "fastcgi_cache_path {directory}/tmp/gate keys_zone=membergate_gate:1m inactive=10s;"
        "fastcgi_cache_use_stale error timeout updating http_500 http_503;"
    )

    def setUp(self):
        super().setUp()
        # A session of its own for each test: what was remembered for another does not count.
        CachedGate.count = getattr(CachedGate, "count", 0) + 1
        self.token = f"{CachedGate.count:043d}"
        self.mine = {"Cookie": f"a=b; membergate_session={self.token}; c=d"}

    def answer(self, call):
        if call.params["DOCUMENT_URI"] == AUTHZ and not self.decision:
            admitted = f"membergate_session={self.token}" in call.params["HTTP_COOKIE"]
            return (204, IDENTITY, b"") if admitted else (401, {}, b"")
        return super().answer(call)

    def get(self, target="/members/page.html", headers=None, times=1):
        answers = [self.rig.get(target, headers=headers or self.mine) for _ in range(times)]
        return [answer.status for answer in answers]

    def test_one_question_serves_many_requests_and_still_says_who_it_is(self):
        self.assertEqual([200] * 5, self.get(times=5))
        self.assertLessEqual(len(self.asked()), 3)  # a slow machine may need more than 2 s
        told = self.seen("/forum/", self.mine)
        self.assertEqual("42", told["X-Membergate-Contact"])

    def test_a_rule_and_a_session_are_remembered_by_themselves(self):
        self.get()
        self.get("/courses/page.html")
        self.assertEqual({"members", "gold"}, {asked["MEMBERGATE_RULE"] for asked in self.asked()})
        self.assertEqual([303], self.get(headers=OTHER))

    def test_a_no_is_not_remembered(self):
        for status, shown in ((401, 303), (403, 403)):
            self.decision = status, {}
            self.rig.fresh()
            self.assertEqual([shown] * 3, self.get(times=3))
            self.assertEqual(3, len(self.asked()))
        self.decision = None
        self.assertEqual([200], self.get())

    def test_without_the_cookie_or_with_two_the_daemon_is_asked_each_time(self):
        self.decision = 204, IDENTITY
        for cookie in (
            None,
            "a=b",
            "membergate_session=",
            "xmembergate_session=1",
            f"membergate_session={self.token}; membergate_session=x",
            f"MEMBERGATE_SESSION=x; membergate_session={self.token}",
            f"a=b,membergate_session={self.token}",
        ):
            with self.subTest(cookie):
                self.rig.fresh()
                headers = {"Cookie": cookie} if cookie else {"X": "y"}
                self.get(headers=headers, times=3)
                self.assertEqual(3, len(self.asked()))

    def test_a_yes_is_forgotten_after_two_seconds_and_is_no_help_without_a_daemon(self):
        self.assertEqual([200], self.get())
        self.rig.responder.stop()
        self.addCleanup(self.rig.responder.restart)
        deadline = time.monotonic() + 10
        while self.rig.get("/members/page.html", headers=self.mine).body == b"members only":
            self.assertLess(time.monotonic(), deadline, "the gate stays open")
            time.sleep(0.1)


if __name__ == "__main__":
    if NGINX is None:
        raise SystemExit("nginx is not installed: run scripts/bootstrap")
    unittest.main(verbosity=2)
