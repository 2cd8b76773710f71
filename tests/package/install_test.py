"""From a bare Debian to a member's login, and back: the package installed, set up, upgraded, removed
and purged as README.md says, below systemd and below spawn-fcgi.

usage: install_test.py OLDER.deb NEWER.deb ACSIM [UNITTEST-ARGUMENT...]

Needs root; tests/package/run brings everything else.
"""

import json
import pathlib
import re
import sqlite3
import sys
import time
import unittest
from urllib.parse import quote

from container import HERE, Container, base

TOP = HERE.parent.parent
OLDER = NEWER = ACSIM = ""
SYSTEMD = ["systemd", "systemd-sysv"]
BEFORE = ["curl", "nginx-light", "logrotate"]  # what the site's machine has already
AC = "http://127.0.0.1:8300"
AC_KEY = "4ac0ffee4ac0ffee4ac0ffee4ac0ffee"
SITE, SHOP = "http://127.0.0.1", "http://127.0.0.1:81"
FOLDERS = "/etc/membergate /var/lib/membergate /run/membergate"
SECRET, DATA = "root:membergate 640", "membergate:membergate 600"
MODES = {
    "/etc/membergate": "root:membergate 750",
    "/etc/membergate/membergate.conf": SECRET,
    "/etc/membergate/master.key": SECRET,
    "/etc/membergate/activecampaign.key": SECRET,
    "/var/lib/membergate": "membergate:membergate 700",
    "/run/membergate": "membergate:www-data 750",
    "/run/membergate/fcgi.sock": "membergate:www-data 660",
    "/run/membergate/shed.sock": "membergate:membergate 666",
}


def block(file, word):
    """The shell block of a document that holds `word`."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", (TOP / file).read_text(), re.M | re.S)
    return next(text for text in blocks if word in text)


def wait_for(holds, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.2)
    return answer


class Way:
    """What both ways have in common. Tests run in the order of their names: each begins where the
    one before ended."""

    init, packages = [], []

    @classmethod
    def setUpClass(cls):
        cls.box = Container(cls.__name__.lower(),
                            base([*BEFORE, *SYSTEMD, "spawn-fcgi"], OLDER), cls.packages, cls.init)
        cls.addClassCleanup(cls.box.close)
        for deb in (OLDER, NEWER):
            cls.box.put(deb, f"/root/{pathlib.Path(deb).name}")
        cls.secrets, cls.before = {"ActiveCampaign's key": AC_KEY}, None

    def setUp(self):
        # What comes after a step that failed tells nothing.
        if type(self).before not in (None, "passed"):
            self.skipTest(f"after {self.before}")
        type(self).before = self.id()

    def passed(self):
        type(self).before = "passed"

    def apt(self, words):
        return self.box.sh(f"apt-get -y -qq --no-install-recommends {words}")

    def status(self, url, more=""):
        return self.box.sh(f"curl -s -o /dev/null -m 20 -w '%{{http_code}}' {more} '{url}'", ok=False)

    def owners(self, folders=FOLDERS):
        lines = self.box.sh(f"find {folders} -printf '%p %u:%g %m\\n'").splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def contact(self, email, ac=AC):
        found = json.loads(self.box.sh(f"curl -s '{ac}/_sim/state?email={quote(email)}'"))
        return found["contacts"][0]

    def add(self, email, ac=AC):
        return json.loads(self.box.sh(f"curl -sf -d @- {ac}/_sim/contacts",
                                      text=json.dumps([{"email": email}])))["ids"][0]

    def member(self, email, code, site=SITE, ac=AC):
        """A new contact whose automation calls the webhook; gets a password by it."""
        number = self.add(email, ac)
        self.assertEqual("200", self.status(
            f"{site}/?mbr_genpass={code}", f"-d 'contact[id]={number}' -d 'contact[email]={email}'"))
        return wait_for(lambda: self.contact(email, ac)["fields"].get("PASSWORD"),
                        f"a password of {email}")

    def code_and_key(self, more=""):
        code = self.box.sh(f"membergate code create --name automations {more}")
        key = self.box.sh("membergate key create --name site "
                          f"--scope login,contacts:read,contacts:write {more}")
        time.sleep(1.2)  # a running daemon knows them within a second
        return code, key

    def login(self, email, password, key, site=SITE):
        self.box.write("/root/login.json", json.dumps({"email": email, "password": password}))
        self.box.write("/root/login.header", f"Authorization: Bearer {key}\n")
        answer = self.status(f"{site}/membergate/v1/login", "-H @/root/login.header -d @/root/login.json "
                             "-H 'Content-Type: application/json'")
        self.box.sh("rm /root/login.json /root/login.header")
        return answer

    def simulate(self, port=8300):
        if not (self.box.root / "srv/acsim").exists():
            self.box.put(ACSIM, "/srv/acsim", 0o755)
            self.box.write("/srv/token", AC_KEY)
        self.box.begin(f"mkdir -p /srv/ac{port} && exec /srv/acsim --port {port} --dir /srv/ac{port} "
                       f"--token-file /srv/token --rate 200 >/dev/null 2>&1")
        wait_for(lambda: self.box.succeeds(f"curl -s http://127.0.0.1:{port}/_sim/state"), "acsim")

    def ready(self):
        wait_for(lambda: self.status(f"{SITE}/membergate/readyz") == "200", f"ready: {self.log()}")

    # --- the steps ---

    def test_01_installing_starts_nothing_and_leaves_nginx_alone(self):
        wait_for(lambda: self.box.succeeds(f"curl -sf {SITE}/"), "nginx")
        nginx = self.box.sh("cat /run/nginx.pid")
        self.apt(f"install /root/{pathlib.Path(OLDER).name}")
        self.assertIn("/usr/sbin/nologin", self.box.sh("getent passwd membergate"))
        self.assertFalse(self.runs())
        self.box.sh("nginx -t && nginx -s reload")
        self.assertEqual(nginx, self.box.sh("cat /run/nginx.pid"))
        self.assertEqual("200", self.status(SITE))
        expected = {path: mode for path, mode in MODES.items() if path in FOLDERS.split()}
        self.assertEqual(expected, self.owners())
        self.passed()

    def test_02_init_is_all_the_daemon_needs(self):
        self.simulate()
        self.box.write("/root/key", AC_KEY + "\n")
        self.box.sh("install -m 0640 -g membergate /root/key /etc/membergate/activecampaign.key && "
                    f"rm /root/key && membergate init --url {AC} "
                    "--key-file /etc/membergate/activecampaign.key --yes")
        self.box.sh("echo 'activecampaign.rate = 100/s' >>/etc/membergate/membergate.conf")
        self.start()
        wait_for(self.runs, "the daemon")
        type(self).code, type(self).key = self.code_and_key()
        self.secrets.update({"code": self.code, "API key": self.key})
        self.passed()

    def test_03_one_line_in_the_site_serves_webhooks_and_logins(self):
        site = "/etc/nginx/sites-available/default"
        self.box.sh(f"sed -i '0,/^server {{/s||&\\n\\tinclude snippets/membergate.conf;\\n"
                    "\\taccess_log /var/log/nginx/access.log membergate_combined;\\n"
                    f"\\terror_log /var/log/nginx/error.log warn;|' {site} && nginx -t && "
                    "nginx -s reload")
        self.ready()
        type(self).email = "ada@example.org"
        type(self).password = self.member(self.email, self.code)
        self.secrets["password"] = self.password
        self.assertEqual("200", self.login(self.email, self.password, self.key))
        self.assertEqual("401", self.login(self.email, "wrong", self.key))
        self.assertEqual("403", self.status(f"{SITE}/?mbr_genpass=guessed", "-d 'contact[id]=1'"))
        self.assertEqual("200", self.status(SITE))
        self.passed()

    def test_04_files_belong_to_whom_they_should(self):
        expected = dict(MODES)
        owners = self.owners()
        for path in owners:
            if path.startswith("/var/lib/membergate/"):
                expected[path] = DATA
        self.assertIn("/var/lib/membergate/membergate.db", owners)
        self.assertEqual(expected, owners)
        pid = self.box.sh("pidof membergate")
        status = self.box.sh(f"cat /proc/{pid}/status")
        for name, group in (("Uid", "-u"), ("Gid", "-g")):
            number = self.box.sh(f"id {group} membergate")
            self.assertRegex(status, rf"(?m)^{name}:(\t{number}){{4}}$")
        self.assertRegex(status, r"(?m)^Umask:\t0077$")
        self.assertRegex(status, r"(?m)^CapEff:\t0+$")
        environment = self.box.sh(f"tr '\\0' '\\n' </proc/{pid}/environ")
        self.assertEqual(2, len(re.findall(r"(?m)^LIBFCGI_\w+=200$", environment)))
        self.passed()

    def test_05_nginx_notes_reach_the_daemon(self):
        self.box.sh("head -c 400000 /dev/zero >/tmp/large")
        url = f"{SITE}/?mbr_genpass={self.code}"
        self.assertEqual("413", self.status(url, "--data-binary @/tmp/large"))
        wait_for(lambda: re.search(r'^membergate_shed_notes_total{status="413"} [1-9]',
                                   self.box.sh(f"curl -s {SITE}/membergate/metrics"), re.M),
                 "a note in the metrics")
        self.passed()

    def test_06_no_secret_is_in_a_log_or_a_file_where_it_does_not_belong(self):
        self.box.write("/root/log", self.log())
        self.assertGreater(len(self.log()), 100)
        for name, secret in {**self.secrets, "e-mail": self.email}.items():
            folders = "/var/log /root/log"
            if name != "e-mail":
                folders += " /etc /run /tmp /var/lib/membergate /var/lib/nginx"
            self.box.write("/root/secret", secret)
            found = self.box.sh(f"grep -rlaFf /root/secret {folders}", ok=False).splitlines()
            allowed = ["/etc/membergate/activecampaign.key"] if secret == AC_KEY else []
            self.assertEqual(allowed, found, name)
        self.box.sh("rm /root/secret /root/log")
        self.passed()

    def test_07_nginx_rotates_the_logs(self):
        answer = self.box.sh("logrotate --debug /etc/logrotate.d/nginx 2>&1")
        for name in ("access", "error"):
            self.assertIn(f"/var/log/nginx/membergate-{name}.log", answer)
        self.passed()

    def test_08_the_manual_names_every_key(self):
        keys = json.loads(self.box.sh("membergate check-config --keys --json"))
        page = self.box.sh("zcat /usr/share/man/man5/membergate.conf.5.gz")
        for key in keys:
            self.assertIn(f".B {key['name']}\n", page)
        self.assertIn("membergate.conf (5)", self.box.sh("zcat /usr/share/man/man1/membergate.1.gz"))
        offered = self.box.sh("bash -c '. /usr/share/bash-completion/completions/membergate; "
                              "COMP_WORDS=(membergate code cr) COMP_CWORD=2; _membergate; "
                              "echo \"${COMPREPLY[@]}\"'")
        self.assertEqual("create", offered)
        self.passed()

    def test_09_an_upgrade_keeps_data_and_runs_migrations(self):
        newest = self.go_back_to_the_schema_before()
        self.box.sh("echo '# mine' >>/etc/nginx/conf.d/membergate.conf")
        self.apt(f"install /root/{pathlib.Path(NEWER).name}")
        self.restart()
        self.ready()
        with sqlite3.connect(self.database) as db:
            self.assertEqual((newest,), db.execute("SELECT max(version) FROM migration").fetchone())
        self.assertEqual("200", self.login(self.email, self.password, self.key))
        self.member("bob@example.org", self.code)
        self.box.sh("tail -1 /etc/nginx/conf.d/membergate.conf | grep -qx '# mine'")
        self.passed()

    def test_11_remove_keeps_data_and_a_working_nginx(self):
        self.stop()
        self.apt("remove membergate")
        wait_for(lambda: not self.runs(), "the daemon's end")
        self.assertFalse(self.box.succeeds("command -v membergate"))
        self.box.sh("nginx -t")
        self.assertEqual("200", self.status(SITE))
        self.assertEqual("membergate:membergate 600",
                         self.owners()["/var/lib/membergate/membergate.db"])
        self.apt(f"install /root/{pathlib.Path(NEWER).name}")
        self.start()
        self.ready()
        self.assertEqual("200", self.login(self.email, self.password, self.key))
        self.passed()

    def test_12_purge_asks_nothing_and_leaves_nothing(self):
        self.stop()
        said = self.apt("purge membergate")
        self.assertIn("still includes snippets/membergate", said)
        wait_for(lambda: not self.runs(), "the daemon's end")
        self.box.sh("sed -i /snippets.membergate/d /etc/nginx/sites-available/default && "
                    "sed -i /membergate_combined/d /etc/nginx/sites-available/default && "
                    "nginx -t && nginx -s reload")
        left = self.box.sh("find / -xdev \\( -path /proc -o -path /sys -o -path /srv -o -path /root "
                           "-o -path /var/cache/apt -o -path /var/log/apt -o -path /var/log/journal \\) "
                           "-prune -o -iname '*membergate*' -print")
        self.assertEqual("", left)
        self.assertFalse(self.box.succeeds("getent passwd membergate || getent group membergate"))
        self.passed()

    # --- parts of steps ---

    @property
    def database(self):
        return self.box.root / "var/lib/membergate/membergate.db"

    def go_back_to_the_schema_before(self):
        """The same data as the last release but one would hold it; returns the newest version."""
        self.stop()
        wait_for(lambda: not self.runs(), "the daemon's end")
        scripts = sorted((TOP / "src/store/sql/migrations/sqlite").glob("*.sql"))
        older = self.database.with_name("older.db")
        with sqlite3.connect(self.database) as now:
            (made,) = now.execute("SELECT sql FROM sqlite_master WHERE name = 'migration'").fetchone()
        db = sqlite3.connect(older)
        db.execute(made)
        for script in scripts[:-1]:
            db.executescript(script.read_text())
        db.execute("ATTACH ? AS now", (str(self.database),))
        for (table,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND "
                                   "name NOT LIKE 'sqlite_%'").fetchall():
            def columns(schema):
                return {row[1] for row in db.execute(f"PRAGMA {schema}.table_info({table})")}
            both = ", ".join(sorted(columns("main") & columns("now")))
            db.execute(f"DELETE FROM main.{table}")
            db.execute(f"INSERT INTO main.{table} ({both}) SELECT {both} FROM now.{table}")
        db.execute("DELETE FROM main.migration WHERE version >= ?", (len(scripts),))
        db.commit()
        db.close()
        self.database.write_bytes(older.read_bytes())
        older.unlink()
        return len(scripts)

    def runs(self):
        return self.box.succeeds("pidof membergate")


class Systemd(Way, unittest.TestCase):
    """Real units below a real systemd, hardening included; the socket is passed on descriptor 0."""

    init = ["/lib/systemd/systemd", "--log-target=kmsg"]
    packages = [*SYSTEMD, *BEFORE]

    def start(self):
        pass  # init, and the package, start it

    def restart(self):
        pass

    def stop(self):
        self.box.sh("systemctl stop membergate.service membergate.socket", ok=False)

    def log(self):
        return self.box.sh("journalctl --no-pager -o short", ok=False)

    def test_00_the_units_are_known_to_be_good(self):
        wait_for(lambda: self.box.sh("systemctl is-system-running", ok=False) == "running", "systemd")
        self.passed()

    def test_01b_the_units_wait_for_a_configuration(self):
        self.assertEqual(["enabled"] * 2, self.box.sh(
            "systemctl is-enabled membergate.socket membergate.service").split())
        self.assertEqual(["inactive"] * 2, self.box.sh(
            "systemctl is-active membergate.socket membergate.service", ok=False).split())
        self.box.sh("systemd-analyze verify --man=no membergate.service membergate.socket "
                    "membergate@shop.service membergate@shop.socket")
        self.passed()

    def test_10_a_restart_and_an_upgrade_lose_no_webhook(self):
        number = self.add("carol@example.org")
        calls = self.box.begin(
            "for i in $(seq 300); do curl -s -o /dev/null -m 20 -w '%{http_code}\\n' "
            f"-d 'contact[id]={number}' -d 'contact[email]=carol@example.org' "
            f"'{SITE}/?mbr_genpass={self.code}'; done")
        self.box.sh("systemctl restart membergate.service; sleep 0.5; kill -9 $(pidof membergate)")
        self.apt(f"--reinstall install /root/{pathlib.Path(NEWER).name}")
        answers = calls.communicate(timeout=120)[0].split()
        self.assertEqual({"200"}, set(answers))
        self.assertEqual(300, len(answers))
        self.passed()

    def test_10b_a_second_account_has_units_and_files_of_its_own(self):
        ac, site = "http://127.0.0.1:8301", SHOP
        self.simulate(8301)
        self.box.sh(f"membergate init --config /etc/membergate/shop.conf --url {ac} "
                    "--key-file /etc/membergate/activecampaign.key --yes && "
                    "systemctl enable --now membergate@shop.socket membergate@shop.service")
        self.box.sh(block("nginx/README.md", "membergate-shop.conf"))
        self.box.write("/etc/nginx/sites-enabled/shop",
                       "server { listen 81; include snippets/membergate-shop.conf; }\n")
        self.box.sh("nginx -t && nginx -s reload")
        code, key = self.code_and_key("--config /etc/membergate/shop.conf")
        wait_for(lambda: self.status(f"{site}/membergate/readyz") == "200", "the second account")
        password = self.member("dora@example.org", code, site, ac)
        self.assertEqual("200", self.login("dora@example.org", password, key, site))
        self.assertEqual("401", self.login("dora@example.org", password, self.key))
        self.assertEqual("403", self.status(f"{site}/?mbr_genpass={self.code}", "-d 'contact[id]=1'"))
        owners = self.owners("/var/lib/membergate/shop /run/membergate /etc/membergate")
        self.assertEqual(DATA, owners["/var/lib/membergate/shop/membergate.db"])
        self.assertEqual(SECRET, owners["/etc/membergate/shop.master.key"])
        self.assertEqual(MODES["/run/membergate/fcgi.sock"], owners["/run/membergate/shop.fcgi.sock"])
        self.assertEqual(MODES["/run/membergate/shed.sock"], owners["/run/membergate/shop.shed.sock"])
        self.passed()

    def test_10c_a_mistake_in_the_configuration_is_outlived(self):
        self.box.sh("echo 'unknown = 1' >>/etc/membergate/membergate.conf; "
                    "systemctl restart membergate.service", ok=False)
        time.sleep(6)
        self.assertEqual("active", self.box.sh("systemctl is-active membergate.socket"))
        self.assertIn("unknown", self.log().splitlines()[-1] + self.log()[-2000:])
        self.box.sh("sed -i '/^unknown/d' /etc/membergate/membergate.conf")
        self.ready()
        self.passed()

    def test_11b_the_second_account_is_back_too(self):
        wait_for(lambda: self.status(f"{SHOP}/membergate/readyz") == "200", "the second account")
        self.box.sh("rm /etc/nginx/*/membergate-shop.conf /etc/nginx/sites-enabled/shop")
        self.passed()


class SpawnFcgi(Way, unittest.TestCase):
    """No systemd; the commands stand in README.md."""

    init = ["/bin/sleep", "infinity"]
    packages = [*BEFORE, "spawn-fcgi", "procps"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.box.sh("service nginx start")

    def start(self):
        self.box.write("/root/start", block("README.md", "spawn-fcgi -n"))
        self.box.begin("exec sh /root/start 2>>/root/membergate.log")
        wait_for(self.runs, "the daemon")

    def stop(self):
        self.box.sh("kill $(pidof membergate)")
        wait_for(lambda: not self.runs(), "the daemon's end")

    def restart(self):
        if self.runs():
            self.stop()
        self.start()

    def log(self):
        return self.box.sh("cat /root/membergate.log", ok=False)


def main():
    global OLDER, NEWER, ACSIM
    OLDER, NEWER, ACSIM = sys.argv[1:4]
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2, failfast=False)


if __name__ == "__main__":
    main()
