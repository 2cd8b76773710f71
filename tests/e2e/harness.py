"""The whole of Membergate on loopback, started by scripts/stack, for tests to drive.

A test class derives from StackTest and gets `self.stack`, shared by its tests. Whatever happens to
the tests, even to their process, the stack is ended and its directory removed. A test that fails
prints the ends of the logs.
"""

import collections
import contextlib
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from http_client import HttpClient
from simulator import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/api"), str(ROOT / "tests/nginx")]
from buffered_log import write_out  # noqa: E402
from openapi_contract import Contract  # noqa: E402
STACK = ROOT / "scripts/stack"
FORM = "application/x-www-form-urlencoded"

# Sends the stack down once its standard input ends, which it does however this process ends.
WATCHDOG = 'read -r _; exec "$@"'
# Leaves the directory for somebody to look into.
KEEP = bool(os.environ.get("MEMBERGATE_E2E_KEEP"))


def wait_for(condition, what, timeout=30, every=0.03):
    """Polls until `condition()` is true and returns its value; fails, naming `what`, if not."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(every)


def free_port():
    """One that nobody listens on, below the range for outgoing connections."""
    while True:
        port = random.randrange(20000, 30000)
        with contextlib.closing(socket.socket()) as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def ago(**time):
    """The stamp of that long ago, ago(days=7), as acsim takes it for cdate and udate."""
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**time)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def contact_view(email, first_name, fields, tags):
    """What a contact is compared by: its password, and values that are empty, do not count."""
    fields = {name: value for name, value in fields.items() if value and name != "PASSWORD"}
    return email, first_name, fields, sorted(int(tag) for tag in tags)


def percent(text):
    return urllib.parse.quote(text, safe="")


def automation_body(contact):
    """The body of an automation's webhook, as ActiveCampaign sends it."""
    rows = [("contact[id]", contact["id"]), ("contact[email]", contact["email"])]
    for key in ("first_name", "last_name", "phone"):
        rows.append((f"contact[{key}]", contact.get(key, "")))
    if contact.get("tags"):
        rows.append(("contact[tags]", ", ".join(contact["tags"])))
    for perstag, value in contact.get("fields", {}).items():
        rows.append((f"contact[fields][{perstag.lower()}]", value))
    return urllib.parse.urlencode(rows + [("seriesid", "1")])


def event_body(contact, kind="update", date_time=None):
    """The body of an event webhook. Without a time it applies in order of arrival."""
    rows = [("type", kind)] + ([("date_time", date_time)] if date_time else [])
    return urllib.parse.urlencode(rows) + "&" + automation_body(contact)


class ContractWatch:
    """Holds what the REST API answers against src/api/openapi.yaml."""

    def __init__(self):
        self._contract = Contract.load(ROOT / "src/api/openapi.yaml")
        self.findings = []

    def observe(self, method, target, answer):
        template = self._contract.template_of(target)
        # Of a daemon that does not answer the contract says nothing but this.
        if template is None or answer.status in (502, 504):
            return
        self.findings += self._contract.check_answer(
            method, template, answer.status, dict(answer.headers), answer.body
        )


class Stack:
    """One directory with its simulator, daemon and nginx.

    `rate` is activecampaign.rate; acsim refuses what exceeds it by a quarter. None leaves the
    shipped 4/s. `config` are lines of membergate.conf, `limits` arguments of --limit. With `events`
    the event webhook is registered.
    """

    def __init__(self, rate="200/s", config=None, limits=(), events=False):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mbr-e2e-"))
        self.config = dict(config or {})
        if rate:
            self.config["activecampaign.rate"] = rate
        self.limits = limits
        self.port = free_port() if events else None
        if events:
            self.config.setdefault("webhooks.mode", "events")
            self.config["webhooks.public_url"] = f"http://127.0.0.1:{self.port}"
        self.env = {}
        self.http = self.acsim = None
        self.contract = ContractWatch()
        self._down = ["down"] if KEEP else ["down", "--purge"]
        self._watchdog = subprocess.Popen(
            ["setsid", "--fork", "sh", "-c", WATCHDOG, "sh", STACK, *self._down, "--dir", self.dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._watchdog.wait(10)

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.close()

    # --- processes -------------------------------------------------------------------------

    def _run(self, command, *arguments):
        run = subprocess.run(
            [STACK, command, "--dir", self.dir, *arguments],
            capture_output=True,
            text=True,
            timeout=150,
        )
        if run.returncode != 0:
            raise AssertionError(f"scripts/stack {command}: exit {run.returncode}\n{run.stderr}")
        return run.stdout

    def up(self, config=None, limits=()):
        """Starts what does not run; a changed `config` restarts the daemon."""
        config = dict(config or {})
        if not self.env:
            config, limits = {**self.config, **config}, (*self.limits, *limits)
        arguments = [f"--config={key}={value}" for key, value in config.items()]
        if self.port:
            arguments.append(f"--port={self.port}")
        self._run("up", *arguments, *(f"--limit={limit}" for limit in limits))
        lines = (self.dir / "env").read_text().splitlines()
        self.env = dict(line.split("=", 1) for line in lines)
        if self.http is None:
            port = int(self.env["MEMBERGATE_URL"].rpartition(":")[2])
            self.http = HttpClient(port, self.contract.observe)
            token = (self.dir / "acsim/token").read_text().strip()
            self.acsim = Simulator(self.env["ACSIM_URL"], token)
            # The first pass over the account is behind us, so it reads none of a test's contacts.
            self.wait_until_current()

    def kill(self, name, how="KILL"):
        """Ends acsim, membergate or nginx and waits for that."""
        self._run("kill", name, how)

    def acsim_down(self):
        self.kill("acsim", "TERM")

    def acsim_up(self):
        self.up()

    def pid(self, name="membergate"):
        return int((self.dir / f"{name}.pid").read_text())

    def close(self):
        try:
            if self.http:
                self.http.close_all()
                self.acsim.close()
            self._run(*self._down)
        finally:
            if not KEEP:
                shutil.rmtree(self.dir, ignore_errors=True)
            self._watchdog.stdin.close()

    def command(self, *arguments, check=True, timeout=60):
        """Runs the daemon's executable with this stack's configuration."""
        run = subprocess.run(
            [self.env["MEMBERGATE_BIN"], *arguments, "--config", self.env["MEMBERGATE_CONF"]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and run.returncode != 0:
            raise AssertionError(f"membergate {arguments}: exit {run.returncode}\n{run.stderr}")
        return run

    def start_command(self, *arguments):
        """The same beside the test. To be awaited, or ended, with finish_command()."""
        return subprocess.Popen(
            [self.env["MEMBERGATE_BIN"], *arguments, "--config", self.env["MEMBERGATE_CONF"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def finish_command(process, timeout=60):
        """(exit code, standard output, standard error)"""
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{process.args} did not end within {timeout} s\n{err}") from None
        return process.returncode, out, err

    def new_key(self, name, scopes):
        """Makes an API key and waits until the daemon takes it."""
        key = self.command("key", "create", "--name", name, "--scope", scopes).stdout.strip()
        wait_for(
            lambda: self.api("GET", "/jobs/0", key=key).status != 401, "the key is not taken", 5
        )
        return key

    # --- requests --------------------------------------------------------------------------

    @property
    def code(self):
        return self.env["MEMBERGATE_CODE"]

    @property
    def key(self):
        return self.env["MEMBERGATE_API_KEY"]

    def genpass_target(self, query="", code=None):
        return f"/?mbr_genpass={code or self.code}" + (f"&{query}" if query else "")

    def genpass_url(self, query=""):
        return self.env["MEMBERGATE_URL"] + self.genpass_target(query)

    def post_form(self, target, body, **more):
        return self.http.request("POST", target, body, {"Content-Type": FORM}, **more)

    def genpass(self, contact, query="", code=None):
        return self.post_form(self.genpass_target(query, code), automation_body(contact))

    def events_target(self):
        return f"/membergate/hooks/events?code={self.code}"

    def events_url(self):
        return self.env["MEMBERGATE_URL"] + self.events_target()

    def event(self, contact, kind="update", date_time=None):
        return self.post_form(self.events_target(), event_body(contact, kind, date_time))

    def api(self, method, path, body=None, key=None, headers=None):
        """`path` is what follows /membergate/v1. A `body` that is not text goes as JSON."""
        all_headers = {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        if body is not None:
            all_headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.http.request(method, "/membergate/v1" + path, body, all_headers)

    def login(self, email, password, **more):
        return self.api("POST", "/login", {"email": email, "password": password, **more})

    def get_contact(self, who, query="", **more):
        return self.api("GET", f"/contacts/{percent(who)}" + (f"?{query}" if query else ""), **more)

    # --- what it holds ---------------------------------------------------------------------

    def query(self, sql, *values):
        """Reads the daemon's database beside it."""
        file = f"file:{self.dir}/membergate.db?mode=ro"
        with contextlib.closing(sqlite3.connect(file, uri=True, timeout=10)) as database:
            return database.execute(sql, values).fetchall()

    def write(self, sql, *values):
        """Changes the daemon's database; only while it does not run."""
        database = sqlite3.connect(self.dir / "membergate.db", timeout=10)
        with contextlib.closing(database), database:
            database.execute(sql, values)

    def counts(self):
        """Rows of the tables that a request may add to."""
        tables = ("contact", "delivery", "job", "session")
        return {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables}

    def open_jobs(self, kind=None):
        rows = self.query("SELECT kind, state, contact_id, reason FROM job WHERE state < 3")
        return [row for row in rows if kind in (None, row[0])]

    def wait_until_idle(self, timeout=30):
        """Until no job is open."""
        wait_for(lambda: not self.open_jobs(), lambda: f"open: {self.open_jobs()}", timeout)

    def wait_until_current(self, timeout=30):
        """Until nothing is known to be missing: no gap, no sweep, no doubted contact, no job."""
        what = (
            "SELECT 'gap', why FROM gap WHERE state < 2 UNION ALL "
            "SELECT 'sweep', last_id FROM sweep WHERE state = 0 UNION ALL "
            "SELECT 'absent', count(*) FROM absent HAVING count(*) > 0"
        )

        def left():
            return self.query(what) + self.open_jobs()

        swept = "SELECT count(*) FROM meta WHERE key = 'sync.full_at'"
        wait_for(lambda: self.query(swept) == [(1,)], "no pass over all contacts ended", timeout)
        wait_for(lambda: not left(), lambda: f"left: {left()[:20]}", timeout, every=0.1)

    def gaps(self, why):
        """The states of the gaps that were opened for a reason: 0 open, 1 worked off, 2 closed."""
        return [row[0] for row in self.query("SELECT state FROM gap WHERE why = ?", why)]

    def deleted(self):
        """Ids of the contacts that are marked deleted."""
        rows = self.query("SELECT id FROM contact WHERE deleted_at IS NOT NULL ORDER BY id")
        return [str(row[0]) for row in rows]

    def cached(self):
        """What the daemon's database says of each contact, as contact_view(), by id."""
        found = {}
        rows = self.query("SELECT id, email, doc FROM contact WHERE deleted_at IS NULL")
        for i, email, doc in rows:
            doc = json.loads(doc)
            found[str(i)] = contact_view(
                email, doc.get("first_name", ""), doc.get("fields", {}), doc["tags"]
            )
        return found

    def differences(self):
        """(in ActiveCampaign, in the cache) of the contacts where the two differ, by id."""
        truth, cached = self.acsim.digest(), self.cached()
        ids = truth.keys() | cached.keys()
        pairs = {i: (truth.get(i) and contact_view(*truth[i]), cached.get(i)) for i in ids}
        return {i: pair for i, pair in pairs.items() if pair[0] != pair[1]}

    def metric(self, name, **labels):
        """The sum of a metric's values that have these labels; 0 if there is none."""
        text = self.http.request("GET", "/membergate/metrics").body.decode()
        total = 0.0
        for line in text.splitlines():
            found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
            if found and all(f'{k}="{v}"' in (found[1] or "") for k, v in labels.items()):
                total += float(found[2])
        return total

    def logged(self, name):
        """The lines of the daemon's log with that event."""
        return [line for line in self.log_lines() if line["event"] == name]

    def wait_for_passwords(self, ids, timeout=30):
        """Until ActiveCampaign holds a password of each; returns them by id."""
        found = {}

        def complete():
            contacts = self.acsim.contacts()
            found.update({i: contacts[i]["fields"].get("PASSWORD") for i in ids})
            return all(found.values())

        wait_for(complete, lambda: f"no password for {[i for i in ids if not found[i]]}", timeout)
        return found

    def log_lines(self, level=None):
        """The daemon's log; lines that are no JSON come as {"event": "?", "text": line}."""
        lines = []
        for line in (self.dir / "membergate.log").read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"event": "?", "level": "?", "text": line})
        return [line for line in lines if level in (None, line.get("level"))]

    def files(self, without=("env", "acsim")):
        """Every regular file below the directory but those named, as (name, bytes)."""
        write_out(self.pid("nginx"), self.dir / "nginx/log/membergate-access.log")
        for path in sorted(self.dir.rglob("*")):
            name = path.relative_to(self.dir)
            if name.parts[0] in without or path.is_symlink() or not path.is_file():
                continue
            yield str(name), path.read_bytes()

    def tails(self, lines=40):
        text = []
        logs = [self.dir / "membergate.log", self.dir / "acsim/acsim.log"]
        for log in logs + sorted((self.dir / "nginx/log").glob("*.log")):
            if log.is_file() and log.stat().st_size:
                with open(log, errors="replace") as file:
                    tail = collections.deque(file, lines)
                text.append(f"--- the end of {log}\n" + "".join(tail))
        return "".join(text)


class StackTest(unittest.TestCase):
    """Tests that share one stack, which is started as the class attributes say.

    At its end, every answer must have been as the contract says, and the daemon must have logged no
    error and be the one that was started.
    """

    rate = "200/s"
    config = {}
    limits = ()
    events = False  # webhooks.mode = events
    daemon_restarts = False  # else the daemon must live through the whole class
    expected_errors = frozenset()  # events that may be logged as errors

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(cls.rate, cls.config, cls.limits, cls.events)
        cls.addClassCleanup(cls.stack.close)
        cls.stack.up()
        cls.first_pid = cls.stack.pid()
        cls.prepare()

    @classmethod
    def prepare(cls):
        """What the tests of the class share."""

    @classmethod
    def tearDownClass(cls):
        faults = list(dict.fromkeys(cls.stack.contract.findings))
        for line in cls.stack.log_lines("error"):
            if line["event"] not in cls.expected_errors:
                faults.append(f"the daemon logged {line}")
        pid = cls.stack.pid()
        restarted = pid != cls.first_pid and not cls.daemon_restarts
        if restarted or not os.path.exists(f"/proc/{pid}"):
            faults.append("the daemon died")
        if faults:
            print(cls.stack.tails(), file=sys.stderr)
            raise AssertionError("\n".join(faults[:20]))

    def run(self, result=None):
        bad = len(result.failures) + len(result.errors) if result else 0
        result = super().run(result)
        if result and len(result.failures) + len(result.errors) > bad:
            print(f"--- {self.id()} failed\n{self.stack.tails()}", file=sys.stderr)
        return result

    def assertCurrent(self):
        """The cache holds all that ActiveCampaign does, and nothing else."""
        differing = self.stack.differences()
        some = dict(list(differing.items())[:3])
        self.assertEqual(len(differing), 0, f"{len(differing)} differ, {some}")

    def assertProblem(self, answer, status, code, detail=None):
        """`answer` is application/problem+json with that status and code."""
        self.assertEqual(answer.status, status, str(answer))
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json", str(answer))
        problem = answer.json()
        self.assertEqual((problem["status"], problem["code"]), (status, code), str(answer))
        self.assertTrue(problem["request_id"], str(answer))
        if detail:
            self.assertIn(detail, problem["detail"])
        return problem


def main():
    # A test that is ended by its runner cleans up like one that ends by itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    unittest.main(verbosity=2)
