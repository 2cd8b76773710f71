"""Webhooks: against the ceiling and the peers, what they cost, and on a slow disk."""

from load import all_good, wrk
from membership import Membership
from members import bodies
from peers import SLOW, Peers
from rig import Invalid, require, settle

CONNECTIONS = 32
CONNECTIONS_SLOW = 512


def measured(bench, round_number, what, found):
    names = ("rate", "p50", "p99", "cpu_us", "server_cpu_us", "memory_mb")
    names += ("refused", "broken", "late")
    values = {name: found[name] for name in names if found.get(name)}
    bench.report.measured(round_number, what, **values)
    return found


def post_to_daemon(bench, round_number, membership, requests, connections, what):
    """Durable webhooks, as many as it takes: every answer was 200, and all of them are stored."""
    before, unclear = membership.deliveries(), membership.unclear()
    found = wrk(membership.port, requests, connections, bench.seconds, membership.pids)
    all_good(found, what)
    stored = membership.deliveries() - before
    require(stored >= found["good"], f"{found['good']} answered 200, {stored} stored")
    require(membership.unclear() == unclear, "the daemon did not understand the bodies")
    settle(membership.pids)
    return measured(bench, round_number, what, found)


def post_to_peer(bench, round_number, peer, connections, seconds=None):
    before = peer.deliveries()
    found = wrk(peer.port, peer.requests, connections, seconds or bench.seconds, peer.pids)
    settle(peer.pids)  # wrk left, but what it had asked for is still being done
    stored = peer.deliveries() - before
    require(stored >= found["good"], f"{peer.label}: {found['good']} taken, {stored} stored")
    require(found["good"] > 0.99 * found["answers"], f"{peer.label}: {found['refused']} refused")
    # What the peer could not take must not make it look slow.
    found["rate"] = found["good"] / found["seconds"]
    return measured(bench, round_number, peer.label, found)


class Webhooks:
    rows = ("webhook_ceiling", "webhook_wordpress", "webhook_php", "webhook_node", "webhook_cpu")
    peer_of = {
        "webhook_wordpress": ("wordpress",),
        "webhook_php": ("php",),
        "webhook_node": ("node_each", "node_grouped"),
    }

    def __init__(self, bench, wanted):
        self.bench, self.wanted = bench, wanted
        self.membership = bench.membership()
        self.requests = self.membership.requests("webhooks", self.membership.webhooks())
        names = [name for row in wanted for name in self.peer_of.get(row, ())]
        texts = bodies(self.membership.webhook_members)
        self.peers = bench.closing(Peers(names, texts)).all if names else {}
        self.ceiling = None
        if {"webhook_ceiling", "webhook_cpu"} & set(wanted):
            self.ceiling = bench.ceiling()
            self.ceiling_requests = self.ceiling.requests("webhooks", self.membership.webhooks())
        self._warm_up()

    def _warm_up(self):
        for peer in self.peers.values():
            wrk(peer.port, peer.requests, 8, 1)
        wrk(self.membership.port, self.requests, CONNECTIONS, 1)

    def round(self, number):
        bench, found = self.bench, {}
        turns = [("daemon", self._daemon)]
        if self.ceiling:
            turns.insert(0, ("ceiling", self._ceiling))
        for name in self.peers:
            turns.append((name, lambda n, name=name: self._peer(n, name)))
        for name, turn in turns if number % 2 else turns[::-1]:
            found[name] = turn(number)
        for row, name in (
            ("webhook_ceiling", "ceiling"),
            ("webhook_wordpress", "wordpress"),
            ("webhook_php", "php"),
            ("webhook_node", "node_grouped"),
        ):
            if row in self.wanted and found[name]:
                bench.report.figure(row, found["daemon"]["rate"] / found[name]["rate"])
        if "webhook_cpu" in self.wanted:
            ratio = found["daemon"]["cpu_us"] / found["ceiling"]["cpu_us"]
            bench.report.figure("webhook_cpu", ratio)

    def _daemon(self, number):
        # What the webhooks before have left to do is not part of this.
        self.membership.stack.wait_until_idle(120)
        return post_to_daemon(
            self.bench, number, self.membership, self.requests, CONNECTIONS, "Membergate, webhooks"
        )

    def _ceiling(self, number):
        requests, pids = self.ceiling_requests, self.ceiling.pids
        found = wrk(self.ceiling.port, requests, CONNECTIONS, self.bench.seconds, pids)
        all_good(found, "the ceiling")
        return measured(self.bench, number, "ceiling, POST", found)

    def _peer(self, number, name):
        seconds = max(self.bench.seconds, 4) if name == "wordpress" else None
        try:
            return post_to_peer(self.bench, number, self.peers[name], CONNECTIONS, seconds)
        except Invalid as error:  # the others can do without it
            self.bench.report.failed(f"webhooks, round {number}", error)
            return None


class SlowDisk:
    """Every flush takes 5 ms longer, of the daemon's and of the peers' disk."""

    rows = ("slow_disk",)
    peers_names = ("php", "node_each")

    def __init__(self, bench, wanted):
        self.bench = bench
        self.membership = bench.closing(Membership(slow=True, full=False))
        self.membership.check_webhook()
        self.requests = self.membership.requests("webhooks", self.membership.webhooks())
        texts = bodies(self.membership.webhook_members)
        self.peers = bench.closing(Peers(self.peers_names, texts, slow=True)).all
        wrk(self.membership.port, self.requests, CONNECTIONS_SLOW, 1)

    def round(self, number):
        self.membership.stack.wait_until_idle(120)
        found = post_to_daemon(
            self.bench,
            number,
            self.membership,
            self.requests,
            CONNECTIONS_SLOW,
            "Membergate, slow disk",
        )
        # They take one after the other: more connections would only wait longer.
        rates = []
        for peer in self.peers.values():
            peer_found = post_to_peer(self.bench, number, peer, CONNECTIONS)
            most = 1e6 / SLOW
            require(peer_found["rate"] <= most, f"{peer.label}: its disk is not slow")
            rates.append(peer_found["rate"])
        self.bench.report.figure("slow_disk", found["rate"] / max(rates))
