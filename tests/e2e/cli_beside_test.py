"""The command line beside the running daemon, and the window for copies of a webhook."""

import itertools
import time

from harness import StackTest, main, wait_for

NAMES = (f"made-{number}" for number in itertools.count(1))


class CommandLineBeside(StackTest):
    @classmethod
    def prepare(cls):
        (i,) = cls.stack.acsim.add({"email": "ann@example.org"})
        cls.ann = {"id": i, "email": "ann@example.org"}
        cls.stack.genpass(cls.ann)
        cls.stack.wait_until_idle()

    def create(self, what, *more):
        name = next(NAMES)
        return name, self.stack.command(what, "create", "--name", name, *more).stdout.strip()

    def assertWithinASecond(self, condition, what):
        started = time.monotonic()
        wait_for(condition, what, timeout=1.0, every=0.01)
        return time.monotonic() - started

    def calls(self, code):
        return self.stack.genpass(self.ann, code=code).status

    def reads(self, key):
        return self.stack.get_contact(self.ann["id"], key=key).status

    def test_a_new_code_works_within_a_second(self):
        _, code = self.create("code", "--for", "genpass")
        self.assertWithinASecond(lambda: self.calls(code) == 200, "the new code was not taken")

    def test_a_revoked_code_is_refused_within_a_second_and_the_others_are_not(self):
        name, code = self.create("code", "--for", "genpass")
        wait_for(lambda: self.calls(code) == 200, "the new code was not taken")
        self.stack.command("code", "revoke", "--name", name)
        self.assertWithinASecond(lambda: self.calls(code) == 403, "the revoked code was taken")
        self.assertEqual(self.calls(code), 403)
        self.assertEqual(self.calls(self.stack.code), 200)

    def test_a_new_key_works_and_a_revoked_one_is_refused_within_a_second(self):
        name, key = self.create("key", "--scope", "contacts:read")
        self.assertWithinASecond(lambda: self.reads(key) == 200, "the new key was not taken")
        self.stack.command("key", "revoke", "--name", name)
        self.assertWithinASecond(lambda: self.reads(key) == 401, "the revoked key was taken")
        self.assertEqual(self.reads(self.stack.key), 200)

    def test_a_code_of_old_is_taken_over_from_a_file(self):
        old = "am360code"
        file = self.stack.dir / "old.code"
        file.write_text(old + "\n")
        file.chmod(0o600)
        self.stack.command("code", "create", "--name", "am360", "--value-file", str(file))
        file.unlink()
        wait_for(lambda: self.calls(old) == 200, "the old code was not taken")

    def test_lists_show_names_and_no_secret(self):
        name, code = self.create("code", "--for", "genpass")
        key_name, key = self.create("key", "--scope", "login")
        codes = self.stack.command("code", "list").stdout
        keys = self.stack.command("key", "list").stdout
        self.assertIn(name, codes)
        self.assertIn(key_name, keys)
        for secret in (code, key, self.stack.code, self.stack.key):
            self.assertNotIn(secret, codes + keys)

    def test_a_name_that_is_taken_or_unknown_is_a_negative_answer(self):
        name, _ = self.create("code")
        taken = self.stack.command("code", "create", "--name", name, check=False)
        unknown = self.stack.command("code", "revoke", "--name", "nobody-has-this", check=False)
        self.assertEqual((taken.returncode, unknown.returncode), (1, 1))

    def test_wrong_usage_ends_with_2_and_a_bad_configuration_with_78(self):
        self.assertEqual(self.stack.command("no-such-command", check=False).returncode, 2)
        self.assertEqual(self.stack.command("code", "create", check=False).returncode, 2)
        bad = self.stack.dir / "bad.conf"
        bad.write_text((self.stack.dir / "membergate.conf").read_text() + "no.such.key = 1\n")
        bad.chmod(0o600)
        conf = self.stack.env["MEMBERGATE_CONF"]
        self.stack.env["MEMBERGATE_CONF"] = str(bad)
        self.addCleanup(self.stack.env.__setitem__, "MEMBERGATE_CONF", conf)
        checked = self.stack.command("check-config", check=False)
        self.assertEqual(checked.returncode, 78)
        self.assertIn("no.such.key", checked.stderr)


class Copies(StackTest):
    config = {"webhooks.duplicate_window": "3s"}

    def add(self, name):
        (i,) = self.stack.acsim.add({"email": f"{name}@example.org"})
        return {"id": i, "email": f"{name}@example.org"}

    def status(self, one, query=""):
        answer = self.stack.genpass(one, query)
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()["status"]

    def entered(self, one):
        return len(self.stack.acsim.contact(one["id"])["automations"])

    def test_a_copy_within_the_window_does_nothing_and_after_it_all_again(self):
        one = self.add("twice")
        self.assertEqual(self.status(one, "automation=1"), "accepted")
        self.stack.wait_until_idle()
        self.assertEqual(self.status(one, "automation=1"), "duplicate")
        self.stack.wait_until_idle()
        self.assertEqual(self.entered(one), 1)
        wait_for(
            lambda: self.status(one, "automation=1") == "accepted",
            "the window did not end",
            timeout=5,
            every=0.2,
        )
        self.stack.wait_until_idle()
        self.assertEqual(self.entered(one), 2)

    def test_a_copy_is_one_even_after_the_window_while_the_first_is_still_worked_off(self):
        one = self.add("slow")
        self.stack.acsim.fault("* /api", status=500, body="{}", for_s=4)
        self.assertEqual(self.status(one, "automation=1"), "accepted")
        ends = time.monotonic() + 3.5
        while time.monotonic() < ends:
            self.assertEqual(self.status(one, "automation=1"), "duplicate")
            time.sleep(0.25)
        self.stack.wait_until_idle(60)
        self.assertEqual(self.entered(one), 1)

    def test_what_differs_is_no_copy(self):
        one = self.add("other")
        self.assertEqual(self.status(one, "automation=1"), "accepted")
        self.assertEqual(self.status(one, "automation=2"), "accepted")
        self.assertEqual(self.status({**one, "first_name": "New"}, "tid=1"), "accepted")
        self.stack.wait_until_idle()
        contact = self.stack.acsim.contact(one["id"])
        self.assertEqual(sorted(contact["automations"]), ["1", "2"])
        self.assertEqual([tag["id"] for tag in contact["tags"]], ["1"])


if __name__ == "__main__":
    main()
