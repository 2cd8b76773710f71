"""contact why, show and trace, jobs, status: what a support person asks, without a service.

Each seeded fault is put into the database, and `why` must name it.
"""

import json
import os
import time

from rig import Case, Terminal, main

HOUR = 3600 * 1000
EMAIL = "jane@example.com"


def now():
    return int(time.time() * 1000)


class SupportCase(Case):
    def setUp(self):
        super().setUp()
        self.installed()
        # Nobody listens there.
        self.conf.write_text(self.conf.read_text().replace("https://acme.api-us1.com",
                                                           "http://127.0.0.1:9"))
        self.configured("login.required_tags = Member", "login.ban_tag = Banned",
                        "rule.gold = tag:Gold", "activecampaign.rate = 200/s")
        with self.database() as db:
            db.executemany("INSERT INTO tag (id, name) VALUES (?, ?)",
                           [(1, "Member"), (2, "Banned"), (3, "Gold")])
            db.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
                           [("sync.full_at", str(now())), ("directories.fetched_at", str(now()))])

    def contact(self, contact_id=7, email=EMAIL, tags=(1,), pulled=60_000, confirmed=1,
                deleted=None, first_name=""):
        doc = json.dumps({"tags": list(tags), "first_name": first_name}, separators=(",", ":"))
        with self.database() as db:
            db.execute(
                "INSERT INTO contact (id, email, doc, own_changes, version, changed_at, as_of, "
                "pulled_at, confirmed, deleted_at) VALUES (?, ?, ?, '', 1, ?, ?, ?, ?, ?)",
                (contact_id, email, doc, now() - pulled, now() - pulled, now() - pulled, confirmed,
                 deleted))
            if email:
                db.execute("INSERT INTO email_owner (email, contact_id) VALUES (?, ?)",
                           (email, contact_id))

    def credential(self, contact_id=7, origin=0, age=2 * HOUR, wiped=None):
        with self.database() as db:
            db.execute("INSERT INTO credential (contact_id, kind, origin, hash, source, changed_at, "
                       "wiped_at) VALUES (?, 0, ?, x'01', x'02', ?, ?)",
                       (contact_id, origin, now() - age, wiped))

    def job(self, kind="password", state=1, payload=None, reason="", contact_id=7, attempts=0,
            after=0, key=""):
        payload = {"contact_id": contact_id, "email": EMAIL, "steps": [], "autoregister": True,
                   **(payload or {})}
        ended = now() - HOUR if state > 2 else None
        with self.database() as db:
            return db.execute(
                "INSERT INTO job (kind, lane, state, contact_id, key, payload, result, reason, "
                "after_id, attempts, created_at, due_at, lease_until, ended_at) "
                "VALUES (?, 2, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, 0, ?)",
                (kind, state, contact_id, key, json.dumps(payload), reason, after, attempts,
                 now() - 3 * HOUR, now() + HOUR, ended)).lastrowid

    def delivery(self, follow_up="", route="mbr_genpass", contact_id=7):
        with self.database() as db:
            return db.execute(
                "INSERT INTO delivery (received_at, route, event_type, digest, contact_id, email, "
                "follow_up, status, request_id) VALUES (?, ?, '', x'00', ?, '', ?, 'accepted', '')",
                (now(), route, contact_id, follow_up)).lastrowid

    def link(self, life):
        with self.database() as db:
            db.execute("INSERT INTO link (digest, contact_id, created_at, expires_at, used_at) "
                       "VALUES (x'0a', 7, ?, ?, NULL)", (now() - HOUR, now() + life))

    def why(self, who=EMAIL, *more):
        answer = self.membergate("contact", "why", who, "--json", *more)
        self.assertIn(answer.returncode, (0, 1), answer.stderr)
        said = json.loads(answer.stdout)
        self.assertEqual(said["may_log_in"], answer.returncode == 0)
        self.assertTrue(said["sentence"] and said["cure"])
        return said

    def assertVerdict(self, code, *parts, who=EMAIL, more=()):
        said = self.why(who, *more)
        self.assertEqual(code, said["verdict"], json.dumps(said, indent=1))
        for part in parts:
            self.assertIn(part, said["sentence"] + " " + said["cure"])
        return said


class SeededFaults(SupportCase):
    def test_nothing_is_wrong(self):
        self.contact()
        self.credential()
        said = self.assertVerdict("may_log_in", "password reset jane@example.com")
        self.assertEqual([], [f for f in said["findings"] if f["mark"] == "bad"])

    def test_01_a_typing_error(self):
        self.contact(8, "jane@exmaple.com")
        said = self.assertVerdict("unknown", "contact show 8")
        self.assertNotIn("exmaple", json.dumps(said))

    def test_02_erased(self):
        self.contact()
        self.assertEqual(0, self.membergate("contact", "erase", EMAIL).returncode)
        self.assertVerdict("erased", f"contact erase --lift {EMAIL}")

    def test_03_deleted_in_activecampaign(self):
        self.contact(deleted=now())
        self.credential()
        self.assertVerdict("deleted", "sync --full")

    def test_04_a_duplicate_that_lost_its_email(self):
        self.contact(email=None)
        self.contact(8)
        self.credential()
        self.assertVerdict("email_moved", who="7")

    def test_05_banned(self):
        self.contact(tags=(1, 2))
        self.credential()
        self.assertVerdict("banned", "Banned")

    def test_06_the_password_is_on_its_way(self):
        self.contact()
        job = self.job(reason="unavailable: ActiveCampaign answers 503", attempts=3)
        self.assertVerdict("password_pending", "answers 503", f"jobs retry {job}")

    def test_07_the_password_was_given_up(self):
        self.contact()
        self.credential()
        job = self.job(state=5, payload={"issued": True}, reason="denied: 403")
        self.assertVerdict("password_failed", "403", f"jobs retry {job}")

    def test_08_a_link_that_nobody_used(self):
        self.contact()
        self.link(HOUR)
        self.assertVerdict("link_unused")

    def test_09_a_link_that_expired(self):
        self.contact()
        self.link(-1000)
        self.assertVerdict("link_expired", "membergate password reset")

    def test_10_autoregister_no(self):
        self.contact()
        self.delivery('{"password":true,"tags":[],"automations":[],"autoregister":false}')
        self.assertVerdict("not_registered", "autoregister=n")

    def test_11_nobody_asked(self):
        self.contact()
        self.assertVerdict("never_asked", "no webhook")
        self.delivery(route="events")
        self.assertVerdict("never_asked", "ask for none")

    def test_12_a_password_that_was_taken_away(self):
        self.contact()
        delivery = self.delivery('{"password":true,"tags":[],"automations":[],"autoregister":true}')
        self.assertVerdict("no_password", f"membergate replay {delivery}")

    def test_13_no_membership_tag(self):
        self.contact(tags=(3,))
        self.credential()
        self.assertVerdict("tag_missing", "Member")

    def test_14_the_gate_does_not_admit(self):
        self.contact()
        self.credential()
        self.assertVerdict("may_log_in")
        self.assertVerdict("rule_refuses", "rule.gold", more=("--rule", "gold"))

    def test_15_not_confirmed_because_activecampaign_does_not_answer(self):
        self.contact(confirmed=0)
        self.credential()
        self.job("refresh", reason="denied: ActiveCampaign answers 403")
        self.assertVerdict("unconfirmed", "answers 403", "membergate doctor")

    def test_a_rule_or_address_that_is_none_is_2(self):
        self.contact()
        answer = self.membergate("contact", "why", EMAIL, "--rule", "silver")
        self.assertFails(2, answer, "rule.silver")
        self.assertFails(2, self.membergate("contact", "why", EMAIL, "--client-ip", "home"))

    def test_all_there_is_to_see_is_listed(self):
        self.contact(confirmed=0)
        self.credential(wiped=now())
        self.delivery()
        with self.database() as db:
            db.execute("INSERT INTO gap (why, is_full, from_at, to_at, opened_at, state, sweep_id) "
                       "VALUES ('shed', 0, ?, ?, ?, 0, 0)", (now(), now(), now()))
        checks = {f["check"]: f for f in self.why()["findings"]}
        self.assertLessEqual({"contact", "password", "policy", "tags", "throttle", "cache", "gaps",
                              "webhook"}, set(checks))
        self.assertIn("shed", checks["gaps"]["what"])
        self.assertRegex(checks["policy"]["at"], r"^\d{4}-\d\d-\d\dT.*Z$")


class Shown(SupportCase):
    def setUp(self):
        super().setUp()
        self.contact(tags=(1, 3), first_name="Jane")
        self.credential()
        self.delivery()
        self.job(state=3)

    def test_show_is_what_the_api_shows_and_the_bookkeeping(self):
        answer = self.membergate("contact", "show", EMAIL, "--json")
        shown = json.loads(answer.stdout)
        self.assertEqual("Jane", shown["contact"]["first_name"])
        self.assertEqual([{"id": "1", "name": "Member"}, {"id": "3", "name": "Gold"}],
                         shown["contact"]["tags"])
        self.assertEqual("generated", shown["credential"]["origin"])
        self.assertEqual(shown, json.loads(
            self.membergate("contact", "show", "7", "--json").stdout))
        self.assertIn("tags\tMember, Gold\n", self.membergate("contact", "show", "7").stdout)

    def test_show_of_nobody_is_1(self):
        self.assertFails(1, self.membergate("contact", "show", "99"), "no such contact")

    def test_trace_is_in_order(self):
        trace = json.loads(self.membergate("contact", "trace", EMAIL, "--json").stdout)
        self.assertEqual(["job", "delivery"], [entry["kind"] for entry in trace])
        self.assertEqual(trace, sorted(trace, key=lambda entry: entry["at"]))
        self.assertFails(1, self.membergate("contact", "trace", "99"), "nothing is known of 99")

    def test_what_is_no_name_of_a_contact_is_2(self):
        for command in ("show", "why", "trace", "erase"):
            self.assertFails(2, self.membergate("contact", command, "jane"), "e-mail")

    def test_status_without_a_service_is_1_and_says_what_is_there(self):
        answer = self.membergate("status", "--json")
        status = json.loads(answer.stdout)
        self.assertEqual((1, False, 1), (answer.returncode, status["daemon"]["running"],
                                         status["contacts"]))
        self.assertIsNone(status["last_sweep"])
        self.assertRegex(status["last_deliveries"]["mbr_genpass"], "Z$")


class Jobs(SupportCase):
    def list(self, *arguments):
        answer = self.membergate("jobs", "list", "--json", *arguments)
        self.assertEqual(0, answer.returncode, answer.stderr)
        return [int(job["id"]) for job in json.loads(answer.stdout)]

    def state(self, job):
        with self.database() as db:
            return db.execute("SELECT state, reason FROM job WHERE id = ?", (job,)).fetchone()

    def test_list(self):
        queued, dead = self.job(), self.job("refresh", state=5, reason="why")
        self.assertEqual([dead, queued], self.list())
        self.assertEqual([dead], self.list("--state", "dead"))
        self.assertEqual([queued], self.list("--kind", "password"))
        self.assertEqual([dead], self.list("--limit", "1"))
        self.assertFails(2, self.membergate("jobs", "list", "--state", "undead"), "expected")
        self.assertEqual(2, self.membergate("jobs", "list", "--limit", "0").returncode)
        line = self.membergate("jobs", "list", "--state", "dead").stdout
        self.assertIn("\trefresh\tdead\t7\t", line)

    def test_retry_takes_up_all_or_none(self):
        dead, done = self.job(state=5, reason="why"), self.job("refresh", state=3)
        self.assertFails(1, self.membergate("jobs", "retry", dead, done), f"job {done} has ended")
        self.assertEqual((5, "why"), self.state(dead))
        answer = self.membergate("jobs", "retry", dead, "--json")
        said = json.loads(answer.stdout)
        self.assertEqual((0, [str(dead)], 0, 0, 1, False),
                         (answer.returncode, said["jobs"], said["done"], said["failed"],
                          said["open"], said["daemon"]))
        # It was tried here, since no service runs.
        state, reason = self.state(dead)
        self.assertEqual((1, said["reason"]), (state, reason))
        self.assertIn("connect", reason)
        self.assertFails(1, self.membergate("jobs", "retry", 99), "no job 99")

    def test_a_job_that_fails_for_good_makes_a_negative_answer(self):
        empty = self.job("refresh", state=5, payload={"contact_id": None, "email": ""})
        answer = self.membergate("jobs", "retry", empty)
        self.assertEqual(1, answer.returncode, answer.stderr)
        self.assertRegex(answer.stdout, r"^0 done, 1 failed, 0 wait until the service runs \(.+\)$")
        self.assertEqual(5, self.state(empty)[0])

    def test_retry_of_all_dead_names_what_is_left(self):
        dead = self.job(state=5, key="7")
        self.job(key="7")
        other = self.job("refresh", state=5)
        answer = self.membergate("jobs", "retry", "--dead", "--json")
        self.assertEqual([str(other)], json.loads(answer.stdout)["jobs"])
        self.assertIn(f"job {dead} is not needed", answer.stderr)
        for wrong in ([], ["1", "--dead"], ["x"], ["0"]):
            self.assertEqual(2, self.membergate("jobs", "retry", *wrong).returncode, wrong)

    def test_drop_gives_up_what_waits(self):
        job = self.job()
        waits = self.job("follow_up", state=0, after=job)
        answer = self.membergate("jobs", "drop", job)
        self.assertEqual((0, ""), (answer.returncode, answer.stdout))
        self.assertEqual((6, 5), (self.state(job)[0], self.state(waits)[0]))
        self.assertFails(1, self.membergate("jobs", "drop", job), "has ended")
        with self.database() as db:
            self.assertEqual([("job_dropped",)], db.execute("SELECT action FROM audit").fetchall())


class Orders(SupportCase):
    def kinds(self):
        with self.database() as db:
            return [row[0] for row in db.execute("SELECT kind FROM job WHERE state < 3 ORDER BY id")]

    def test_replay_of_one_and_of_all_since(self):
        self.contact()
        one = self.delivery('{"password":true,"tags":[1],"automations":[],"autoregister":true}')
        answer = self.membergate("replay", one, "--json")
        self.assertEqual((0, 2), (answer.returncode, json.loads(answer.stdout)["open"]))
        self.assertEqual(["refresh", "password"], self.kinds())
        self.delivery(contact_id=8)
        answer = self.membergate("replay", "--since", "1h", "--json")
        self.assertEqual((0, 3), (answer.returncode, json.loads(answer.stdout)["open"]))
        self.assertFails(1, self.membergate("replay", "99"), "no delivery 99")
        self.assertFails(1, self.membergate("replay", "--since", "2h", "--until", "1h"), "no delivery")

    def test_replay_of_nothing_or_both_is_2(self):
        for wrong in ([], ["1", "--since", "1h"], ["1", "--until", "1h"], ["--since", "yesterday"],
                      ["--since", "2026-01-31T09:30:00"], ["0"]):
            self.assertEqual(2, self.membergate("replay", *wrong).returncode, wrong)

    def test_the_erased_are_not_replayed(self):
        self.contact()
        one = self.delivery()
        self.membergate("contact", "erase", EMAIL)
        self.assertFails(1, self.membergate("replay", one), "names nobody")
        self.assertEqual([], self.kinds())

    def test_reset_says_why_it_cannot(self):
        self.assertFails(1, self.membergate("password", "reset", EMAIL), "no contact")
        self.contact(tags=())
        self.assertFails(1, self.membergate("password", "reset", EMAIL), "no member")
        with self.database() as db:
            db.execute("UPDATE contact SET doc = '{\"tags\":[1]}'")
        self.assertFails(1, self.membergate("password", "reset", EMAIL), "no password yet")
        self.credential()
        self.assertFails(1, self.membergate("password", "reset", EMAIL), "webhooks.public_url")
        self.assertFails(2, self.membergate("password", "reset", "7"), "e-mail")

    def test_reset_queues_a_link(self):
        self.configured("webhooks.public_url = https://example.com")
        self.contact()
        self.credential()
        answer = self.membergate("password", "reset", EMAIL, "--json")
        self.assertEqual(0, answer.returncode, answer.stderr)
        self.assertEqual(["password"], self.kinds())

    def test_wipe(self):
        self.contact()
        self.assertFails(1, self.membergate("password", "wipe", EMAIL), "keep")
        self.configured("password.policy = wipe-after:24h")
        self.assertFails(1, self.membergate("password", "wipe", EMAIL), "nothing of Membergate's")
        self.credential()
        self.assertEqual(0, self.membergate("password", "wipe", EMAIL).returncode)
        self.assertEqual(["wipe"], self.kinds())


class ForAPerson(SupportCase):
    def setUp(self):
        super().setUp()
        self.contact()
        self.credential()
        self.job(state=5, reason="why")

    def seen(self, *arguments, **environment):
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            terminal = Terminal(*arguments, "--config", self.conf)
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
        terminal.finish()
        return terminal.seen

    def test_a_terminal_gets_a_table_with_ages_and_colours(self):
        seen = self.seen("jobs", "list", TERM="xterm")
        self.assertIn("ID  KIND", seen)
        self.assertIn("\x1b[31mdead\x1b[0m", seen)
        self.assertRegex(seen, r"\(1 h ago\)")

    def test_no_colour_where_none_is_wanted(self):
        self.assertNotIn("\x1b[", self.seen("jobs", "list", TERM="xterm", NO_COLOR="1"))
        self.assertNotIn("\x1b[", self.seen("jobs", "list", TERM="dumb"))
        self.assertNotIn("\x1b[", self.membergate("contact", "why", EMAIL).stdout)

    def test_a_name_cannot_command_the_terminal(self):
        name = "\x1b]0;mine\x07\x1b[2J\u009b2J\tEve"
        self.contact(8, "eve@example.com", first_name=name)
        for seen in (self.seen("contact", "show", "8", TERM="xterm"),
                     self.membergate("contact", "show", "8").stdout):
            line = next(line for line in seen.splitlines() if line.startswith("first_name"))
            self.assertIn("?]0;mine??[2J?2J?Eve", line)
        shown = json.loads(self.membergate("contact", "show", "8", "--json").stdout)
        self.assertEqual(name, shown["contact"]["first_name"])

    def test_columns_stand_below_each_other(self):
        lines = self.seen("jobs", "list", TERM="xterm", NO_COLOR="1").splitlines()
        coloured = self.seen("jobs", "list", TERM="xterm")
        self.assertEqual(lines[0].index("CONTACT"), lines[1].index("7 "))
        plain = coloured.replace("\x1b[31m", "").replace("\x1b[0m", "")
        self.assertEqual(lines[0].index("CONTACT"), plain.splitlines()[1].index("7 "))


if __name__ == "__main__":
    main()
