"""What goes out to ActiveCampaign: the pace of the jobs, and the calls that many passwords take.

Measured once: the pace is set by the clock, and calls are counted.
"""

import contextlib
import json

from harness import Stack
from load import open_load, write_requests
from rig import RUN, require, wait_for

TAG = "1"


class Drain:
    """Tags pushed by the site, one job and one call each, more than can go out at once."""

    rows = ("drain",)

    def __init__(self, bench, wanted):
        self.bench = bench

    def round(self, number):
        if number > 1:
            return
        seconds = 15 if self.bench.quick else 60
        share, refused = self._drain(None, 4, seconds)
        faster, refused_faster = self._drain("100/s", 100, seconds / 3)
        self.bench.report.figure("drain", min(share, faster))
        self.bench.report.figure("drain_429", refused + refused_faster)

    def _drain(self, rate, a_second, seconds):
        """(drained a second ÷ configured, 429s) of as many jobs as fit into that time."""
        with contextlib.closing(Stack(rate, {"password.event_rule": "none"}, ("off",))) as stack:
            stack.up()
            count = round(a_second * seconds)
            ids = stack.acsim.bulk(count, "pushed")
            stack.command("sync", "--full")
            stack.wait_until_current(60)
            before = stack.acsim.last_request()
            self._push(stack, ids)
            stack.wait_until_idle(seconds + 60)
            log = stack.acsim.log(before)
        pushes = sorted(row["t_ms"] for row in log if row["route"] == "/api/3/contactTags")
        require(len(pushes) == count, f"{count} pushes took {len(pushes)} calls")
        drained = (count - 1) / (pushes[-1] - pushes[0]) * 1000
        refused = sum(row["status"] == 429 for row in log)
        self.bench.report.measured(
            1,
            f"Membergate, {count} pushes at {a_second}/s",
            rate=drained,
            calls=len(log),
            status_429=refused,
        )
        return drained / a_second, refused

    @staticmethod
    def _push(stack, ids):
        port = int(stack.env["MEMBERGATE_URL"].rpartition(":")[2])
        headers = {
            "Authorization": f"Bearer {stack.key}",
            "Content-Type": "application/json",
            "Prefer": "wait=0",
        }
        body = json.dumps({"add": [TAG]})
        file = write_requests(
            RUN / "pushes.requests",
            port,
            [("POST", f"/membergate/v1/contacts/{i}/tags", headers, body) for i in ids],
        )
        found = open_load(port, file, max(1000, len(ids)), len(ids) / max(1000, len(ids)), 64)
        require(set(found["statuses"]) <= {200, 202}, f"pushes were answered {found['statuses']}")
        require(found["answered"] == len(ids), f"{found['answered']} of {len(ids)} were answered")


class BulkPasswords:
    """10,000 passwords with one tag that wait when ActiveCampaign comes back."""

    rows = ("bulk_calls",)
    COUNT = 10_000
    # Ten times the shipped rate and the importer's limit: a tenth of the time, the same calls.
    RATE = "40/s"

    def __init__(self, bench, wanted):
        self.bench = bench

    def round(self, number):
        if number > 1:
            return
        with contextlib.closing(Stack(self.RATE, {}, ("off",))) as stack:
            stack.up()
            acsim = stack.acsim
            acsim.switch(imports_per_minute=1000)
            ids = acsim.bulk(self.COUNT, "member")
            acsim.fault("* /api/3/", status=503, retry_after=2)
            self._deliver(stack, ids)
            released = acsim.last_request()
            acsim.clear_faults("* /api/3/")
            wait_for(lambda: self._served(acsim, ids), "passwords or tags are missing", 300, 0.5)
            stack.wait_until_idle(60)
            log = acsim.log(released)
        refused = [row for row in log if row["status"] not in (200, 201)]
        require(not refused, f"calls were refused: {refused[:3]}")
        self.bench.report.measured(1, "Membergate, 10,000 passwords", calls=len(log))
        self.bench.report.figure("bulk_calls", len(log))

    @staticmethod
    def _deliver(stack, ids):
        answers = stack.acsim.flood(ids, stack.genpass_url(f"tid={TAG}"), dialect="automation")
        require(answers == {200: len(ids)}, f"the webhooks were answered {answers}")
        waiting = len(stack.open_jobs("password"))
        require(waiting == len(ids), f"{waiting} passwords wait, not {len(ids)}")

    @staticmethod
    def _served(acsim, ids):
        digest = acsim.digest()
        return all(digest[i][2].get("PASSWORD") and TAG in digest[i][3] for i in ids)
