"""Debian's WordPress with the shipped plugin, on loopback, in one directory: MariaDB, php-fpm, nginx.

nginx has the shipped files as scripts/stack wrote them, and the blocks of conf/wordpress/README.md,
so that what the README says is what is tested. Nothing of the system's services is touched; each
process ends with this one.
"""

import ctypes
import glob
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/e2e"))
from harness import free_port, wait_for  # noqa: E402

WORDPRESS = pathlib.Path("/usr/share/wordpress")
SHIPPED = ROOT / "conf/wordpress"
HERE = pathlib.Path(__file__).resolve().parent


def end_with_parent():
    """In a child: SIGTERM when the parent ends, however it does."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def readme_block(language, containing):
    """The text of the README's code block that holds `containing`, without its indentation."""
    text = (SHIPPED / "README.md").read_text()
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.M | re.S)
    (found,) = [(indent, block) for indent, block in blocks if containing in block]
    return re.sub(rf"^{found[0]}", "", found[1], flags=re.M)


class Site:
    """A WordPress beside the stack `stack`, with the constants MEMBERGATE_* given.

    PHP and MariaDB run as unprivileged users; nginx as who runs this, as the stack's does.
    """

    NAME = "members.localhost"  # browsers take it for this machine, and mail for a name
    ADMIN = ("keeper", "the keeper's own password")

    def __init__(self, stack, constants):
        self.stack = stack
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mbr-wp-"))
        self.dir.chmod(0o711)
        self.port, self.loopback, self.behind_tls = free_port(), free_port(), free_port()
        self.host = f"{self.NAME}:{self.port}"
        self.url = f"http://{self.host}"
        self.root = self.dir / "www"
        self.mails = self.dir / "mails"
        self._constants = constants
        self._salts = [f"define('{name}_{kind}', '{secrets.token_hex(32)}');"
                       for name in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")
                       for kind in ("KEY", "SALT")]
        self._processes = {}
        self._user = "www-data" if os.geteuid() == 0 else None

    def start(self):
        self._start_database()
        self._write_wordpress()
        self._start_php()
        self._start_nginx()
        self._install()

    def stop(self):
        """Ends what was started, last first; fails if something had to be killed or had died."""
        faults = []
        for name, process in reversed(self._processes.items()):
            if process.poll() is not None:
                faults.append(f"{name} had ended with {process.returncode}")
                continue
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                faults.append(f"{name} did not end within 30 s")
        self._processes.clear()
        if os.environ.get("MEMBERGATE_E2E_KEEP"):
            print(f"kept: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        if faults:
            raise AssertionError("; ".join(faults))

    # --- processes -------------------------------------------------------------------------

    def _launch(self, name, command, user=None):
        groups = {} if user is None else {"extra_groups": []}
        log = open(self.dir / f"{name}.log", "ab")
        with log:
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir,
                user=user, group=user and pwd.getpwnam(user).pw_gid, preexec_fn=end_with_parent,
                **groups)

    def _own(self, path, user):
        if user:
            shutil.chown(path, user, pwd.getpwnam(user).pw_gid)

    def _folder(self, name, user):
        path = self.dir / name
        path.mkdir()
        self._own(path, user)
        return path

    def _answers(self, name, ready):
        """Waits until `ready()`, or says with the end of its log that the process ended."""
        process = self._processes[name]
        wait_for(lambda: ready() or process.poll() is not None, lambda: self.tail(f"{name}.log"), 60)
        if process.poll() is not None:
            raise AssertionError(f"{name} ended with {process.returncode}\n{self.tail(f'{name}.log')}")

    def _start_database(self):
        data = self._folder("mariadb", self._user)
        made = subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}/data", "--skip-test-db",
             "--auth-root-authentication-method=normal",
             *([f"--user={self._user}"] if self._user else [])],
            capture_output=True, text=True, timeout=120)
        if made.returncode != 0:
            raise AssertionError(f"mariadb-install-db: {made.stdout}{made.stderr}")
        self.socket = data / "sql.sock"
        self._launch(
            "mariadbd",
            ["mariadbd", "--no-defaults", f"--datadir={data}/data", f"--socket={self.socket}",
             f"--pid-file={data}/pid", f"--tmpdir={data}", "--skip-networking",
             "--innodb-flush-log-at-trx-commit=0"],
            self._user)
        self._answers("mariadbd", lambda: self.sql("SELECT 1", check=False) == "1")
        self.sql("CREATE DATABASE wordpress CHARACTER SET utf8mb4")

    def sql(self, text, check=True):
        """The answer of a statement to WordPress's database server, as lines of text."""
        run = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "-N", "-B",
             "-e", text],
            capture_output=True, text=True, timeout=30)
        if check and run.returncode != 0:
            raise AssertionError(f"{text}: {run.stderr}")
        return run.stdout.strip()

    def _write_wordpress(self):
        shutil.copytree(WORDPRESS, self.root, ignore_dangling_symlinks=True,
                        ignore=shutil.ignore_patterns("wp-config.php"))
        content = self.root / "wp-content"
        (content / "mu-plugins").mkdir()
        shutil.copy(SHIPPED / "membergate.php", content / "mu-plugins")
        shutil.copytree(HERE / "theme", content / "themes/membergate-test")
        (self.root / "members").mkdir()
        (self.root / "members/index.html").write_text("<h1>Members only</h1> from a file")
        key = self.stack.new_key("wordpress", "login,contacts:read,contacts:write,admin")
        (self.dir / "key").write_text(key + "\n")
        (self.dir / "key").chmod(0o600)
        self._own(self.dir / "key", self._user)
        self.set_constants({})

    def set_constants(self, changed):
        """Writes wp-config.php with the README's constants and those of this site."""
        text = readme_block("php", "MEMBERGATE_URL")
        constants = {**self._constants, **changed}
        for name in constants:
            text = re.sub(rf"^define\('{name}'.*\n", "", text, flags=re.M)
        text = text.replace("http://127.0.0.1:8377", f"http://127.0.0.1:{self.loopback}")
        text = text.replace("/etc/membergate/wordpress.key", str(self.dir / "key"))
        lines = [f"define('{name}', {value});" for name, value in constants.items() if value]
        (self.root / "wp-config.php").write_text("\n".join([
            "<?php",
            "define('DB_NAME', 'wordpress');",
            "define('DB_USER', 'root');",
            "define('DB_PASSWORD', '');",
            f"define('DB_HOST', 'localhost:{self.socket}');",
            "define('DB_CHARSET', 'utf8mb4');",
            f"define('WP_HOME', '{self.url}');",
            f"define('WP_SITEURL', '{self.url}');",
            "define('DISABLE_WP_CRON', true);",
            "define('WP_HTTP_BLOCK_EXTERNAL', true);",
            "define('WP_ACCESSIBLE_HOSTS', '127.0.0.1');",
            "define('WP_DEBUG', true);",
            "define('WP_DEBUG_DISPLAY', false);",
            f"define('WP_DEBUG_LOG', '{self.dir}/php.errors');",
            *self._salts,
            text,
            *lines,
            "$table_prefix = 'wp_';",
            "if (!defined('ABSPATH')) { define('ABSPATH', __DIR__ . '/'); }",
            "require_once ABSPATH . 'wp-settings.php';",
            "",
        ]))

    def _start_php(self):
        php = max(glob.glob("/usr/sbin/php-fpm*"))
        self._folder("mails", self._user)
        run = self._folder("php", self._user)
        mailer = self.dir / "sendmail"
        mailer.write_text(f"#!/bin/sh\ncat >{self.mails}/$$.part && mv {self.mails}/$$.part {self.mails}/$$\n")
        mailer.chmod(0o755)
        for log in ("php.errors", "php-fpm.log"):
            (self.dir / log).touch()
            self._own(self.dir / log, self._user)
        (self.dir / "php-fpm.conf").write_text(
            f"[global]\nerror_log = {self.dir}/php-fpm.log\ndaemonize = no\n"
            f"[site]\nlisten = {run}/fpm.sock\npm = static\npm.max_children = 4\n"
            "clear_env = yes\ncatch_workers_output = yes\n"
            f"php_admin_value[error_log] = {self.dir}/php.errors\n"
            "php_admin_flag[log_errors] = on\nphp_admin_flag[display_errors] = off\n"
            "php_admin_value[opcache.revalidate_freq] = 0\n"
            f"php_admin_value[sendmail_path] = {mailer}\n")
        self._launch("php-fpm", [php, "-F", "-y", str(self.dir / "php-fpm.conf")], self._user)
        self._answers("php-fpm", (run / "fpm.sock").exists)

    def _start_nginx(self):
        shipped = self.stack.dir / "nginx"
        here = readme_block("nginx", "8377").replace("127.0.0.1:8377", f"127.0.0.1:{self.loopback}")
        site = readme_block("nginx", "membergate-gated.conf")

        def moved(text):
            return text.replace("include snippets/", f"include {shipped}/snippets/")

        tmp = self.dir / "nginx"
        tmp.mkdir()
        temporary = "\n".join(
            f"  {kind}_temp_path {tmp}/{kind};" for kind in ("client_body", "fastcgi", "proxy", "uwsgi", "scgi"))
        (self.dir / "nginx.conf").write_text(f"""
{'user root root;' if os.geteuid() == 0 else ''}
daemon off;
pid {tmp}/pid;
error_log {self.dir}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
  include /etc/nginx/mime.types;
{temporary}
  include {shipped}/conf.d/membergate.conf;
  access_log {self.dir}/nginx-access.log membergate_combined;
  {moved(here)}
  map $server_port $https_or_not {{ default ""; {self.behind_tls} on; }}
  server {{
    listen 127.0.0.1:{self.port};
    listen 127.0.0.1:{self.behind_tls};  # as if something in front had taken TLS off
    root {self.root};
    index index.php index.html;
    {moved(site)}
    location / {{ try_files $uri $uri/ /index.php?$args; }}
    location ~ \\.php$ {{
      try_files $uri =404;
      include /etc/nginx/fastcgi_params;
      fastcgi_param HTTP_HOST $http_host;  # Debian's file leaves the port out
      fastcgi_param HTTPS $https_or_not if_not_empty;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_pass unix:{self.dir}/php/fpm.sock;
    }}
  }}
}}
""")
        self._launch("nginx", ["nginx", "-e", str(self.dir / "nginx-error.log"), "-p", str(tmp), "-c",
                               str(self.dir / "nginx.conf")])
        self._answers("nginx", (tmp / "pid").exists)

    def _install(self):
        self.php(
            "define('WP_INSTALLING', true);",
            f"""
            require ABSPATH . 'wp-admin/includes/upgrade.php';
            wp_install('A membership site', '{self.ADMIN[0]}', 'keeper@example.org', true, '',
                wp_slash("{self.ADMIN[1]}"));
            update_option('permalink_structure', '/%postname%/');
            switch_theme('membergate-test');
            $page = ['post_type' => 'page', 'post_status' => 'publish', 'post_content' => ''];
            $parent = wp_insert_post(['post_title' => 'Members', 'post_name' => 'members'] + $page);
            wp_insert_post(['post_title' => 'The course', 'post_name' => 'course',
                'post_parent' => $parent] + $page);
            flush_rewrite_rules();
            """)

    def php(self, before, code):
        """Runs PHP within this WordPress, as php-fpm's user; returns what it prints."""
        text = (f"<?php {before}\n$_SERVER['HTTP_HOST'] = '{self.host}';\n"
                f"$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1'; $_SERVER['REQUEST_METHOD'] = 'GET';\n"
                f"require '{self.root}/wp-load.php';\n{code}\n")
        run = subprocess.run(
            ["php", "-d", f"sendmail_path={self.dir}/sendmail", "-d", "display_errors=stderr"],
            input=text, capture_output=True, text=True, timeout=120, cwd=self.dir,
            user=self._user, group=self._user and pwd.getpwnam(self._user).pw_gid,
            **({"extra_groups": []} if self._user else {}))
        if run.returncode != 0 or run.stderr:
            raise AssertionError(f"{code}: exit {run.returncode}\n{run.stderr}\n{run.stdout[-2000:]}")
        return run.stdout

    # --- what it holds ---------------------------------------------------------------------

    def tail(self, name, lines=30):
        path = self.dir / name
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def tails(self):
        names = ("php.errors", "php-fpm.log", "nginx-error.log", "nginx-access.log")
        return "".join(f"--- the end of {name}\n{self.tail(name)}\n" for name in names if self.tail(name))

    def user(self, email):
        """{id, login, display_name, roles, contact} of the account with the e-mail, or None."""
        row = self.sql(f"""SELECT u.ID, u.user_login, u.display_name, u.user_email,
            (SELECT meta_value FROM wordpress.wp_usermeta m WHERE m.user_id = u.ID
             AND meta_key = 'wp_capabilities'),
            IFNULL((SELECT meta_value FROM wordpress.wp_usermeta m WHERE m.user_id = u.ID
             AND meta_key = 'membergate_contact'), '')
            FROM wordpress.wp_users u WHERE user_email = '{email}'""")
        if not row:
            return None
        number, login, name, email, roles, contact = (row + "\t").split("\t")[:6]
        return {"id": number, "login": login, "name": name, "email": email, "contact": contact,
                "roles": sorted(re.findall(r'"(\w+)";b:1', roles))}
