"""webhooks.mode = events: one webhook for everything, registered and looked after by itself."""

import itertools
import json
import time
import urllib.parse

from harness import StackTest, ago, main, wait_for
from simulator import passwords, steps

NUMBERS = itertools.count(1)
EVENTS = {"subscribe", "unsubscribe", "update", "contact_tag_added", "contact_tag_removed"}
SOURCES = {"public", "admin", "api", "system"}


class EventsTest(StackTest):
    events = True

    def add(self, **more):
        """A contact of which nothing was told."""
        one = {"email": f"member{next(NUMBERS)}@example.org", "first_name": "Ann", **more}
        (i,) = self.stack.acsim.add(one)
        return {**one, "id": i}

    def added(self, **more):
        """A contact that was told of, and is served."""
        one = self.add(hook=True, **more)
        self.settled(one)
        return one

    def settled(self, *people):
        """Until what was sent is delivered, is known, and has led to what it leads to."""
        wait_for(self.stack.acsim.hooks_sent, lambda: f"not sent: {self.stack.acsim.hooks()}")
        for one in people:
            wait_for(
                lambda one=one: self.get(one).status == 200, lambda one=one: f"no {one['id']}"
            )
        self.stack.wait_until_idle()

    def get(self, one):
        return self.stack.get_contact(one["id"], "refresh=never")

    def cached(self, one):
        answer = self.get(one)
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()

    def hooks(self):
        return self.stack.acsim.directory("webhooks")

    def only_hook(self):
        wait_for(lambda: len(self.hooks()) == 1, lambda: f"registered: {self.hooks()}", 15)
        return self.hooks()[0]

    def ensure(self):
        self.stack.command("hooks", "ensure")


class Registered(EventsTest):
    daemon_restarts = True

    def assertWhole(self, hook):
        url, _, query = hook["url"].partition("?")
        self.assertEqual(url, self.stack.env["MEMBERGATE_URL"] + "/membergate/hooks/events")
        self.assertGreaterEqual(len(urllib.parse.parse_qs(query)["code"][0]), 32)
        self.assertLessEqual(EVENTS, set(hook["events"]))
        self.assertLessEqual(SOURCES, set(hook["sources"]))
        self.assertTrue(hook["active"])

    def test_there_is_one_also_after_a_restart_and_after_ensuring_it(self):
        hook = self.only_hook()
        self.assertWhole(hook)
        self.stack.kill("membergate", "TERM")
        self.stack.up()
        self.stack.wait_until_current()
        self.assertEqual(self.only_hook(), hook)
        self.ensure()
        self.ensure()
        self.assertEqual(self.only_hook(), hook)

    def test_a_double_is_removed_and_somebody_elses_is_left_alone(self):
        hook = self.only_hook()
        double = {key: hook[key] for key in ("name", "url", "events", "sources")}
        other = {**double, "name": "other", "url": "http://127.0.0.1:9/other?code=1"}
        self.assertEqual(self.stack.acsim.api("POST", "webhooks", {"webhook": double}).status, 201)
        answer = self.stack.acsim.api("POST", "webhooks", {"webhook": other})
        self.assertEqual(len(self.hooks()), 3)
        self.ensure()
        self.assertEqual([row["url"] for row in self.hooks()], [hook["url"], other["url"]])
        self.assertEqual(self.hooks()[0]["id"], hook["id"])
        self.stack.acsim.api("DELETE", f"webhooks/{answer.json()['webhook']['id']}")

    def test_one_that_is_sent_for_less_is_repaired_and_for_more_is_left_alone(self):
        hook = self.only_hook()
        path = f"webhooks/{hook['id']}"
        for less in ({"events": ["update"]}, {"sources": ["admin"]}):
            self.stack.acsim.api("PUT", path, {"webhook": less})
            self.ensure()
            self.assertWhole(self.only_hook())
            self.assertEqual(self.only_hook()["id"], hook["id"])
        more = [*self.only_hook()["events"], "open"]
        self.stack.acsim.api("PUT", path, {"webhook": {"events": more}})
        self.ensure()
        self.assertEqual(self.only_hook()["events"], more)

    def test_one_that_was_removed_is_made_again(self):
        hook = self.only_hook()
        self.stack.acsim.api("DELETE", f"webhooks/{hook['id']}")
        self.ensure()
        self.assertWhole(self.only_hook())

    def test_zz_none_is_left_when_the_mode_is_automation_again(self):
        self.only_hook()
        self.stack.up(config={"webhooks.mode": "automation"})
        wait_for(lambda: not self.hooks(), lambda: f"left: {self.hooks()}", 15)


class Delivered(EventsTest):
    @classmethod
    def prepare(cls):
        wait_for(lambda: cls.stack.acsim.directory("webhooks"), "no webhook is registered", 15)
        cls.stack.wait_until_current()

    def tearDown(self):
        self.stack.acsim.clear_faults()
        self.stack.acsim.hooks(drop=0, duplicate=0, reorder=False, delay_ms=0)

    def contact(self, one):
        return self.stack.acsim.contact(one["id"])

    def test_a_new_contact_is_cached_gets_one_password_and_logs_in(self):
        one = self.added(tags=["Gold"])
        self.assertEqual(self.cached(one)["email"], one["email"])
        held = passwords(self.contact(one))
        self.assertEqual(len(held), 1)
        answer = self.stack.login(one["email"], held[0])
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual([tag["name"] for tag in answer.json()["contact"]["tags"]], ["Gold"])

    def test_a_change_reaches_the_cache_and_the_password_stays(self):
        one = self.added()
        held = passwords(self.contact(one))
        changes = {"first_name": "Renamed", "fields": {"PLAN": "pro"}, "tags_add": ["Gold"]}
        self.stack.acsim.touch(one["id"], hook=True, **changes)
        self.settled(one)
        cached = self.cached(one)
        self.assertEqual((cached["first_name"], cached["fields"]["PLAN"]), ("Renamed", "pro"))
        self.assertEqual([tag["name"] for tag in cached["tags"]], ["Gold"])
        self.assertTrue(cached["confirmed"])
        self.assertEqual(passwords(self.contact(one)), held)

    def test_copies_in_any_order_do_no_harm(self):
        self.stack.acsim.hooks(duplicate=3, reorder=True)
        people = [self.add(hook=True) for _ in range(10)]
        for one in people:
            self.stack.acsim.touch(one["id"], hook=True, first_name="Last", tags_add=["Gold"])
        self.settled(*people)
        for one in people:
            self.assertEqual(len(passwords(self.contact(one))), 1, self.contact(one))
            self.assertEqual(self.cached(one)["first_name"], "Last")
            self.assertEqual([tag["name"] for tag in self.cached(one)["tags"]], ["Gold"])

    def test_a_burst_about_one_contact_becomes_few_reads_and_the_newest_data(self):
        one = self.added()
        before = self.stack.acsim.last_request()
        self.stack.acsim.fault("GET /api/3/contacts", delay_ms=300)
        for number in range(50):
            self.stack.acsim.touch(one["id"], hook=True, first_name=f"Number {number}")
        self.settled(one)
        self.assertEqual(self.cached(one)["first_name"], "Number 49")
        self.assertTrue(self.cached(one)["confirmed"])
        reads = [row["path"] for row in self.stack.acsim.log(before) if row["method"] == "GET"]
        self.assertLessEqual(len(reads), 6, reads)

    def test_an_own_push_that_comes_back_as_an_event_starts_one_refresh_at_most(self):
        one = self.added()
        before = self.stack.acsim.last_request()
        answer = self.stack.api("POST", f"/contacts/{one['id']}/tags", {"add": ["Gold"]})
        self.assertEqual(answer.status, 200, str(answer))
        self.settled(one)
        time.sleep(1)  # for what should not come
        log = [(row["method"], row["route"]) for row in self.stack.acsim.log(before)]
        self.assertEqual(log.count(("POST", "/api/3/contactTags")), 1, log)
        after = log[log.index(("POST", "/api/3/contactTags")) + 1 :]
        self.assertLessEqual(len(after), 1, log)

    def test_an_own_password_that_comes_back_as_an_event_starts_one_refresh_at_most(self):
        before = self.stack.acsim.last_request()
        self.added()
        time.sleep(1)
        log = [(row["method"], row["route"]) for row in self.stack.acsim.log(before)]
        writes = [number for number, row in enumerate(log) if row[0] != "GET"]
        self.assertEqual(len(writes), 1, log)
        self.assertLessEqual(len(log) - 1 - writes[0], 1, log)

    def test_an_older_delivery_overwrites_nothing(self):
        one = self.added()
        self.stack.acsim.touch(one["id"], hook=True, first_name="Newer")
        self.settled(one)
        # Were it applied, nothing could put it right for now.
        self.stack.acsim.fault("GET /api/3/contacts", status=503)
        older = {**one, "first_name": "Older"}
        answer = self.stack.event(older, date_time=ago(hours=2).replace("Z", "-00:00"))
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(self.cached(one)["first_name"], "Newer")
        self.stack.acsim.clear_faults()
        self.stack.wait_until_idle(60)
        self.assertEqual(self.cached(one)["first_name"], "Newer")

    def test_a_wrong_code_is_403_and_never_410(self):
        one = self.added()
        for code in ("", "wrong", self.stack.code + "x"):
            target = f"/membergate/hooks/events?code={code}"
            answer = self.stack.post_form(target, f"type=update&contact[id]={one['id']}")
            self.assertEqual(answer.status, 403, f"{code}: {answer}")
        self.assertEqual(self.stack.post_form("/membergate/hooks/events", "a=b").status, 403)

    def test_the_status_tells_of_the_last_delivery(self):
        before = ago()
        self.added()
        run = self.stack.command("hooks", "status", "--json")
        status = json.loads(run.stdout)
        self.assertEqual(status["state"], "registered", run.stdout)
        self.assertGreaterEqual(status["last_delivery_at"], before[:-1], run.stdout)
        self.assertNotIn("code=", run.stdout + run.stderr)

    def test_who_was_not_touched_since_the_installation_gets_no_password(self):
        week = {"cdate": ago(days=7), "udate": ago(days=7)}
        old = [self.add(**week) for _ in range(5)]
        self.stack.command("sync", "--full")
        self.stack.wait_until_current()
        for one in old:
            self.assertEqual(self.cached(one)["email"], one["email"])
            self.assertEqual(passwords(self.contact(one)), [])
        self.stack.acsim.touch(old[0]["id"], hook=True, first_name="Touched")
        self.settled(old[0])
        self.assertEqual([len(passwords(self.contact(one))) for one in old], [1, 0, 0, 0, 0])


class ByTag(EventsTest):
    config = {
        "password.event_rule": "tag:2",
        "password.event_tags": "1",
        "password.event_automations": "1",
    }

    @classmethod
    def prepare(cls):
        wait_for(lambda: cls.stack.acsim.directory("webhooks"), "no webhook is registered", 15)
        cls.stack.wait_until_current()

    def test_the_password_comes_with_the_tag_and_what_follows_comes_after_it(self):
        one, without = self.added(), self.added(tags=["Banned"])
        for each in (one, without):
            self.assertEqual(passwords(self.stack.acsim.contact(each["id"])), [])
        self.stack.acsim.touch(one["id"], hook=True, tags_add=["Gold"])
        self.settled(one)
        contact = self.stack.acsim.contact(one["id"])
        wanted = ["PASSWORD", "tag:1", "automation:1"]
        self.assertEqual(steps(contact, wanted), wanted, contact)
        # What these writes bring about is no reason to begin again.
        self.settled(one)
        self.assertEqual(steps(self.stack.acsim.contact(one["id"]), wanted), wanted)
        self.assertEqual(passwords(self.stack.acsim.contact(without["id"])), [])

    def test_a_sweep_gives_it_too(self):
        gold = [self.add(tags=["Gold"]) for _ in range(3)]
        other = self.add()
        self.stack.command("sync")
        self.stack.wait_until_current()
        wanted = ["PASSWORD", "tag:1", "automation:1"]
        for one in gold:
            contact = self.stack.acsim.contact(one["id"])
            self.assertEqual(steps(contact, wanted), wanted, contact)
        self.assertEqual(passwords(self.stack.acsim.contact(other["id"])), [])


class Lost(EventsTest):
    @classmethod
    def prepare(cls):
        wait_for(lambda: cls.stack.acsim.directory("webhooks"), "no webhook is registered", 15)
        cls.stack.wait_until_current()

    def test_deliveries_that_never_came_are_made_up_for_and_raise_the_alarm(self):
        people = [self.added() for _ in range(5)]
        self.assertEqual(self.stack.metric("membergate_reconcile_repaired_total"), 0)
        self.stack.acsim.hooks(drop=1)
        for one in people:
            self.stack.acsim.touch(one["id"], hook=True, first_name="Unheard of")
        self.stack.command("sync")
        self.stack.wait_until_current()
        self.assertCurrent()
        self.assertGreater(self.stack.metric("membergate_reconcile_repaired_total"), 0)
        self.assertTrue(self.stack.logged("reconcile_repaired"))


if __name__ == "__main__":
    main()
