"""The daemon is killed 50 times while webhooks come in: what was acknowledged stays."""

import collections
import os
import random
import signal
import threading
import time

from harness import StackTest, main, wait_for
from http_client import all_at_once
from simulator import passwords

SEED = 20240229
ROUNDS = 50
SENDERS = 3
CONTACTS = 6000
WITH_PASSWORD = 20  # every so many asks for a password


class Ledger:
    """Posts distinct contacts' webhooks one after another and notes the acknowledged ones."""

    def __init__(self, stack, people):
        self._stack = stack
        self._people = collections.deque(people)
        self._over = threading.Event()
        self._mutex = threading.Lock()
        self.acknowledged = []  # guarded by _mutex while the senders run
        self.statuses = collections.Counter()  # likewise
        self._senders = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for sender in self._senders:
            sender.start()

    def _send(self):
        while not self._over.is_set():
            try:
                one = self._people.popleft()
            except IndexError:
                return
            asks = int(one["id"]) % WITH_PASSWORD == 0
            try:
                answer = self._stack.genpass(one) if asks else self._stack.event(one)
                status = answer.status
            except OSError as error:
                status = type(error).__name__
            with self._mutex:
                self.statuses[status] += 1
                if status == 200:
                    self.acknowledged.append(one)
            # While there is no daemon, refusals come back at once.
            self._over.wait(0.004 if status == 200 else 0.02)

    def count(self):
        with self._mutex:
            return len(self.acknowledged)

    def stop(self):
        self._over.set()
        for sender in self._senders:
            sender.join(60)


class KilledDuringIngest(StackTest):
    daemon_restarts = True

    @classmethod
    def prepare(cls):
        people = [
            {"email": f"member{n}@example.org", "first_name": f"Ann {n}"} for n in range(CONTACTS)
        ]
        ids = cls.stack.acsim.add(*people)
        ledger = Ledger(cls.stack, [{**one, "id": i} for one, i in zip(people, ids)])
        cls.addClassCleanup(ledger.stop)
        chance = random.Random(SEED)
        cls.restarts = []
        for number in range(ROUNDS):
            cls.let_some_in(ledger, number)
            time.sleep(chance.uniform(0, 0.1))  # so that the kill falls anywhere
            os.kill(cls.stack.pid(), signal.SIGKILL)
            started = time.monotonic()
            cls.stack.up()
            cls.restarts.append(time.monotonic() - started)
        ledger.stop()
        cls.ledger = ledger
        cls.asked = [x["id"] for x in ledger.acknowledged if int(x["id"]) % WITH_PASSWORD == 0]

    @classmethod
    def let_some_in(cls, ledger, number):
        enough = ledger.count() + 5
        wait_for(lambda: ledger.count() >= enough, lambda: f"round {number}: {ledger.statuses}")

    def test_webhooks_were_acknowledged_throughout(self):
        self.assertGreater(len(self.ledger.acknowledged), ROUNDS * 5)
        self.assertGreater(len(self.asked), 10)

    def test_nothing_but_taken_or_not_reached_was_answered(self):
        self.assertLessEqual(set(self.ledger.statuses), {200, 502, 503, 504})

    def test_every_acknowledged_delivery_is_in_the_store(self):
        stored = {str(row[0]) for row in self.stack.query("SELECT contact_id FROM delivery")}
        lost = [one["id"] for one in self.ledger.acknowledged if one["id"] not in stored]
        self.assertEqual(lost, [])

    def test_every_acknowledged_contact_is_served_from_the_cache(self):
        # One that asked for its password by automation is stored from its body just the same.
        def read(one):
            answer = self.stack.get_contact(one["id"], "refresh=never")
            return answer.status, one["id"], answer.status == 200 and answer.json()["email"]

        answers = all_at_once([lambda one=one: read(one) for one in self.ledger.acknowledged], 4)
        emails = {one["id"]: one["email"] for one in self.ledger.acknowledged}
        self.assertEqual([x for x in answers if x[0] != 200 or x[2] != emails[x[1]]], [])

    def test_every_acknowledged_call_for_a_password_left_its_job(self):
        rows = self.stack.query("SELECT contact_id FROM job WHERE kind = 'password'")
        jobs = {str(row[0]) for row in rows}
        self.assertEqual([i for i in self.asked if i not in jobs], [])

    def test_the_database_is_sound(self):
        self.assertEqual(self.stack.query("PRAGMA integrity_check"), [("ok",)])

    def test_no_contact_ever_held_two_passwords(self):
        def all_given():
            contacts = self.stack.acsim.contacts()
            return all(passwords(contacts[i]) for i in self.asked)

        wait_for(all_given, lambda: f"open: {self.stack.open_jobs('password')[:20]}", 60, every=0.3)
        contacts = self.stack.acsim.contacts()
        held = {i: set(passwords(contact)) for i, contact in contacts.items()}
        self.assertEqual({i: texts for i, texts in held.items() if len(texts) > 1}, {})
        for i in self.asked[::10]:
            answer = self.stack.login(contacts[i]["email"], contacts[i]["fields"]["PASSWORD"])
            self.assertEqual(answer.status, 200, f"{i}: {answer}")


if __name__ == "__main__":
    main()
