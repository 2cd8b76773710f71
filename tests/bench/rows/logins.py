"""Logins: beside a flood of webhooks, and as many as the cores can hash."""

import os

from fronts import Front
from load import OpenLoad, all_good, run, wrk
from rig import RUN, TOOLS, require
from rows.webhooks import measured

PROBES_A_SECOND = 10
PROBE_CONNECTIONS = 32
FLOOD_CONNECTIONS = 256
LEAD = 1.0  # seconds of flood before the first probe


class LoginsBesideWebhooks:
    """p99 of logins at a constant rate, alone and beside webhooks at a constant rate."""

    rows = ("login_500", "login_5000")

    def __init__(self, bench, wanted):
        self.bench = bench
        self.membership = bench.membership()
        self.limited = None
        if "login_5000" in wanted:
            self.limited = bench.closing(Front("limited", self.membership.stack, limits=True))
        self.probes = max(300, -(-2000 // bench.rounds)) if not bench.quick else 300
        self.samples = {}
        phases = {"idle": None}
        if "login_500" in wanted:
            phases["login_500"] = (500, self.membership)
        if "login_5000" in wanted:
            phases["login_5000_limited"] = (5000, self.limited)
            phases["login_5000_unlimited"] = (5000, self.membership)
        self.phases = phases
        self.files = {}
        for front in (self.membership, self.limited):
            if front:
                login = front.requests("logins", self.membership.logins())
                webhook = front.requests("webhooks", self.membership.webhooks())
                self.files[front] = (login, webhook)
        self.membership.log_in_once(self.files[self.membership][0])

    def round(self, number):
        names = list(self.phases) if number % 2 else list(self.phases)[::-1]
        p99 = {name: self._phase(number, name) for name in names}
        for name in names:
            if name != "idle":
                self.bench.report.figure(name, p99[name] / p99["idle"])

    def _phase(self, number, name):
        self.membership.stack.wait_until_idle(180)
        rate, front = self.phases[name] or (0, self.membership)
        login_file, webhook_file = self.files[front]
        seconds = self.probes / PROBES_A_SECOND
        samples = RUN / f"{name}.samples"
        flood = None
        if rate:
            whole = seconds + 2 * LEAD
            flood = OpenLoad(front.port, webhook_file, rate, whole, FLOOD_CONNECTIONS)
            # The flood runs already when the first probe is due, and still when the last is.
            run(["sleep", LEAD])
        try:
            probe = OpenLoad(
                front.port, login_file, PROBES_A_SECOND, seconds, PROBE_CONNECTIONS, samples
            ).result()
            result = flood.result() if flood else None
        finally:
            if flood:
                flood.stop()
        self._record(number, name, probe, result)
        refused = {status: n for status, n in probe["statuses"].items() if status != 200}
        require(not refused, f"{name}: logins were refused: {refused}")
        answered = probe["answered"]
        require(answered == self.probes, f"{name}: {answered} of {self.probes} were answered")
        if result and name == "login_500":
            statuses = result["statuses"]
            require(set(statuses) == {200}, f"webhooks at 500/s were answered {statuses}")
        self.samples.setdefault(name, []).extend(map(float, samples.read_text().split()))
        return probe["ms"]["p99"]

    def _record(self, number, name, probe, flood):
        values = {"p50": probe["ms"]["p50"], "p99": probe["ms"]["p99"], "max": probe["ms"]["max"]}
        if flood:
            statuses = flood["statuses"]
            values["webhooks_200"] = statuses.get(200, 0) / flood["seconds"]
            values["webhooks_429"] = statuses.get(429, 0) / flood["seconds"]
            values["webhooks_other"] = sum(n for s, n in statuses.items() if s not in (200, 429))
            values["webhooks_p99"] = flood["ms"]["p99"]
        self.bench.report.measured(number, f"logins, {name.removeprefix('login_')}", **values)

    def finish(self):
        """p99 over the probes of all rounds together, which is steadier than a round's."""
        p99 = {}
        for name, times in self.samples.items():
            p99[name] = sorted(times)[int(0.99 * len(times))]
        for name, value in p99.items():
            if name != "idle":
                self.bench.report.note(
                    f"{name}: p99 of all {len(self.samples[name])} probes {value:.1f} ms, "
                    f"idle {p99['idle']:.1f} ms, ratio {value / p99['idle']:.2f}"
                )


class LoginRate:
    """Logins as fast as they go, beside nothing but the hashing on as many threads as cores."""

    rows = ("login_argon2",)
    CONNECTIONS = 16

    def __init__(self, bench, wanted):
        self.bench = bench
        self.membership = bench.membership()
        self.requests = self.membership.requests("logins", self.membership.logins())
        self.membership.log_in_once(self.requests)

    def round(self, number):
        self.membership.stack.wait_until_idle(120)
        seconds = max(self.bench.seconds, 3)
        bare = float(run([TOOLS / "argon2_rate", os.cpu_count(), seconds]))
        self.bench.report.measured(number, "argon2id alone", rate=bare)
        pids = self.membership.pids
        found = wrk(self.membership.port, self.requests, self.CONNECTIONS, seconds, pids)
        all_good(found, "logins")
        measured(self.bench, number, "Membergate, logins", found)
        self.bench.report.figure("login_argon2", found["rate"] / bare)
