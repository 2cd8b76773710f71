"""The manual pages and the completion that are made from the program's help.

usage: help_test.py MEMBERGATE [UNITTEST-ARGUMENT...]
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

MAKER = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "package.d" / "from_help.py"
MEMBERGATE = ""


class Made(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="membergate-help-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run([sys.executable, "-B", MAKER, MEMBERGATE, folder.name, "2000-01-31"],
                       check=True, timeout=60)

    def text(self, name):
        return (self.folder / name).read_text().replace("\\-", "-")

    def offered(self, *words):
        script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _membergate; '
                  'echo "${COMPREPLY[@]}"')
        done = subprocess.run(
            ["bash", "-uc", script, "bash", self.folder / "membergate.bash", "membergate", *words],
            stdout=subprocess.PIPE, text=True, check=True, timeout=60, cwd=self.folder)
        return done.stdout.split()

    def test_the_manual_has_every_command_of_the_first_level(self):
        page = self.text("membergate.1")
        for name in self.offered(""):
            if not name.startswith("-"):
                self.assertRegex(page, rf"(?m)^\.SS {name}\b")

    def test_the_manual_has_commands_of_the_second_level_with_their_options(self):
        command = self.text("membergate.1").split(".SS code create [OPTIONS]\n")[1].split(".SS")[0]
        self.assertIn(".B --name TEXT (required)\n", command)
        self.assertIn(".B --value-file FILE\n", command)
        self.assertNotIn("--help", command)

    def test_the_manual_of_the_configuration_has_every_key(self):
        said = subprocess.run([MEMBERGATE, "check-config", "--keys", "--json"], check=True,
                              stdout=subprocess.PIPE, timeout=60).stdout
        page = self.text("membergate.conf.5")
        for key in json.loads(said):
            self.assertIn(f".B {key['name']}\n", page)

    def test_no_line_of_a_page_is_taken_for_a_request_by_mistake(self):
        requests = (".TH", ".SH", ".SS", ".TP", ".B", ".BR", ".I", ".br", '.\\"')
        for name in ("membergate.1", "membergate.conf.5"):
            for line in (self.folder / name).read_text().splitlines():
                if line[:1] in (".", "'"):
                    self.assertIn(line.split(" ")[0], requests)

    def test_completion_offers_commands_options_and_values(self):
        self.assertEqual(["create"], self.offered("code", "cr"))
        self.assertEqual(["--name"], self.offered("code", "create", "--na"))
        self.assertEqual(["--json"], self.offered("key", "list", "--js"))
        self.assertEqual(["create"], self.offered("--json", "code", "cr"))
        self.assertEqual([], self.offered("code", "create", "--name", ""))
        self.assertIn("membergate.bash", self.offered("--config", "memberg"))


def main():
    global MEMBERGATE
    MEMBERGATE = sys.argv[1]
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])


main()
