"""nginx as the stack runs it, once more: before the ceiling, and with the shipped limits."""

import shutil

from load import write_requests
from rig import ROOT, TOOLS, Program, free_port, fresh_folder, listens

# What the shipped files name, and where it lies below a stack's directory.
SHIPPED = {
    "/run/membergate/fcgi.sock": "fcgi.sock",
    "/run/membergate/shed.sock": "shed.sock",
    "/var/log/nginx/": "nginx/log/",
    "/etc/nginx/fastcgi_params": "nginx/fastcgi_params",
}


class Front:
    """A copy of a stack's nginx: same files, other port and folder.

    It passes to the stack's daemon, or with `own_socket` to `folder`/fcgi.sock. With `limits` the
    limits are the shipped ones, whatever the stack's are.
    """

    def __init__(self, name, stack, own_socket=False, limits=False):
        self.folder = fresh_folder(name)
        self.port = free_port()
        self._stack = stack
        source, target = stack.dir / "nginx", self.folder / "nginx"
        ignored = shutil.ignore_patterns("log", "tmp", "*.pid")
        shutil.copytree(source, target, ignore=ignored)
        for sub in ("nginx/log", "nginx/tmp", "site"):
            (self.folder / sub).mkdir(exist_ok=True)
        if limits:
            for file in ("conf.d/membergate.conf", "snippets/membergate.conf"):
                self._install(file)
        self._move(own_socket)
        self._nginx = Program(
            f"nginx-{name}",
            self.folder,
            ["nginx", "-e", self.folder / "nginx/log/error.log", "-p", target]
            + ["-c", target / "nginx.conf", "-g", "daemon off;"],
        )
        self._nginx.wait_until(lambda: listens(self.port))

    def _install(self, file):
        text = (ROOT / "nginx" / file).read_text()
        for shipped, ours in SHIPPED.items():
            text = text.replace(shipped, str(self._stack.dir / ours))
        (self.folder / "nginx" / file).write_text(text)

    def _move(self, own_socket):
        theirs, ours = str(self._stack.dir), str(self.folder)
        port = self._stack.env["MEMBERGATE_URL"].rpartition(":")[2]
        for file in (self.folder / "nginx").rglob("*"):
            if not file.is_file():
                continue
            text = file.read_text().replace(f"127.0.0.1:{port}", f"127.0.0.1:{self.port}")
            text = text.replace(theirs, ours)
            if not own_socket:
                for name in ("fcgi.sock", "shed.sock"):
                    text = text.replace(f"{ours}/{name}", f"{theirs}/{name}")
            file.write_text(text)

    @property
    def pid(self):
        return self._nginx.pid

    def requests(self, name, requests):
        return write_requests(self.folder / f"{name}.requests", self.port, requests)

    def close(self):
        self._nginx.close()


class Ceiling(Front):
    """A stock libfcgi program with a thread for each connection that nginx keeps."""

    THREADS = 64

    def __init__(self, stack):
        super().__init__("ceiling", stack, own_socket=True)
        path = self.folder / "fcgi.sock"
        self._program = Program(
            "ceiling",
            self.folder,
            ["spawn-fcgi", "-n", "-s", path, "-M", "0660", "-b", "1024"]
            + ["--", TOOLS / "ceiling", self.THREADS],
        )
        self._program.wait_until(lambda: listens(path))

    @property
    def pids(self):
        return self.pid, self._program.pid

    def close(self):
        super().close()
        self._program.close()
