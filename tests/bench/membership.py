"""A stack with members in it: the daemon that is measured."""

import json
import os
import pathlib

from harness import Stack, percent
from load import FORM, open_load, write_requests
from members import bodies, member, with_password
from peers import slow_disk
from rig import memory_mb, require

WEBHOOK_MEMBERS = 128
READERS = 128  # contacts of about 2 KB of JSON
READER_FIELDS = 30
LOGIN_MEMBERS = 200


class Membership:
    """The stack as shipped, without limits unless `limits` says otherwise.

    Its contacts are in ActiveCampaign and in the cache, with passwords: those that webhooks are
    about, those that are read, and those that log in.
    """

    def __init__(self, config=None, limits=("off",), rate=None, slow=False, full=True):
        # A login is about the password here, not about the age of the contact's data.
        self.stack = Stack(rate, {"login.max_age": "1d", **(config or {})}, limits)
        try:
            self.stack.up()
            if slow:
                self._restart_slow()
            self._fill(full)
        except BaseException:
            self.stack.close()
            raise
        self.port = int(self.stack.env["MEMBERGATE_URL"].rpartition(":")[2])

    def _restart_slow(self):
        self.stack.kill("membergate", "TERM")
        with_slow_disk(self.stack)
        maps = pathlib.Path(f"/proc/{self.stack.pid()}/maps").read_text()
        require("slow_flush.so" in maps, "the daemon's disk is not slow")

    def _fill(self, full):
        stack = self.stack
        self.webhook_members = self._add("webhook", WEBHOOK_MEMBERS)
        self.readers = self._add("reader", READERS if full else 1, READER_FIELDS)
        self.login_members = self._add("login", LOGIN_MEMBERS if full else 1)
        stack.command("sync", "--full")
        stack.wait_until_current(60)

    def _add(self, prefix, count, fields=12):
        contacts = [with_password(member(number, prefix, fields)) for number in range(count)]
        ids = self.stack.acsim.add(*contacts)
        return [{**contact, "id": i} for contact, i in zip(contacts, ids)]

    def close(self):
        self.stack.close()

    # --- requests -------------------------------------------------------------------------------

    @property
    def authorization(self):
        return {"Authorization": f"Bearer {self.stack.key}"}

    def webhook_head(self):
        return self.stack.genpass_target(), {"Content-Type": FORM}

    def webhooks(self):
        target, headers = self.webhook_head()
        return [("POST", target, headers, body) for body in bodies(self.webhook_members)]

    def reads(self, emails=None):
        emails = emails or [reader["email"] for reader in self.readers]
        return [
            ("GET", f"/membergate/v1/contacts/{percent(email)}", self.authorization, "")
            for email in emails
        ]

    def logins(self):
        headers = {**self.authorization, "Content-Type": "application/json"}
        requests = []
        for one in self.login_members:
            body = json.dumps(self._credentials(one))
            requests.append(("POST", "/membergate/v1/login", headers, body))
        return requests

    def log_in_once(self, requests):
        """A member's first login hashes twice: to check the password, and to keep it as argon2."""
        count = len(self.login_members)
        found = open_load(self.port, requests, 20, count / 20, 32)
        require(found["statuses"] == {200: count}, f"logins were answered {found['statuses']}")
        self.stack.wait_until_idle(60)

    @staticmethod
    def _credentials(one):
        """Each logs in from an address of his own."""
        return {
            "email": one["email"],
            "password": one["fields"]["PASSWORD"],
            "client_ip": f"198.51.100.{int(one['id']) % 250 + 1}",
        }

    def requests(self, name, requests):
        return write_requests(self.stack.dir / f"{name}.requests", self.port, requests)

    # --- what it holds and uses -----------------------------------------------------------------

    def deliveries(self):
        return self.stack.query("SELECT count(*) FROM delivery")[0][0]

    def unclear(self):
        """Webhooks whose data could not be taken as it came: the bench must send none."""
        return self.stack.metric("membergate_deliveries_applied_total", effect="unclear")

    @property
    def pids(self):
        return self.stack.pid("nginx"), self.stack.pid()

    def memory_mb(self, what="VmRSS"):
        return memory_mb(self.stack.pid(), what)

    # --- is it what it claims to be? ------------------------------------------------------------

    def check(self):
        self.check_webhook()
        self._check_reads()
        self._check_logins()

    def check_webhook(self):
        stack, one = self.stack, self.webhook_members[0]
        body = bodies([one])[1]
        before = self.deliveries()
        answer = stack.post_form(stack.genpass_target(code="wrong" * 6), body)
        require(answer.status == 403, f"a wrong code gets {answer}")
        require(self.deliveries() == before, "what had a wrong code was stored")
        answer = stack.post_form(stack.genpass_target(), body)
        require(answer.status == 200, f"a webhook gets {answer}")
        require(self.deliveries() == before + 1, "the webhook was not stored")
        note = stack.get_contact(one["id"]).json()["fields"].get("NOTE")
        require(note == "changed 1 times so far", f"the webhook's data was not taken: {note}")

    def _check_reads(self):
        for reader in self.readers[:8]:
            answer = self.stack.get_contact(reader["email"])
            require(answer.status == 200, f"a read gets {answer}")
            held = answer.json()
            require(held["email"] == reader["email"], f"another contact was read: {held}")
            missing = set(reader["fields"]) - {"PASSWORD"} - set(held["fields"])
            require(not missing, f"the contact lacks {missing}")
        answer = self.stack.get_contact(self.readers[0]["email"], key="wrong" * 8)
        require(answer.status == 401, f"a wrong key gets {answer}")

    def _check_logins(self):
        """Also lets everyone in once, which turns the credential into its lasting form."""
        for one in self.login_members:
            answer = self.stack.login(**self._credentials(one))
            require(answer.status == 200, f"a login gets {answer}")
            source = answer.json()["source"]
            require(source == "cache", f"a login was answered from: {source}")
        wrong = {**self._credentials(self.login_members[0]), "password": "another password"}
        answer = self.stack.login(**wrong)
        require(answer.status == 401, f"a wrong password gets {answer}")


def with_slow_disk(stack):
    """Starts what does not run of a stack, on a slow disk."""
    kept = dict(os.environ)
    os.environ.update(slow_disk())
    try:
        stack.up()
    finally:
        os.environ.clear()
        os.environ.update(kept)
