"""Where the bench lives, and the programs it starts: all end with it, however it ends."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/bench"
BUILD = ROOT / "build/bench"
TOOLS = BUILD / "tools"
RIG = BUILD / "rig"
RUN = RIG / "run"  # emptied at each start

sys.path.append(str(ROOT / "tests/e2e"))
os.environ["MEMBERGATE_BUILD"] = str(BUILD)
os.environ["PATH"] += ":/usr/sbin:/sbin"

from harness import free_port, wait_for  # noqa: E402,F401

TICK = os.sysconf("SC_CLK_TCK")
AS_ROOT = os.geteuid() == 0


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Invalid(Exception):
    """What was measured is not what it should have been; the figures would mean nothing."""


def require(condition, what):
    if not condition:
        raise Invalid(what)


class Program:
    """A process of ours with its log. `environment` is added to this process's."""

    def __init__(self, name, folder, command, environment=None, stop="TERM"):
        self.name = name
        self._stop = stop
        self._log = open(folder / f"{name}.log", "ab")
        # It gets a TERM when this process dies without a word.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", *map(str, command)],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    @property
    def pid(self):
        return self._process.pid

    def runs(self):
        return self._process.poll() is None

    def wait_until(self, condition, timeout=30):
        def ready():
            require(self.runs(), f"{self.name} ended; see {self._log.name}")
            return condition()

        wait_for(ready, f"{self.name} is not ready; see {self._log.name}", timeout)

    def close(self):
        if self.runs():
            self._process.terminate()
            try:
                self._process.wait(25)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()


def listens(where):
    """Whether somebody takes connections at a port or a socket's path."""
    kind = socket.AF_INET if isinstance(where, int) else socket.AF_UNIX
    address = ("127.0.0.1", where) if isinstance(where, int) else str(where)
    with contextlib.closing(socket.socket(kind)) as probe:
        try:
            probe.connect(address)
            return True
        except OSError:
            return False


def fill_in(template, target, **values):
    """Writes a template with its @NAME@s replaced."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    target.write_text(text)


def fresh_folder(name):
    folder = RUN / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# --- what a process has used ------------------------------------------------------------------


def with_children(pid):
    """The process and those it started, as far as they run."""
    pids = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            pids += map(int, task.read_text().split())
    return pids


def cpu_seconds(pid):
    """User and system time of a process and its children so far."""
    total = 0
    for one in with_children(pid):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICK


def settle(pids, timeout=30):
    """Waits until these processes have next to nothing left to do."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        before = sum(map(cpu_seconds, pids))
        time.sleep(0.3)
        if sum(map(cpu_seconds, pids)) - before < 0.03:
            return


def memory_mb(pid, what="VmRSS"):
    """Resident memory in units of 1,000,000 bytes: VmRSS now, VmHWM at its highest."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    raise Invalid(f"process {pid} is gone")


