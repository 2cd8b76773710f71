"""browser.mjs from Python."""

import json
import os
import pathlib
import select
import subprocess

from wordpress_site import ROOT, end_with_parent

PLAYWRIGHT = ROOT / "build/wordpress/node_modules/playwright-core"
CHROMIUM = "/usr/bin/chromium"
SECONDS = 90


class Browser:
    def __init__(self):
        self._process = subprocess.Popen(
            ["node", pathlib.Path(__file__).with_name("browser.mjs"), PLAYWRIGHT, CHROMIUM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
        self.version = self._read()["ready"]

    def close(self):
        """Its end of input is the browser's end."""
        self._process.stdin.close()
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError("the browser did not end within 30 s") from None
        if code != 0:
            raise AssertionError(f"the browser ended with {code}")

    def person(self, name):
        return Person(self, name)

    def call(self, command, person, **more):
        self._process.stdin.write(json.dumps({"command": command, "person": person, **more}) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if "error" in answer:
            raise AssertionError(f"{command} {more}: {answer['error']}")
        return answer["answer"]

    def _read(self):
        # One line is expected at a time, so nothing waits in the buffer of the text stream.
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            raise AssertionError("the browser did not answer" if ready == [] else "the browser ended")
        return json.loads(line)


class Person:
    """Somebody with a browser profile of his own. Answers have `status`, `url`, `title`, `text`."""

    def __init__(self, browser, name):
        self._browser = browser
        self.name = name

    def __getattr__(self, command):
        return lambda **more: self._browser.call(command, self.name, **more)

    def cookie(self, name):
        found = [cookie for cookie in self.cookies() if cookie["name"] == name]
        return found[0] if found else None

    def shoot(self, folder, name):
        os.makedirs(folder, exist_ok=True)
        self.screenshot(path=str(pathlib.Path(folder) / f"{name}.png"))
