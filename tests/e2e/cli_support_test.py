"""The commands of whoever repairs, beside the running daemon: why, jobs, replay, password, doctor."""

import json

from harness import StackTest, main, wait_for


class Support(StackTest):
    config = {
        "password.policy": "wipe-after:24h",
        "webhooks.public_url": "https://example.org",
        "login.failure_time": "0s",
        "login.refresh": "never",
    }

    def new(self, name, **more):
        (i,) = self.stack.acsim.add({"email": f"{name}@example.org", **more})
        return {"id": i, "email": f"{name}@example.org"}

    def member(self, name):
        """One with a password; returns it with the contact."""
        one = self.new(name)
        self.assertEqual(200, self.stack.genpass(one).status)
        password = self.stack.wait_for_passwords([one["id"]])[one["id"]]
        self.settle()
        return one, password

    def settle(self, timeout=30):
        """Until nothing is under way; wipes wait for tomorrow."""
        def left():
            return [job for job in self.stack.open_jobs() if job[0] != "wipe"]

        wait_for(lambda: not left(), lambda: f"open: {left()}", timeout)

    def ask(self, *arguments, expect=0):
        answer = self.stack.command(*arguments, "--json", check=False)
        self.assertEqual(expect, answer.returncode, answer.stdout + answer.stderr)
        return json.loads(answer.stdout)

    def verdict(self, one, *more):
        answer = self.stack.command("contact", "why", one["email"], "--json", *more, check=False)
        return json.loads(answer.stdout)["verdict"]

    def field(self, one):
        return self.stack.acsim.contact(one["id"])["fields"].get("PASSWORD", "")

    def test_a_member_is_throttled_and_why_says_so(self):
        one, _ = self.member("guessed")
        self.assertEqual("may_log_in", self.verdict(one))
        for _ in range(20):
            self.stack.login(one["email"], "wrong")
        wait_for(lambda: self.verdict(one) == "throttled", "not seen to be throttled", 5, 0.1)
        ip = ("--client-ip", "198.51.100.9")
        self.assertEqual("may_log_in", self.verdict(one, *ip))
        for _ in range(8):
            self.stack.login(one["email"], "wrong", client_ip=ip[1])
        wait_for(lambda: self.verdict(one, *ip) == "throttled", "the address is not seen", 5, 0.1)

    def test_a_password_that_is_on_its_way_is_retried_at_once(self):
        one = self.new("late")
        self.stack.acsim.fault("* /api", status=500, body="{}", for_s=60)
        self.assertEqual(200, self.stack.genpass(one).status)
        wait_for(lambda: self.verdict(one) == "password_pending", "not seen to wait", 10, 0.1)
        self.stack.acsim.clear_faults()
        (job,) = self.ask("jobs", "list", "--kind", "password", "--state", "queued", "--limit", "1")
        # The breaker lets the first request through a little later.
        wait_for(lambda: self.retried(job["id"]), "the job did not run", 40, 0.5)
        self.stack.wait_for_passwords([one["id"]])
        self.settle(40)
        self.assertEqual("may_log_in", self.verdict(one))

    def retried(self, job):
        self.stack.command("jobs", "retry", job, check=False)
        states = self.stack.query("SELECT state FROM job WHERE id = ?", int(job))
        return states == [(3,)]

    def test_a_dropped_job_is_not_done(self):
        one = self.new("dropped")
        self.stack.acsim.fault("* /api", status=500, body="{}", for_s=60)
        self.assertEqual(200, self.stack.genpass(one).status)
        (job,) = self.stack.query("SELECT id FROM job WHERE kind = 'password' AND state < 3 AND "
                                  "contact_id = ?", int(one["id"]))[0]
        self.stack.command("jobs", "drop", str(job))
        self.stack.acsim.clear_faults()
        self.settle(60)
        self.assertEqual("", self.field(one))

    def test_a_replay_does_again_what_the_webhook_brought_about(self):
        one = self.new("replayed")
        self.assertEqual(200, self.stack.genpass(one, "tid=1&automation=2").status)
        self.settle()
        self.stack.acsim.touch(one["id"], hook=False, fields={"PASSWORD": "of-the-owner"})
        (delivery,) = self.stack.query("SELECT max(id) FROM delivery WHERE contact_id = ?",
                                       int(one["id"]))[0]
        said = self.ask("replay", str(delivery))
        self.assertEqual((True, 0), (said["daemon"], said["failed"]))
        self.settle()
        contact = self.stack.acsim.contact(one["id"])
        self.assertEqual(["2", "2"], contact["automations"])
        self.assertEqual("of-the-owner", contact["fields"]["PASSWORD"])
        self.assertEqual(200, self.stack.login(one["email"], "of-the-owner").status)

    def test_a_reset_puts_a_link_into_the_field(self):
        one, password = self.member("reset")
        said = self.ask("password", "reset", one["email"])
        self.assertEqual((1, 0, 0), (said["done"], said["failed"], said["open"]))
        self.assertIn("/membergate/link?t=", self.field(one))
        self.assertEqual(200, self.stack.login(one["email"], password).status)

    def test_a_wipe_empties_the_field_and_the_password_stays_right(self):
        one, password = self.member("wiped")
        said = self.ask("password", "wipe", one["email"])
        self.assertEqual((1, 0, 0), (said["done"], said["failed"], said["open"]))
        self.assertEqual("", self.field(one))
        self.assertEqual(200, self.stack.login(one["email"], password).status)
        self.ask_fails("password", "wipe", one["email"])

    def ask_fails(self, *arguments):
        answer = self.stack.command(*arguments, check=False)
        self.assertEqual(1, answer.returncode, answer.stdout)

    def test_the_trace_tells_it_in_order_and_no_secret(self):
        one, password = self.member("traced")
        self.assertEqual(200, self.stack.login(one["email"], password).status)
        trace = self.ask("contact", "trace", one["email"])
        kinds = [entry["kind"] for entry in trace]
        self.assertEqual("delivery", kinds[0])
        self.assertIn("job", kinds)
        self.assertEqual("began via password",
                         next(e["what"] for e in trace if e["kind"] == "session"))
        shown = self.ask("contact", "show", one["id"])
        self.assertEqual(1, shown["sessions"])
        for secret in (password, self.stack.code, self.stack.key):
            self.assertNotIn(secret, json.dumps([trace, shown]))

    def test_status_and_doctor_see_the_daemon(self):
        status = self.ask("status")
        self.assertTrue(status["daemon"]["running"])
        self.assertIn(status["daemon"]["pid"], (None, self.stack.pid()))
        nginx = ("--nginx", str(self.stack.dir / "nginx/nginx.conf"))
        said = self.ask("doctor", *nginx)
        self.assertEqual(0, said["problems"], json.dumps(said, indent=1))
        self.assertEqual(0, self.stack.command("check-config", "--online").returncode)


if __name__ == "__main__":
    main()
