"""Guessing passwords from many addresses at once: the owner gets in, webhooks are taken, hashing is
bounded, and nobody is locked out for good.

nginx sheds nothing here, so all of it reaches the daemon.
"""

import collections
import statistics
import threading
import time

from harness import StackTest, main, wait_for

ADDRESSES = [f"198.51.100.{number}" for number in range(1, 101)]
HOME = "203.0.113.7"  # where the owner has logged in before
ELSEWHERE = "203.0.113.8"
PASSWORD = "the owner's own"

FAILURE_TIME = 0.5  # login.failure_time as shipped
ACCOUNT_FROM, ACCOUNT_PAUSE = 100, 60  # access/throttle_rules.h: of an account over all addresses


class Attack(StackTest):
    """Runs one attack; a subclass says how often an address tries, and by victim() on whom."""

    tries_each = 0
    queue = 64  # login.queue as shipped
    limits = ("off",)
    daemon_restarts = True

    @staticmethod
    def victim(address, number):
        raise NotImplementedError

    @classmethod
    def prepare(cls):
        people = [{"email": f"member{n}@example.org", "first_name": f"M{n}"} for n in range(50)]
        owner = {"email": "owner@example.org", "fields": {"PASSWORD": PASSWORD}}
        *ids, cls.owner_id = cls.stack.acsim.add(*people, owner)
        cls.people = [{**one, "id": i} for one, i in zip(people, ids)]
        cls.stack.get_contact(cls.owner_id, "refresh=live")
        answer = cls.owner_logs_in(HOME)
        if answer.status != 200:
            raise AssertionError(str(answer))
        cls.stack.wait_until_current()
        cls.before = cls.stack.acsim.last_request()
        cls.run_attack()
        cls.stack.wait_until_idle()

    @classmethod
    def owner_logs_in(cls, address):
        return cls.stack.login("owner@example.org", PASSWORD, client_ip=address)

    @classmethod
    def run_attack(cls):
        cls.tries, cls.owner, cls.webhooks, cls.waiting = [], [], [], []
        over = threading.Event()
        start = threading.Barrier(len(ADDRESSES))
        failures = []

        def guess(address):
            start.wait(30)
            for number in range(cls.tries_each):
                # The owner tries often enough for this to be about him.
                wait_for(lambda n=number: len(cls.owner) >= n // 2 or failures, "no owner", 60)
                email = cls.victim(address, number)
                answer = cls.stack.login(email, f"guess {number}", client_ip=address)
                cls.tries.append(answer)

        def repeat(action, answers):
            while not over.is_set():
                answers.append(action())

        def send():
            return cls.stack.event(cls.people[len(cls.webhooks) % len(cls.people)])

        def guarded(work, *arguments):
            try:
                work(*arguments)
            except BaseException as error:  # raised in the tests' thread
                failures.append(error)

        def threads(*works):
            made = [threading.Thread(target=guarded, args=work) for work in works]
            for thread in made:
                thread.start()
            return made

        beside = threads(
            (repeat, lambda: cls.owner_logs_in(HOME), cls.owner),
            (repeat, send, cls.webhooks),
            (repeat, lambda: cls.stack.metric("membergate_login_queue_length"), cls.waiting),
        )
        started = time.monotonic()
        attackers = threads(*((guess, address) for address in ADDRESSES))
        for thread in attackers:
            thread.join(120)
        cls.seconds = time.monotonic() - started
        over.set()
        for thread in beside:
            thread.join(30)
        if failures:
            raise failures[0]
        cls.counts = collections.Counter(answer.status for answer in cls.tries)
        cls.told = (
            f"{len(cls.tries)} guesses in {cls.seconds:.1f} s: {dict(cls.counts)}; owner at home: "
            f"{dict(collections.Counter(answer.status for answer in cls.owner))}; webhooks: "
            f"{dict(collections.Counter(answer.status for answer in cls.webhooks))}; queue at most "
            f"{max(cls.waiting):.0f}"
        )
        print(f"{cls.__name__}: {cls.told}")

    def with_status(self, status):
        return [answer for answer in self.tries if answer.status == status]

    def checkTheRest(self):
        """What holds for any attack."""
        self.assertEqual(len(self.tries), len(ADDRESSES) * self.tries_each, self.told)
        self.assertLessEqual(set(self.counts), {401, 429, 503}, self.told)
        with self.subTest("the owner gets in from where he is known"):
            self.assertGreaterEqual(len(self.owner), self.tries_each // 2, self.told)
            self.assertEqual({answer.status for answer in self.owner}, {200}, self.told)
        with self.subTest("webhooks are taken"):
            self.assertGreaterEqual(len(self.webhooks), 10, self.told)
            self.assertEqual({answer.status for answer in self.webhooks}, {200}, self.told)
        with self.subTest("what there is no room for hears so at once"):
            busy = self.with_status(503)
            for answer in busy:
                self.assertProblem(answer, 503, "busy")
                self.assertEqual(answer.headers["Retry-After"], "1")
            if busy:  # on one account a fast machine may check all that the throttle lets through
                took = statistics.median(answer.seconds for answer in busy)
                self.assertLess(took, FAILURE_TIME, self.told)
        with self.subTest("no more wait to be hashed than the queue has room for"):
            self.assertLessEqual(max(self.waiting), self.queue, self.told)
        with self.subTest("what is wrong is answered no sooner than always"):
            soonest = min(answer.seconds for answer in self.with_status(401))
            self.assertGreaterEqual(soonest, FAILURE_TIME - 0.01)
        with self.subTest("ActiveCampaign is hardly asked"):
            log = self.stack.acsim.log(self.before)
            asked = [row for row in log if "email=" in row["path"]]
            # Once a second; five times until the daemon has noticed that the first pass is over.
            self.assertLessEqual(len(asked), self.seconds + 30, f"asked {len(asked)}; {self.told}")

    def restart_later(self, seconds):
        """As if the daemon had been away for so long."""
        self.stack.kill("membergate", "TERM")
        self.stack.write("UPDATE throttle SET last_failure_at = last_failure_at - ?", 1000 * seconds)
        self.stack.up()


class OnOneAccount(Attack):
    tries_each = 20  # 2,000 in all

    @staticmethod
    def victim(address, number):
        return "owner@example.org"

    def test_a_hundred_are_checked_and_the_rest_has_to_wait(self):
        self.checkTheRest()
        pauses = 1 + int(self.seconds // ACCOUNT_PAUSE)
        self.assertLessEqual(self.counts[401], ACCOUNT_FROM + pauses, self.told)
        self.assertGreaterEqual(self.counts[401], ACCOUNT_FROM, self.told)
        self.assertGreater(self.counts[429], 0, self.told)
        for answer in self.with_status(429):
            self.assertProblem(answer, 429, "throttled")
            self.assertLessEqual(1, int(answer.headers["Retry-After"]), self.told)
            self.assertLessEqual(int(answer.headers["Retry-After"]), ACCOUNT_PAUSE, self.told)

    def test_afterwards_the_owner_enters_at_home_at_once_and_elsewhere_a_minute_later(self):
        self.assertEqual(self.owner_logs_in(HOME).status, 200)
        answer = self.owner_logs_in(ELSEWHERE)
        self.assertProblem(answer, 429, "throttled")
        pause = int(answer.headers["Retry-After"])
        self.assertLessEqual(pause, ACCOUNT_PAUSE)
        # A restart is no way around it: what was counted is on disk.
        self.restart_later(0)
        self.assertProblem(self.owner_logs_in(ELSEWHERE), 429, "throttled")
        self.assertEqual(self.owner_logs_in(HOME).status, 200)
        most = self.stack.query("SELECT max(failures) FROM throttle")[0][0]
        self.assertGreaterEqual(most, ACCOUNT_FROM)
        # Nor is it for good.
        self.restart_later(pause)
        answer = self.owner_logs_in(ELSEWHERE)
        self.assertEqual(answer.status, 200, str(answer))


class OnManyAccounts(Attack):
    """A list of stolen e-mails, strangers' and members': no account and no address is tried often
    enough to be throttled, so the queue alone is a bound."""

    tries_each = 10
    queue = 16  # shorter than as shipped, for machines of many cores
    config = {"login.queue": "16"}

    @staticmethod
    def victim(address, number):
        index = ADDRESSES.index(address)
        stranger = f"stranger{index}.{number}@example.net"
        return stranger if number % 2 else f"member{(index + number) % 50}@example.org"

    def test_as_many_are_checked_as_can_be_and_the_rest_is_turned_away(self):
        self.checkTheRest()
        self.assertEqual(set(self.counts), {401, 503}, self.told)
        refused = self.stack.metric("membergate_login_queue_refused_total")
        self.assertEqual(refused, self.counts[503], self.told)


if __name__ == "__main__":
    main()
