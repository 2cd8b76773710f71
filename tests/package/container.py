"""A small Debian in namespaces of its own, with or without systemd: files, processes, loopback and
nothing of the machine around it. Needs root."""

import os
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE.parent.parent / "build" / "package-test"
SUITE, MIRROR = "bookworm", os.environ.get("MEMBERGATE_MIRROR", "http://deb.debian.org/debian")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "LANG": "C.UTF-8"}
DAY = 24 * 3600


def call(*command, **more):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, **more)


def base(packages, deb):
    """A minimal Debian, kept below build/, with all that `packages` and `deb` need downloaded."""
    root = WORK / "base"
    if not root.exists():
        making = WORK / "base.new"
        shutil.rmtree(making, ignore_errors=True)
        WORK.mkdir(parents=True, exist_ok=True)
        call("debootstrap", "--variant=minbase", SUITE, making, MIRROR, stdout=subprocess.DEVNULL)
        making.rename(root)
    lists = root / "var/lib/apt/lists"
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    shutil.copy(deb, root / "tmp/membergate.deb")
    apt = ("chroot", root, "apt-get", "-qq", "-o", "APT::Sandbox::User=root")
    more = {"env": ENVIRONMENT, "stdout": subprocess.DEVNULL}
    if time.time() - lists.stat().st_mtime > DAY:
        call(*apt, "update", **more)
        os.utime(lists)
    call(*apt, "install", "-y", "--download-only", "--no-install-recommends", "/tmp/membergate.deb",
         *packages, **more)
    (root / "tmp/membergate.deb").unlink()
    return root


class Container:
    def __init__(self, name, base_root, packages, init):
        """A copy of `base_root` with `packages`, running `init` as its first process."""
        self.root = WORK / name
        shutil.rmtree(self.root, ignore_errors=True)
        call("cp", "-a", "--reflink=auto", base_root, self.root)
        if packages:
            call("chroot", self.root, "apt-get", "install", "-y", "-qq", "--no-install-recommends",
                 *packages, env={**ENVIRONMENT, "DEBIAN_FRONTEND": "noninteractive"},
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._beside = []
        self._group = f"membergate-{name}-{os.getpid()}"
        self._said = open(WORK / f"{name}.log", "w+")
        self._outer = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child",
             str(HERE / "container_init"), str(self.root), self._group, *init],
            stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said)
        self._first = self._first_process()

    def _first_process(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._outer.poll() is not None:
                self._said.seek(0)
                raise AssertionError(f"no container can be made here: {self._said.read()}")
            children = pathlib.Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
            child = children.read_text().split()
            # Once it is another program than container_init the root is its own.
            if child and os.readlink(f"/proc/{child[0]}/root") == "/":
                name = pathlib.Path(f"/proc/{child[0]}/comm").read_text().strip()
                if name not in ("unshare", "container_init", "sh"):
                    return child[0]
            time.sleep(0.05)
        raise AssertionError("the container did not start within 30 s")

    def command(self, script):
        return ["nsenter", "-t", self._first, "--mount", "--pid", "--ipc", "--uts", "--net",
                "--cgroup", "--root", "--wd", "/bin/sh", "-c", script]

    def sh(self, script, ok=True, text=None):
        """What the shell's script prints; it must succeed unless `ok` is False."""
        done = subprocess.run(self.command(script), env=ENVIRONMENT, text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              **({"stdin": subprocess.DEVNULL} if text is None else {"input": text}))
        if ok and done.returncode != 0:
            raise AssertionError(f"exit code {done.returncode} of\n  {script}\n{done.stdout}")
        return done.stdout.strip()

    def succeeds(self, script):
        return subprocess.run(self.command(script), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=300).returncode == 0

    def begin(self, script):
        """Runs beside; ends with the container at the latest."""
        beside = subprocess.Popen(self.command(script), env=ENVIRONMENT, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        self._beside.append(beside)
        return beside

    def put(self, source, path, mode=0o644):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        target.chmod(mode)

    def write(self, path, text):
        (self.root / path.lstrip("/")).write_text(text)

    def close(self):
        subprocess.run(["kill", "-KILL", self._first], check=False)  # takes all others with it
        for process in (self._outer, *self._beside):
            process.communicate(timeout=30)
        self._said.close()
        script = (f"mount -t cgroup2 cgroup2 {self.root}/sys && find {self.root}/sys/{self._group} "
                  "-depth -type d -exec rmdir {} +")
        subprocess.run(["unshare", "--mount", "sh", "-c", script], check=False)
        shutil.rmtree(self.root, ignore_errors=True)
