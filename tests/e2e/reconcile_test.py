"""What no webhook told of is found by reading: changes, deletions, merges, and what nginx shed."""

import json
import os
import re
import signal
import socket
import threading
import time

from harness import StackTest, ago, main, wait_for
from http_client import all_at_once
from simulator import pages

WEEK = {"cdate": ago(days=7), "udate": ago(days=7)}
PER_PAGE = 100
# Beside the pages: the fields, the tags, the lists, a probe or two of what the account knows.
FIXED_CALLS = 5


class Changes(StackTest):
    """500 of 2,000 contacts change in ActiveCampaign, and no webhook is sent."""

    @classmethod
    def prepare(cls):
        stack, acsim = cls.stack, cls.stack.acsim
        stack.wait_until_current()
        cls.ids = acsim.bulk(2000, "member", tags=["Gold"], fields={"PLAN": "basic"}, **WEEK)
        cls.first_run = json.loads(stack.command("sync", "--full", "--json").stdout)
        cls.first = stack.differences()

        cls.quiet = cls.sync()
        for number, i in enumerate(cls.ids[:500]):
            changes = {"first_name": f"Renamed {number}", "fields": {"PLAN": "pro"}}
            acsim.touch(i, tags_add=["Silver"], **changes)
        cls.busy = cls.sync()
        cls.second = stack.differences()
        cls.again = cls.sync()

    @classmethod
    def sync(cls):
        """The requests of one `sync`."""
        before = cls.stack.acsim.last_request()
        cls.stack.command("sync", "--json")
        return cls.stack.acsim.log(before)

    def test_a_full_sync_brings_every_contact(self):
        self.assertEqual(self.first, {})
        run = self.first_run
        self.assertEqual((run["full"], run["contacts"], run["differed"]), (True, 2000, 2000))
        # The first page names fields that are unknown yet: it is read again after the directories.
        self.assertLessEqual(run["calls"], 2000 // PER_PAGE + 2 * FIXED_CALLS)

    def test_a_sync_brings_every_change(self):
        self.assertEqual(self.second, {})
        answer = self.stack.get_contact(self.ids[0], "refresh=never")
        self.assertEqual(answer.json()["first_name"], "Renamed 0")
        self.assertEqual([tag["id"] for tag in answer.json()["tags"]], ["2", "4"])
        self.assertTrue(answer.json()["confirmed"])

    def test_it_reads_a_hundred_contacts_a_page(self):
        # The overlap makes the sync after it read them again.
        for log in (self.busy, self.again):
            asked = [row["path"] for row in log]
            self.assertLessEqual(len(asked), 500 // PER_PAGE + FIXED_CALLS, asked)
        self.assertGreaterEqual(len(pages(self.busy)), 500 // PER_PAGE)

    def test_it_reads_nothing_that_did_not_change(self):
        asked = [row["path"] for row in self.quiet]
        self.assertLessEqual(len(asked), FIXED_CALLS, asked)

    def test_a_sync_that_finds_nothing_to_do_leaves_no_gap_open(self):
        self.stack.wait_until_current()


class FullSweep(StackTest):
    """What `udate` does not show."""

    @classmethod
    def prepare(cls):
        acsim = cls.stack.acsim
        cls.ids = acsim.bulk(200, "member", tags=["Gold"], **WEEK)
        people = [
            {"email": "gone@example.org", "fields": {"PASSWORD": "of the gone one"}},
            {"email": "merged@example.org", "fields": {"PASSWORD": "of the merged one"}},
            {"email": "other@example.org"},
        ]
        cls.gone, cls.merged, cls.into = acsim.add(*({**one, **WEEK} for one in people))
        cls.stack.command("sync", "--full")
        cls.before = [
            cls.stack.login("gone@example.org", "of the gone one"),
            cls.stack.login("merged@example.org", "of the merged one"),
        ]
        acsim.touch(cls.ids[0], tags_remove=["Gold"])
        acsim.delete(cls.gone)
        acsim.merge(cls.merged, cls.into)
        acsim.touch(cls.into, email="merged@example.org")
        cls.stack.command("sync", "--full")
        cls.stack.wait_until_current(60)

    def test_members_log_in_before(self):
        self.assertEqual([answer.status for answer in self.before], [200, 200], str(self.before[1]))

    def test_afterwards_the_cache_is_current(self):
        self.assertCurrent()

    def test_a_removed_tag_is_gone(self):
        answer = self.stack.get_contact(self.ids[0], "refresh=never")
        self.assertEqual(answer.json()["tags"], [])

    def test_a_deleted_contact_logs_in_no_more_and_is_not_found(self):
        self.assertIn(self.gone, self.stack.deleted())
        answer = self.stack.login("gone@example.org", "of the gone one")
        self.assertProblem(answer, 401, "invalid_credentials")
        self.assertEqual(self.stack.get_contact(self.gone, "refresh=never").status, 404)
        self.assertEqual(self.stack.get_contact("gone@example.org").status, 404)

    def sessions(self, i):
        rows = self.stack.query("SELECT count(*) FROM session WHERE contact_id = ?", int(i))
        return rows[0][0]

    def test_a_session_of_a_deleted_contact_has_ended(self):
        self.assertEqual(self.sessions(self.gone), 0)

    def test_a_merged_member_logs_in_under_his_new_id(self):
        answer = self.stack.login("merged@example.org", "of the merged one")
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.json()["contact"]["id"], self.into)
        self.assertEqual(self.stack.get_contact("merged@example.org").json()["id"], self.into)

    def test_a_session_of_a_merged_contact_goes_on_under_the_new_id(self):
        self.assertEqual(self.sessions(self.merged), 0)
        self.assertGreaterEqual(self.sessions(self.into), 1)


class ManyAreMissing(StackTest):
    expected_errors = frozenset({"reconcile_suspended"})

    def test_many_deletions_at_once_wait_for_the_operator(self):
        stack = self.stack
        ids = stack.acsim.bulk(1000, "member", **WEEK)
        stack.command("sync", "--full")
        self.assertCurrent()
        for i in ids[:30]:
            stack.acsim.delete(i)
        run = stack.command("sync", "--full", "--json", check=False)
        self.assertEqual((run.returncode, json.loads(run.stdout)["suspended"]), (1, 30), run.stderr)
        wait_for(
            lambda: stack.metric("membergate_reconcile_suspended") == 1, "the guard did not stop it"
        )
        self.assertEqual(stack.deleted(), [])
        self.assertTrue(stack.logged("reconcile_suspended"))
        self.assertEqual(stack.get_contact(ids[0], "refresh=never").status, 200)

        stack.command("sync", "--confirm-deletions")
        wait_for(lambda: len(stack.deleted()) == 30, lambda: f"marked: {stack.deleted()}")
        self.assertEqual(stack.deleted(), ids[:30])
        wait_for(
            lambda: stack.metric("membergate_reconcile_suspended") == 0, "the alarm did not end"
        )
        self.assertCurrent()


class Faulty(StackTest):
    """One kind of trouble a test: nothing is lost by it, and all is found once it is over."""

    rate = "400/s"
    config = {"activecampaign.timeout": "2s"}

    @classmethod
    def prepare(cls):
        cls.ids = cls.stack.acsim.bulk(600, "member", tags=["Gold"], **WEEK)
        cls.stack.command("sync", "--full")

    def setUp(self):
        self.assertCurrent()

    def tearDown(self):
        self.stack.acsim.clear_faults()

    def cursor(self):
        return self.stack.query("SELECT value FROM meta WHERE key = 'sync.cursor'")

    def through(self, *arguments, seconds=3, **switches):
        """Lets a sync run into trouble, ends the trouble, and syncs again."""
        name = self.id().rpartition(".")[2]
        for i in self.ids[::10]:
            self.stack.acsim.touch(i, first_name=name)
        cursor = self.cursor()
        if "match" in switches:
            self.stack.acsim.fault(**switches)
        else:
            self.stack.acsim.switch(**switches)
        command = self.stack.start_command("sync", *arguments)
        until = time.monotonic() + seconds
        wait_for(lambda: command.poll() is not None or time.monotonic() > until, "never")
        self.assertEqual(self.stack.deleted(), [])
        if "times" in switches:
            self.assertEqual(self.stack.acsim.faults_left(), 0, "the trouble was not met")
        if command.poll() != 0:
            self.assertEqual(self.cursor(), cursor, "a sync that failed moved the cursor")
        self.stack.acsim.clear_faults()
        self.stack.finish_command(command)
        self.stack.command("sync", *arguments)
        self.stack.wait_until_current(60)
        self.assertEqual(self.stack.deleted(), [])
        self.assertCurrent()

    def test_an_empty_page_in_the_middle(self):
        self.through("--full", empty_page=3)

    def test_an_empty_page_that_says_there_is_nothing(self):
        self.through("--full", empty_page=3, empty_page_total=False)

    def test_an_empty_page_at_once(self):
        self.through("--full", empty_page=1, empty_page_total=False)

    def test_a_page_of_which_half_is_missing(self):
        self.through("--full", short_page=3)

    def test_an_account_that_ignores_id_greater(self):
        self.through("--full", ignore_id_greater=True)

    def test_an_account_that_ignores_updated_after(self):
        self.through(ignore_updated_after=True)

    def test_ids_that_are_numbers(self):
        self.through("--full", numeric_ids=True)

    def test_an_account_that_does_not_include(self):
        self.through(no_include=True, seconds=20)

    def test_a_page_that_is_cut_short(self):
        self.through("--full", match="GET /api/3/contacts?", truncate=True, times=2)

    def test_a_storm_of_503(self):
        self.through("--full", match="* /api/3/", status=503, for_s=3)

    def test_a_key_that_is_refused_for_a_while(self):
        self.through("--full", match="GET /api/3/", status=403, body={"message": "no"}, for_s=2)

    def test_an_html_page_in_place_of_contacts(self):
        html = "<html><body>Maintenance</body></html>"
        self.through("--full", match="GET /api/3/contacts?", status=200, body=html, times=2)


class Killed(StackTest):
    rate = "50/s"
    daemon_restarts = True

    def test_a_full_sweep_goes_on_after_a_kill(self):
        acsim, contacts = self.stack.acsim, 3000
        acsim.bulk(contacts, "member", tags=["Gold"], **WEEK)
        acsim.fault("GET /api/3/contacts?", delay_ms=80)
        before = acsim.last_request()
        command = self.stack.start_command("sync", "--full")
        wait_for(lambda: len(self.full_pages(before)) >= 10, "the sweep did not begin")
        os.kill(self.stack.pid(), signal.SIGKILL)
        killed = acsim.last_request()
        self.stack.up()
        acsim.clear_faults()
        self.stack.wait_until_current(60)
        self.stack.finish_command(command)
        self.stack.wait_until_current(60)
        self.assertCurrent()
        resumed = self.full_pages(killed)
        self.assertGreater(min(resumed), 0, "it began anew")
        self.assertLess(len(self.full_pages(before)), 2 * contacts // PER_PAGE)

    def full_pages(self, after):
        """From which id on each page of a full sweep was asked for."""
        found = []
        for row in pages(self.stack.acsim.log(after)):
            if "updated_after" not in row["path"] and "limit=100" in row["path"]:
                start = re.search(r"id_greater=(\d+)", row["path"])
                found.append(int(start[1]) if start else 0)
        return found


class WhileStopped(StackTest):
    daemon_restarts = True

    def test_what_changed_while_the_daemon_was_away_is_fetched_at_its_start(self):
        acsim = self.stack.acsim
        ids = acsim.bulk(300, "member", **WEEK)
        self.stack.command("sync", "--full")
        self.assertCurrent()
        self.stack.kill("membergate", "TERM")
        for i in ids[:50]:
            acsim.touch(i, first_name="Renamed meanwhile", tags_add=["Gold"])
        acsim.add(*({"email": f"new{number}@example.org"} for number in range(20)))
        before = acsim.last_request()
        self.stack.up()
        wait_for(lambda: not self.stack.differences(), "not caught up", 20, every=0.2)
        self.stack.wait_until_current()
        self.assertIn(2, self.stack.gaps("start"))
        self.assertLessEqual(len(acsim.log(before)), 20)


class Shed(StackTest):
    """nginx turns most webhooks away."""

    limits = ("webhooks=2/1",)
    daemon_restarts = True
    expected_errors = frozenset({"shed_socket_failed"})

    def burst(self, prefix):
        """Webhooks of fresh contacts; the statuses that came back."""
        ids = self.stack.acsim.bulk(100, prefix)
        people = [{"id": i, "email": f"{prefix}-{n + 1:05}@example.com"} for n, i in enumerate(ids)]
        calls = [lambda one=one: self.stack.genpass(one).status for one in people]
        statuses = set(all_at_once(calls))
        self.assertEqual(statuses, {200, 429})

    def test_a_note_of_nginx_opens_a_gap_that_closes_by_itself(self):
        self.stack.wait_until_current()
        self.burst("shed")
        wait_for(lambda: self.stack.metric("membergate_shed_notes_total") > 0, "no note came", 10)
        wait_for(lambda: not self.stack.differences(), "not caught up", 40, every=0.2)
        self.stack.wait_until_current()
        self.assertIn(2, self.stack.gaps("shed"))
        self.assertEqual(self.stack.metric("membergate_gaps_open"), 0)

    def test_without_the_socket_nginx_and_the_daemon_answer_on(self):
        path = self.stack.dir / "shed.sock"
        wait_for(path.exists, f"there is no {path}", 5)
        path.unlink()
        self.burst("unheard")
        self.assertEqual(self.stack.api("GET", "/jobs/0").status, 404)

        # Somebody else listens there: it is his.
        self.stack.kill("membergate", "TERM")
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(path))
            heard = []
            reading = threading.Thread(target=lambda: heard.append(other.recv(65536)), daemon=True)
            reading.start()
            self.stack.up()
            self.burst("taken")
            self.assertEqual(self.stack.api("GET", "/jobs/0").status, 404)
            # Closing alone would not wake it.
            other.shutdown(socket.SHUT_RDWR)
            reading.join(5)
        path.unlink(missing_ok=True)
        self.stack.kill("membergate", "TERM")
        self.stack.up()
        wait_for(lambda: not self.stack.differences(), "not caught up at the start", 20, every=0.2)


if __name__ == "__main__":
    main()
