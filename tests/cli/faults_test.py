"""Every command with what it needs missing, closed, locked, damaged, full or interrupted: the right
exit code, a sentence that says what and what to do, and nothing half done."""

import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from rig import MEMBERGATE, Case, Terminal, main, run

NOBODY = 65534
EMAIL = "jane@example.com"

# Each command as it is typed; whether it writes where all is well.
COMMANDS = {
    "serve": False,
    "check-config": False,
    "check-config --online": False,
    "doctor --offline": False,
    "status": False,
    "migrate --check": False,
    "code create --name new": True,
    "code list": False,
    "code revoke --name old": True,
    "key create --name new --scope login": True,
    "key list": False,
    "key revoke --name old": True,
    f"contact show {EMAIL}": False,
    f"contact why {EMAIL}": False,
    f"contact trace {EMAIL}": False,
    f"contact erase {EMAIL}": True,
    "jobs list": False,
    "jobs retry 1": True,
    "jobs retry --dead": True,
    "jobs drop 2": True,
    "replay 1": True,
    "replay --since 1h": True,
    f"password reset {EMAIL}": True,
    f"password wipe {EMAIL}": True,
    "hooks status": False,
    "sync": True,
}
TABLES = ("audit", "job", "code", "api_key", "contact", "credential", "link", "gap", "change")
# Those that look at the configuration alone, or say themselves what is wrong with the database.
WITHOUT_STORE = {"serve", "check-config", "doctor --offline"}


class FaultCase(Case):
    def setUp(self):
        super().setUp()
        self.installed()
        # Nobody listens there.
        self.conf.write_text(self.conf.read_text().replace("https://acme.api-us1.com",
                                                           "http://127.0.0.1:9"))
        self.configured("activecampaign.rate = 200/s", "login.required_tags = 1",
                        "webhooks.public_url = https://example.com",
                        "password.policy = wipe-after:24h")
        self.code("create", "--name", "old")
        self.key("create", "--name", "old", "--scope", "login")
        now = int(time.time() * 1000)
        with self.database() as db:
            db.execute("INSERT INTO contact (id, email, doc, own_changes, version, changed_at, "
                       "as_of, confirmed) VALUES (7, ?, '{\"tags\":[1]}', '', 1, 0, 0, 1)",
                       (EMAIL,))
            db.execute("INSERT INTO email_owner (email, contact_id) VALUES (?, 7)", (EMAIL,))
            db.execute("INSERT INTO credential (contact_id, kind, origin, hash, source, changed_at) "
                       "VALUES (7, 0, 0, x'01', x'02', 0)")
            for state in (5, 1):
                db.execute("INSERT INTO job (kind, lane, state, contact_id, key, payload, result, "
                           "reason, after_id, attempts, created_at, due_at, lease_until) "
                           "VALUES ('refresh', 3, ?, 7, ?, '{}', '', '', 0, 0, 0, ?, 0)",
                           (state, f"k{state}", now + 10**9))
            db.execute("INSERT INTO delivery (received_at, route, event_type, digest, contact_id, "
                       "email, follow_up, status, request_id) VALUES (?, 'mbr_genpass', '', x'00', "
                       "7, '', '{\"password\":true}', 'accepted', '')", (now,))

    def rows(self):
        with self.database() as db:
            return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}

    def all(self, commands, **more):
        """Runs the commands beside each other; their answers by command."""
        def call(command):
            return self.membergate(*command.split(), **more)

        with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
            return dict(zip(commands, pool.map(call, commands)))

    def assertAllFail(self, code, answers, *parts):
        for command, answer in answers.items():
            with self.subTest(command=command):
                said = answer.stderr
                self.assertEqual(code, answer.returncode, answer.stdout + said)
                for part in parts:
                    self.assertIn(part, said)
                # One sentence, but for a daemon, which logs.
                if command != "serve":
                    self.assertEqual("", answer.stdout)
                    self.assertRegex(said.splitlines()[-1] if "warning" in said else said, r"\S")

    def commands(self, without=()):
        return [command for command in COMMANDS if command not in without]


class Configuration(FaultCase):
    def test_no_file(self):
        self.conf.unlink()
        answers = self.all(self.commands(without={"doctor --offline"}))
        self.assertAllFail(78, answers, "membergate.conf")
        answer = self.membergate("doctor", "--offline", "--json")
        finding = json.loads(answer.stdout)["findings"][0]
        self.assertEqual((1, "config", "problem"),
                         (answer.returncode, finding["check"], finding["severity"]))

    def test_a_secret_that_others_may_read(self):
        (self.dir / "master.key").chmod(0o644)
        answers = self.all(self.commands(without={"doctor --offline"}))
        self.assertAllFail(78, answers, "master.key")
        self.assertEqual(1, self.membergate("doctor", "--offline").returncode)

    def test_a_master_key_that_is_gone(self):
        (self.dir / "master.key").unlink()
        self.assertAllFail(78, self.all(self.commands(without={"doctor --offline"})), "master.key")


class Database(FaultCase):
    def path(self):
        return self.dir / "membergate.db"

    def remove(self):
        for file in self.dir.glob("membergate.db*"):
            file.unlink()

    def stored(self):
        return self.commands(without=WITHOUT_STORE)

    def test_none(self):
        self.remove()
        answers = self.all(self.stored())
        migrate = {"migrate --check": answers.pop("migrate --check")}
        self.assertAllFail(78, answers, "there is no database", "membergate serve")
        self.assertAllFail(78, migrate, "there is no file")
        self.assertFalse(self.path().exists())
        self.assertEqual(1, self.membergate("doctor", "--offline").returncode)
        self.assertFalse(self.path().exists())

    def test_of_a_newer_release(self):
        with self.database() as db:
            db.execute("INSERT INTO migration (version, name, applied_at) VALUES (99, 'x', 0)")
        self.assertAllFail(78, self.all([*self.stored(), "serve"]), "newer release")
        self.assertEqual(1, self.membergate("doctor", "--offline").returncode)

    def test_of_another_program(self):
        with self.database() as db:
            db.execute("DROP TABLE migration")
        self.assertAllFail(78, self.all([*self.stored(), "serve"]), "another program")

    def test_that_is_none(self):
        self.remove()
        self.write(self.path(), "This is a text and no database, long enough for a header.", 0o600)
        self.assertAllFail(78, self.all([*self.stored(), "serve"]), "store")
        self.assertEqual(1, self.membergate("doctor", "--offline").returncode)

    def test_of_an_older_release(self):
        with self.database() as db:
            newest = db.execute("SELECT max(version) FROM migration").fetchone()[0]
            db.execute("ALTER TABLE credential DROP COLUMN wiped_at")
            db.execute("DELETE FROM migration WHERE version = 2")
        if newest > 2:
            self.skipTest("the last migration is not the one that this test undoes")
        commands = [c for c in self.stored() if c != "migrate --check"]
        self.assertAllFail(75, self.all(commands), "older release", "membergate migrate")
        check = self.membergate("migrate", "--check", "--json")
        self.assertEqual((1, {"schema": 1, "newest": 2, "migrated": False}),
                         (check.returncode, json.loads(check.stdout)))
        with open(self.dir / "membergate.db.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            self.assertFails(75, self.membergate("migrate"), "stop it first")
            self.assertFails(75, self.membergate("status"), "restart it")
        self.assertEqual(0, self.membergate("migrate").returncode)
        self.assertEqual(0, self.membergate("migrate", "--check").returncode)
        self.assertEqual(0, self.membergate("contact", "show", "7").returncode)

    def test_that_another_process_holds(self):
        holder = sqlite3.connect(self.path(), isolation_level=None)
        with contextlib.closing(holder):
            holder.execute("PRAGMA locking_mode = EXCLUSIVE")
            holder.execute("BEGIN EXCLUSIVE")
            holder.execute("UPDATE meta SET value = value")
            answers = self.all(self.stored())
        self.assertAllFail(75, answers, "another process holds the database")

    def test_that_another_process_writes_to_without_end(self):
        before = self.rows()
        holder = sqlite3.connect(self.path(), isolation_level=None)
        with contextlib.closing(holder):
            holder.execute("BEGIN IMMEDIATE")
            answers = self.all([command for command, writes in COMMANDS.items() if writes])
        self.assertAllFail(75, answers, "another process holds the database")
        self.assertEqual(before, self.rows())

    def test_on_a_disk_that_is_full(self):
        before = self.rows()
        wal = pathlib.Path(str(self.path()) + "-wal")
        filler = sqlite3.connect(self.path(), isolation_level=None)
        filler.execute("PRAGMA wal_autocheckpoint = 0")
        with contextlib.closing(filler):
            for command in (command for command, writes in COMMANDS.items() if writes):
                # What is in the log already is not moved, so all that is written lengthens it.
                for _ in range(20):
                    filler.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('x', ?)",
                                   ("x" * 4000,))
                # As a full disk does it: an error, and no signal.
                full = self.write(self.top / "full", "#!/bin/bash\ntrap '' XFSZ\nulimit -f "
                                  f"{wal.stat().st_size // 1024}\nexec {MEMBERGATE} \"$@\"\n",
                                  0o755)
                with self.subTest(command=command):
                    answer = self.membergate(*command.split(), program=full)
                    self.assertEqual((69, ""), (answer.returncode, answer.stdout), answer.stderr)
                    self.assertRegex(answer.stderr, "(?i)disk|full|I/O")
        self.assertEqual(before, self.rows())


@unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")
class Permission(FaultCase):
    def test_another_user_is_told_whom_to_use(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="membergate-cli-"))
        folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, folder)
        program = shutil.copy(MEMBERGATE, folder)
        self.top.chmod(0o755)
        os.chown(self.dir, NOBODY, NOBODY)
        for file in self.dir.iterdir():
            os.chown(file, NOBODY, NOBODY)
        os.chown(self.ac_key, 0, NOBODY)
        self.dir.chmod(0o700)
        answers = self.all(self.commands(), program=program, user=1234, group=1234,
                           extra_groups=[])
        self.assertAllFail(77, answers, "run this as root or as nobody")


class Network(FaultCase):
    def test_nobody_answers(self):
        self.assertAllFail(69, self.all(["hooks status"]))
        answer = self.membergate("check-config", "--online")
        self.assertEqual(1, answer.returncode)
        self.assertIn("does not answer", answer.stdout)

    def test_what_needs_no_network_works_without(self):
        needs = {"serve", "check-config --online", "doctor --offline", "status", "hooks status",
                 "sync"}
        for command in self.commands(without=needs):
            with self.subTest(command=command):
                answer = self.membergate(*command.split())
                # Commands before this one have erased the contact or ended the job.
                self.assertIn(answer.returncode, (0, 1), answer.stderr)


class Interrupted(FaultCase):
    def test_what_was_committed_stays_and_the_rest_is_left_to_the_service(self):
        with open(self.dir / "membergate.db.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)  # a service that does nothing
            process = subprocess.Popen([MEMBERGATE, "jobs", "retry", "1", "--config", self.conf],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + 20
            while self.job_state() != 1 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        self.assertEqual((-signal.SIGINT, "0 done, 0 failed, 1 left to the service\n", ""),
                         (process.returncode, out, err))
        self.assertEqual(1, self.job_state())
        self.assertEqual(0, self.membergate("jobs", "list").returncode)

    def job_state(self):
        with self.database() as db:
            return db.execute("SELECT state FROM job WHERE id = 1").fetchone()[0]

    def test_a_question_that_is_interrupted_changes_nothing(self):
        other = self.top / "other"
        terminal = Terminal("init", "--dir", other)
        terminal.read_until("API address")
        os.write(terminal.fd, b"\x03")
        self.assertNotEqual(0, terminal.finish())
        self.assertFalse(other.exists())

    def test_output_that_nobody_reads_is_no_success(self):
        for command in ("jobs list", "status", f"contact show {EMAIL}", f"contact why {EMAIL}"):
            with self.subTest(command=command), open("/dev/full", "w") as full:
                answer = subprocess.run([MEMBERGATE, *command.split(), "--config", self.conf],
                                        stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
                self.assertEqual(69, answer.returncode)
                self.assertIn("standard output", answer.stderr)


if __name__ == "__main__":
    main()
