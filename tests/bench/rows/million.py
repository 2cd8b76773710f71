"""A million contacts: reads of a hot set, start, memory."""

import contextlib
import http.client
import os
import random
import sqlite3
import statistics
import time

from load import all_good, open_load, write_requests, wrk
from membership import Membership
from members import automation_body, member
from rig import Program, memory_mb, require, wait_for
from rows.webhooks import CONNECTIONS, measured

FEW = 1_000
HOT = 10_000
FIRST_ID = 1_000_000
STARTS = 3
FLOOD = 20_000
FLOOD_CONNECTIONS = 512
BATCH = 10_000


def email(number):
    return f"crowd-{number:07}@example.com"


class Crowd(Membership):
    """A stack whose database holds `count` more contacts, written into the daemon's own schema."""

    def __init__(self, count):
        super().__init__(full=False)
        try:
            self.count = count
            self.stack.kill("membergate", "TERM")
            self._write(count)
            self.stack.up()
            self.stack.wait_until_current(120)
            self.check()
        except BaseException:
            self.close()
            raise

    def _write(self, count):
        path = self.stack.dir / "membergate.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA cache_size = -200000")
            # The pass over all contacts has been: another one would find a million missing.
            found = database.execute("SELECT count(*) FROM meta WHERE key = 'sync.full_at'")
            require(found.fetchone()[0] == 1, "no pass over all contacts has ended yet")
            tags = [row[0] for row in database.execute("SELECT id FROM tag ORDER BY id LIMIT 4")]
            doc = self._document(database, tags)
            now = int(time.time() * 1000)
            database.execute("BEGIN")
            for start in range(0, count, BATCH):
                numbers = range(start, min(start + BATCH, count))
                self._write_batch(database, numbers, doc, now)
            for tag in tags:
                database.execute(
                    "INSERT INTO contact_tag SELECT ?, id FROM contact WHERE id >= ?",
                    (tag, FIRST_ID),
                )
            database.execute("COMMIT")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @staticmethod
    def _document(database, tags):
        """A stored contact's own document with these tags: the form is the daemon's."""
        doc = database.execute("SELECT doc FROM contact WHERE id = (SELECT min(id) FROM contact)")
        text = doc.fetchone()[0]
        before, _, after = text.partition('"tags":[')
        require(after, f"a stored document has no tags: {text[:80]}")
        return f'{before}"tags":[{",".join(map(str, tags))}{after[after.index("]"):]}'

    @staticmethod
    def _write_batch(database, numbers, doc, now):
        database.executemany(
            "INSERT INTO contact (id, email, doc, own_changes, version, changed_at, updated_at, "
            "as_of, pulled_at, confirmed) VALUES (?, ?, ?, '', 1, ?, ?, ?, ?, 1)",
            ((FIRST_ID + n, email(n), doc, now, now, now, now) for n in numbers),
        )
        database.executemany(
            "INSERT INTO email_owner VALUES (?, ?)", ((email(n), FIRST_ID + n) for n in numbers)
        )

    def reads_of(self, name, numbers):
        return self.requests(name, self.reads([email(n) for n in numbers]))

    def check(self):
        for number in (0, self.count // 2, self.count - 1):
            answer = self.stack.get_contact(email(number))
            require(answer.status == 200, f"a read among {self.count} contacts gets {answer}")
            require(answer.json()["id"] == str(FIRST_ID + number), "another contact was read")
        held = self.stack.query("SELECT count(*) FROM contact")[0][0]
        require(held >= self.count, f"{held} contacts are stored, not {self.count}")

    def start_seconds(self):
        """Ends the daemon, starts it again, and says how long it took until it was ready."""
        stack = self.stack
        stack.kill("membergate", "TERM")
        path = stack.env["MEMBERGATE_SOCKET"]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        environment = {
            "LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT": "200",
            "LIBFCGI_OS_CLOSE_POLL_TIMEOUT": "200",
        }
        command = ["spawn-fcgi", "-n", "-s", path, "-M", "0660", "-b", "1024", "--"]
        command += [stack.env["MEMBERGATE_BIN"], "serve", "--config", stack.env["MEMBERGATE_CONF"]]
        begun = time.monotonic()
        daemon = Program("daemon", stack.dir, command, environment)
        (stack.dir / "membergate.pid").write_text(f"{daemon.pid}\n")
        wait_for(self._ready, "the daemon is not ready", 60, every=0.001)
        return time.monotonic() - begun

    def _ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/membergate/readyz")
            return connection.getresponse().status == 200


def many(bench):
    return bench.once("many", lambda: Crowd(bench.many))


class Million:
    rows = ("million_get", "million_start")

    def __init__(self, bench, wanted):
        self.bench, self.wanted = bench, wanted
        few = bench.closing(Crowd(FEW))
        self.crowds = {f"{bench.many:,}": many(bench), f"{FEW:,}": few}
        chance = random.Random(3)
        self.files = {}
        for name, crowd in self.crowds.items():
            hot = chance.sample(range(crowd.count), min(HOT, crowd.count))
            # As many requests of both, so that the load generator's work is the same.
            self.files[name] = crowd.reads_of("hot", chance.sample(hot * (HOT // len(hot)), HOT))

    def round(self, number):
        names = list(self.crowds)
        if "million_get" in self.wanted:
            rates = [self._rate(number, name) for name in names]
            self.bench.report.figure("million_get", rates[0] / rates[1])
        if "million_start" in self.wanted:
            starts = [self._start(number, name) for name in names]
            self.bench.report.figure("million_start", starts[0] / starts[1])

    def _rate(self, number, name):
        crowd, file = self.crowds[name], self.files[name]
        what = f"Membergate, contact GET, {name} contacts"
        wrk(crowd.port, file, CONNECTIONS, 3)  # until the hot set is hot
        found = wrk(crowd.port, file, CONNECTIONS, self.bench.seconds, crowd.pids)
        all_good(found, what)
        return measured(self.bench, number, what, found)["rate"]

    def _start(self, number, name):
        seconds = statistics.median(self.crowds[name].start_seconds() for _ in range(STARTS))
        self.bench.report.measured(
            number, f"Membergate, start, {name} contacts", start_ms=seconds * 1000
        )
        return seconds


class Memory:
    """Resident memory; measured once."""

    rows = ("memory",)
    COLD = 100_000  # contacts read once, more than the cache holds

    def __init__(self, bench, wanted):
        self.bench = bench

    def round(self, number):
        if number > 1:
            return
        self._idle_and_flood()
        self._many()

    def _figure(self, name, value):
        self.bench.report.figure(f"memory_{name}", value)
        self.bench.report.measured(1, f"Membergate, memory, {name}", memory_mb=value)

    def _idle_and_flood(self):
        with contextlib.closing(Membership(full=False)) as membership:
            time.sleep(3)
            self._figure("idle", membership.memory_mb("VmRSS"))
            contacts = [{**member(n, "flood"), "id": FIRST_ID + n} for n in range(FLOOD)]
            target, headers = membership.webhook_head()
            file = write_requests(
                membership.stack.dir / "flood.requests",
                membership.port,
                (("POST", target, headers, automation_body(one)) for one in contacts),
            )
            before = membership.deliveries()
            found = open_load(membership.port, file, FLOOD, 1, FLOOD_CONNECTIONS)
            require(found["statuses"] == {200: FLOOD}, f"the flood got {found['statuses']}")
            stored = membership.deliveries() - before
            require(stored >= FLOOD, f"{FLOOD} answered 200, {stored} stored")
            time.sleep(10)  # its jobs are being worked off
            self._figure("flood", membership.memory_mb("VmHWM"))
            rate = FLOOD / found["seconds"]
            self.bench.report.measured(1, "Membergate, flood of 20,000", rate=rate)

    def _many(self):
        crowd = many(self.bench)
        numbers = random.Random(4).sample(range(crowd.count), min(self.COLD, crowd.count))
        file = crowd.reads_of("cold", numbers)
        found = open_load(crowd.port, file, len(numbers) / 10, 10, 64)
        require(found["statuses"] == {200: len(numbers)}, f"reads got {found['statuses']}")
        file = crowd.requests("webhooks", crowd.webhooks())
        all_good(wrk(crowd.port, file, CONNECTIONS, 2), "webhooks")
        self._figure("million", memory_mb(crowd.stack.pid(), "VmHWM"))

