"""Drives the executable: exit codes, files and their modes, what is printed where."""

import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rig import MEMBERGATE, Case, Terminal, main, run

CODE = re.compile(r"[A-Za-z0-9]{32}")
KEY = re.compile(r"mbr_[^_]{8}_[A-Za-z0-9_-]{43}")
NOBODY = 65534


class Contacts(Case):
    def setUp(self):
        super().setUp()
        self.installed()
        self.database = next(self.dir.rglob("membergate.db"))

    def contact(self, *arguments):
        return run("contact", *arguments, "--config", self.conf)

    def known(self, contact_id, email):
        with sqlite3.connect(self.database) as db:
            db.execute(
                "INSERT INTO contact (id, email, doc, own_changes, version, changed_at, as_of, "
                "confirmed) VALUES (?, ?, '{\"tags\":[]}', '', 1, 0, 0, 1)", (contact_id, email))
            db.execute("INSERT INTO email_owner (email, contact_id) VALUES (?, ?)",
                       (email, contact_id))

    def count(self, table):
        with sqlite3.connect(self.database) as db:
            return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def test_erasing_by_email_leaves_a_tombstone_only(self):
        self.known(7, "jane@example.com")
        answer = self.contact("erase", "Jane@Example.com", "--json")
        self.assertEqual((0, {"erased": True}), (answer.returncode, json.loads(answer.stdout)))
        self.assertEqual(0, self.count("contact") + self.count("email_owner"))
        self.assertEqual(2, self.count("tombstone"))
        self.assertNotIn(b"jane@example.com", self.everything_written())

    def test_erasing_by_id(self):
        self.known(7, "jane@example.com")
        self.known(8, "john@example.com")
        answer = self.contact("erase", "7")
        self.assertEqual((0, ""), (answer.returncode, answer.stdout), answer.stderr)
        self.assertEqual(1, self.count("contact"))

    def test_erasing_what_is_not_there_is_1(self):
        self.assertFails(1, self.contact("erase", "nobody@example.com"), "nothing is kept")
        self.assertFails(1, self.contact("erase", "99"))

    def test_lifting(self):
        self.known(7, "jane@example.com")
        self.contact("erase", "7")
        self.assertFails(1, self.contact("erase", "--lift", "john@example.com"), "nobody")
        answer = self.contact("erase", "--lift", "jane@example.com", "--json")
        self.assertEqual((0, {"lifted": True}), (answer.returncode, json.loads(answer.stdout)))
        self.assertEqual(0, self.count("tombstone"))
        self.assertFails(1, self.contact("erase", "--lift", "jane@example.com"))

    def test_a_tombstone_outlives_the_rotation_of_the_master_key(self):
        self.known(7, "jane@example.com")
        self.contact("erase", "7")
        answer = run("init", "--rotate-key", "--config", self.conf)
        self.assertEqual(0, answer.returncode, answer.stderr)
        answer = self.contact("erase", "--lift", "jane@example.com")
        self.assertEqual(0, answer.returncode, answer.stderr)

    def test_neither_both_nor_nonsense_is_2(self):
        self.assertFails(2, self.contact("erase"))
        self.assertFails(2, self.contact("erase", "7", "--lift", "a@example.com"))
        for wrong in ("", "0", "-1", "1.5", "jane", "a@b@c"):
            self.assertFails(2, self.contact("erase", "--", wrong))
        self.assertFails(2, self.contact("erase", "--lift", "7"))


class CommandLine(Case):
    def test_version(self):
        answer = run("version")
        self.assertEqual((0, ""), (answer.returncode, answer.stderr))
        self.assertRegex(answer.stdout, r"^membergate \d+\.\d+\.\d+\n$")
        number = json.loads(run("version", "--json").stdout)["version"]
        self.assertEqual(f"membergate {number}\n", answer.stdout)

    def test_help_is_an_answer(self):
        for arguments in (["--help"], ["init", "--help"], ["code", "create", "--help"]):
            answer = run(*arguments)
            self.assertEqual((0, ""), (answer.returncode, answer.stderr))
            self.assertIn("--", answer.stdout)

    def test_every_mistake_on_the_command_line_is_2(self):
        for arguments in ([], ["frobnicate"], ["serve", "now"], ["code"], ["code", "frob"],
                          ["code", "create"], ["code", "create", "--name"], ["code", "revoke"],
                          ["key", "create", "--name", "x"], ["key", "create", "--scope", "login"],
                          ["hooks"], ["hooks", "frob"], ["hooks", "status", "--rotate"],
                          ["--config"], ["version", "--frob"], ["init", "--frob"]):
            with self.subTest(arguments=arguments):
                answer = run(*arguments)
                self.assertFails(2, answer)
                self.assertNotEqual("", answer.stderr)

    def test_config_and_json_stand_before_or_behind_the_command(self):
        self.installed()
        behind = run("key", "list", "--config", self.conf, "--json")
        before = run("--config", self.conf, "--json", "key", "list")
        self.assertEqual((0, "[]\n"), (behind.returncode, behind.stdout))
        self.assertEqual((0, "[]\n"), (before.returncode, before.stdout))

    def test_output_that_nobody_takes_is_no_success(self):
        with open("/dev/full", "w") as full:
            answer = subprocess.run([MEMBERGATE, "version"], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=60)
        self.assertEqual(69, answer.returncode)


class Init(Case):
    def test_makes_everything_in_the_directory(self):
        answer = self.init()
        self.assertEqual(0, answer.returncode, answer.stderr)
        names = ["membergate.conf", "master.key", "membergate.db"]
        self.assertEqual([str(self.dir / name) for name in names], answer.stdout.splitlines())
        self.assertIn("login.required_tags", answer.stderr)
        self.assertEqual(0o640, self.mode(self.dir / "membergate.conf"))
        self.assertEqual(0o640, self.mode(self.dir / "master.key"))
        self.assertEqual(0o600, self.mode(self.dir / "membergate.db"))
        self.assertEqual(0o700, self.mode(self.dir))
        settings = dict(line.split(" = ") for line in self.conf.read_text().splitlines()
                        if line and not line.startswith("#"))
        self.assertEqual({"store.url": f"sqlite://{self.dir}/membergate.db",
                          "secrets.master_key_file": f"{self.dir}/master.key",
                          "activecampaign.url": "https://acme.api-us1.com",
                          "activecampaign.key_file": str(self.ac_key)}, settings)
        self.assertNotIn(b"ac-secret-key", self.everything_written())

    def test_modes_do_not_depend_on_the_umask(self):
        for umask in (0o000, 0o077):
            with self.subTest(umask=oct(umask)):
                shutil.rmtree(self.dir, ignore_errors=True)
                before = os.umask(umask)
                try:
                    self.assertEqual(0, self.init().returncode)
                finally:
                    os.umask(before)
                self.assertEqual(0o640, self.mode(self.conf))
                self.assertEqual(0o600, self.mode(self.dir / "membergate.db"))

    def test_relative_paths_become_absolute(self):
        answer = run("init", "--url", "https://acme.api-us1.com", "--key-file", "ac.key", "--dir",
                     "./x/../site/", "--yes", "--json", cwd=self.top)
        self.assertEqual(0, answer.returncode, answer.stderr)
        self.assertEqual(str(self.conf), json.loads(answer.stdout)["config"])
        self.assertIn(f"activecampaign.key_file = {self.ac_key}\n", self.conf.read_text())

    def test_config_may_lie_elsewhere(self):
        conf = self.top / "etc" / "mbr.conf"
        self.assertEqual(0, self.init("--config", conf).returncode)
        self.assertTrue(conf.is_file())
        self.assertFalse(self.conf.exists())
        self.assertEqual(0, run("check-config", "--config", conf).returncode)

    def test_json_names_what_was_made(self):
        answer = self.init("--json")
        made = json.loads(answer.stdout)
        self.assertEqual({"config", "master_key", "store", "started", "warnings"}, set(made))
        self.assertFalse(made["started"])
        self.assertEqual(1, len(made["warnings"]))

    def test_never_overwrites(self):
        for name in ("membergate.conf", "master.key", "membergate.db"):
            with self.subTest(name=name):
                shutil.rmtree(self.dir, ignore_errors=True)
                self.dir.mkdir()
                self.write(self.dir / name, "precious")
                self.assertFails(1, self.init(), name, "exists already")
                self.assertEqual("precious", (self.dir / name).read_text())
                self.assertEqual([name], [p.name for p in self.dir.iterdir()])

    def test_what_fails_leaves_nothing_behind(self):
        self.assertFails(78, self.init(url="ftp://acme"), "activecampaign.url", "https://")
        self.assertFalse(self.dir.exists())
        self.ac_key.unlink()
        self.assertFails(78, self.init(), "activecampaign.key_file", "a file that exists")
        self.assertFalse(self.dir.exists())

    def test_an_open_key_file_is_refused(self):
        self.ac_key.chmod(0o644)
        self.assertFails(78, self.init(), str(self.ac_key), "0644")

    def test_without_a_terminal_everything_must_be_given(self):
        for missing in ("--url", "--key-file", "--yes"):
            with self.subTest(missing=missing):
                given = {"--url": ["https://acme.api-us1.com"], "--key-file": [self.ac_key],
                         "--yes": []}
                del given[missing]
                arguments = [word for option, value in given.items() for word in (option, *value)]
                self.assertFails(2, run("init", "--dir", self.dir, *arguments), missing)
                self.assertFalse(self.dir.exists())

    def test_a_line_cannot_be_smuggled_in(self):
        answer = self.init(url="https://acme.api-us1.com\nlog.level = debug")
        self.assertFails(2, answer, "one line")

    def test_on_a_terminal_it_asks_and_does_not_show_the_key(self):
        terminal = Terminal("init", "--dir", self.dir)
        terminal.read_until("API address")
        terminal.type("https://acme.api-us1.com")
        terminal.read_until("API key")
        terminal.await_silence()
        terminal.type("typed-secret")
        terminal.read_until("Tag that makes")
        terminal.type("Gold Member")
        terminal.read_until("(yes/no)")
        terminal.type("yes")
        self.assertEqual(0, terminal.finish(), terminal.seen)
        self.assertNotIn("typed-secret", terminal.seen)
        key = self.dir / "activecampaign.key"
        self.assertEqual(("typed-secret\n", 0o640), (key.read_text(), self.mode(key)))
        self.assertIn("login.required_tags = Gold Member\n", self.conf.read_text())
        self.assertNotIn("typed-secret", self.conf.read_text())

    def test_on_a_terminal_no_is_an_answer(self):
        terminal = Terminal("init", "--dir", self.dir, "--url", "https://acme.api-us1.com",
                            "--key-file", self.ac_key)
        terminal.read_until("Tag that makes")
        terminal.type("")
        terminal.read_until("(yes/no)")
        terminal.type("no")
        self.assertEqual(1, terminal.finish())
        self.assertFalse(self.dir.exists())

    def test_rotating_puts_a_new_key_first_and_keeps_the_old(self):
        self.installed()
        code = self.code("create", "--name", "old").stdout
        before = (self.dir / "master.key").read_text().split()
        answer = run("init", "--rotate-key", "--config", self.conf, "--json")
        self.assertEqual(0, answer.returncode, answer.stderr)
        after = (self.dir / "master.key").read_text().split()
        self.assertEqual(before, after[1:])
        self.assertEqual(json.loads(answer.stdout)["key_id"], after[0].split(":")[0])
        self.assertEqual(0o640, self.mode(self.dir / "master.key"))
        self.assertNotIn(after[0].split(":")[1], answer.stdout + answer.stderr)
        self.assertEqual(0, self.code("create", "--name", "new").returncode)
        self.assertFails(1, self.code("create", "--name", "again", "--value-file",
                                      self.write(self.top / "v", code)))


class CheckConfig(Case):
    def check(self, *more):
        return run("check-config", "--config", self.conf, *more)

    def test_a_good_one_is_0_with_its_warnings(self):
        self.installed()
        answer = self.check()
        self.assertEqual((0, f"{self.conf}: good\n"), (answer.returncode, answer.stdout))
        self.assertIn("warning", answer.stderr)
        answer = self.check("--json")
        said = json.loads(answer.stdout)
        self.assertEqual((True, [], 1), (said["ok"], said["problems"], len(said["warnings"])))
        self.assertEqual("", answer.stderr)

    def test_every_problem_is_said_at_once(self):
        self.installed()
        with self.conf.open("a") as conf:
            conf.write("outbox.workers = many\nlog.levle = info\n")
        lines = len(self.conf.read_text().splitlines())
        answer = self.check()
        self.assertFails(78, answer)
        self.assertEqual(
            [f"{self.conf}:{lines - 1}: key `outbox.workers`: got `many`, expected a whole number, "
             "2 to 64",
             f"{self.conf}:{lines}: key `log.levle`: unknown, did you mean `log.level`?"],
            answer.stderr.splitlines())
        answer = self.check("--json")
        self.assertEqual(78, answer.returncode)
        said = json.loads(answer.stdout)
        self.assertEqual((False, 2), (said["ok"], len(said["problems"])))

    def test_no_file_is_78(self):
        self.assertFails(78, self.check(), str(self.conf), "exists")

    def test_a_master_key_file_that_holds_none_is_78(self):
        self.installed()
        self.write(self.dir / "master.key", "no key at all hunter2\n")
        answer = self.check()
        self.assertFails(78, answer, "master.key")
        self.assertNotIn("hunter2", answer.stderr)

    def test_a_store_folder_that_is_missing_is_78(self):
        self.installed()
        text = self.conf.read_text().replace(f"{self.dir}/membergate.db", f"{self.top}/no/m.db")
        self.write(self.conf, text)
        self.assertFails(78, self.check(), f"{self.conf}: key `store.url`: got",
                         f"sqlite://{self.top}/no/m.db")

    def test_every_other_command_says_the_same(self):
        self.installed()
        with self.conf.open("a") as conf:
            conf.write("outbox.workers = many\n")
        said = self.check().stderr.strip()
        for command in (["serve"], ["code", "list"], ["key", "list"], ["hooks", "status"],
                        ["code", "create", "--name", "x"], ["init", "--rotate-key"]):
            with self.subTest(command=command):
                self.assertFails(78, run(*command, "--config", self.conf), said)

    def test_the_keys_are_listed(self):
        answer = run("check-config", "--keys")
        self.assertEqual(0, answer.returncode)
        self.assertIn("login.max_age = 5m\n", answer.stdout)
        self.assertIn("activecampaign.url (required)\n", answer.stdout)
        keys = json.loads(run("check-config", "--keys", "--json").stdout)
        self.assertIn("outbox.workers", [key["name"] for key in keys])


class CodesAndKeys(Case):
    def setUp(self):
        super().setUp()
        self.installed()

    def test_a_code_is_the_only_line_and_nowhere_else(self):
        answer = self.code("create", "--name", "stack", "--for", "genpass,events,clearuser,auth")
        self.assertEqual((0, ""), (answer.returncode, answer.stderr))
        self.assertRegex(answer.stdout, f"^{CODE.pattern}\n$")
        self.assertNotIn(answer.stdout.strip().encode(), self.everything_written())
        listed = self.code("list")
        self.assertNotIn(answer.stdout.strip(), listed.stdout + self.code("list", "--json").stdout)

    def test_a_key_is_the_only_line_and_nowhere_else(self):
        answer = self.key("create", "--name", "site", "--scope", "login,contacts:read")
        self.assertEqual((0, ""), (answer.returncode, answer.stderr))
        self.assertRegex(answer.stdout, f"^{KEY.pattern}\n$")
        secret = answer.stdout.strip().split("_", 2)[2]
        self.assertNotIn(secret.encode(), self.everything_written())
        self.assertNotIn(secret, self.key("list").stdout + self.key("list", "--json").stdout)

    def test_json_gives_an_object(self):
        code = json.loads(self.code("create", "--name", "c", "--json").stdout)
        self.assertEqual(("c", ["genpass"]), (code["name"], code["purposes"]))
        self.assertRegex(code["code"], f"^{CODE.pattern}$")
        key = json.loads(self.key("create", "--name", "k", "--scope", "admin", "--json").stdout)
        self.assertEqual(("k", ["admin"]), (key["name"], key["scopes"]))
        self.assertRegex(key["key"], f"^{KEY.pattern}$")

    def test_on_a_terminal_there_is_a_sentence_and_a_table(self):
        terminal = Terminal("code", "create", "--name", "seen", "--config", self.conf)
        self.assertEqual(0, terminal.finish())
        self.assertIn("`seen`", terminal.seen)
        self.assertIn("this once", terminal.seen)
        self.assertEqual(1, len(re.findall(rf"\n  ({CODE.pattern})\r\n", terminal.seen)))
        terminal = Terminal("code", "list", "--config", self.conf)
        self.assertEqual(0, terminal.finish())
        self.assertRegex(terminal.seen, r"^NAME  FOR      CREATED +STATE\r\nseen  genpass  ")

    def test_lists_are_separated_by_tabs_without_a_header(self):
        self.assertEqual("", self.code("list").stdout)
        self.code("create", "--name", "one", "--for", "genpass,events")
        self.key("create", "--name", "two", "--scope", "login")
        (row,) = [line.split("\t") for line in self.code("list").stdout.splitlines()]
        self.assertEqual(["one", "genpass,events"], row[:2])
        self.assertRegex(row[2], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        self.assertEqual("in force", row[3])
        (row,) = [line.split("\t") for line in self.key("list").stdout.splitlines()]
        self.assertEqual(("two", "login", "in force"), (row[0], row[2], row[4]))

    def test_json_lists_say_what_is_revoked(self):
        self.code("create", "--name", "gone")
        self.assertEqual(0, self.code("revoke", "--name", "gone").returncode)
        self.code("create", "--name", "here", "--for", "autologin")
        gone, here = json.loads(self.code("list", "--json").stdout)
        self.assertEqual({"id", "name", "purposes", "short", "created_at", "revoked_at"}, set(gone))
        self.assertEqual(("gone", "here"), (gone["name"], here["name"]))
        self.assertIsNotNone(gone["revoked_at"])
        self.assertIsNone(here["revoked_at"])
        self.assertEqual(["autologin"], here["purposes"])

    def test_revoking_what_is_not_there_is_1(self):
        self.assertFails(1, self.code("revoke", "--name", "none"), "`none`")
        self.assertFails(1, self.key("revoke", "--name", "none"), "`none`")
        answer = self.key("revoke", "--name", "none", "--json")
        self.assertEqual((1, {"name": "none", "revoked": False}),
                         (answer.returncode, json.loads(answer.stdout)))
        self.key("create", "--name", "k", "--scope", "login")
        answer = self.key("revoke", "--name", "k")
        self.assertEqual((0, "", ""), (answer.returncode, answer.stdout, answer.stderr))
        self.assertFails(1, self.key("revoke", "--name", "k"))

    def test_a_name_in_force_is_1(self):
        self.code("create", "--name", "twice")
        self.assertFails(1, self.code("create", "--name", "twice"))

    def test_wrong_names_purposes_and_scopes_are_2(self):
        self.assertFails(2, self.code("create", "--name", "a b"))
        self.assertFails(2, self.code("create", "--name", "x", "--for", "genpass,frob"), "--for")
        self.assertFails(2, self.code("create", "--name", "x", "--for", "autologin,auth"), "--for")
        self.assertFails(2, self.key("create", "--name", "x", "--scope", "all"), "--scope")
        self.assertEqual("[]\n", self.key("list", "--json").stdout)

    def test_a_code_is_taken_over_from_a_file(self):
        value = self.write(self.top / "value", "Xk39slPQ7ab2\n", 0o600)
        answer = self.code("create", "--name", "am360", "--value-file", value)
        self.assertEqual((0, ""), (answer.returncode, answer.stdout))
        self.assertIn("fewer than 16", answer.stderr)
        self.assertNotIn("Xk39slPQ7ab2", answer.stderr)
        self.assertTrue(json.loads(self.code("list", "--json").stdout)[0]["short"])
        self.assertNotIn(b"Xk39slPQ7ab2", self.everything_written())
        self.assertFails(1, self.code("create", "--name", "copy", "--value-file", value))
        for text in ("", "short", "has blank in it", "and&amp;", "x" * 129):
            self.write(value, text, 0o600)
            self.assertFails(2, self.code("create", "--name", "bad", "--value-file", value))
        self.assertFails(2, self.code("create", "--name", "bad", "--value-file", self.top / "none"))

    def test_another_master_key_is_78(self):
        other = self.top / "other"
        run("init", "--url", "https://acme.api-us1.com", "--key-file", self.ac_key, "--dir", other,
            "--yes")
        mine = (self.dir / "master.key").read_text()
        theirs = (other / "master.key").read_text()
        self.write(self.dir / "master.key",
                   re.sub(r":[0-9a-f]{64}", re.search(r":[0-9a-f]{64}", theirs)[0], mine))
        self.assertFails(78, self.code("create", "--name", "x"), "master_key")

    def test_a_secret_that_cannot_be_shown_is_no_success(self):
        with open("/dev/full", "w") as full:
            answer = subprocess.run(
                [MEMBERGATE, "code", "create", "--name", "lost", "--config", self.conf],
                stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(69, answer.returncode)
        self.assertIn("revoke it", answer.stderr)


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class Users(Case):
    def setUp(self):
        super().setUp()
        self.top.chmod(0o755)
        self.dir.mkdir(mode=0o700)
        os.chown(self.dir, NOBODY, NOBODY)
        os.chown(self.ac_key, 0, NOBODY)

    def test_init_gives_the_store_to_the_owner_of_its_folder(self):
        self.installed()
        for name, owner in (("membergate.conf", 0), ("master.key", 0), ("membergate.db", NOBODY)):
            info = (self.dir / name).stat()
            self.assertEqual((owner, NOBODY), (info.st_uid, info.st_gid), name)

    def test_root_works_as_the_owner_of_the_stores_folder(self):
        self.installed()
        self.assertEqual(0, self.code("create", "--name", "one").returncode)
        self.assertEqual(0, self.key("create", "--name", "one", "--scope", "login").returncode)
        for file in self.dir.glob("membergate.db*"):
            self.assertEqual((NOBODY, NOBODY), (file.stat().st_uid, file.stat().st_gid), file)
            self.assertEqual(0o600, self.mode(file), file)

    def test_what_only_root_may_read_is_said_before_the_service_finds_out(self):
        self.installed()
        os.chown(self.ac_key, 0, 0)
        self.ac_key.chmod(0o600)
        self.assertFails(78, run("check-config", "--config", self.conf), "activecampaign.key_file",
                         "this user may read", "nobody")

    def test_init_refuses_a_key_that_the_service_could_not_read(self):
        os.chown(self.ac_key, 0, 0)
        self.assertFails(78, self.init(), "activecampaign.key_file", "this user may read")
        self.assertEqual([], list(self.dir.iterdir()))

    def test_roots_own_value_file_is_read_before_becoming_another(self):
        self.installed()
        value = self.write(self.top / "value", "abcdefghijklmnopqrstuvwxyz", 0o600)
        self.assertEqual(0, self.code("create", "--name", "x", "--value-file", value).returncode)

    def test_rotating_keeps_owner_and_group(self):
        self.installed()
        self.assertEqual(0, run("init", "--rotate-key", "--config", self.conf).returncode)
        info = (self.dir / "master.key").stat()
        self.assertEqual((0, NOBODY), (info.st_uid, info.st_gid))

    @classmethod
    def setUpClass(cls):
        # The build may lie in a folder that other users cannot enter.
        folder = pathlib.Path(tempfile.mkdtemp(prefix="membergate-cli-"))
        folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.program = shutil.copy(MEMBERGATE, folder)

    def as_user(self, user, *arguments):
        return run(*arguments, program=self.program, user=user, group=user, extra_groups=[])

    def test_another_user_is_told_whom_to_use(self):
        self.installed()
        for command in (["code", "list"], ["serve"], ["check-config"], ["init", "--rotate-key"]):
            with self.subTest(command=command):
                self.assertFails(77, self.as_user(1234, *command, "--config", self.conf),
                                 "run this as root or as nobody")
        self.assertEqual(0, self.as_user(NOBODY, "code", "list", "--config", self.conf).returncode)

    def test_a_store_that_another_may_not_write_is_77(self):
        self.installed()
        self.dir.chmod(0o755)
        for name in ("membergate.conf", "master.key"):
            os.chown(self.dir / name, 0, 1234)
        os.chown(self.ac_key, 0, 1234)
        self.assertFails(77, self.as_user(1234, "code", "list", "--config", self.conf),
                         "run this as root or as nobody")

    def test_init_in_a_folder_of_somebody_else_is_77(self):
        answer = self.as_user(1234, "init", "--url", "https://acme.api-us1.com", "--key-file",
                              self.ac_key, "--dir", self.dir, "--yes")
        self.assertFails(77, answer, "run this as root or as nobody")


class WebhooksApi(BaseHTTPRequestHandler):
    """/api/3/webhooks of ActiveCampaign; the server keeps them in `hooks` by id."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def serve(self):
        hooks = self.server.hooks
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(self.command)
        if self.server.refusal:
            return self.answer(*self.server.refusal)
        i = self.path.partition("?")[0].removeprefix("/api/3/webhooks").removeprefix("/")
        if self.command == "GET":
            return self.answer(200, {"webhooks": list(hooks.values()),
                                     "meta": {"total": str(len(hooks))}})
        if self.command == "DELETE":
            hooks.pop(i)
            return self.answer(200, {})
        if self.command == "POST":
            i = str(self.server.last_id)
            self.server.last_id += 1
        hooks[i] = {**json.loads(body)["webhook"], "id": i}
        hooks[i]["listid"] = str(hooks[i].get("listid", 0))
        return self.answer(201 if self.command == "POST" else 200, {"webhook": hooks[i]})

    do_GET = do_POST = do_PUT = do_DELETE = serve


class Hooks(Case):
    def setUp(self):
        super().setUp()
        self.ac = ThreadingHTTPServer(("127.0.0.1", 0), WebhooksApi)
        self.ac.daemon_threads = True
        self.ac.hooks, self.ac.requests, self.ac.refusal, self.ac.last_id = {}, [], None, 1
        threading.Thread(target=self.ac.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(self.close)
        self.assertEqual(0, self.init(url=f"http://127.0.0.1:{self.ac.server_port}").returncode)
        self.configured("activecampaign.rate = 100/s", "webhooks.mode = events",
                        "webhooks.public_url = https://example.com")

    def close(self):
        self.ac.shutdown()
        self.ac.server_close()

    def without(self, *names):
        kept = [line for line in self.conf.read_text().splitlines(True)
                if line.split(" = ")[0] not in names]
        self.conf.write_text("".join(kept))

    def hooks(self, *arguments, expect=0):
        answer = run("hooks", *arguments, "--config", self.conf)
        self.assertEqual(expect, answer.returncode, answer.stdout + answer.stderr)
        for hook in self.ac.hooks.values():
            code = hook["url"].partition("code=")[2]
            self.assertFalse(code and code in answer.stdout + answer.stderr)
        return answer

    def status(self, expect=0):
        return json.loads(self.hooks("status", "--json", expect=expect).stdout)

    def meta(self, key, value=None):
        with sqlite3.connect(self.dir / "membergate.db") as store:
            if value is not None:
                store.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
                              (key, value))
            return dict(store.execute("SELECT key, value FROM meta")).get(key)

    def code(self):
        (hook,) = self.ac.hooks.values()
        base, _, code = hook["url"].partition("?code=")
        self.assertEqual("https://example.com/membergate/hooks/events", base)
        return code

    def test_ensure_registers_and_status_agrees(self):
        said = self.status(expect=1)
        self.assertEqual(("missing", None, []), (said["state"], said["id"], said["open_gaps"]))
        self.assertEqual(["GET"], self.ac.requests)
        made = json.loads(self.hooks("ensure", "--json").stdout)
        self.assertEqual(("created", "1", 0),
                         (made["state"], made["id"], made["doubles_removed"]))
        self.assertRegex(self.code(), r"^[A-Za-z0-9_-]{43}$")
        self.assertNotIn(self.code().encode(), self.everything_written())
        said = self.status()
        self.assertEqual(("registered", "1", [], None),
                         (said["state"], said["id"], said["wrong"], said["last_delivery_at"]))
        self.assertEqual("https://example.com/membergate/hooks/events", said["url"])
        self.assertEqual(made["last_check_at"], said["last_check_at"])
        self.assertEqual(["hook"], [gap["why"] for gap in said["open_gaps"]])
        self.assertEqual("registered", json.loads(self.hooks("ensure", "--json").stdout)["state"])

    def test_without_json_status_is_a_table_and_the_others_are_silent(self):
        self.assertEqual(("", ""), (self.hooks("ensure").stdout, self.hooks("ensure").stderr))
        rows = dict(line.split("\t") for line in self.hooks("status").stdout.splitlines())
        self.assertEqual(("registered", "1", "-"),
                         (rows["state"], rows["id"], rows["last delivery"]))
        self.assertIn("hook since ", rows["gap"])

    def test_what_is_wrong_is_named_and_repaired(self):
        self.hooks("ensure")
        self.ac.hooks["1"]["events"] = ["update"]
        self.ac.hooks["7"] = {**self.ac.hooks["1"], "id": "7"}
        said = self.status(expect=1)
        self.assertEqual(("wrong", ["events", "doubles"]), (said["state"], said["wrong"]))
        made = json.loads(self.hooks("ensure", "--json").stdout)
        self.assertEqual(("repaired", ["events"], 1),
                         (made["state"], made["repaired"], made["doubles_removed"]))
        self.assertEqual("registered", self.status()["state"])

    def test_rotate_gives_another_code(self):
        self.hooks("ensure")
        before = self.code()
        self.hooks("ensure", "--rotate")
        self.assertNotEqual(before, self.code())
        self.assertEqual("registered", self.status()["state"])

    def test_nothing_is_rotated_while_activecampaign_does_not_answer(self):
        self.hooks("ensure")
        self.ac.refusal = (500, {})
        self.hooks("ensure", "--rotate", expect=69)
        self.ac.refusal = None
        self.assertEqual("registered", self.status()["state"])

    def test_remove_takes_it_away(self):
        self.hooks("ensure")
        self.ac.hooks["9"] = {**self.ac.hooks["1"], "id": "9", "url": "https://example.com/other"}
        answer = self.hooks("remove", "--json")
        self.assertEqual({"state": "removed", "id": "1"}, json.loads(answer.stdout))
        self.assertIn("webhooks.mode is events", answer.stderr)
        self.assertEqual(["9"], list(self.ac.hooks))
        self.assertEqual("none", json.loads(self.hooks("remove", "--json").stdout)["state"])

    def test_in_mode_automation_none_is_wanted(self):
        self.hooks("ensure")
        self.without("webhooks.mode", "webhooks.public_url")
        answer = self.hooks("ensure", expect=2)
        self.assertIn("webhooks.mode", answer.stderr)
        self.assertIn("webhooks.public_url", answer.stderr)
        self.assertEqual("registered", self.status()["state"])
        self.assertEqual("", self.hooks("remove").stderr)
        self.assertEqual({}, self.ac.hooks)
        self.ac.requests.clear()
        self.assertEqual("none", self.status(expect=1)["state"])
        self.assertEqual([], self.ac.requests)

    def test_what_another_process_works_on_is_75(self):
        self.meta("hooks.lease", f"another:{int((time.time() + 50) * 1000)}")
        self.assertFails(75, self.hooks("ensure", expect=75), "another process")
        self.assertEqual([], self.ac.requests)
        self.meta("hooks.lease", f"another:{int((time.time() - 1) * 1000)}")
        self.hooks("ensure")

    def test_a_refusal_is_1_and_no_answer_is_69(self):
        self.hooks("ensure")
        self.ac.refusal = (500, {})
        for command in ("status", "ensure", "remove"):
            self.assertFails(69, self.hooks(command, expect=69))
        self.ac.hooks.clear()
        self.ac.refusal = (422, {"errors": [{"title": "Not over there"}]})
        self.assertFails(1, self.hooks("ensure", expect=1), "ActiveCampaign refuses")


class Serve(Case):
    def test_runs_until_it_is_told_to_stop(self):
        self.installed()
        socket = self.dir / "fcgi.sock"
        with self.conf.open("a") as conf:
            conf.write(f"listen.socket = {socket}\n")
        daemon = subprocess.Popen([MEMBERGATE, "serve", "--config", self.conf],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        try:
            deadline = time.monotonic() + 30
            while not socket.exists() and daemon.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertTrue(socket.exists())
            limits = pathlib.Path(f"/proc/{daemon.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +0 +0 ")
            # Commands work beside the service.
            self.assertEqual(0, self.code("create", "--name", "beside").returncode)
        finally:
            daemon.send_signal(signal.SIGTERM)
            out, err = daemon.communicate(timeout=60)
        self.assertEqual((0, ""), (daemon.returncode, out), err)
        self.assertIn("login.required_tags", err)
        self.assertNotIn("ac-secret-key", err)

    def test_without_a_socket_it_says_so(self):
        self.installed()
        answer = run("serve", "--config", self.conf)
        self.assertIn(answer.returncode, (69, 78))
        self.assertIn("not_started", answer.stderr)


if __name__ == "__main__":
    main()
