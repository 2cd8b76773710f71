"""The status page in a real browser: what it shows under a flood, on a desk and on a phone."""

import contextlib
import json
import math
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/e2e"))
from harness import StackTest, main, wait_for  # noqa: E402

BUILD = ROOT / "build/status"
SHOTS = BUILD / "screenshots"
CONTACTS = 500
COPIES = 20
LANES = ("login", "site", "password", "refresh", "reconcile", "backfill")
RESULTS = ("admitted", "wrong", "not_entitled", "throttled", "busy", "unavailable")
BOUNDS = ("0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5",
          "10", "30", "60", "inf")


def yesterday():
    """Rows of `history` for a day that rose and fell, so that the charts have something to draw."""
    rows, totals = [], {}
    minute = int(time.time()) // 60 - 1500
    for i in range(1490):
        wave = 1 + math.sin(i / 240)
        came = {"webhooks.received": 20 * wave, "webhooks.shed": 3 * max(0, wave - 1.7),
                "webhooks.repaired": wave, "requests.sent": 60 * wave, "requests.too_many": 0}
        came |= {f"logins.{result}": wave * (10 - 2 * n) for n, result in enumerate(RESULTS)}
        logins = sum(v for name, v in came.items() if name.startswith("logins."))
        came |= {f"logins.within.{bound}": logins * min(1, (n + 1) / 9)
                 for n, bound in enumerate(BOUNDS)}
        for name, value in came.items():
            totals[name] = totals.get(name, 0) + round(value)
        now = totals | {f"queue.{lane}": round(wave * n) for n, lane in enumerate(LANES)}
        now |= {"gaps.open": int(wave > 1.9), "jobs.dead": 1}
        rows += [(name, (minute + i) * 60000, value) for name, value in now.items()]
    return rows


class StatusPage(StackTest):
    rate = "50/s"
    limits = ("webhooks=200/100", "pages=off")
    daemon_restarts = True
    expected_errors = frozenset({"job_dead"})  # the one that is tried again for nothing

    @classmethod
    def prepare(cls):
        SHOTS.mkdir(parents=True, exist_ok=True)
        stack = cls.stack
        cls.ids = stack.acsim.bulk(CONTACTS, "member")
        stack.kill("membergate", "TERM")
        cls.write_past()
        stack.up()
        url = stack.genpass_url()
        cls.answers = stack.acsim.flood(CONTACTS, url, dialect="automation", times=COPIES)
        for i in range(30):
            stack.login(f"member-{i + 1:05}@example.com", "wrong", client_ip=f"203.0.113.{i}")
        cls.key = stack.new_key("owner", "admin")
        # Whatever has been counted is in the store within a minute. Of so many notes to the shed
        # socket some are lost, which does no harm: one is enough.
        cls.shed = int(stack.metric("membergate_shed_notes_total"))
        before = max(value for name, _, value in cls.past if name == "webhooks.shed")
        wait_for(lambda: cls.total("webhooks.shed") >= before + cls.shed,
                 "the flood is not written", 90, every=1)

    @classmethod
    def write_past(cls):
        cls.past = yesterday()
        database = sqlite3.connect(cls.stack.dir / "membergate.db", timeout=10)
        with contextlib.closing(database), database:
            database.execute("DELETE FROM history")
            database.executemany("INSERT INTO history VALUES (?, ?, ?)", cls.past)
            for kind in ("refresh", "follow_up"):
                database.execute(
                    "INSERT INTO job (kind, lane, state, key, payload, result, reason, after_id, "
                    "attempts, created_at, due_at, lease_until, ended_at) VALUES "
                    "(?, 3, 5, '', '{}', '', 'ActiveCampaign: 404', 0, 3, ?, ?, 0, ?)",
                    (kind, *[int(time.time() * 1000)] * 3))

    @classmethod
    def total(cls, series):
        rows = cls.stack.query(
            "SELECT value FROM history WHERE series = ? ORDER BY at DESC LIMIT 1", series)
        return rows[0][0] if rows else 0

    def browse(self, name, **order):
        order = {"name": name, "url": self.stack.env["MEMBERGATE_URL"], "key": self.key, **order}
        run = subprocess.run(
            ["node", ROOT / "tests/status/browse.mjs", BUILD / "node_modules/playwright-core",
             os.environ.get("CHROMIUM", "/usr/bin/chromium"), SHOTS],
            input=json.dumps(order), capture_output=True, text=True, timeout=180)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def test_the_page_under_a_flood(self):
        self.assertGreater(self.shed, 0)
        report = self.browse("flood", who="member-00001@example.com")
        # No error, no warning, nothing that the security policy had to stop.
        self.assertEqual(report["faults"], [])
        self.assertEqual(len(report["looks"]), 4)
        for name, look in report["looks"].items():
            with self.subTest(name):
                self.assertFalse(look["overflows"])
                self.assertEqual((look["charts"], look["inked"]), (6, 6))
                self.assertGreaterEqual(int(look["facts"]["hour.webhooks.shed"]), self.shed)
                self.assertNotIn("All is well.", look["notices"])
                self.assertNotIn("example.com", str(look))
        backgrounds = {name: look["background"] for name, look in report["looks"].items()}
        self.assertNotEqual(backgrounds["flood-1280-light"], backgrounds["flood-1280-dark"])
        self.assertEqual(report["week"]["inked"], 6)

        # By keyboard one gets everywhere, in the order of the page, and sees where one is.
        names = [one["name"] for one in report["keyboard"]]
        self.assertTrue(all(one["outline"] for one in report["keyboard"]), report["keyboard"])
        order = ["Log out", "What came", "3 hours", "90 days", "Queue by lane", "Jobs given up",
                 "who", "Look up"]
        places = [names.index(name) for name in order]
        self.assertEqual(places, sorted(places), names)
        self.assertTrue(any(name.startswith("Try again: ") for name in names), names)

        self.assertFalse(report["contact"]["overflows"])
        self.assertTrue(report["contact"]["url"].endswith("/membergate/status/contact"))
        for part in ("member-00001@example.com", "Can this member log in?", "delivery", "mbr_genpass",
                     "job"):
            self.assertIn(part, report["contact"]["text"])
        self.assertIn("The job is tried again.", report["retried"]["notices"])
        self.assertEqual(report["loggedOut"]["url"], "/membergate/status/login")

    def test_without_the_charts_a_sentence_says_what_to_install(self):
        report = self.browse("no-charts", charts=False)
        for name, look in report["looks"].items():
            with self.subTest(name):
                self.assertEqual(look["charts"], 0)
                self.assertIn("libjs-chart.js", str(look["notices"]))
                self.assertGreater(int(look["facts"]["hour.webhooks.received"]), 0)
        # The file that is not there, and nothing else.
        self.assertEqual([fault for fault in report["faults"] if "chart.js" not in fault], [])

    def test_without_javascript_all_numbers_are_there(self):
        report = self.browse("no-script", javaScript=False)
        self.assertEqual(report["faults"], [])
        for name, look in report["looks"].items():
            with self.subTest(name):
                for part in ("Webhooks received", "Turned away by nginx", "need JavaScript", "UTC",
                             "Queue by lane", "Try again", "Look up"):
                    self.assertIn(part, look["text"])


if __name__ == "__main__":
    main()
