"""Floods, limits and stops: nginx sheds, the daemon takes what it acknowledged with it."""

import collections
import threading

from harness import StackTest, main, wait_for
from http_client import all_at_once


def people(stack, count):
    rows = [{"email": f"member{n}@example.org", "first_name": f"Ann {n}"} for n in range(count)]
    return [{**row, "id": i} for row, i in zip(rows, stack.acsim.add(*rows))]


class LimitedWebhooks(StackTest):
    limits = ("webhooks=50/50", "login=5/5")

    def test_a_burst_above_the_limit_gets_200_or_429_with_retry_after(self):
        burst = people(self.stack, 300)
        answers = all_at_once([lambda one=one: self.stack.event(one) for one in burst])
        counts = collections.Counter(answer.status for answer in answers)
        self.assertEqual(set(counts), {200, 429})
        self.assertGreaterEqual(counts[200], 50)
        for answer in answers:
            if answer.status == 429:
                self.assertProblem(answer, 429, "throttled")
                self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        stored = self.stack.query("SELECT count(DISTINCT contact_id) FROM delivery")[0][0]
        self.assertEqual(stored, counts[200])

    def test_junk_codes_do_not_get_a_fresh_allowance_each(self):
        def junk(number):
            return self.stack.post_form(f"/?mbr_genpass=junk{number}", "contact[id]=1").status

        counts = collections.Counter(all_at_once([lambda n=n: junk(n) for n in range(300)]))
        self.assertEqual(set(counts), {403, 429})

    def test_logins_above_their_limit_get_429_and_other_calls_do_not(self):
        def login():
            return self.stack.login("nobody@example.org", "x", client_ip="192.0.2.9")

        answers = all_at_once([login] * 30, 8)
        refused = [answer for answer in answers if answer.status == 429]
        self.assertGreater(len(refused), 10)
        for answer in refused:
            self.assertProblem(answer, 429, "throttled")
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertEqual(self.stack.api("GET", "/jobs/999").status, 404)


class ShippedLimits(StackTest):
    def test_1500_webhooks_at_once_are_all_taken(self):
        ids = [one["id"] for one in people(self.stack, 1500)]
        url = self.stack.env["MEMBERGATE_URL"] + self.stack.events_target()
        answers = self.stack.acsim.flood(ids, url, dialect="event")
        self.assertEqual(answers, {200: 1500})
        stored = self.stack.query("SELECT count(DISTINCT contact_id) FROM delivery")[0][0]
        self.assertEqual(stored, 1500)


class Stopping(StackTest):
    daemon_restarts = True

    def test_a_stop_under_load_loses_no_acknowledged_webhook(self):
        waiting = collections.deque(people(self.stack, 4000))
        over = threading.Event()
        mutex = threading.Lock()
        statuses = collections.Counter()
        taken = []

        def send():
            while not over.is_set() and waiting:
                one = waiting.popleft()
                status = self.stack.event(one).status
                with mutex:
                    statuses[status] += 1
                    if status == 200:
                        taken.append(one["id"])
                if status != 200:
                    over.wait(0.02)

        senders = [threading.Thread(target=send) for _ in range(6)]
        for sender in senders:
            sender.start()
        try:
            for _ in range(3):
                before = len(taken)
                wait_for(lambda: len(taken) > before + 100, lambda: f"too slow: {statuses}")
                self.stack.kill("membergate", "TERM")
                self.stack.up()
            before = len(taken)
            wait_for(lambda: len(taken) > before + 100, lambda: f"not back: {statuses}")
        finally:
            over.set()
            for sender in senders:
                sender.join(30)
        # 502 while there was no daemon; nothing that was begun was dropped (500, 504).
        self.assertLessEqual(set(statuses), {200, 502})
        stored = {str(row[0]) for row in self.stack.query("SELECT contact_id FROM delivery")}
        self.assertEqual(set(taken) - stored, set())
        self.assertEqual(self.stack.query("PRAGMA integrity_check"), [("ok",)])

    def test_a_change_that_is_awaited_at_the_stop_is_answered_and_carried_out_afterwards(self):
        (one,) = people(self.stack, 1)
        self.assertEqual(self.stack.get_contact(one["id"]).status, 200)
        self.stack.acsim.fault("POST /api/3/contactTags", delay_ms=4000, times=1)
        answers = []

        def change():
            headers = {"Prefer": "wait=8"}
            path = f"/contacts/{one['id']}/tags"
            answers.append(self.stack.api("POST", path, {"add": ["Gold"]}, headers=headers))

        asking = threading.Thread(target=change)
        asking.start()
        wait_for(lambda: not self.stack.acsim.faults_left(), "the change was not sent")
        self.stack.kill("membergate", "TERM")
        asking.join(30)
        self.assertIn(answers[0].status, (200, 202), str(answers[0]))
        self.stack.up()
        job = f"/jobs/{answers[0].json()['job']}"
        wait_for(
            lambda: self.stack.api("GET", job).json()["state"] == "done", "the job was not done"
        )
        tags = [tag["name"] for tag in self.stack.acsim.contact(one["id"])["tags"]]
        self.assertEqual(tags, ["Gold"])

    def test_a_login_that_is_being_refused_at_the_stop_is_answered(self):
        answers = []

        def guess():
            answers.append(self.stack.login("nobody@example.org", "x", client_ip="192.0.2.1"))

        def taken():
            text = self.stack.http.request("GET", "/membergate/metrics").body.decode()
            return 'membergate_logins_total{result="wrong"} 1' in text

        asking = threading.Thread(target=guess)
        asking.start()
        wait_for(taken, "the login was not taken", every=0.01)
        self.stack.kill("membergate", "TERM")
        asking.join(30)
        self.assertProblem(answers[0], 401, "invalid_credentials")
        self.stack.up()

    def test_the_stop_is_prompt_and_says_so(self):
        self.stack.kill("membergate", "TERM")
        self.assertNotIn("requests_given_up", [line["event"] for line in self.stack.log_lines()])
        self.stack.up()


if __name__ == "__main__":
    main()
