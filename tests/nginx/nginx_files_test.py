"""What the shipped nginx files promise, seen with a real nginx and no daemon."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from rig import NGINX, SHIPPED, Rig, main_config, make_directories

CODE = "CanaryCode7f3a"
EMAIL = "canary.person@example.com"
KEY = "canary-key-91bc"
PASSWORD = "canary-password-5d"
SECRETS = (CODE, "canary.person", KEY, PASSWORD, "canary-token")
HOOK = f"/?mbr_genpass={CODE}"
EVENT = f"/membergate/hooks/events?code={CODE}"
BEARER = {"Authorization": f"Bearer {KEY}"}


class ShippedFiles(unittest.TestCase):
    def test_nginx_accepts_them_unchanged(self):
        """In a mount namespace, so that testing leaves no log files on the machine."""
        if not os.path.isdir("/var/log/nginx"):
            self.skipTest("/var/log/nginx does not exist: nginx is not Debian's")
        directory = pathlib.Path(tempfile.mkdtemp(prefix="mbr-nginx-"))
        self.addCleanup(shutil.rmtree, directory)
        make_directories(directory)
        example = SHIPPED["example"].read_text()
        for name in ("gate", "gate-cached"):
            with self.subTest(name):
                self.assert_accepted(directory, name, example)

    def assert_accepted(self, directory, gate, example):
        config = directory / "nginx.conf"
        gated = f"include {SHIPPED['gated']}"
        config.write_text(
            main_config(
                directory, SHIPPED["http"], SHIPPED["server"],
                more_http=f"fastcgi_cache_path {directory}/tmp/gate keys_zone=membergate_gate:1m;"
                f"upstream php {{ server unix:{directory}/php.sock; }}",
                more_server=f"include {SHIPPED[gate]};"
                + example.replace("include snippets/membergate-gated.conf", gated),
            )
        )
        command = [NGINX, "-t", "-e", "stderr", "-p", directory, "-c", config]
        isolate = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
        possible = subprocess.run([*isolate, "true"], capture_output=True).returncode == 0
        if possible:
            if os.geteuid() != 0:  # root inside the namespace
                config.write_text("user root root;\n" + config.read_text())
            mount = 'mount -t tmpfs none /var/log/nginx && exec "$@"'
            command = [*isolate, "sh", "-c", mount, "sh", *command]
        elif os.geteuid() != 0:
            self.skipTest("neither root nor user namespaces: cannot write /var/log/nginx")
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("[warn]", done.stderr)

    def test_they_name_five_paths_of_the_machine(self):
        named = set()
        for shipped in SHIPPED.values():
            text = re.sub(r"(?m)^\s*#.*$", "", shipped.read_text())
            named |= set(re.findall(r"/(?:run|var|etc|usr|tmp|opt|srv)/[\w./-]*", text))
        logs = {path for path in named if path.startswith("/var/log/nginx/")}
        self.assertEqual(
            {"/run/membergate/fcgi.sock", "/run/membergate/shed.sock", "/etc/nginx/fastcgi_params",
             "/usr/share/javascript/chart.js/chart.min.js"},
            named - logs,
        )
        self.assertTrue(logs)

    def test_debians_nginx_has_what_the_gate_needs(self):
        built = subprocess.run([NGINX, "-V"], capture_output=True, text=True).stderr
        self.assertIn("--with-http_auth_request_module", built)

    def test_the_rule_is_set_by_gated_locations_alone(self):
        """At server level it would be set again for the question to the daemon."""
        for name in ("http", "server", "gate", "gate-cached", "gated"):
            text = re.sub(r"(?m)^\s*#.*$", "", SHIPPED[name].read_text())
            self.assertNotIn("set $membergate_rule", text, name)

    def test_the_cached_gate_differs_by_the_cache_alone(self):
        def lines(name):
            text = re.sub(r"(?m)^\s*#.*$", "", SHIPPED[name].read_text())
            return [line.strip() for line in text.splitlines() if line.strip()]

        plain, cached = lines("gate"), lines("gate-cached")
        only = [line for line in cached if line not in plain]
        self.assertEqual(
            [line for line in plain if line != "fastcgi_cache off;"],
            [line for line in cached if line not in only],
        )
        self.assertEqual([], [line for line in only if not re.match(
            "fastcgi_(cache|no_cache|ignore_headers)", line)])
        self.assertIn(
            'fastcgi_cache_key "$membergate_rule|$cookie_membergate_session";', only)
        self.assertIn("fastcgi_cache_valid 204 2s;", only)

    def test_the_limits_are_those_decided(self):
        text = SHIPPED["http"].read_text() + SHIPPED["server"].read_text()
        rates = dict(re.findall(r"zone=(membergate_\w+_v\d+):\d+m\s+rate=(\d+r/s)", text))
        bursts = re.findall(r"limit_req\s+zone=(\w+)\s+burst=(\d+) nodelay;", text)
        shipped = {(zone, rates[zone], burst) for zone, burst in bursts}
        self.assertEqual(
            {
                ("membergate_webhooks_code_v1", "1000r/s", "2000"),
                ("membergate_webhooks_address_v1", "1000r/s", "2000"),
                ("membergate_login_v1", "200r/s", "400"),
                ("membergate_api_v1", "1000r/s", "2000"),
                ("membergate_pages_v1", "5r/s", "20"),
            },
            shipped,
        )
        self.assertNotRegex(text, r"(?m)^\s*limit_conn")


class WithRig(unittest.TestCase):
    edits = ()

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(cls.edits)
        cls.addClassCleanup(cls.rig.close)

    def setUp(self):
        self.rig.fresh()

    def reached(self):
        return [call.params["DOCUMENT_URI"] for call in self.rig.responder.calls]

    def assert_problem(self, answer, status, code):
        self.assertEqual(status, answer.status)
        self.assertEqual("application/problem+json", answer.headers["Content-Type"])
        problem = json.loads(answer.body)
        self.assertEqual((status, code), (problem["status"], problem["code"]))
        self.assertRegex(problem["request_id"], "^[0-9a-f]{32}$")

    def assert_page(self, answer, status, sentence):
        """A page of nginx's own, which loads nothing and is kept nowhere."""
        self.assertEqual(status, answer.status)
        self.assertEqual("text/html; charset=utf-8", answer.headers["Content-Type"])
        self.assertIn(sentence, answer.body)
        self.assertEqual("no-store", answer.headers["Cache-Control"])
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])


class Routing(WithRig):
    def test_each_root_query_reaches_the_daemon_in_its_class(self):
        for name, route in {
            "genpass": "/membergate/hooks/genpass",
            "clearuser": "/membergate/hooks/clearuser",
            "auth": "/membergate/auth",
            "autologin": "/membergate/autologin",
        }.items():
            with self.subTest(name):
                self.rig.fresh()
                self.assertEqual(200, self.rig.post(f"/?mbr_{name}=C&tid=1,2").status)
                self.assertEqual([route], self.reached())

    def test_the_daemon_sees_the_request_as_it_was_sent(self):
        self.rig.post("/?a=1&mbr_genpass=C%20d&tid=1%2C2", b"contact[id]=7&x=%26")
        call = self.rig.responder.calls[0]
        self.assertEqual("POST", call.params["REQUEST_METHOD"])
        self.assertEqual("/?a=1&mbr_genpass=C%20d&tid=1%2C2", call.params["REQUEST_URI"])
        self.assertEqual("a=1&mbr_genpass=C%20d&tid=1%2C2", call.params["QUERY_STRING"])
        self.assertRegex(call.params["MEMBERGATE_REQUEST_ID"], "^[0-9a-f]{32}$")
        self.assertEqual(b"contact[id]=7&x=%26", call.body)

    def test_any_spelling_of_the_front_page_is_routed(self):
        for target in (
            "/?mbr_genpass=C",
            "/index.php?mbr_genpass=C",
            "//?mbr_genpass=C",
            "/?p=1&MBR_GENPASS=C",
            "/?mbr_genpass=",
        ):
            for method in ("GET", "POST", "PUT"):
                with self.subTest(target=target, method=method):
                    self.rig.fresh()
                    self.assertEqual(200, self.rig.send(method, target).status)
                    self.assertEqual(["/membergate/hooks/genpass"], self.reached())

    def test_a_chunked_body_arrives_whole(self):
        body = b"contact[id]=7&note=" + b"x" * 200_000
        answer = self.rig.post(HOOK, iter([body[:1000], body[1000:]]))
        self.assertEqual(200, answer.status)
        self.assertEqual(body, self.rig.responder.calls[0].body)

    def test_the_site_keeps_everything_else(self):
        for target in (
            "/",
            "/?p=1",
            "/index.html?mbr_genpass=C",
            "/?xmbr_genpass=C",
            "/?mbr%5Fgenpass=C",
            "/blog/?mbr_genpass=C",
        ):
            with self.subTest(target):
                self.assertEqual(b"the site", self.rig.get(target).body)
        self.assertEqual(301, self.rig.get("/old").status)
        self.assertEqual([], self.reached())

    def test_the_rest_api_and_the_event_hook_keep_their_uri(self):
        for target in (
            "/membergate/hooks/events?code=C",
            "/membergate/v1/login",
            "/membergate/v1/contacts/a%40b.example/tags",
            "/membergate/livez",
            "/membergate/readyz",
            "/membergate/metrics",
            "/membergate/status?range=7d",
            "/membergate/status/login",
            "/membergate/status/style-0123456789abcdef.css",
        ):
            with self.subTest(target):
                self.rig.fresh()
                self.assertEqual(200, self.rig.post(target).status)
                self.assertEqual(target, self.rig.responder.calls[0].params["REQUEST_URI"])

    def test_unknown_names_below_membergate_end_at_nginx(self):
        for target in ("/membergate/", "/membergate/nothing", "/membergate/v2/login"):
            with self.subTest(target):
                self.assertEqual(404, self.rig.get(target).status)
        self.assertEqual([], self.reached())

    def test_health_and_rest_answer_local_callers_only(self):
        for target in ("livez", "readyz", "metrics", "v1/login", "v1/contacts/7", "status",
                       "status/", "status/login", "status/data", "status/chart.js"):
            with self.subTest(target):
                answer = self.rig.get(f"/membergate/{target}", address="127.0.0.2")
                self.assertEqual(403, answer.status)
        self.assertEqual([], self.reached())
        self.assertEqual(200, self.rig.post(HOOK, address="127.0.0.2").status)
        self.assertEqual(200, self.rig.post(EVENT, address="127.0.0.2").status)

    def test_the_chart_library_comes_from_its_package(self):
        answer = self.rig.get("/membergate/status/chart.js")
        packaged = pathlib.Path("/usr/share/javascript/chart.js/chart.min.js")
        if packaged.is_file():
            self.assertEqual((200, packaged.read_bytes()), (answer.status, answer.body))
            self.assertEqual("text/javascript", answer.headers["Content-Type"])
        else:
            self.assertEqual(404, answer.status)
        self.assertEqual([], self.reached())

    def test_connections_to_the_daemon_are_kept(self):
        for _ in range(40):
            self.assertEqual(200, self.rig.post(HOOK).status)
        self.assertEqual(40, len(self.rig.responder.calls))
        self.assertLessEqual(self.rig.responder.connections, 2)  # one a worker


class SubFolder(WithRig):
    edits = (("default /;", "default /blog/;"),)

    def test_the_front_page_is_the_folder(self):
        for target in ("/blog/", "/blog", "/blog/index.php"):
            with self.subTest(target):
                self.rig.fresh()
                self.assertEqual(200, self.rig.post(f"{target}?mbr_genpass=C").status)
                self.assertEqual(["/membergate/hooks/genpass"], self.reached())

    def test_the_servers_root_is_not(self):
        for target in ("/", "/blogindex.php", "/blog/blog/", "/blog/x"):
            with self.subTest(target):
                self.rig.get(f"{target}?mbr_genpass=C")
        self.assertEqual([], self.reached())

    def test_membergates_own_paths_do_not_move(self):
        self.assertEqual(200, self.rig.post(EVENT).status)
        self.assertEqual(200, self.rig.get("/membergate/readyz").status)


class Limits(WithRig):
    edits = (
        ("rate=1000r/s", "rate=1r/s"),
        ("rate=200r/s", "rate=1r/s"),
        ("rate=5r/s", "rate=1r/s"),
        ("burst=2000", "burst=10"),
        ("burst=400", "burst=10"),
        ("burst=20 ", "burst=10 "),
    )

    def setUp(self):
        # A bucket of its own for each test: the zones keep addresses.
        super().setUp()
        Limits.count = getattr(Limits, "count", 0) + 1
        self.address = f"127.0.1.{Limits.count}"

    def refused(self, target, times=25, key=None, address=None, names=str):
        """The refusals among `times` requests of which 11 fit into the bucket at once.

        The braces in `target` stand for what `names` calls each of them.

        Each refused webhook must have sent its note by then, nothing else one.
        """
        begun = time.monotonic()
        answers = [
            self.rig.post(
                target.format(names(i)), headers={"Authorization": key.format(i)} if key else {},
                address=address or self.address,
            )
            for i in range(times)
        ]
        refused = [answer for answer in answers if answer.status == 429]
        self.assertEqual({200} | ({429} if refused else set()), {a.status for a in answers})
        if refused:
            passed, late = times - len(refused), int(time.monotonic() - begun) + 1
            self.assertTrue(11 <= passed <= 11 + late, f"{passed} passed")
        webhook = "mbr_genpass" in target or "hooks" in target
        self.notes = self.rig.notes_heard(len(refused) if webhook else 0)
        self.assertEqual(len(refused) if webhook else 0, len(self.notes))
        return refused

    def test_webhooks_are_limited_by_code(self):
        refused = self.refused("/?mbr_genpass=byCode")
        self.assert_problem(refused[0], 429, "throttled")
        self.assertEqual("2", refused[0].headers["Retry-After"])

    def test_random_codes_share_their_addresss_bucket(self):
        self.assertTrue(self.refused("/?mbr_genpass=random{}"))

    def test_a_refused_webhooks_note_does_not_tell_its_code(self):
        self.assertTrue(self.refused(EVENT + "&tid=1,2"))
        self.assertEqual({"shed"}, {note["ev"] for note in self.notes})
        self.assertEqual({"429"}, {note["status"] for note in self.notes})
        self.assertEqual({"/membergate/hooks/events"}, {note["route"] for note in self.notes})
        self.assertNotIn(CODE, json.dumps(self.notes))

    def test_rest_is_limited_by_key(self):
        for target in ("/membergate/v1/login", "/membergate/v1/contacts/7"):
            with self.subTest(target):
                refused = self.refused(target, key="Bearer one", address="127.0.0.1")
                self.assert_problem(refused[0], 429, "throttled")
                self.assertFalse(self.refused(target, key="Bearer {}", address="127.0.0.1"))

    def test_callers_without_a_key_are_limited_by_address(self):
        self.assertTrue(self.refused("/membergate/v1/login", address="127.0.0.1"))
        self.assertTrue(self.refused("/?mbr_auth=a{}"))

    def test_links_in_emails_are_limited_as_pages(self):
        self.assert_page(self.refused("/?mbr_autologin=a{}")[0], 429, b"Too many requests")
        self.assertFalse(self.refused("/?mbr_auth=a", times=5))


    def test_pages_are_limited_by_address_all_together(self):
        pages = ("login", "logout", "reset", "link")
        refused = self.refused("/membergate/{}", names=lambda i: pages[i % 4])
        self.assert_page(refused[0], 429, b"Too many requests")
        self.assertEqual("2", refused[0].headers["Retry-After"])


class Failures(WithRig):
    edits = (("client_body_timeout 10s", "client_body_timeout 1s"),
             ("fastcgi_read_timeout 10s", "fastcgi_read_timeout 1s"))

    def setUp(self):
        super().setUp()
        self.addCleanup(setattr, self.rig.responder, "answer", self.rig.responder.answer)

    def answer_with(self, status, body=b"{}", **headers):
        self.rig.responder.answer = lambda _: (status, headers, body)

    def test_a_body_too_large_is_refused_and_noted(self):
        for body in (b"x" * 262_145, iter([b"x" * 262_145])):
            answer = self.rig.post(HOOK, body)
            self.assert_problem(answer, 413, "too_large")
            self.assertIsNone(answer.headers["Retry-After"])
        self.assertEqual(["413", "413"], [n["status"] for n in self.rig.notes_heard(2)])
        self.assertEqual(200, self.rig.post(HOOK, b"x" * 262_144).status)
        self.assert_problem(self.rig.post("/membergate/v1/contacts", b"x" * 65_537), 413, "too_large")
        self.assertEqual([], self.rig.notes_heard(0))

    def test_a_daemon_that_is_down_is_a_502_with_a_note(self):
        self.rig.responder.stop()
        self.addCleanup(self.rig.responder.restart)
        answer = self.rig.post(HOOK)
        self.assert_problem(answer, 502, "unavailable")
        self.assertEqual("5", answer.headers["Retry-After"])
        self.assertEqual(["502"], [note["status"] for note in self.rig.notes_heard(1)])
        self.assert_problem(self.rig.get("/membergate/readyz"), 502, "unavailable")
        self.assertEqual([], self.rig.notes_heard(0))

    def test_in_the_place_of_a_page_stands_one(self):
        answer = self.rig.post("/membergate/login", b"x" * 65_537)
        self.assert_page(answer, 413, b"Please try again")
        self.rig.responder.stop()
        self.addCleanup(self.rig.responder.restart)
        for target in ("/membergate/login", "/membergate/link?t=1", "/?mbr_autologin=a"):
            answer = self.rig.get(target)
            self.assert_page(answer, 502, b"Please try again")
            self.assertEqual("5", answer.headers["Retry-After"])

    def test_a_daemon_that_hangs_is_a_504_with_a_note(self):
        self.rig.responder.answer = lambda _: time.sleep(8) or (200, {}, b"")
        answer = self.rig.post(HOOK)
        self.assert_problem(answer, 504, "unavailable")
        self.assertEqual(["504"], [note["status"] for note in self.rig.notes_heard(1)])

    def test_bodies_that_stall_or_break_off_are_noted(self):
        head = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nshort"
        self.assertEqual(b"", self.rig.raw(head.encode()))
        self.assertEqual(["408"], [note["status"] for note in self.rig.notes_heard(1)])
        self.rig.raw(head.encode(), wait_for_end=False)
        self.assertEqual(["400"], [note["status"] for note in self.rig.notes_heard(1)])
        self.assertEqual([], self.rig.responder.calls)

    def test_the_daemons_own_answers_pass_untouched_and_only_lost_deliveries_are_noted(self):
        for status in (200, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 502, 503, 504):
            with self.subTest(status):
                self.answer_with(status, b"my own words", **{"Retry-After": "77"})
                for target in (HOOK, EVENT, "/membergate/v1/login", "/membergate/login",
                               "/membergate/readyz"):
                    answer = self.rig.post(target)
                    self.assertEqual((status, b"my own words"), (answer.status, answer.body))
                    self.assertEqual("77", answer.headers["Retry-After"])
                lost = 2 if status in (413, 502, 503, 504) else 0
                self.assertEqual([str(status)] * lost,
                                 [note["status"] for note in self.rig.notes_heard(lost)])

    def test_a_webhook_is_sent_again_when_the_daemon_dies_over_it_and_a_write_is_not(self):
        def dies_once(call):
            return None if len(self.rig.responder.calls) == 1 else (200, {}, b"")

        self.rig.responder.answer = dies_once
        self.assertEqual(200, self.rig.post(HOOK).status)
        self.assertEqual(2, len(self.rig.responder.calls))
        for target in ("/membergate/v1/contacts", "/?mbr_auth=C"):
            self.rig.fresh()
            self.assertEqual(502, self.rig.post(target).status)
            self.assertEqual(1, len(self.rig.responder.calls))


class Logs(WithRig):
    edits = (("rate=1000r/s", "rate=1r/s"), ("burst=2000", "burst=3"),
             ("fastcgi_read_timeout 10s", "fastcgi_read_timeout 1s"))

    # Routed and not routed; accepted, refused by nginx and failed upstream.
    targets = (
        HOOK,
        EVENT,
        f"/index.php?p=1&mbr_genpass={CODE}&default_pass={PASSWORD}",
        f"/?mbr_clearuser={CODE}",
        f"/?mbr_auth={CODE}&user={EMAIL}&pass={PASSWORD}",
        f"/?mbr_autologin={CODE}&id=7&email={EMAIL}",
        f"/membergate/v1/contacts/{EMAIL}",
        f"/membergate/v1/contacts/{EMAIL.replace('@', '%40')}/tags",
        f"/membergate/v1/{EMAIL}",
        f"/membergate/hooks/{CODE.lower()}?code={CODE}",
        "/membergate/link?t=canary-token",
        f"/membergate/login?redir=/page?email={EMAIL}",
        f"/membergate/reset?email={EMAIL}",
        f"/membergate/livez?code={CODE}",
        f"/wp-login.php?mbr_genpass={CODE}",
        f"/?mbr%5fgenpass={CODE}",
        f"/?m%62r_genpass={CODE}",
        f"/?c%6fde={CODE}",
        f"/page?redir=%2F%3Fmbr%255Fgenpass%3D{CODE}",
        f"/page?a=1&CODE={CODE}",
        "/page?token=canary-token&b=2",
        f"/page?email={EMAIL}&mbr_auth={CODE}",
        f"/mbr/user/genpass/{CODE}",
        f"/blog/mbr/user/genpass/{CODE}",
        f"/shop/membergate/v1/contacts/{EMAIL}",
    )

    def send_everything(self):
        seen = set()
        for target in self.targets:
            for method in ("GET", "POST"):
                answer = self.rig.send(
                    method, target, f"user={EMAIL}&pass={PASSWORD}",
                    {**BEARER, "Referer": f"http://127.0.0.1/?mbr_autologin={CODE}"},
                )
                seen.add(answer.status)
        return seen

    def assert_clean(self):
        logs = self.rig.logs()
        self.assertTrue(logs["membergate-access.earlier.log"])
        self.assertTrue(logs["access.log"])
        for name, text in logs.items():
            for line in text.splitlines():
                for secret in SECRETS:
                    self.assertNotIn(secret.lower(), line.lower(), name)

    def test_no_answer_brings_a_secret_into_a_log(self):
        seen = self.send_everything()
        self.rig.responder.answer = lambda _: (403, {}, b"")
        seen |= self.send_everything()
        seen.add(self.rig.post(HOOK, b"x" * 300_000).status)
        self.rig.post(f"/membergate/v1/contacts/{EMAIL}", b"x" * 300_000)
        self.rig.raw(f"POST /?mbr_auth={CODE} {EMAIL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self.rig.raw(f"GET /x?mbr_auth={CODE} HTTP/1.1\r\nHost: a b\r\n\r\n".encode())
        self.rig.raw(f"GET /x?code={CODE} HTTP/1.1\r\nX: {'y' * 40000}\r\n\r\n".encode())
        self.rig.raw(f"GET http://h/membergate/v1/contacts/{EMAIL} HTTP/1.1\r\n\r\n".encode())
        self.rig.responder.stop()
        self.addCleanup(self.rig.responder.restart)
        seen |= self.send_everything()
        os.rename(self.rig.directory / "shed.sock", self.rig.directory / "gone.sock")
        self.addCleanup(
            os.rename, self.rig.directory / "gone.sock", self.rig.directory / "shed.sock")
        seen |= self.send_everything()
        os.rename(self.rig.responder.path, self.rig.responder.path + ".gone")
        self.addCleanup(
            os.rename, self.rig.responder.path + ".gone", self.rig.responder.path)
        seen |= self.send_everything()
        self.assertLessEqual({200, 403, 404, 413, 429, 502}, seen)
        self.assert_clean()

    def test_what_is_no_secret_stays_readable(self):
        self.rig.get("/blog/?page=2&utm=news")
        self.rig.get(f"/membergate/v1/contacts/{EMAIL}")
        self.rig.post(EVENT)
        logs = self.rig.logs()
        self.assertIn('"GET /blog/?page=2&utm=news HTTP/1.1" 200', logs["access.log"])
        self.assertIn(" GET /membergate/v1/contacts/*** ", logs["membergate-access.earlier.log"])
        self.assertIn(" POST /membergate/hooks/events ", logs["membergate-access.earlier.log"])


if __name__ == "__main__":
    if NGINX is None:
        raise SystemExit("nginx is not installed: run scripts/bootstrap")
    unittest.main(verbosity=2)
