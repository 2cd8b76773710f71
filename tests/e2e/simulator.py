"""acsim's control routes as functions; see tests/simulator/README.md."""

import json
import urllib.parse

from http_client import HttpClient


class Simulator:
    """Thread-safe."""

    def __init__(self, url, token=""):
        self._http = HttpClient(int(url.rpartition(":")[2]))
        self._token = token

    def close(self):
        self._http.close_all()

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body)
        answer = self._http.request(method, "/_sim/" + path, data, timeout=120)
        if answer.status != 200:
            raise AssertionError(f"acsim: {method} /_sim/{path}: {answer}")
        return answer.json()

    def add(self, *contacts):
        """Adds contacts ({email, first_name?, fields?, tags?, ...}) and returns their ids."""
        return self._call("POST", "contacts", list(contacts))["ids"]

    def bulk(self, count, prefix, **more):
        """Makes prefix-00001@example.com and so on, all alike, and returns their ids."""
        made = self._call("POST", "bulk", {"count": count, "prefix": prefix, **more})
        return [str(i) for i in range(made["first"], made["last"] + 1)]

    def api(self, method, path, body=None):
        """A request of another client of the account; `path` is what follows /api/3/."""
        data = None if body is None else json.dumps(body)
        headers = {"Api-Token": self._token}
        return self._http.request(method, "/api/3/" + path, data, headers)

    def touch(self, contact, **changes):
        """A change made in ActiveCampaign's own pages; `hook=True` sends its webhooks."""
        self._call("POST", f"contacts/{contact}/touch", changes)

    def delete(self, contact):
        self._call("POST", f"contacts/{contact}/delete", {})

    def merge(self, contact, into):
        self._call("POST", f"contacts/{contact}/merge", {"into": into})

    def hooks(self, **switches):
        """Sets `drop`, `duplicate`, `reorder`, `delay_ms` of event webhooks; returns the counts."""
        return self._call("POST", "hooks", switches)

    def hooks_sent(self):
        """Whether every event webhook is on its way no more."""
        counts = self.hooks()
        return not counts["queued"] and not counts["in_flight"]

    def flood(self, contacts, url, **options):
        """POSTs the contacts' webhooks to `url`; returns {status: count} once all are answered."""
        flood = {"contacts": contacts, "url": url, "rate": 0, **options}
        answers = self._call("POST", "flood", flood)["answers"]
        return {int(s) if s.isdigit() else s: n for s, n in answers.items()}

    def fault(self, match, **effect):
        self._call("POST", "faults", {"match": match, **effect})

    def switch(self, **switches):
        """Ways in which the account behaves; clear_faults() ends them."""
        self._call("POST", "faults", switches)

    def faults_left(self):
        """How often the faults with `times` will still strike; faults without count as one."""
        return sum(max(fault["times"], 1) for fault in self._call("GET", "faults")["faults"])

    def clear_faults(self, match=None):
        """Every fault and switch, or the faults with this `match` alone."""
        only = f"?match={urllib.parse.quote(match)}" if match else ""
        self._call("DELETE", "faults" + only)

    def contact(self, contact):
        """The contact with its `history`, or None."""
        return next(iter(self._call("GET", f"state?id={contact}")["contacts"]), None)

    def contacts(self):
        """Every contact by id."""
        return {row["id"]: row for row in self._call("GET", "state")["contacts"]}

    def digest(self, after=0, limit=1000000):
        """[email, first_name, fields, tag ids] of each contact by id, also of very many."""
        return {row[0]: row[1:] for row in self._call("GET", f"digest?after={after}&limit={limit}")}

    def directory(self, name):
        """`tags`, `fields`, `automations`, `lists` or `webhooks`, as a list of rows."""
        return self._call("GET", "state?id=0")[name]

    def log(self, after=0):
        """The requests to /api/3, in the order of their answers."""
        return self._call("GET", f"log?after={after}")

    def last_request(self):
        """The number of the latest request, for log(after)."""
        return max((row["n"] for row in self.log()), default=0)


def pages(log):
    """The requests among these that list contacts."""
    return [row for row in log if (row["method"], row["route"]) == ("GET", "/api/3/contacts")]


def steps(contact, wanted):
    """The fields of a contact's history that are in `wanted`, in the order of the writes."""
    rows = contact["history"]
    return [row["field"] for row in rows if row["field"] in wanted and row["value"]]


def written(contact, field):
    """The history rows that set `field` of a contact to something, in order."""
    return [row for row in contact["history"] if row["field"] == field and row["value"]]


def passwords(contact):
    """Every password that ActiveCampaign ever held for the contact, in order."""
    return [row["value"] for row in written(contact, "PASSWORD")]


def busiest_second(log):
    """The most requests that arrived within 1000 ms, in the order of their arrival."""
    rows = sorted(log, key=lambda row: row["t_ms"])
    most, start = [], 0
    for end, row in enumerate(rows):
        while row["t_ms"] - rows[start]["t_ms"] >= 1000:
            start += 1
        if end - start + 1 > len(most):
            most = rows[start : end + 1]
    return most


def most_in_any_second(log):
    """The greatest number of requests that arrived within 1000 ms."""
    return len(busiest_second(log))
