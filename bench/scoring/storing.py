"""The section about the store: everybody, and a few thousand people, from and to a database."""

from __future__ import annotations

from bench.scoring.race import Program, median, rounds
from bench.scoring.setting import MODEL, NOW, Setting, Target, Targets
from rich.console import Console
from rich.table import Table

PEOPLE = 5_000
CONSOLE = Console(width=150)
ALONE, EVERYBODY, SOME, SMALLER = (
    "Parquet to Parquet", "everybody, from and to the store", f"{PEOPLE:,} changed people",
    f"{PEOPLE:,} changed people, a tenth of the database",
)  # fmt: skip


def store(setting: Setting) -> Targets:
    """A full rescore from and to the store against scoring alone, and what some changed people cost."""
    large, small = setting.world(setting.accounts), setting.world(max(setting.accounts // 10, 1))

    def program(name: str, world: object, accounts: int, what: str) -> Program:
        path = setting.folder / f"store-{accounts}.db"
        return Program(name, "ours/stored.py", (str(world), str(path), str(MODEL), str(NOW), what))

    tenth = max(setting.accounts // 10, 1)
    runs = rounds(
        [
            setting.ours(ALONE, large),
            program(EVERYBODY, large, setting.accounts, "everybody"),
            program(SOME, large, setting.accounts, str(PEOPLE)),
            program(SMALLER, small, tenth, str(PEOPLE)),
        ],
        min(setting.rounds, 3),
    )
    table = Table("", "s", "CPU s", "read", "score", "store", "records", title="From and to the store, CPU s by step")
    alone = median(runs[ALONE], lambda each: each.cpu)
    table.add_row(ALONE, f"{median(runs[ALONE], lambda each: each.seconds):.2f}", f"{alone:.2f}")
    cpu: dict[str, float] = {}
    for name in (EVERYBODY, SOME, SMALLER):
        told = runs[name][0].told
        cpu[name] = median(runs[name], lambda each: float(each.told["cpu"]))
        wall = median(runs[name], lambda each: float(each.told["wall"]))
        steps = (f"{told[step]:.2f}" for step in ("read", "score", "store"))
        table.add_row(name, f"{wall:.2f}", f"{cpu[name]:.2f}", *steps, f"{told['records']:,}")
    CONSOLE.print(table)
    different = sum(run.told["different"] for name in (SOME, SMALLER) for run in runs[name])
    return [
        Target("CPU of a full rescore from and to the store against scoring alone", cpu[EVERYBODY] / alone, at_most=4),
        Target(f"CPU of {PEOPLE:,} changed people against everybody", cpu[SOME] / cpu[EVERYBODY], at_most=0.1),
        Target("CPU of as many in a tenth of the database", cpu[SMALLER] / cpu[SOME], at_least=0.7),
        Target("accounts that come out otherwise than when everybody is scored", different, at_most=0),
    ]
