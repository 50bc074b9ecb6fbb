"""The section about the store: everybody, and a few thousand people, from and to a database."""

from __future__ import annotations

from bench.scoring.race import Program, median, rounds
from bench.scoring.setting import MODEL, NOW, Setting, Target, Targets
from rich.console import Console
from rich.table import Table

PEOPLE = 40  # accounts for each changed person: 5,000 of them among a million people
SHARE = 10  # the smaller database has one in so many people
CONSOLE = Console(width=150)
ALONE, EVERYBODY, ANOTHER, SOME, SMALLER = (
    "Parquet to Parquet", "everybody, from and to the store", "everybody, by another version of the model",
    "changed people", "the same people, a smaller database",
)  # fmt: skip


def store(setting: Setting) -> Targets:
    """A full rescore from and to the store against scoring alone, and what some changed people cost."""
    world, people = setting.world(setting.accounts), max(setting.accounts // PEOPLE, 1)

    def program(name: str, what: str, share: int = 1) -> Program:
        part = f"-{share}" if share > 1 else ""
        path = setting.folder / f"store-{world.name}{part}.db"
        return Program(name, "ours/stored.py", (str(world), str(path), str(MODEL), str(NOW), what, str(share)))

    runs = rounds(
        [
            setting.ours(ALONE, world),
            program(EVERYBODY, "everybody"),
            program(ANOTHER, "another"),
            program(SOME, str(people)),
            program(SMALLER, str(people), SHARE),
        ],
        min(setting.rounds, 3),
    )
    table = Table("", "s", "CPU s", "read", "score", "store", "records", title="From and to the store, CPU s by step")
    alone = median(runs[ALONE], lambda each: each.cpu)
    table.add_row(ALONE, f"{median(runs[ALONE], lambda each: each.seconds):.2f}", f"{alone:.2f}")
    cpu: dict[str, float] = {}
    for name in (EVERYBODY, ANOTHER, SOME, SMALLER):
        told = runs[name][0].told
        cpu[name] = median(runs[name], lambda each: float(each.told["cpu"]))
        wall = median(runs[name], lambda each: float(each.told["wall"]))
        steps = (f"{told[step]:.2f}" for step in ("read", "score", "store"))
        table.add_row(name, f"{wall:.2f}", f"{cpu[name]:.2f}", *steps, f"{told['records']:,}")
    CONSOLE.print(table)
    different = sum(run.told["different"] for name in (SOME, SMALLER) for run in runs[name])
    return [
        Target("CPU of a full rescore from and to the store against scoring alone", cpu[EVERYBODY] / alone, at_most=4),
        Target("CPU of the same by another version of the model", cpu[ANOTHER] / alone, at_most=4),
        Target(f"CPU of {people:,} changed people against everybody", cpu[SOME] / cpu[EVERYBODY], at_most=0.1),
        Target(f"CPU of the same people in a database {SHARE} times smaller", cpu[SMALLER] / cpu[SOME], at_least=0.7),
        Target("accounts that come out otherwise than when everybody is scored", different, at_most=0),
    ]
