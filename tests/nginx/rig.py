"""nginx with the shipped files, a responder in the daemon's place and an ear on the shed socket."""

import collections
import http.client
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import time

from buffered_log import write_out
from fastcgi_responder import Responder

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHIPPED = {
    "http": ROOT / "nginx/conf.d/membergate.conf",
    "server": ROOT / "nginx/snippets/membergate.conf",
    "gate": ROOT / "nginx/snippets/membergate-gate.conf",
    "gate-cached": ROOT / "nginx/snippets/membergate-gate-cached.conf",
    "gated": ROOT / "nginx/snippets/membergate-gated.conf",
    "example": ROOT / "nginx/examples/gated-locations.conf",
}
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

Answer = collections.namedtuple("Answer", "status headers body")


def main_config(directory, http, server, listen=None, more_http="", more_server=""):
    """A whole nginx.conf around the two files, for any user, with nothing outside `directory`."""
    temp = "".join(
        f"  {kind}_temp_path {directory}/tmp/{kind};\n"
        for kind in ("client_body", "fastcgi", "proxy", "uwsgi", "scgi")
    )
    user = "user root root;\n" if os.geteuid() == 0 else ""
    return f"""{user}pid {directory}/nginx.pid;
error_log {directory}/log/error.log warn;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
{temp}  include {http};
  {more_http}
  server {{
    listen {listen or f"unix:{directory}/unused.sock"};
    access_log {directory}/log/access.log membergate_combined;
    root {directory}/site;
    include {server};
    {more_server}
    if ($uri = /old) {{ return 301 /new; }}
    location = / {{ try_files /index.html =404; }}
    location / {{ try_files $uri $uri/ =404; }}
  }}
}}
"""


def make_directories(directory):
    for name in ("tmp", "log", "site/blog"):
        (directory / name).mkdir(parents=True)
    for name in ("site/index.html", "site/blog/index.html"):
        (directory / name).write_text("the site")


class Rig:
    """`edits` are pairs (old, new) applied to the shipped texts, beside their four paths.

    `more_http` and `more_server` are lines of the site's own, in which {directory} is the rig's.
    """

    def __init__(self, edits=(), more_http="", more_server=""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mbr-nginx-"))
        make_directories(self.directory)
        self.responder = Responder(str(self.directory / "fcgi.sock"))
        self._more = [
            more.replace("{directory}", str(self.directory)) for more in (more_http, more_server)
        ]
        self._listen_for_notes()
        self._write_files(edits)
        self.nginx = None
        for attempt in range(5):
            if self._start():
                return
        raise RuntimeError((self.directory / "log/start.log").read_text())

    def _listen_for_notes(self):
        self._notes = []
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(self.directory / "shed.sock"))

    def _hear(self, timeout=0.0):
        """Takes every note that waits, the first for `timeout` seconds; says whether one did.

        Each request does so: a socket holds 11 datagrams (net.unix.max_dgram_qlen), and nginx
        throws away what comes on top.
        """
        heard = False
        while select.select([self._ear], [], [], 0 if heard else timeout)[0]:
            text = self._ear.recv(65536).decode()
            self._notes.append(json.loads(text[text.index("{") :]))
            heard = True
        return heard

    def _write_files(self, edits):
        paths = (
            ("/run/membergate/fcgi.sock", f"{self.directory}/fcgi.sock"),
            ("/run/membergate/shed.sock", f"{self.directory}/shed.sock"),
            ("/var/log/nginx/", f"{self.directory}/log/"),
            ("include snippets/membergate-gated.conf", f"include {self.directory}/gated.conf"),
        )
        missing = {old for old, _ in edits}
        for name, shipped in SHIPPED.items():
            text = shipped.read_text()
            missing -= {old for old in missing if old in text}
            for old, new in (*edits, *paths):
                text = text.replace(old, new)
            (self.directory / f"{name}.conf").write_text(text)
        if missing:
            raise RuntimeError(f"not in the shipped files: {missing}")

    def _start(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = self.directory / "nginx.conf"
        config.write_text(
            main_config(
                self.directory,
                self.directory / "http.conf",
                self.directory / "server.conf",
                f"127.0.0.1:{self.port}",
                *self._more,
            )
        )
        with open(self.directory / "log/start.log", "w") as log:
            self.nginx = subprocess.Popen(
                [NGINX, "-e", "stderr", "-p", self.directory, "-c", config, "-g", "daemon off;"],
                stderr=log,
            )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.nginx.poll() is None:
            try:
                self.get("/index.html")
                return True
            except OSError:
                time.sleep(0.02)
        self.nginx.kill()
        self.nginx.wait()
        return False

    def close(self):
        self.nginx.terminate()
        self.nginx.wait()
        self.responder.stop()
        self._ear.close()
        shutil.rmtree(self.directory)

    def fresh(self):
        """Puts everything that one test may leave behind back to the start."""
        self.responder.forget()
        self._hear()
        self._notes.clear()

    def send(self, method, target, body=None, headers=None, address="127.0.0.1"):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=20, source_address=(address, 0)
        )
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
            self._hear()

    def get(self, target, **more):
        return self.send("GET", target, **more)

    def post(self, target, body=b"contact[id]=7", **more):
        return self.send("POST", target, body, **more)

    def raw(self, text, wait_for_end=True):
        """Sends bytes as they are; returns what came until the connection ended."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(text)
            if not wait_for_end:
                return b""
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer

    def notes_heard(self, expected):
        """Waits until `expected` notes have come; then says how many there are."""
        while len(self._notes) < expected and self._hear(timeout=5):
            pass
        # One more would follow its neighbours at once.
        while self._hear(timeout=0.1):
            pass
        heard, self._notes = self._notes, []
        return heard

    def logs(self):
        """Every byte of every log, by file name."""
        write_out(self.nginx.pid, self.directory / "log/membergate-access.log")
        return {
            path.name: path.read_text(errors="replace")
            for path in (self.directory / "log").iterdir()
        }
