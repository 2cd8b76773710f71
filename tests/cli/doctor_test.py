"""doctor and check-config --online: an installation where all is well, and each mistake by itself.

ActiveCampaign is a server of this test; the running service is a lock that this test holds.
"""

import fcntl
import json
import os
import pathlib
import resource
import socket
import sqlite3
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rig import Case, main

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Account(BaseHTTPRequestHandler):
    """As much of ActiveCampaign's API as doctor asks; what it answers is the server's to say."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.server.ahead)

    def do_GET(self):
        what = self.path.partition("?")[0].removeprefix("/api/3/")
        status, body = self.server.refusal or (200, self.server.answers[what])
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def field(number, perstag, shown=True):
    relations = [{"relid": "0", "field": str(number)}] if shown else []
    return {"id": str(number), "perstag": perstag, "title": perstag, "relations": relations}


def listed(name, rows):
    return {name: rows, "meta": {"total": str(len(rows))}}


class DoctorCase(Case):
    def setUp(self):
        super().setUp()
        self.ac = ThreadingHTTPServer(("127.0.0.1", 0), Account)
        self.ac.daemon_threads = True
        self.ac.ahead, self.ac.refusal = 0, None
        self.ac.answers = {
            "users/me": {"user": {"username": "admin", "localZoneid": "Europe/Berlin"}},
            "tags": listed("tags", [{"id": "1", "tag": "Member"}]),
            "fields": listed("fields", [field(1, "PASSWORD"), field(2, "CITY")]),
            "webhooks": listed("webhooks", []),
        }
        threading.Thread(target=self.ac.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(self.ac.server_close)
        self.addCleanup(self.ac.shutdown)
        self.assertEqual(0, self.init(url=f"http://127.0.0.1:{self.ac.server_port}").returncode)
        self.shed = self.dir / "shed.sock"
        self.configured("activecampaign.rate = 200/s", "login.required_tags = Member",
                        f"listen.socket = {self.dir}/fcgi.sock", f"shed.socket = {self.shed}")
        self.code("create", "--name", "automations")
        with self.database() as db:
            db.execute("INSERT INTO meta (key, value) VALUES ('sync.full_at', '1')")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(self.shed))
        self.addCleanup(self.listener.close)
        self.lock = open(self.dir / "membergate.db.lock", "w")
        self.addCleanup(self.lock.close)
        fcntl.flock(self.lock, fcntl.LOCK_SH)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.nginx = {"nginx.conf": self.site()}
        for name in ("conf.d/membergate.conf", "snippets/membergate.conf",
                     "snippets/membergate-gate.conf"):
            text = (ROOT / "nginx" / name).read_text()
            self.nginx[name] = text.replace("/run/membergate/fcgi.sock", f"{self.dir}/fcgi.sock") \
                .replace("/run/membergate/shed.sock", str(self.shed)) \
                .replace("include /etc/nginx/fastcgi_params;", "")

    @staticmethod
    def site():
        return """
            events { worker_connections 4096; }
            http {
              include conf.d/*.conf;
              server {
                listen 443 ssl;
                include snippets/membergate.conf;
                access_log /var/log/nginx/access.log membergate_combined;
                error_log /var/log/nginx/error.log warn;
                location / { try_files $uri =404; }
              }
            }"""

    def edit(self, name, old, new):
        self.assertIn(old, self.nginx[name])
        self.nginx[name] = self.nginx[name].replace(old, new)

    def run_doctor(self, *more):
        for name, text in self.nginx.items():
            path = self.top / "nginx" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        answer = self.membergate("doctor", "--json", "--nginx", self.top / "nginx/nginx.conf", *more)
        self.assertIn(answer.returncode, (0, 1), answer.stderr)
        said = json.loads(answer.stdout)
        self.assertEqual(answer.returncode == 0, said["problems"] == 0)
        for finding in said["findings"]:
            self.assertEqual(finding["severity"] == "good", finding["cure"] == "", finding)
        return said

    def findings(self, *more):
        """What is not good, as (check, severity, what)."""
        return [(f["check"], f["severity"], f["what"]) for f in self.run_doctor(*more)["findings"]
                if f["severity"] != "good"]

    def assertFinds(self, check, severity, *parts, others=(), more=()):
        """That this is found, and nothing else but `others`."""
        found = self.findings(*more)
        mine = [what for name, how, what in found if (name, how) == (check, severity)]
        self.assertTrue(mine, found)
        for part in parts:
            self.assertIn(part, " ".join(mine))
        self.assertLessEqual({name for name, _, _ in found} - {check}, set(others), found)


class AllWell(DoctorCase):
    def test_nothing_is_found(self):
        said = self.run_doctor()
        self.assertEqual((0, 0), (said["problems"], said["warnings"]), said)
        checks = {f["check"] for f in said["findings"]}
        self.assertLessEqual({"config", "secrets", "tls", "daemon", "store", "disk", "clock",
                              "activecampaign", "password-field", "nginx-logs"}, checks)

    def test_offline_asks_nobody(self):
        self.ac.refusal = (500, {})
        self.assertEqual([], self.findings("--offline"))

    def test_a_dump_of_nginx_is_read_too(self):
        dump = "".join(f"# configuration file /etc/nginx/{name}:\n{text}\n"
                       for name, text in self.nginx.items())
        self.nginx = {"nginx.conf": dump}
        self.assertEqual([], self.findings("--offline"))

    def test_for_a_person_each_has_a_line_and_its_cure(self):
        self.ac.ahead = 600
        self.run_doctor()
        answer = self.membergate("doctor", "--nginx", self.top / "nginx/nginx.conf")
        self.assertIn("problem  clock: ", answer.stdout)
        self.assertIn("-> timedatectl", answer.stdout)
        self.assertTrue(answer.stdout.endswith("1 problem, 0 warnings\n"), answer.stdout)

    def test_no_secret_is_shown(self):
        text = json.dumps(self.run_doctor())
        self.assertNotIn("ac-secret-key", text)


class Mistakes(DoctorCase):
    def test_01_a_key_nobody_knows(self):
        self.configured("no.such.key = 1")
        self.assertFinds("config", "problem", "no.such.key")

    def test_02_a_database_that_others_may_read(self):
        (self.dir / "membergate.db").chmod(0o644)
        self.assertFinds("secrets", "problem", "membergate.db")

    def test_03_a_certificate_file_without_one(self):
        ca = self.write(self.top / "ca.pem", "nothing\n")
        self.configured(f"activecampaign.ca_file = {ca}")
        self.assertFinds("tls", "problem", str(ca), more=["--offline"])

    def test_04_the_service_does_not_run(self):
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        self.assertFinds("daemon", "problem", "does not run")

    def test_05_too_few_descriptors(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = 1024 + 1024 * os.cpu_count() + 256
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed - 1, hard))
        self.assertFinds("descriptors", "warning", f"want {needed}")

    def test_06_no_shed_socket(self):
        self.shed.unlink()
        self.assertFinds("shed-socket", "problem", str(self.shed))

    def test_07_a_damaged_database(self):
        with self.database() as db:
            db.executemany("INSERT INTO audit (at, actor, action, detail, request_id) "
                           "VALUES (0, ?, '', '', '')", [("x" * 1000,)] * 200)
        with self.database() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(self.dir / "membergate.db", "r+b") as file:
            file.seek(-4 * 4096, 2)
            file.write(b"\x5a" * 3 * 4096)
        self.assertFinds("store", "problem")

    def test_08_a_database_of_an_older_release(self):
        with self.database() as db:
            db.execute("DELETE FROM migration WHERE version > 1")
        self.assertFinds("store", "warning", "older release")

    def test_09_a_master_key_of_another_database(self):
        other = self.top / "other"
        self.assertEqual(0, self.membergate("init", "--rotate-key").returncode)
        (self.dir / "master.key").rename(other)
        lines = other.read_text().splitlines()
        self.write(self.dir / "master.key", lines[0] + "\n")
        self.assertFinds("master-key", "problem", "restore the file")

    def test_10_a_wrong_api_key(self):
        self.ac.refusal = (403, {"message": "no"})
        self.assertFinds("activecampaign", "problem", "refuses the API key")

    def test_11_activecampaign_cannot_be_reached(self):
        self.ac.shutdown()
        self.ac.server_close()
        self.assertFinds("activecampaign", "problem", "does not answer")

    def test_12_a_clock_that_is_wrong(self):
        self.ac.ahead = 600
        self.assertFinds("clock", "problem", "behind")
        self.ac.ahead = -600
        self.assertFinds("clock", "problem", "ahead of")

    def test_13_a_membership_tag_that_is_not_there(self):
        self.ac.answers["tags"] = listed("tags", [{"id": "1", "tag": "member"}])
        self.assertFinds("tags", "problem", "Member")

    def test_14_a_password_field_that_no_page_shows(self):
        self.ac.answers["fields"] = listed("fields", [field(1, "PASSWORD", shown=False)])
        self.assertFinds("password-field", "warning", "belongs to no list")

    def test_15_a_field_that_may_hold_passwords(self):
        self.ac.answers["fields"] = listed("fields", [field(1, "PASSWORD"), field(2, "OLDPASS")])
        self.assertFinds("hidden-fields", "warning", "OLDPASS")

    def test_16_no_event_webhook(self):
        self.configured("webhooks.mode = events", "webhooks.public_url = https://example.com")
        self.assertFinds("hooks", "problem", "missing")

    def test_17_a_short_code(self):
        value = self.write(self.top / "value", "am360code\n")
        self.code("create", "--name", "old", "--value-file", value)
        self.assertFinds("codes", "warning", "old")

    def test_18_a_default_password(self):
        with self.database() as db:
            db.execute("INSERT INTO credential (contact_id, kind, origin, hash, changed_at) "
                       "VALUES (1, 0, 1, x'01', 0)")
        self.assertFinds("default-pass", "warning", "1 members")

    def test_19_no_membership_tag(self):
        text = self.conf.read_text().replace("login.required_tags = Member\n", "")
        self.conf.write_text(text)
        self.assertFinds("membership-tag", "warning")

    def test_20_links_without_a_token(self):
        self.configured("autologin.enabled = yes")
        self.assertFinds("autologin", "warning", "any member", others=["config"])

    def test_21_an_account_without_include(self):
        with self.database() as db:
            db.execute("INSERT INTO meta (key, value) VALUES ('activecampaign.features', "
                       "'contact=no,page=yes')")
        self.assertFinds("include", "warning", "contact=no")

    def test_22_jobs_that_were_given_up(self):
        with self.database() as db:
            db.execute("INSERT INTO job (kind, lane, state, key, payload, result, reason, after_id, "
                       "attempts, created_at, due_at, lease_until, ended_at) "
                       "VALUES ('refresh', 3, 5, '', '{}', '', 'why', 0, 1, 0, 0, 0, 0)")
        self.assertFinds("jobs", "warning", "1 jobs")

    def test_23_a_pass_that_is_suspended(self):
        with self.database() as db:
            db.execute("INSERT INTO meta (key, value) VALUES ('sync.suspended', '40')")
        self.assertFinds("gaps", "problem", "40 contacts")

    def test_24_nginx_without_our_files(self):
        self.edit("nginx.conf", "include snippets/membergate.conf;", "")
        self.assertFinds("nginx-files", "problem", "snippets/membergate.conf")
        self.edit("nginx.conf", "include conf.d/*.conf;", "")
        self.assertFinds("nginx-files", "problem", "conf.d/membergate.conf")

    def test_25_too_few_connections(self):
        self.edit("nginx.conf", "worker_connections 4096;", "")
        self.assertFinds("nginx-connections", "problem", "512")

    def test_26_logs_that_print_codes(self):
        self.edit("nginx.conf", " membergate_combined;", ";")
        self.assertFinds("nginx-logs", "problem", "combined")
        self.edit("nginx.conf", "access_log /var/log/nginx/access.log;", "")
        self.assertFinds("nginx-logs", "problem", "combined")
        self.edit("nginx.conf", "server {", "log_format own '$remote_addr $request_uri'; server {")
        self.edit("nginx.conf", "listen 443", "access_log /var/log/own own; listen 443")
        self.assertFinds("nginx-logs", "problem", "own")

    def test_27_an_error_log_that_prints_requests(self):
        self.edit("nginx.conf", "error.log warn", "error.log info")
        self.assertFinds("nginx-logs", "problem", "level info")

    def test_28_another_socket(self):
        self.edit("conf.d/membergate.conf", f"{self.dir}/fcgi.sock", "/run/other.sock")
        self.assertFinds("nginx-socket", "problem", "/run/other.sock")

    def test_29_no_notes_of_what_is_shed(self):
        self.edit("snippets/membergate.conf", str(self.shed), "/run/other.sock")
        self.assertFinds("nginx-shed", "problem", str(self.shed))

    def test_30_bodies_that_are_too_large_for_nginx(self):
        self.edit("snippets/membergate.conf", "client_max_body_size 256k", "client_max_body_size 8k")
        self.assertFinds("nginx-body", "problem")

    def test_31_rules_without_a_gate(self):
        self.configured("rule.gold = tag:Gold")
        self.assertFinds("nginx-gate", "warning")
        self.edit("nginx.conf", "include snippets/membergate.conf;",
                  "include snippets/membergate.conf; include snippets/membergate-gate.conf;")
        self.assertEqual([], self.findings())

    def test_32_a_shield_that_turns_webhooks_away(self):
        self.edit("conf.d/membergate.conf", "rate=1000r/s", "rate=10r/s")
        self.assertFinds("nginx-limits", "warning", "10r/s")

    def test_33_nginx_that_cannot_be_read(self):
        self.nginx["nginx.conf"] = "http { server {"
        self.assertFinds("nginx-files", "problem", "line 1")


class Online(DoctorCase):
    def check(self):
        answer = self.membergate("check-config", "--online", "--json")
        return answer.returncode, [f["check"] for f in json.loads(answer.stdout)["findings"]
                                   if f["severity"] == "problem"]

    def test_what_activecampaign_says_counts(self):
        self.assertEqual((0, []), self.check())
        self.ac.answers["tags"] = listed("tags", [])
        self.assertEqual((1, ["tags"]), self.check())
        self.ac.refusal = (403, {"message": "no"})
        self.assertEqual((1, ["activecampaign"]), self.check())


if __name__ == "__main__":
    main()
