"""The peers: what else takes such webhooks, each as a careful engineer would write it.

All of them check the code, parse the body, and store contact and delivery durably in one commit
before they answer 200. They stand behind one nginx of their own.
"""

import contextlib
import getpass
import shutil
import sqlite3
import subprocess

from http_client import HttpClient
from load import FORM, run, write_requests
from rig import (
    AS_ROOT,
    HERE,
    RIG,
    TOOLS,
    Program,
    fill_in,
    free_port,
    fresh_folder,
    listens,
    require,
)

CODE = "4f1c9b7e2d8a6035c4b1"
TARGET = f"/?mbr_genpass={CODE}"
CHILDREN = 4  # of php-fpm
NODE_MODULES = RIG / "node/node_modules"
SLOW = 5000  # microseconds


def slow_disk(*also):
    """The environment of a program whose every flush takes 5 ms longer."""
    libraries = [str(TOOLS / "slow_flush.so"), *also]
    return {"LD_PRELOAD": ":".join(libraries), "SLOW_FLUSH_US": str(SLOW)}


class Peer:
    """What the rows need to know of one."""

    def __init__(self, name, label, port, pids, deliveries):
        self.name, self.label, self.port, self.pids = name, label, port, pids
        self.deliveries = deliveries  # how many are stored


class Peers:
    """Those of `wanted`: wordpress, php, node_each, node_grouped. With `slow`, on a slow disk."""

    def __init__(self, wanted, bodies, slow=False):
        self._closing = contextlib.ExitStack()
        self._slow = slow
        self.folder = fresh_folder("slow-peers" if slow else "peers")
        (self.folder / "tmp").mkdir()
        self._ports = {
            name: free_port() for name in ("wordpress", "php", "node_each", "node_grouped")
        }
        self._node_ports = {name: free_port() for name in ("node_each", "node_grouped")}
        self._wordpress = RIG / "wordpress"
        try:
            self._start(wanted, bodies)
        except BaseException:
            self.close()
            raise

    def _start(self, wanted, bodies):
        self._nginx = self._program("nginx", self._nginx_command())
        self._nginx.wait_until(lambda: listens(self._ports["php"]))
        starters = {
            "wordpress": self._start_wordpress,
            "php": self._start_php,
            "node_each": lambda: self._start_node("node_each", "each"),
            "node_grouped": lambda: self._start_node("node_grouped", "grouped"),
        }
        self._fpm = None
        self.all = {name: starters[name]() for name in wanted}
        for peer in self.all.values():
            requests = [("POST", TARGET, {"Content-Type": FORM}, body) for body in bodies]
            path = self.folder / f"{peer.name}.requests"
            peer.requests = write_requests(path, peer.port, requests)
            self._check(peer, bodies[0])

    def _program(self, name, command, environment=None):
        program = Program(name, self.folder, command, environment)
        self._closing.callback(program.close)
        return program

    def _nginx_command(self):
        fill_in(
            HERE / "peers/nginx.conf.in",
            self.folder / "nginx.conf",
            USER="user root root;" if AS_ROOT else "",
            DIR=self.folder,
            PEERS=HERE / "peers",
            CODE=CODE,
            WORDPRESS=self._wordpress,
            NODE_EACH=self._node_ports["node_each"],
            NODE_GROUPED=self._node_ports["node_grouped"],
            **{f"{name.upper()}_PORT": port for name, port in self._ports.items()},
        )
        log = self.folder / "nginx-error.log"
        conf = self.folder / "nginx.conf"
        return ["nginx", "-e", log, "-p", self.folder, "-c", conf, "-g", "daemon off;"]

    @staticmethod
    def _check(peer, body):
        """A wrong code is refused and stores nothing; the right one stores the delivery."""
        client = HttpClient(peer.port)
        headers = {"Content-Type": FORM}
        before = peer.deliveries()
        answer = client.request("POST", "/?mbr_genpass=wrong", body, headers)
        require(answer.status == 403, f"{peer.label}: a wrong code gets {answer}")
        require(peer.deliveries() == before, f"{peer.label} stored what had a wrong code")
        answer = client.request("POST", TARGET, body, headers)
        require(answer.status == 200, f"{peer.label}: {answer}")
        require(peer.deliveries() == before + 1, f"{peer.label} stored nothing")
        client.close_all()

    # --- php-fpm --------------------------------------------------------------------------------

    def _start_fpm(self):
        """One pool for both: only one of them is under load at a time."""
        if self._fpm:
            return self._fpm
        fill_in(
            HERE / "peers/php-fpm.conf.in",
            self.folder / "php-fpm.conf",
            USER="user = root\ngroup = root" if AS_ROOT else "",
            DIR=self.folder,
            CHILDREN=CHILDREN,
        )
        # PHP looks a module's symbols up in the module's own libraries first, so SQLite must be
        # loaded before for the slow flush to be found.
        environment = slow_disk("libsqlite3.so.0") if self._slow else None
        command = ["php-fpm8.2", "-F", "-y", self.folder / "php-fpm.conf"]
        command += ["-R"] if AS_ROOT else []  # it does not run as root unasked
        self._fpm = self._program("php-fpm", command, environment)
        self._fpm.wait_until(lambda: listens(self.folder / "php-fpm.sock"))
        return self._fpm

    def _start_php(self):
        fpm = self._start_fpm()
        return Peer(
            "php",
            "php-fpm with PDO SQLite",
            self._ports["php"],
            (self._nginx.pid, fpm.pid),
            lambda: self._count(self.folder / "php.db"),
        )

    @staticmethod
    def _count(path):
        if not path.exists():
            return 0
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            try:
                return database.execute("SELECT count(*) FROM delivery").fetchone()[0]
            except sqlite3.OperationalError:
                return 0  # nobody has made the table yet

    # --- WordPress ------------------------------------------------------------------------------

    def _start_wordpress(self):
        fpm = self._start_fpm()
        database = self._start_mariadb()
        self._install_wordpress()
        return Peer(
            "wordpress",
            "WordPress with a must-use plugin",
            self._ports["wordpress"],
            (self._nginx.pid, fpm.pid, database.pid),
            lambda: int(self._sql("SELECT count(*) FROM wordpress.wp_membership_delivery")),
        )

    def _start_mariadb(self):
        data = self.folder / "mariadb"
        user = getpass.getuser()
        run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}"]
            + ["--auth-root-authentication-method=normal", "--skip-test-db"]
        )
        program = self._program(
            "mariadb",
            ["mariadbd", "--no-defaults", f"--datadir={data}", f"--user={user}"]
            + [f"--socket={self._database_socket}", f"--pid-file={self.folder}/mariadb.pid"]
            + ["--skip-networking"],
            slow_disk() if self._slow else None,
        )
        program.wait_until(lambda: listens(self._database_socket), 60)
        self._sql("CREATE DATABASE wordpress")
        return program

    @property
    def _database_socket(self):
        return self.folder / "mariadb.sock"

    def _sql(self, text):
        socket = f"--socket={self._database_socket}"
        return run(["mariadb", "--no-defaults", socket, "--user=root", "-N", "-e", text])

    def _install_wordpress(self):
        if not (self._wordpress / "index.php").exists():
            # Debian's is a tree of links, some of them to where the site's own files would be.
            shutil.rmtree(self._wordpress, ignore_errors=True)
            subprocess.run(
                ["cp", "-rL", "/usr/share/wordpress", self._wordpress], stderr=subprocess.DEVNULL
            )
        plugins = self._wordpress / "wp-content/mu-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        peer = HERE / "peers/wordpress"
        shutil.copy(peer / "membership-webhook.php", plugins)
        fill_in(
            peer / "wp-config.php.in",
            self._wordpress / "wp-config.php",
            DATABASE_SOCKET=self._database_socket,
        )
        run(["php", peer / "install.php", self._wordpress, CODE])

    # --- Node -----------------------------------------------------------------------------------

    def _start_node(self, name, way):
        database = self.folder / f"{name}.db"
        program = self._program(
            name,
            ["node", HERE / "peers/node/server.js", self._node_ports[name], database, CODE, way],
            {"NODE_PATH": str(NODE_MODULES), **(slow_disk() if self._slow else {})},
        )
        program.wait_until(lambda: listens(self._node_ports[name]))
        return Peer(
            name,
            "Node with better-sqlite3, " + ("a commit each" if way == "each" else "grouped"),
            self._ports[name],
            (self._nginx.pid, program.pid),
            lambda: self._count(database),
        )

    def close(self):
        self._closing.close()
