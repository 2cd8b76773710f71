"""ActiveCampaign is away, or answers every request after nine seconds, while each REST route is
called: the answer comes within its bound and as documented, and what was accepted is done later.

All calls of a class are made at the same time, as they would be.
"""

import dataclasses

import routes
from harness import StackTest, main, percent, wait_for
from http_client import all_at_once

DELAY = 9  # seconds: longer than anybody waits, shorter than activecampaign.timeout of Slow
# How many seconds an answer may take; SLACK is for the machine.
AT_ONCE = 0
LOGIN = 1.5  # login.deadline as shipped
PULL = 5  # api/contact_lookup.h
PREFERRED = {None: 2, "wait=0": 0, "wait=8": 8, "wait=60": 8}  # by the header Prefer
SLACK = 1.5

TAG, AUTOMATION, LIST = "1", "1", "1"
PASSWORD = "a password of before"
NEW_PASSWORD = "a password of after"


@dataclasses.dataclass
class Try:
    """A call about a contact of its own, what it is answered, and, if that is 202, what is so in
    ActiveCampaign later."""

    route: str
    person: str
    status: int
    within: float
    body: dict = None
    query: str = ""
    headers: dict = dataclasses.field(default_factory=dict)
    check: object = None  # of the answer's JSON
    later: object = None  # of the contact as acsim has it
    answer: object = None

    def __str__(self):
        return f"{self.route} {self.query or self.body or ''} {self.headers or ''} of {self.person}"


def was_set_once(field):
    return lambda contact: [row["field"] for row in contact["history"]].count(field) == 1


# What a write does to a contact, and how it shows.
WRITES = {
    "patchContact": ({"first_name": "Later"}, lambda one: one["first_name"] == "Later"),
    "changeTags": ({"add": [TAG]}, was_set_once(f"tag:{TAG}")),
    "changeAutomations": ({"add": [AUTOMATION]}, was_set_once(f"automation:{AUTOMATION}")),
    "changeLists": ({"add": [LIST]}, lambda one: one["lists"] == [{"id": LIST, "status": "1"}]),
}
GENERATE = {"action": "generate"}, lambda one: len(one["fields"]["PASSWORD"]) == 24
SET = (
    {"action": "set", "password": NEW_PASSWORD},
    lambda one: one["fields"]["PASSWORD"] == NEW_PASSWORD,
)


def tries():
    """Every route at least once. Who is called "stranger" is known in ActiveCampaign only."""
    found = [
        Try("login", "fresh", 200, AT_ONCE, check=lambda got: got["source"] == "cache"),
        Try("login", "unconfirmed", 200, LOGIN, check=lambda got: got["source"] == "stale"),
        Try("login", "mistyped", 401, LOGIN),
        Try("login", "stranger of a login", 401, LOGIN),
        Try("getSession", "visitor", 200, AT_ONCE, check=lambda got: got["via"] == "password"),
        Try("logout", "leaver", 204, AT_ONCE),
        Try("getContact", "fresh", 200, AT_ONCE),
        Try("getContact", "unconfirmed", 200, AT_ONCE),
        Try("getContact", "fresh", 200, AT_ONCE, query="refresh=never"),
        Try("getContact", "fresh", 503, PULL, query="refresh=live"),
        Try("getContact", "stranger to be read", 503, PULL),
        Try("getContact", "stranger to be read", 404, AT_ONCE, query="refresh=never"),
        Try("eraseContact", "erased", 204, AT_ONCE),
        Try("eraseContact", "stranger to be erased", 404, AT_ONCE),
        Try("getChanges", "fresh", 200, AT_ONCE, query="after=0"),
        Try("getChanges", "fresh", 200, 2, query="after=LAST&wait=2"),
        Try("getJob", "fresh", 200, AT_ONCE, check=lambda got: got["state"] == "done"),
        Try("getStatus", "fresh", 200, AT_ONCE),
        Try("getContract", "fresh", 200, AT_ONCE),
        Try("getLiveness", "fresh", 200, AT_ONCE),
        Try("getReadiness", "fresh", 200, AT_ONCE, check=lambda got: got["status"] == "ready"),
        Try("getMetrics", "fresh", 200, AT_ONCE),
    ]
    for prefer, within in PREFERRED.items():
        headers = {"Prefer": prefer} if prefer else {}
        writes = [(route, "changed", *what) for route, what in WRITES.items()]
        writes += [("changePassword", "without one", *GENERATE), ("changePassword", "with one", *SET)]
        for route, person, body, later in writes:
            person = f"{route} {person} {prefer}"
            found.append(Try(route, person, 202, within, body, headers=headers, later=later))
        body, later = WRITES["patchContact"]
        for person in (f"new {prefer}", f"stranger to be upserted {prefer}"):
            one = Try("upsertContact", person, 202, within, body, headers=headers, later=later)
            found.append(one)
    # Who the contact is cannot be told, so nothing is accepted.
    for route, (body, _) in {**WRITES, "changePassword": SET}.items():
        headers = {"Prefer": "wait=0"}
        found.append(Try(route, f"stranger of {route}", 503, PULL, body, headers=headers))
    return found


class Outage:
    """For a StackTest with begin() and end()."""

    @staticmethod
    def email(person):
        return f"{person.replace(' ', '.').replace('=', '')}@example.org".lower()

    @classmethod
    def prepare(cls):
        cls.calls = {call.name: call for call in routes.calls()}
        cls.tries = tries()
        cls.ids, cls.tokens = {}, {}
        people = dict.fromkeys(one.person for one in cls.tries)
        there = [person for person in people if not person.startswith("new ")]
        rows = [{"email": cls.email(person)} for person in there]
        for person, row in zip(there, rows):
            if "without one" not in person:
                row["fields"] = {"PASSWORD": PASSWORD}
        cls.ids = dict(zip(there, cls.stack.acsim.add(*rows)))
        for person, i in cls.ids.items():
            if not person.startswith("stranger"):
                answer = cls.stack.get_contact(i, "refresh=live")
                if answer.status != 200:
                    raise AssertionError(str(answer))
        for person in ("visitor", "leaver"):
            cls.tokens[person] = cls.log_in(person).json()["session"]
        tagged = cls.stack.api("POST", f"/contacts/{cls.ids['fresh']}/tags", {"add": [TAG]})
        cls.job = tagged.json()["job"]
        cls.stack.wait_until_current()
        cls.last_change = cls.stack.query("SELECT max(id) FROM change")[0][0]
        cls.begin()
        try:
            # A body that waits to be confirmed.
            body = {"id": cls.ids["unconfirmed"], "email": cls.email("unconfirmed")}
            if cls.stack.event({**body, "first_name": "By webhook"}).status != 200:
                raise AssertionError("the webhook was not taken")
            answers = all_at_once([lambda one=one: cls.send(one) for one in cls.tries], len(cls.tries))
        finally:
            cls.end()
        for one, answer in zip(cls.tries, answers):
            one.answer = answer

    @classmethod
    def log_in(cls, person, password=PASSWORD):
        return cls.stack.login(cls.email(person), password)

    @classmethod
    def send(cls, one):
        call = cls.calls[one.route]
        contact = cls.ids.get(one.person) or percent(cls.email(one.person))
        query = one.query.replace("LAST", str(cls.last_change))
        path = call.path(contact=contact, id=cls.job) + (f"?{query}" if query else "")
        headers = {"Authorization": f"Bearer {cls.stack.key}", **one.headers}
        if call.route.session:
            headers["Membergate-Session"] = cls.tokens[one.person]
        if one.route == "login":
            return cls.log_in(one.person, "mistyped" if one.person == "mistyped" else PASSWORD)
        body = one.body
        if one.route == "upsertContact":
            body = {**body, "email": cls.email(one.person)}
        if body is None:
            return cls.stack.http.request(call.method, path, None, headers)
        short = path.removeprefix("/membergate/v1")
        return cls.stack.api(call.method, short, body, headers=one.headers)

    def in_account(self, one):
        """The contact of a try, or None."""
        if one.person in self.ids:
            return self.stack.acsim.contact(self.ids[one.person])
        email = self.email(one.person)
        return next((c for c in self.stack.acsim.contacts().values() if c["email"] == email), None)

    def test_no_route_is_left_out(self):
        described = {operation["operationId"] for _, _, operation in routes.CONTRACT.operations()}
        self.assertEqual({one.route for one in self.tries}, described)

    def test_each_call_is_answered_as_documented_and_in_time(self):
        for one in self.tries:
            with self.subTest(str(one)):
                self.assertEqual(one.answer.status, one.status, str(one.answer))
                self.assertLess(one.answer.seconds, one.within + SLACK, str(one.answer))
                if one.status == 503:
                    self.assertProblem(one.answer, 503, "unavailable")
                    self.assertGreaterEqual(int(one.answer.headers["Retry-After"]), 1)
                if one.check:
                    self.assertTrue(one.check(one.answer.json()), str(one.answer))

    def test_who_waits_waits_as_long_as_he_said(self):
        for one in self.tries:
            if one.status == 202:
                with self.subTest(str(one)):
                    self.assertGreaterEqual(one.answer.seconds, one.within - 0.1)

    def test_what_was_accepted_is_done_once_activecampaign_is_back(self):
        self.stack.wait_until_idle(120)
        for one in self.tries:
            if one.status != 202:
                continue
            with self.subTest(str(one)):
                job = self.stack.api("GET", f"/jobs/{one.answer.json()['job']}").json()
                self.assertEqual(job["state"], "done", job)
                contact = self.in_account(one)
                self.assertTrue(one.later(contact), contact)

    def test_what_was_not_accepted_is_not_done(self):
        self.stack.wait_until_idle(120)
        for one in self.tries:
            if one.status in (404, 503) and one.person in self.ids and one.person != "fresh":
                with self.subTest(str(one)):
                    contact = self.in_account(one)
                    self.assertEqual(contact["fields"], {"PASSWORD": PASSWORD})
                    self.assertEqual({row["by"] for row in contact["history"]}, {"sim"}, contact)

    def test_afterwards_all_is_as_before(self):
        wait_for(lambda: self.log_in("stranger of a login").status == 200, "no login", 90, every=1)
        answer = self.stack.get_contact(self.ids["stranger to be read"])
        self.assertEqual(answer.status, 200, str(answer))


class Away(Outage, StackTest):
    """Connections are refused."""

    @classmethod
    def begin(cls):
        cls.stack.acsim_down()

    @classmethod
    def end(cls):
        cls.stack.acsim_up()


class Slow(Outage, StackTest):
    """Requests succeed, but too late for everybody."""

    config = {"activecampaign.timeout": "30s"}

    @classmethod
    def begin(cls):
        cls.stack.acsim.fault("* /api", delay_ms=1000 * DELAY)

    @classmethod
    def end(cls):
        cls.stack.acsim.clear_faults()


if __name__ == "__main__":
    main()
