"""The examples of README.md's section "REST API", run as they stand there."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

from harness import FORM, ROOT, StackTest, free_port, main, wait_for
from http_client import HttpClient

SECTION = "REST API"
TAG = "Has logged in"
PASSWORD = "of the example's member"


def blocks():
    """(language, text) of each fenced block below the section's heading."""
    text = (ROOT / "README.md").read_text()
    section = text.partition(f"\n## {SECTION}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```(.*?)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


def only_block(language):
    (block,) = [text for name, text in blocks() if name == language]
    return block


def documents(text):
    """The JSON texts that were printed one after the other."""
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


class Blocks(unittest.TestCase):
    def test_every_block_is_run_by_what_follows(self):
        languages = sorted(language for language, _ in blocks())
        self.assertEqual(languages, ["js", "php"] + ["sh"] * (len(languages) - 2))
        self.assertGreaterEqual(len(languages), 3)


class Curl(StackTest):
    """Every sh block, in its order, with the stack at the place that the README names."""

    def run_block(self, block):
        with tempfile.TemporaryDirectory(prefix="mbr-example-") as place:
            named = pathlib.Path(place) / f"membergate-stack-{os.getuid()}"
            named.symlink_to(self.stack.dir)
            return subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                env={**os.environ, "TMPDIR": place},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
            )

    def test_the_calls_log_in_read_and_tag_the_contact_they_made(self):
        printed = []
        for language, block in blocks():
            if language != "sh":
                continue
            run = self.run_block(block)
            self.assertEqual((run.returncode, run.stderr), (0, ""), block)
            printed += documents(run.stdout)
        made, login, read, tagged = printed
        (i,) = made["ids"]
        self.assertEqual(login["contact"]["id"], i)
        self.assertGreaterEqual(len(login["session"]), 32)
        self.assertEqual((read["id"], read["email"]), (i, "a@example.com"))
        self.assertEqual((tagged["state"], tagged["contact_id"]), ("done", i), tagged)
        self.assertLessEqual({row["result"] for row in tagged["results"]}, {"applied", "already"})
        tags = [tag["name"] for tag in self.stack.acsim.contact(i)["tags"]]
        self.assertEqual(tags, ["Gold"])
        known = self.stack.get_contact(i, "refresh=never").json()
        self.assertEqual([tag["name"] for tag in known["tags"]], ["Gold"])


class Site:
    """The page of a language served on loopback, visited as a browser would: for a StackTest, which
    names `language`, `file_name`, and the command() that serves that file on a port."""

    config = {"login.ban_tag": "Banned"}
    daemon_restarts = True

    @classmethod
    def prepare(cls):
        cls.ann, cls.bob, cls.eve = (
            cls.member(name, **more)
            for name, more in (("ann", {}), ("bob", {}), ("eve", {"tags": ["Banned"]}))
        )
        place = tempfile.TemporaryDirectory(prefix="mbr-example-")
        cls.addClassCleanup(place.cleanup)
        file = pathlib.Path(place.name) / cls.file_name
        file.write_text(only_block(cls.language))
        port = free_port()
        cls.output = pathlib.Path(place.name) / "output"
        command = cls.command(file, port)
        if not shutil.which(command[0]):
            raise AssertionError(f"there is no {command[0]}; run scripts/bootstrap")
        with open(cls.output, "wb") as output:
            # Ends by itself, should this process not live to end it.
            site = subprocess.Popen(
                ["timeout", "120", *command],
                env={**os.environ, **cls.stack.env, "PORT": str(port)},
                cwd=place.name,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        cls.addClassCleanup(cls.end, site)
        cls.site = HttpClient(port)
        cls.addClassCleanup(cls.site.close_all)
        wait_for(lambda: cls.serves(site), lambda: f"no site: {cls.output.read_text()}", 20)

    @classmethod
    def member(cls, name, **more):
        one = {"email": f"{name}@example.org", "first_name": f"<{name}>", **more}
        one["fields"] = {"PASSWORD": PASSWORD}
        (i,) = cls.stack.acsim.add(one)
        answer = cls.stack.get_contact(i, "refresh=live")
        if answer.status != 200:
            raise AssertionError(str(answer))
        return {**one, "id": i}

    @classmethod
    def serves(cls, site):
        if site.poll() is not None:
            raise AssertionError(f"the site ended: {cls.output.read_text()}")
        try:
            return cls.site.request("GET", "/").status == 200
        except OSError:
            return False

    @staticmethod
    def end(site):
        site.terminate()
        site.wait(20)

    def visit(self, token=None, cookie=None):
        cookie = f"theme=dark; membergate_session={token}" if token else cookie
        return self.site.request("GET", "/", headers={"Cookie": cookie} if cookie else {})

    def log_in(self, one, password=PASSWORD, address="198.51.100.1"):
        form = urllib.parse.urlencode({"email": one["email"], "password": password})
        headers = {"Content-Type": FORM, "X-Real-IP": address}
        return self.site.request("POST", "/", form, headers)

    def assertSays(self, answer, status, words):
        self.assertEqual(answer.status, status, f"{answer}\n{self.output.read_text()}")
        self.assertIn(words, answer.body.decode())

    def assertRefusedForNow(self, answer, status):
        self.assertSays(answer, status, "Try again later.")
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertNotIn("Set-Cookie", answer.headers)

    def test_a_member_logs_in_is_known_by_the_cookie_and_tagged_once(self):
        self.assertSays(self.visit(), 200, "<form")
        answer = self.log_in(self.ann)
        self.assertEqual(answer.status, 303, f"{answer}\n{self.output.read_text()}")
        self.assertEqual(answer.headers["Location"], "/")
        pair, *attributes = answer.headers["Set-Cookie"].split("; ")
        name, _, token = pair.partition("=")
        self.assertEqual(name, "membergate_session")
        self.assertEqual({each.lower() for each in attributes},
                         {"path=/", "secure", "httponly", "samesite=lax"})
        greeting = "Hello, &lt;ann&gt;!" if self.language == "php" else "Hello, <ann>!"
        answer = self.visit(token)
        self.assertSays(answer, 200, greeting)
        kind = "text/html" if self.language == "php" else "text/plain"
        self.assertIn(kind, answer.headers["Content-Type"])

        self.assertEqual(self.log_in(self.ann).status, 303)
        self.stack.wait_until_idle()
        contact = self.stack.acsim.contact(self.ann["id"])
        (tag,) = contact["tags"]
        self.assertEqual(tag["name"], TAG)
        added = [row for row in contact["history"] if row["field"] == f"tag:{tag['id']}"]
        self.assertEqual(len(added), 1, contact)
        pushes = "SELECT count(*) FROM job WHERE kind = 'change' AND contact_id = ?"
        self.assertEqual(self.stack.query(pushes, int(self.ann["id"])), [(1,)])

        headers = {"Membergate-Session": token}
        self.assertEqual(self.stack.api("POST", "/logout", headers=headers).status, 204)
        self.assertSays(self.visit(token), 200, "<form")

    def test_a_wrong_password_is_told_and_the_sixth_try_has_to_wait(self):
        for number in range(5):
            wrong = "x" * 300 if number == 0 else f"guess {number}"
            answer = self.log_in(self.bob, wrong, "127.0.0.1")
            self.assertSays(answer, 401, "E-mail or password is wrong.")
            self.assertNotIn("Set-Cookie", answer.headers)
        # The first was too long to be a password, so it was none.
        self.assertSays(self.log_in(self.bob, "guess 5", "127.0.0.1"), 401, "wrong")
        # Without client_ip this would be the sixth of twenty.
        self.assertRefusedForNow(self.log_in(self.bob, PASSWORD, "127.0.0.1"), 429)

    def test_who_is_banned_may_not_enter(self):
        answer = self.log_in(self.eve)
        self.assertSays(answer, 403, "This account may not enter.")
        self.assertNotIn("Set-Cookie", answer.headers)

    def test_a_cookie_that_is_no_token_is_nobody(self):
        for cookie in ("membergate_session=", "membergate_session=x%0d%0aHost:%20evil",
                       "membergate_session=%0a", "membergate_session[]=x", "membergate_session=é",
                       "membergate_session=a b", "membergate_session=" + "x" * 43):
            self.assertSays(self.visit(cookie=cookie.encode()), 200, "<form")

    def test_who_cannot_be_asked_is_not_taken_for_no(self):
        token = self.stack.login(self.ann["email"], PASSWORD).json()["session"]
        self.stack.kill("membergate", "TERM")
        self.assertRefusedForNow(self.log_in(self.ann), 503)
        self.assertSays(self.visit(token), 503, "Try again later.")
        self.stack.kill("nginx", "TERM")
        self.assertRefusedForNow(self.log_in(self.ann), 503)
        self.assertSays(self.visit(token), 503, "Try again later.")
        self.stack.up()
        self.assertSays(self.visit(token), 200, "Hello, ")


class Php(Site, StackTest):
    language, file_name = "php", "index.php"

    @classmethod
    def command(cls, file, port):
        settings = ("error_reporting=-1", "display_errors=1", "html_errors=0")
        flags = [part for setting in settings for part in ("-d", setting)]
        # -n: without any php.ini, so without any extension that is not built in.
        return ["php", "-n", *flags, "-S", f"127.0.0.1:{port}", str(file)]

    def tearDown(self):
        noise = re.findall(r".*(?:Warning|Notice|Deprecated|Fatal).*", self.output.read_text())
        self.assertEqual(noise, [])


class Node(Site, StackTest):
    language, file_name = "js", "site.mjs"

    @classmethod
    def command(cls, file, port):
        return ["node", str(file)]


if __name__ == "__main__":
    main()
