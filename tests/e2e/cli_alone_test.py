"""The commands that do the daemon's work while none runs: jobs retry, replay, password."""

import json
import os
import signal

from harness import StackTest, main, wait_for
from simulator import passwords

TAG, AUTOMATION = "1", "1"
WISH = f"tid={TAG}&automation={AUTOMATION}"
WEEK_AND_DAY = 8 * 24 * 3600 * 1000
QUEUED, RUNNING, DONE, DEAD = 1, 2, 3, 5


class Alone(StackTest):
    daemon_restarts = True
    expected_errors = frozenset({"job_dead"})
    config = {
        "password.policy": "wipe-after:24h",
        "webhooks.public_url": "https://example.org",
        "login.refresh": "never",
    }

    def setUp(self):
        self.stack.acsim.clear_faults()
        self.stack.up()
        self.settle()

    def new(self, prefix, count=1):
        emails = [f"{prefix}{number}@example.org" for number in range(count)]
        ids = self.stack.acsim.add(*({"email": email} for email in emails))
        return [{"id": i, "email": email} for i, email in zip(ids, emails)]

    def settle(self, timeout=60):
        """Until nothing is under way; wipes wait for tomorrow."""
        def left():
            return [job for job in self.stack.open_jobs() if job[0] != "wipe"]

        wait_for(lambda: not left(), lambda: f"open: {left()}", timeout)

    def states(self, people, kind="password"):
        """The state of the newest job of that kind of each of them."""
        rows = self.stack.query(
            "SELECT contact_id, state FROM job WHERE kind = ? ORDER BY id", kind)
        newest = {str(contact): state for contact, state in rows}
        return [newest.get(one["id"]) for one in people]

    def ask(self, people):
        for one in people:
            self.assertEqual(200, self.stack.genpass(one, WISH).status)

    def fail(self, people):
        """Their password jobs wait for another try, and no daemon runs."""
        self.stack.acsim.fault("* /api", status=500, body="{}")
        self.ask(people)
        tried = ("SELECT count(*) FROM job WHERE kind = 'password' AND state = 1 AND reason <> '' "
                 f"AND contact_id IN ({','.join(one['id'] for one in people)})")
        wait_for(lambda: self.stack.query(tried) == [(len(people),)], "not all were tried")
        self.stack.kill("membergate", "TERM")

    def bury(self, people):
        """Their password jobs were given up after a week of failures, and no daemon runs."""
        self.fail(people)
        self.stack.write("UPDATE job SET created_at = created_at - ?, due_at = 0 WHERE state < 3",
                         WEEK_AND_DAY)
        self.stack.up()
        wait_for(lambda: set(self.states(people)) == {DEAD}, "not all were given up")
        self.stack.kill("membergate")
        self.stack.acsim.clear_faults()

    def command(self, *arguments, expect=0):
        answer = self.stack.command(*arguments, "--json", check=False)
        self.assertEqual(expect, answer.returncode, answer.stdout + answer.stderr)
        self.assertEqual("", answer.stderr)
        return json.loads(answer.stdout)

    def jobs(self, people):
        """The numbers of their newest password jobs, as words of a command line."""
        return [str(self.stack.query("SELECT max(id) FROM job WHERE kind = 'password' AND "
                                     "contact_id = ?", int(one["id"]))[0][0]) for one in people]

    def assertDoneOnce(self, people, times=1):
        """Each was given one password and the tag, and entered the automation so often."""
        contacts = self.stack.acsim.contacts()
        for one in people:
            contact = contacts[one["id"]]
            self.assertEqual(1, len(passwords(contact)), contact)
            self.assertEqual([AUTOMATION] * times, contact["automations"])
            self.assertEqual([TAG], [tag["id"] for tag in contact["tags"]])

    def assertNothingInHand(self):
        self.assertEqual([], self.stack.query("SELECT id FROM job WHERE state = 2"))

    def assertDaemonFindsNothingToDo(self, people, times=1):
        self.stack.up()
        self.settle()
        self.assertDoneOnce(people, times)

    def test_jobs_that_were_given_up_are_done(self):
        people = self.new("buried", 3)
        self.bury(people)
        said = self.command("jobs", "retry", "--dead")
        self.assertEqual((len(said["jobs"]), 0, 0, False),
                         (said["done"], said["failed"], said["open"], said["daemon"]))
        self.assertLessEqual(set(self.jobs(people)), set(said["jobs"]))
        self.assertEqual([DONE] * 3, self.states(people))
        self.assertNothingInHand()
        self.assertDoneOnce(people)
        self.assertDaemonFindsNothingToDo(people)
        for one in people:
            password = passwords(self.stack.acsim.contact(one["id"]))[0]
            self.assertEqual(200, self.stack.login(one["email"], password).status)

    def test_only_what_was_asked_for_is_done(self):
        asked, other = self.new("chosen", 2)
        self.bury([asked, other])
        (job,) = self.jobs([asked])
        said = self.command("jobs", "retry", job)
        self.assertEqual(([job], 1, 0), (said["jobs"], said["done"], said["open"]))
        self.assertEqual([DONE, DEAD], self.states([asked, other]))
        contacts = self.stack.acsim.contacts()
        self.assertEqual([1, 0], [len(passwords(contacts[i["id"]])) for i in (asked, other)])
        line = self.stack.command("jobs", "retry", *self.jobs([other]))
        self.assertEqual("1 done, 0 failed, 0 wait until the service runs\n", line.stdout)

    def test_many_go_the_bulk_way(self):
        people = self.new("bulk", 30)
        self.bury(people)
        after = self.stack.acsim.last_request()
        said = self.command("jobs", "retry", *self.jobs(people))
        self.assertEqual((30, 0, 0), (said["done"], said["failed"], said["open"]))
        contacts = self.stack.acsim.contacts()
        self.assertEqual({1}, {len(passwords(contacts[one["id"]])) for one in people})
        imports = [row for row in self.stack.acsim.log(after)
                   if (row["method"], row["route"]) == ("POST", "/api/3/import/bulk_import")]
        self.assertGreater(len(imports), 0)
        self.assertDaemonFindsNothingToDo(people)

    def test_a_replay_does_it_again(self):
        people = self.new("again", 2)
        self.ask(people)
        self.settle()
        self.assertDoneOnce(people)
        self.stack.acsim.touch(people[0]["id"], hook=False, fields={"CITY": "Bern"})
        self.stack.kill("membergate")
        (delivery,) = self.stack.query("SELECT max(id) FROM delivery WHERE contact_id = ?",
                                       int(people[0]["id"]))[0]
        said = self.command("replay", str(delivery))
        self.assertEqual((2, 0, 0, False),
                         (said["done"], said["failed"], said["open"], said["daemon"]))
        self.assertNothingInHand()
        self.assertDoneOnce(people[:1], times=2)
        self.assertDoneOnce(people[1:])
        self.assertEqual("Bern", self.stack.cached()[people[0]["id"]][2]["CITY"])
        self.assertDaemonFindsNothingToDo(people[:1], times=2)

    def test_a_password_is_wiped(self):
        people = self.new("wiped")
        self.ask(people)
        self.settle()
        self.stack.kill("membergate")
        said = self.command("password", "wipe", people[0]["email"])
        self.assertEqual((1, 0, 0), (said["done"], said["failed"], said["open"]))
        self.assertEqual("", self.stack.acsim.contact(people[0]["id"])["fields"]["PASSWORD"])

    def test_it_ends_soon_while_activecampaign_is_down(self):
        people = self.new("down", 2)
        self.fail(people)
        answer = self.stack.command("jobs", "retry", *self.jobs(people), "--json", timeout=20)
        said = json.loads(answer.stdout)
        self.assertEqual((0, 0, 2, False),
                         (said["done"], said["failed"], said["open"], said["daemon"]))
        self.assertIn("500", said["reason"])
        self.assertEqual([QUEUED] * 2, self.states(people))
        self.stack.acsim.clear_faults()
        self.assertDaemonFindsNothingToDo(people)

    def test_what_a_killed_daemon_had_in_hand_is_taken_up_at_once(self):
        people = self.new("held")
        self.stack.acsim.fault("* /api", delay_ms=20000)
        self.ask(people)
        wait_for(lambda: self.states(people) == [RUNNING], "the job does not run")
        self.stack.kill("membergate")
        self.stack.acsim.clear_faults()
        (delivery,) = self.stack.query("SELECT max(id) FROM delivery WHERE contact_id = ?",
                                       int(people[0]["id"]))[0]
        said = self.command("replay", str(delivery))
        self.assertEqual((2, 0, 0), (said["done"], said["failed"], said["open"]))
        self.assertDaemonFindsNothingToDo(people)

    def test_two_at_once_do_each_job_once(self):
        self.each_way("both", self.work_at_once)

    def each_way(self, name, act):
        for way, count in (("single", 8), ("bulk", 40)):
            with self.subTest(way):
                self.setUp()
                act(self.new(f"{name}-{way}", count))

    def work_at_once(self, people):
        self.bury(people)
        self.stack.acsim.fault("* /api", delay_ms=30)
        retry = self.stack.start_command("jobs", "retry", "--dead", "--json")
        wait_for(lambda: DEAD not in self.states(people), "they are not taken up", every=0.01)
        replay = self.stack.start_command("replay", "--since", "30m", "--json")
        for process in (retry, replay):
            code, out, err = self.stack.finish_command(process)
            said = json.loads(out)
            self.assertEqual((0, "", 0, 0), (code, err, said["failed"], said["open"]), out)
        self.assertNothingInHand()
        self.assertEqual({DONE}, set(self.states(people)))
        # A replay that came while the job was open is one with it, one that came later is not.
        done = dict(self.stack.query(
            "SELECT contact_id, count(*) FROM job WHERE kind IN ('password', 'follow_up') AND "
            "state = 3 GROUP BY contact_id"))
        contacts = self.stack.acsim.contacts()
        for one in people:
            contact = contacts[one["id"]]
            self.assertEqual((1, done[int(one["id"])]),
                             (len(passwords(contact)), len(contact["automations"])), contact)

    def test_a_daemon_that_starts_meanwhile_does_nothing_twice(self):
        self.each_way("met", self.meet)

    def meet(self, people):
        self.bury(people)
        self.stack.acsim.fault("* /api", delay_ms=500)
        process = self.stack.start_command("jobs", "retry", *self.jobs(people), "--json")
        wait_for(lambda: RUNNING in self.states(people), "nothing runs", every=0.01)
        self.stack.up()
        self.assertIn(RUNNING, self.states(people))
        self.assertIsNone(process.poll())
        code, out, err = self.stack.finish_command(process)
        said = json.loads(out)
        self.assertEqual((0, "", len(people), 0, 0),
                         (code, err, said["done"], said["failed"], said["open"]), out)
        self.assertTrue(said["daemon"])
        self.stack.acsim.clear_faults()
        self.settle()
        self.assertDoneOnce(people)
        self.assertEqual([], self.stack.logged("job_not_settled"))

    def interrupt(self, name, how):
        """A command that is ended while ActiveCampaign keeps it waiting; what it said."""
        people = self.new(name, 3)
        self.bury(people)
        self.stack.acsim.fault("* /api", delay_ms=2000)
        process = self.stack.start_command("jobs", "retry", *self.jobs(people), "--json")
        wait_for(lambda: RUNNING in self.states(people), "nothing runs", every=0.01)
        os.kill(process.pid, how)
        return people, process

    def test_a_stop_signal_leaves_nothing_half_done(self):
        for name, how in (("int", signal.SIGINT), ("term", signal.SIGTERM)):
            with self.subTest(name):
                self.setUp()
                people, process = self.interrupt(name, how)
                code, out, err = self.stack.finish_command(process, timeout=20)
                self.assertEqual((-how, ""), (code, err))
                said = json.loads(out)
                self.assertEqual((3, 0), (said["done"] + said["open"], said["failed"]))
                self.assertNothingInHand()
                self.stack.acsim.clear_faults()
                self.assertDaemonFindsNothingToDo(people)

    def test_what_a_killed_command_had_in_hand_is_taken_up_by_the_next(self):
        people, process = self.interrupt("shot", signal.SIGKILL)
        self.stack.finish_command(process)
        self.assertIn(RUNNING, self.states(people))
        self.stack.acsim.clear_faults()
        said = self.command("replay", "--since", "1m")
        self.assertEqual((0, 0), (said["failed"], said["open"]))
        self.assertEqual([DONE] * 3, self.states(people))
        self.assertDaemonFindsNothingToDo(people)


if __name__ == "__main__":
    main()
