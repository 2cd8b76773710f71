"""A browser without JavaScript: keeps cookies, reads pages, fills forms in."""

import html.parser
import http.cookies
import urllib.parse

FORM = "application/x-www-form-urlencoded"
VOID = {"meta", "input", "br", "link", "img", "hr"}


class Page(html.parser.HTMLParser):
    """What an answer's HTML says. `faults` are sentences about what no page of ours may have."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.faults = []
        self.elements = []  # (tag, attributes)
        self.texts = {}  # of title, h1, button, label and alert, the last of each
        self.fields = {}  # of the form, as they would be sent
        self.action = None
        self._open = []
        self.feed(answer.body.decode())
        self.close()
        if self._open:
            self.faults.append(f"not closed: {self._open}")
        self._judge()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append((tag, attributes))
        if tag == "form":
            self.action = attributes.get("action")
        if tag == "input":
            self.fields[attributes.get("name")] = attributes.get("value", "")

    def handle_endtag(self, tag):
        if not self._open or self._open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes nothing")
        else:
            self._open.pop()

    def handle_data(self, data):
        if self._open and data.strip():
            tag, attributes = self._open[-1]
            self.texts[attributes.get("role", tag)] = data.strip()

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def _judge(self):
        def fault(found, sentence):
            if found:
                self.faults.append(sentence)

        labels = [label.get("for") for label in self.all("label")]
        seen = [one for one in self.all("input") if one.get("type") != "hidden"]
        fault(not all(one.get("lang") for one in self.all("html")), "no language")
        fault(len(self.all("html")) != 1 or len(self.all("h1")) != 1, "not one html, one h1")
        fault(not self.texts.get("title"), "no title")
        fault("viewport" not in [meta.get("name") for meta in self.all("meta")], "no viewport")
        fault(sorted(labels) != sorted(one.get("id") for one in seen), "labels without inputs")
        fault(not all(one.get("autocomplete") for one in seen), "no autocomplete")
        fault(len([1 for _, one in self.elements if "autofocus" in one]) > 1, "two autofocus")
        ids = [one["id"] for _, one in self.elements if "id" in one]
        fault(len(ids) != len(set(ids)), "an id twice")
        described = " ".join(one.get("aria-describedby") or "" for one in seen).split()
        fault(not set(described) <= set(ids), "described by nothing")
        for tag, one in self.elements:
            fault(tag in ("script", "iframe", "img", "object", "link"), f"a <{tag}>")
            fault(any(name.startswith("on") or name == "style" for name in one), f"{tag}: {one}")
            for name in ("href", "src", "action"):
                fault(not (one.get(name) or "/").startswith("/"), f"leads away: {one}")


class Browser:
    """`client` is an HttpClient. Redirects are not followed by themselves."""

    def __init__(self, client):
        self._client = client
        self.cookies = {}
        self.page = None  # shown last

    def get(self, target):
        return self._send("GET", target, None, {})

    def submit(self, **typed):
        """Sends the form that is shown, with these fields filled in."""
        fields = {**self.page.fields, **typed}
        return self.post(self.page.action, urllib.parse.urlencode(fields))

    def post(self, target, body=""):
        return self._send("POST", target, body, {"Content-Type": FORM})

    def _send(self, method, target, body, headers):
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        answer = self._client.request(method, target, body, headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, cookie in http.cookies.SimpleCookie(line).items():
                if cookie["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = cookie.value
        if (answer.headers["Content-Type"] or "").startswith("text/html"):
            self.page = Page(answer)
        return answer
