"""The status page and its history through nginx, and the alert rules against the metrics."""

import html
import json
import re
import sqlite3
import time

import yaml
from browser import Browser
from harness import ROOT, StackTest, main, wait_for
from login_test import FAILURE_TIME

STATUS = "/membergate/status"
LOGIN = STATUS + "/login"
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
          "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")


def escaped(text):
    return html.escape(text).replace("&#x27;", "&#39;")


class StatusTest(StackTest):
    limits = ("pages=off",)

    @classmethod
    def prepare(cls):
        cls.admin = cls.stack.new_key("operator", "admin")

    def setUp(self):
        self.browser = Browser(self.stack.http)

    def enter(self):
        self.browser.get(LOGIN)
        answer = self.browser.submit(key=self.admin)
        self.assertSentTo(answer, STATUS)
        return self.show()

    def show(self, query=""):
        answer = self.browser.get(STATUS + query)
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.headers["Content-Security-Policy"], POLICY)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        return answer.body.decode()

    def send(self, path, **fields):
        """A form of the page that was shown last."""
        return self.browser.post(STATUS + path, self.form(**fields))

    def form(self, **fields):
        token = self.browser.page.fields["csrf"]
        return "&".join(f"{name}={value}" for name, value in {"csrf": token, **fields}.items())

    def data(self, span="3h"):
        answer = self.browser.get(f"{STATUS}/data?range={span}")
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()

    def fact(self, name):
        return self.data()["facts"][name]

    def assertSentTo(self, answer, target):
        self.assertEqual(answer.status, 303, str(answer))
        self.assertEqual(answer.headers["Location"], target)


class Access(StatusTest):
    def test_nothing_is_shown_without_the_cookie(self):
        self.assertSentTo(self.browser.get(STATUS), LOGIN)
        self.assertProblem(self.browser.get(STATUS + "/data"), 401, "key")
        self.browser.get(LOGIN)
        for path in ("/retry", "/contact"):
            self.assertSentTo(self.send(path, job=1, who=1), LOGIN)
        # A bearer key is no cookie.
        answer = self.stack.http.request("GET", STATUS, None,
                                         {"Authorization": f"Bearer {self.admin}"})
        self.assertSentTo(answer, LOGIN)

    def test_an_admin_key_opens_it_and_logout_shuts_it(self):
        self.enter()
        self.assertIn("membergate_admin", self.browser.cookies)
        kept = dict(self.browser.cookies)
        self.assertSentTo(self.send("/logout"), LOGIN)
        self.assertNotIn("membergate_admin", self.browser.cookies)
        self.browser.cookies = kept
        self.assertSentTo(self.browser.get(STATUS), LOGIN)

    def test_the_cookie_is_for_this_page_alone(self):
        self.browser.get(LOGIN)
        answer = self.browser.submit(key=self.admin)
        self.assertRegex(
            answer.headers["Set-Cookie"],
            "^membergate_admin=[A-Za-z0-9_-]{43}; HttpOnly; SameSite=Strict; Path=/membergate/status$")

    def test_a_wrong_key_is_answered_late_and_in_one_sentence(self):
        other = self.stack.new_key("reader", "contacts:read")
        for key in (other, "mbr_nothing"):
            self.browser.get(LOGIN)
            answer = self.browser.submit(key=key)
            self.assertEqual(answer.status, 401)
            self.assertGreaterEqual(answer.seconds, FAILURE_TIME - 0.01)
            self.assertEqual(self.browser.page.texts["alert"], "This key does not open the page.")
            self.assertNotIn("membergate_admin", self.browser.cookies)
            self.assertNotIn(key, answer.body.decode())
        # The right one forgets the failures of this address.
        self.enter()

    def test_a_revoked_key_shuts_the_page(self):
        key = self.stack.new_key("leaver", "admin")
        self.browser.get(LOGIN)
        self.assertSentTo(self.browser.submit(key=key), STATUS)
        self.show()
        self.stack.command("key", "revoke", "--name", "leaver")
        wait_for(lambda: self.browser.get(STATUS).status == 303, "the page is still open", 5)

    def test_a_form_of_another_site_does_nothing(self):
        self.enter()
        for path in ("/logout", "/retry", "/contact"):
            answer = self.browser.post(STATUS + path, "csrf=x&job=1&who=1")
            self.assertEqual(answer.status, 403)
        self.show()
        self.assertEqual(self.browser.get(STATUS + "/retry").status, 405)

    def test_neither_key_nor_cookie_nor_email_is_in_a_log(self):
        self.enter()
        self.send("/contact", who="canary.person%40example.org")
        token = self.browser.cookies["membergate_admin"]
        for name, text in self.stack.files():
            for secret in (self.admin, token, "canary.person"):
                self.assertNotIn(secret.encode(), text, name)


class Page(StatusTest):
    def test_style_and_script_are_ours_and_kept(self):
        body = self.enter()
        for pattern, kind in ((r'href="(/membergate/status/style-[0-9a-f]{16}\.css)"', "text/css"),
                              (r'src="(/membergate/status/script-[0-9a-f]{16}\.js)"',
                               "text/javascript")):
            answer = self.stack.http.request("GET", re.search(pattern, body)[1])
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["Content-Type"], f"{kind}; charset=utf-8")
            self.assertIn("immutable", answer.headers["Cache-Control"])

    def test_data_follow_what_happens(self):
        (i,) = self.stack.acsim.add({"email": "followed@example.org", "first_name": "F"})
        one = {"id": i, "email": "followed@example.org", "first_name": "F"}
        self.assertEqual(self.stack.genpass(one).status, 200)
        self.stack.wait_until_idle()
        self.enter()
        for span, steps in (("3h", 180), ("24h", 144), ("7d", 168), ("90d", 180)):
            data = self.data(span)
            self.assertEqual({len(line) for line in data["series"].values()}, {steps}, span)
        self.assertEqual(data["limit"], 200)
        self.assertNotEqual(data["facts"]["last_automation"], "never")
        self.assertProblem(self.browser.get(STATUS + "/data?range=1y"), 400, "invalid_request")
        self.assertNotIn("followed", self.show())

    def test_a_contact_is_found_with_what_happened_to_it(self):
        one = {"email": "searched@example.org", "first_name": "Sam", "fields": {"CITY": "Bern"}}
        (one["id"],) = self.stack.acsim.add(one)
        self.stack.genpass(one)
        self.stack.wait_until_idle()
        password = self.stack.wait_for_passwords([one["id"]])[one["id"]]
        self.enter()
        for who in (one["email"], one["id"]):
            answer = self.send("/contact", who=who.replace("@", "%40"))
            self.assertEqual(answer.status, 200)
            text = answer.body.decode()
            for part in ("searched@example.org", "Sam", "mbr_genpass, accepted", "password, done",
                         "is known here"):
                self.assertIn(part, text)
            self.assertNotIn(password, text)
            self.assertPolicy(answer)
            self.assertSameAsCommands(text, who)
        answer = self.send("/contact", who="nobody%40example.org")
        self.assertEqual(answer.status, 404)
        self.assertSameAsCommands(answer.body.decode(), "nobody@example.org")

    def assertPolicy(self, answer):
        self.assertEqual(answer.headers["Content-Security-Policy"], POLICY)
        self.assertNotRegex(answer.body.decode(), r"<style|<script(?! defer)| style=| on[a-z]+=")

    def assertSameAsCommands(self, text, who):
        """The page says what `contact why` and `contact trace` say, in their words."""
        why = self.command("contact", "why", who)
        self.assertIn(f'data-verdict="{why["verdict"]}">{escaped(why["sentence"])}<', text)
        self.assertIn(f"<p>{escaped(why['cure'])}</p>", text)
        checks = re.findall(r'<tr><td class="(good|note|bad)">.*?</td><td>(.*?)</td>', text)
        self.assertEqual([(each["mark"], each["check"]) for each in why["findings"]], checks)
        for entry in self.command("contact", "trace", who):
            self.assertIn(f"<td>{escaped(entry['what'])}</td>", text)

    def command(self, *arguments):
        return json.loads(self.stack.command(*arguments, "--json", check=False).stdout)

    def test_why_a_member_cannot_log_in_is_said(self):
        one = {"email": "barred@example.org"}
        (one["id"],) = self.stack.acsim.add(one)
        self.stack.acsim.fault("* /api", status=500, body="{}")
        self.addCleanup(self.stack.acsim.clear_faults)
        self.stack.genpass(one)
        wait_for(lambda: self.command("contact", "why", one["email"])["verdict"] ==
                 "password_pending", "the password is not under way", 10)
        self.enter()
        text = self.send("/contact", who="barred%40example.org").body.decode()
        (job,) = self.stack.query("SELECT max(id) FROM job WHERE kind = 'password'")[0]
        self.assertIn('<p class="bad" data-verdict="password_pending">', text)
        self.assertIn(f"membergate jobs retry {job}", text)
        self.stack.acsim.clear_faults()
        self.stack.command("jobs", "retry", str(job), check=False)
        self.stack.wait_until_idle(60)
        text = self.send("/contact", who="barred%40example.org").body.decode()
        self.assertIn('<p class="good" data-verdict="may_log_in">', text)


class Restarts(StatusTest):
    daemon_restarts = True
    limits = ("pages=off", "webhooks=5/2")

    def restart(self, how="TERM", meanwhile=lambda: None):
        self.stack.kill("membergate", how)
        meanwhile()
        self.stack.up()

    def total(self, series):
        rows = self.stack.query(
            "SELECT value FROM history WHERE series = ? ORDER BY at DESC LIMIT 1", series)
        return rows[0][0] if rows else 0

    def test_a_restart_keeps_the_history(self):
        one = {"email": "kept@example.org", "first_name": "K"}
        (one["id"],) = self.stack.acsim.add(one)
        before = self.total("webhooks.received")
        answers = [self.stack.genpass(one).status for _ in range(20)]
        self.assertIn(429, answers)
        self.stack.wait_until_idle()
        self.restart()  # which writes what the last minute brought
        after = before + answers.count(200)
        self.assertEqual(self.total("webhooks.received"), after)
        wait_for(lambda: self.total("webhooks.shed") > 0, "no note was counted", 5)
        # What was written is there whatever ends the daemon; its successor goes on from there.
        self.restart("KILL")
        wait_for(lambda: self.total("webhooks.received") == after, "the total moved", 5)
        self.enter()
        self.assertEqual(int(self.fact("hour.webhooks.received")), after)
        came = self.data()["series"]["webhooks.received"]
        self.assertEqual(sum(value or 0 for value in came), after)

    def test_a_dead_job_is_shown_and_tried_again(self):
        def bury():
            database = sqlite3.connect(self.stack.dir / "membergate.db", timeout=10)
            with database:
                kind, old = database.execute(
                    "SELECT kind, payload FROM job WHERE kind = 'directories' LIMIT 1").fetchone()
                database.execute(
                    "INSERT INTO job (kind, lane, state, key, payload, result, reason, after_id, "
                    "attempts, created_at, due_at, lease_until, ended_at) "
                    "VALUES (?, 4, 5, '', ?, '', 'given up <by the test>', 0, 9, ?, 0, 0, ?)",
                    (kind, old, *[int(time.time() * 1000)] * 2))
            database.close()

        self.restart(meanwhile=bury)
        self.stack.wait_until_current()
        body = self.enter()
        self.assertIn("given up &lt;by the test&gt;", body)
        job = re.search(r'name="job" value="(\d+)"', body)[1]
        self.assertEqual(self.data()["concerns"], ["given_up"])
        self.assertSentTo(self.send("/retry", job=job), STATUS + "?job=retried")
        self.assertIn("The job is tried again.", self.show("?job=retried"))
        wait_for(lambda: self.stack.query("SELECT state FROM job WHERE id = ?", int(job)) == [(3,)],
                 "the job was not done", 10)
        ((actor,),) = self.stack.query("SELECT actor FROM audit WHERE action = 'job_retried'")
        self.assertRegex(actor, r"^key:\d+$")
        # Done is done.
        self.assertSentTo(self.send("/retry", job=job), STATUS + "?job=not_retried")
        self.assertNotIn("given up &lt;", self.show())


class Alerts(StatusTest):
    limits = ("pages=off", "webhooks=5/2")

    def test_every_metric_of_the_alert_rules_is_there(self):
        rules = yaml.safe_load((ROOT / "conf/prometheus-alerts.yaml").read_text())
        alerts = [rule for group in rules["groups"] for rule in group["rules"]]
        for rule in alerts:
            self.assertEqual({"alert", "expr", "labels", "annotations"}, rule.keys() - {"for"})
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
            self.assertEqual({"summary", "cure"}, rule["annotations"].keys())
        named = set(re.findall(r"membergate_\w+", " ".join(rule["expr"] for rule in alerts)))
        self.provoke()
        text = self.stack.http.request("GET", "/membergate/metrics").body.decode()
        shown = set(re.findall(r"(?m)^(membergate_\w+)", text))
        self.assertEqual(named - shown, set())
        for name, label in (("membergate_outbox_jobs", 'state="dead"'),
                            ("membergate_outbox_jobs", 'state="queued"'),
                            ("membergate_logins_total", 'result="throttled"'),
                            ("membergate_logins_total", 'result="unavailable"')):
            self.assertRegex(text, rf"(?m)^{name}{{[^}}]*{label}")

    def provoke(self):
        """What is counted from its first time on."""
        stack = self.stack
        (i,) = stack.acsim.add({"email": "counted@example.org"})
        one = {"id": i, "email": "counted@example.org"}
        stack.acsim.fault("GET /api/3/contacts", status=429, retry_after=1, times=1)
        wait_for(lambda: stack.genpass(one).status == 429, "nothing is turned away", 10, every=0)
        wait_for(lambda: stack.metric("membergate_shed_notes_total"), "no note", 10)
        wait_for(lambda: stack.metric("membergate_ac_429_total"), "no 429", 10)


if __name__ == "__main__":
    main()
