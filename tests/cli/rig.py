"""What the tests of the command line stand on.

A test file ends with main(), and is called as FILE MEMBERGATE [UNITTEST-ARGUMENT...].
"""

import contextlib
import os
import pathlib
import pty
import select
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import termios
import time
import unittest

MEMBERGATE = str(pathlib.Path(sys.argv.pop(1)).resolve()) if len(sys.argv) > 1 else ""


def run(*arguments, program=None, **more):
    """Without a terminal: input, output and errors are pipes."""
    return subprocess.run([program or MEMBERGATE, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          **more)


class Terminal:
    """The executable on a pseudo-terminal; type() answers what it asks."""

    def __init__(self, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(MEMBERGATE, [MEMBERGATE, *map(str, arguments)])
        self.seen = ""

    def read_until(self, text):
        deadline = time.monotonic() + 30
        while text not in self.seen:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} never came; seen: {self.seen!r}")

    def _read(self, deadline):
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the other end is closed
            data = b""
        self.seen += data.decode()
        return bool(data)

    def await_silence(self):
        """Until what is typed is no longer shown."""
        deadline = time.monotonic() + 30
        while termios.tcgetattr(self.fd)[3] & termios.ECHO:
            if time.monotonic() > deadline:
                raise AssertionError("the terminal still shows what is typed")
            time.sleep(0.005)

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def finish(self):
        deadline = time.monotonic() + 30
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


class Case(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="membergate-cli-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.dir = self.top / "site"
        self.conf = self.dir / "membergate.conf"
        self.ac_key = self.write(self.top / "ac.key", "ac-secret-key\n")

    def write(self, path, text, mode=0o640):
        path.write_text(text)
        path.chmod(mode)
        return path

    def init(self, *more, url="https://acme.api-us1.com"):
        return run("init", "--url", url, "--key-file", self.ac_key, "--dir", self.dir, "--yes",
                   *more)

    def installed(self):
        answer = self.init()
        self.assertEqual(0, answer.returncode, answer.stderr)

    def code(self, *arguments):
        return run("code", *arguments, "--config", self.conf)

    def key(self, *arguments):
        return run("key", *arguments, "--config", self.conf)

    def assertFails(self, exit_code, answer, *parts):
        self.assertEqual(exit_code, answer.returncode, answer.stderr + answer.stdout)
        for part in parts:
            self.assertIn(part, answer.stderr)
        self.assertEqual("", answer.stdout)

    def mode(self, path):
        return stat.S_IMODE(path.stat().st_mode)

    def everything_written(self):
        return b"".join(p.read_bytes() for p in sorted(self.dir.rglob("*")) if p.is_file())

    @contextlib.contextmanager
    def database(self):
        """The database, for a test to put something into that no command would."""
        connection = sqlite3.connect(self.dir / "membergate.db", timeout=10)
        with contextlib.closing(connection), connection:
            yield connection

    def configured(self, *lines):
        with self.conf.open("a") as conf:
            conf.write("".join(line + "\n" for line in lines))

    def membergate(self, *arguments, **more):
        """A command with this test's configuration."""
        return run(*arguments, "--config", self.conf, **more)


def main():
    unittest.main(verbosity=2)
