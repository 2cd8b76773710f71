"""What was measured, as tables."""

import os
import pathlib
import platform
import statistics
import subprocess
import time

from budgets import BUDGETS
from rig import ROOT, RUN


def number(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if value == int(value) and abs(value) < 1e7:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(map(number, row)) + " |" for row in rows]
    return "\n".join(lines)


class Report:
    """Figures (ratios, one or more a round) and the measurements they were made of."""

    def __init__(self):
        self._figures = {}
        self._measured = []
        self._notes = []
        self.failures = []

    def figure(self, name, value):
        self._figures.setdefault(name, []).append(value)

    def measured(self, round_number, what, **values):
        self._measured.append((round_number, what, values))

    def note(self, text):
        self._notes.append(text)

    def failed(self, row, error):
        self.failures.append(f"{row}: {error}")

    def verdicts(self):
        """(budget, values, verdict) of each figure that was measured."""
        for budget in BUDGETS:
            values = self._figures.get(budget.figure)
            if values:
                yield budget, values, budget.verdict(statistics.median(values))

    def missed(self):
        return [budget.figure for budget, _, verdict in self.verdicts() if "missed" in verdict]

    def budget_table(self):
        rows = []
        for budget, values, verdict in self.verdicts():
            middle = statistics.median(values)
            extremes = (min(values), middle, max(values))
            rows.append(
                (budget.figure, budget.what, *extremes)
                + (budget.bound(budget.must), budget.bound(budget.aim), verdict)
            )
        heads = ("figure", "what", "min", "median", "max", "must", "aim", "met")
        return table(heads, rows)

    def measured_table(self):
        """Medians over the rounds of everything that was measured."""
        gathered, columns = {}, {}
        for _, what, values in self._measured:
            for name, value in values.items():
                columns[name] = None
                gathered.setdefault(what, {}).setdefault(name, []).append(value)
        rows = []
        for what, values in gathered.items():
            cells = [statistics.median(values[c]) if c in values else None for c in columns]
            rows.append((what, *cells))
        return table(("measured (medians)", *columns), rows)

    def raw_table(self):
        rows = []
        for round_number, what, values in self._measured:
            text = ", ".join(f"{name} {number(value)}" for name, value in values.items())
            rows.append((round_number, what, text))
        return table(("round", "measured", "values"), rows)

    def text(self, heading, raw):
        parts = [heading, self.budget_table()]
        if self.failures:
            parts.append("Not measured:\n\n" + "\n".join(f"- {line}" for line in self.failures))
        if self._notes:
            parts.append("\n".join(f"- {note}" for note in self._notes))
        parts.append(self.measured_table())
        if raw:
            parts += ["Every round:", self.raw_table()]
        return "\n\n".join(parts) + "\n"


# --- the machine ------------------------------------------------------------------------------


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def flush_ms():
    """How long this disk takes to make 4 KB durable, the median of 50."""
    path = RUN / "flush"
    times = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(50):
            file.write(bytes(4096))
            begun = time.monotonic()
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - begun) * 1000)
    path.unlink()
    return statistics.median(times)


def machine():
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return (
        f"{os.cpu_count()} cores ({processor()}), {pages * page / 2**30:.0f} GB of memory, "
        f"Linux {platform.release()}, a flush of the disk takes {flush_ms():.2f} ms"
    )


def commit():
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    found = subprocess.run(git, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
