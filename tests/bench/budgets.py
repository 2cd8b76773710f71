"""What must be reached, and what is aimed at: the one table of them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Budget:
    row: str  # as --only names it; a row may have several figures
    figure: str
    what: str
    must: float
    aim: float
    at_most: bool = False  # else at least
    unit: str = ""

    def verdict(self, value):
        reached = (lambda bound: value <= bound) if self.at_most else (lambda bound: value >= bound)
        return "aim" if reached(self.aim) else "must" if reached(self.must) else "**missed**"

    def bound(self, value):
        return f"{'≤' if self.at_most else '≥'} {value:g}{self.unit}"


def at_least(row, what, must, aim, figure=None):
    return Budget(row, figure or row, what, must, aim)


def at_most(row, what, must, aim, figure=None, unit=""):
    return Budget(row, figure or row, what, must, aim, True, unit)


BUDGETS = [
    at_least("webhook_ceiling", "durable webhook POST ÷ ceiling POST, 32 connections", 0.55, 0.75),
    at_least("webhook_wordpress", "÷ WordPress with a must-use plugin doing the same", 60, 100),
    at_least("webhook_php", "÷ php-fpm with PDO SQLite", 5, 8),
    at_least("webhook_node", "÷ Node with better-sqlite3 and group commit", 1.2, 1.8),
    at_least(
        "slow_disk",
        "every flush 5 ms slower, 512 connections, ÷ the best peer that commits each",
        60,
        80,
    ),
    at_most("webhook_cpu", "CPU time of a durable POST ÷ of a ceiling POST", 2.0, 1.6),
    at_least("contact_get", "cached contact GET, key checked, ÷ ceiling GET of 2 KB", 0.9, 1.1),
    at_most(
        "contact_get_p99",
        "growth of contact GET p99 ÷ growth of connections, 64, 256, 1024",
        1,
        1,
    ),
    at_most("login_500", "login p99 under 500 webhooks/s ÷ idle", 1.3, 1.2),
    at_most(
        "login_5000",
        "login p99 under 5,000 webhooks/s ÷ idle, shipped limits",
        1.4,
        1.2,
        "login_5000_limited",
    ),
    at_most(
        "login_5000",
        "login p99 under 5,000 webhooks/s ÷ idle, no limits",
        1.5,
        1.2,
        "login_5000_unlimited",
    ),
    at_least("login_argon2", "logins/s ÷ bare argon2id on the same cores", 0.8, 0.9),
    at_least(
        "million_get",
        "contact GET at 1,000,000 contacts ÷ at 1,000, hot set of 10,000",
        0.9,
        0.95,
    ),
    at_most("million_start", "start to ready at 1,000,000 contacts ÷ at 1,000", 2, 1.5),
    at_most("memory", "resident memory, idle", 32, 24, "memory_idle", " MB"),
    at_most("memory", "resident memory, flood of 20,000", 96, 64, "memory_flood", " MB"),
    at_most("memory", "resident memory, 1,000,000 contacts", 256, 192, "memory_million", " MB"),
    at_least("drain", "jobs drained per second ÷ configured rate", 0.97, 0.99),
    at_most("drain", "429 provoked meanwhile", 0, 0, "drain_429"),
    at_most("bulk_calls", "API calls for 10,000 passwords with one tag", 360, 300),
]

# The last one has no budget: it shows that nothing falls off steeply.
ROWS = [*dict.fromkeys(budget.row for budget in BUDGETS), "cliffs"]
