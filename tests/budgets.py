"""Seconds of work of each suite beside its budget, at the end of a run of the tests.

Several processes share the work, so the sum is more than what a clock shows. A budget that is exceeded
is marked, not failed: machines differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import PurePosixPath

import pytest

BUDGETS = {"structure": 60, "unit": 150, "contract": 150, "flow": 950, "peers": 120, "heavy": 600}


class Budgets:
    """A pytest plugin that adds up durations by suite: the folder under tests/, or `heavy` by its mark."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.tests: dict[str, int] = defaultdict(int)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count set-up, call and tear-down."""
        suite = suite_of(report)
        self.seconds[suite] += report.duration
        self.tests[suite] += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line for each suite."""
        terminalreporter.section("seconds of work")
        self.summary(terminalreporter.write_line)

    def summary(self, write: Callable[[str], object]) -> None:
        """Write the lines."""
        for suite in sorted(self.seconds):
            took, budget = round(self.seconds[suite]), BUDGETS.get(suite)
            over = "  over budget" if budget is not None and took > budget else ""
            of = "" if budget is None else f" of {budget:4d}s"
            write(f"{suite:10s} {self.tests[suite]:5d} tests {took:5d}s{of}{over}")


def suite_of(report: pytest.TestReport) -> str:
    """The suite that a report belongs to."""
    if "heavy" in report.keywords:
        return "heavy"
    parts = PurePosixPath(report.nodeid.partition("::")[0]).parts
    return parts[1] if len(parts) > 2 else "structure"
