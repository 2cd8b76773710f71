"""Reads of contacts that are in the hot cache."""

from load import all_good, wrk
from rows.webhooks import CONNECTIONS, measured

MANY = (64, 256, 1024)


class Reads:
    rows = ("contact_get", "contact_get_p99")

    def __init__(self, bench, wanted):
        self.bench, self.wanted = bench, wanted
        self.membership = bench.membership()
        self.requests = self.membership.requests("reads", self.membership.reads())
        self.ceiling = bench.ceiling()
        self.ceiling_requests = self.ceiling.requests("reads", self.membership.reads())
        wrk(self.membership.port, self.requests, CONNECTIONS, 1)

    def round(self, number):
        self.membership.stack.wait_until_idle(120)
        if "contact_get" in self.wanted:
            self._against_ceiling(number)
        if "contact_get_p99" in self.wanted:
            self._connections(number)

    def _against_ceiling(self, number):
        turns = [self._ceiling, self._daemon]
        found = {turn: turn(number) for turn in (turns if number % 2 else turns[::-1])}
        ratio = found[self._daemon]["rate"] / found[self._ceiling]["rate"]
        self.bench.report.figure("contact_get", ratio)

    def _ceiling(self, number):
        requests, pids = self.ceiling_requests, self.ceiling.pids
        found = wrk(self.ceiling.port, requests, CONNECTIONS, self.bench.seconds, pids)
        all_good(found, "the ceiling")
        return measured(self.bench, number, "ceiling, GET of 2 KB", found)

    def _daemon(self, number, connections=CONNECTIONS, what="Membergate, contact GET"):
        pids = self.membership.pids
        found = wrk(self.membership.port, self.requests, connections, self.bench.seconds, pids)
        all_good(found, what)
        return measured(self.bench, number, what, found)

    def _connections(self, number):
        found = {
            count: self._daemon(number, count, f"Membergate, contact GET, {count} connections")
            for count in MANY
        }
        growths = [
            found[more]["p99"] / found[fewer]["p99"] / (more / fewer)
            for fewer, more in zip(MANY, MANY[1:])
        ]
        self.bench.report.figure("contact_get_p99", max(growths))
