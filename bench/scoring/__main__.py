"""Scoring beside others' ways to do it: from Parquet to Parquet with every rule's points, on one world and one model.

    python -m bench.scoring [--accounts N] [--rounds N] [--only SECTION ...] [--folder FOLDER]

Before anything is timed, every program's result is compared with ours on every record, score, group and
rule. Each is a process of its own, measured whole with its imports, in rounds that they take turns in; a ratio is
the median over rounds. Ends with 1 when a target is missed. docs/benchmarks.md says more.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.scoring.race import ROOT
from bench.scoring.sections import SECTIONS
from bench.scoring.setting import Setting, Target

FULL = 200_000


def main() -> int:
    """Run the sections, then print the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=FULL)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench", help="keeps worlds between runs")
    told = parser.parse_args()
    setting = Setting(told.folder, told.accounts, told.rounds)
    targets: list[Target] = []
    for name in told.only:
        targets += SECTIONS[name](setting)
    for target in targets:
        print(target)
    if told.accounts != FULL:
        print(f"Targets are meant for {FULL:,} accounts.")
    return int(any(not target.met for target in targets))


if __name__ == "__main__":
    sys.exit(main())
