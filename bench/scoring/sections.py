"""What the bench measures, one function each: it prints its table and gives the targets."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.scoring import growth
from bench.scoring.race import HERE, OURS, Program, Run, median, ratio, rounds, run, seconds
from bench.scoring.setting import MODEL, NOW, Setting, Target, Targets
from bench.scoring.storing import store
from rich.console import Console
from rich.table import Table

LEADLINE, BY_HAND, DUCKDB, FLOOR = "Leadline", "Polars by hand", "DuckDB SQL", "scan alone"
PANDAS, ARROW, TUNED = "pandas", "pandas with Arrow's types", "pandas with NumPy, PyArrow"
LOOP, RULE_ENGINE, ZEN = "plain Python loop", "rule-engine", "zen-engine"
LONG = 3  # rounds of programs that take minutes
CONSOLE = Console(width=150)


class Disagreement(Exception):  # noqa: N818 - names what happened
    """Two programs gave different results: there is nothing to time."""


def agree(ours: Path, program: Program) -> None:
    """Disagreement unless that program gave what we gave. In a process of its own: see `race`."""
    theirs = program.arguments[1]
    command = [str(OURS), str(HERE / "agreement.py"), str(ours), theirs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Disagreement(f"{program.name} gave something else:\n{done.stdout}{done.stderr}")
    print(f"{program.name}: the same on every record and rule", file=sys.stderr)


def installed(programs: Sequence[Program]) -> list[Program]:
    """Those whose environment is there; the others are named."""
    for program in programs:
        if not program.installed:
            print(f"{program.name}: not installed, run: make bench-scoring", file=sys.stderr)
    return [program for program in programs if program.installed]


def engines(setting: Setting) -> Targets:
    """Whole processes from Parquet to Parquet, and what grows with the rules."""
    world = setting.world(setting.accounts)
    ours = setting.ours(LEADLINE, world)
    by_hand = setting.rival(BY_HAND, "polars_by_hand.py", world, OURS)
    rivals = [by_hand, *installed([setting.rival(DUCKDB, "duckdb_sql.py", world)])]
    ways = {PANDAS: (), ARROW: ("arrow",), TUNED: ("tuned",)}
    slow = installed([setting.rival(name, "pandas_frames.py", world, more=more) for name, more in ways.items()])
    run(ours)
    for program in [*rivals, *slow]:
        run(program)
        agree(Path(ours.arguments[2]), program)
    floor = Program(FLOOR, "rivals/floor.py", (str(world),))
    runs = rounds([floor, ours, *rivals, *slow], setting.rounds)
    _show_engines(setting, runs)
    mine = runs[LEADLINE]
    targets = [
        Target("seconds of Polars by hand", ratio(mine, runs[BY_HAND]), at_most=1.25, unit=" times"),
        Target("peak memory", median(mine, lambda each: each.memory), at_most=700, unit=" MB"),
    ]
    if DUCKDB in runs:
        targets += [
            Target("DuckDB's seconds by those of Polars by hand", ratio(runs[DUCKDB], runs[BY_HAND]), at_least=1.15),
            Target("seconds of DuckDB SQL", ratio(mine, runs[DUCKDB]), at_most=1.0, unit=" times"),
        ]
    if PANDAS in runs:
        targets.append(Target("times as fast as pandas", ratio(runs[PANDAS], mine), at_least=5))
    return targets


def _show_engines(setting: Setting, runs: dict[str, list[Run]]) -> None:
    people, activities = setting.accounts * 5, setting.accounts * 50
    title = f"{setting.accounts:,} accounts, {people:,} people, {activities:,} activities, Parquet to Parquet"
    table = Table(title=title, title_justify="left")
    for column in ("", "s", "CPU s", "peak MB", "times Leadline", "times the scan"):
        table.add_column(column, justify="right" if column else "left")
    for name, mine in runs.items():
        table.add_row(
            name, f"{median(mine, seconds):.2f}", f"{median(mine, lambda each: each.cpu):.2f}",
            f"{median(mine, lambda each: each.memory):.0f}", f"{ratio(mine, runs[LEADLINE]):.2f}",
            f"{ratio(mine, runs[FLOOR]):.2f}",
        )  # fmt: skip
    CONSOLE.print(table)


def loops(setting: Setting) -> Targets:
    """Programs that go record by record; seconds of scoring alone. The engines of rules on a sample, multiplied."""
    world, sample = setting.world(setting.accounts), setting.world(setting.sample)
    ours, same = setting.ours(LEADLINE, world), setting.ours("Leadline, sample", sample)
    whole = installed([setting.rival(LOOP, "python_loop.py", world)])
    engines = {ZEN: ("zen_loop.py", 25), RULE_ENGINE: ("rule_engine_loop.py", 100)}
    sampled = installed([setting.rival(name, file, sample) for name, (file, _) in engines.items()])
    run(ours), run(same)
    loop = {}
    for program in whole:  # minutes and gigabytes: the run that is compared is the one that is timed
        loop[program.name] = run(program).engine
        agree(Path(ours.arguments[2]), program)
    for program in sampled:
        run(program)
        agree(Path(same.arguments[2]), program)
    runs = rounds([ours, *sampled], min(setting.rounds, LONG))
    times = setting.accounts / setting.sample
    table = Table(title="seconds of scoring alone, without reading and writing", title_justify="left")
    for column in ("", "s", "measured s", "on accounts", "times Leadline"):
        table.add_column(column, justify="right" if column else "left")
    mine = median(runs[LEADLINE], _engine)
    table.add_row(LEADLINE, f"{mine:.2f}", f"{mine:.2f}", f"{setting.accounts:,}", "1")
    targets = []
    for name, took in loop.items():
        table.add_row(name, f"{took:.1f}", f"{took:.1f}", f"{setting.accounts:,}", f"{took / mine:.0f}")
        targets.append(Target(f"times as fast as {name}", took / mine, at_least=30))
    for program in sampled:
        share = ratio(runs[program.name], runs[LEADLINE], _engine) * times
        measured = median(runs[program.name], _engine)
        of = f"{setting.sample:,}"
        table.add_row(program.name, f"{measured * times:.1f}", f"{measured:.2f}", of, f"{share:.0f}")
        targets.append(Target(f"times as fast as {program.name}", share, at_least=engines[program.name][1]))
    CONSOLE.print(table)
    return targets


def _engine(each: Run) -> float:
    return each.engine


def rules(setting: Setting) -> Targets:
    """Whole processes with ten times the fit rules, and with four times the signals on the same kinds."""
    world = setting.world(setting.accounts)
    with tempfile.TemporaryDirectory() as folder:
        fit, signals = Path(folder) / "fit.yaml", Path(folder) / "signals.yaml"
        fit.write_text(growth.more_fit_rules(10))
        signals.write_text(growth.more_signals(4))
        programs = {
            "the model": setting.ours(LEADLINE, world),
            "10 times the fit rules": setting.ours("Leadline, more fit rules", world, fit),
            "4 times the signals": setting.ours("Leadline, more signals", world, signals),
        }
        runs = rounds(list(programs.values()), setting.rounds)
    table = Table(title="growth with the rules", title_justify="left")
    for column in ("", "s", "CPU s", "peak MB", "times"):
        table.add_column(column, justify="right" if column else "left")
    shares = {}
    for name, program in programs.items():
        mine = runs[program.name]
        shares[name] = ratio(mine, runs[LEADLINE])
        table.add_row(
            name, f"{median(mine, seconds):.2f}", f"{median(mine, lambda each: each.cpu):.2f}",
            f"{median(mine, lambda each: each.memory):.0f}", f"{shares[name]:.2f}",
        )  # fmt: skip
    CONSOLE.print(table)
    return [
        Target("seconds with 10 times the fit rules", shares["10 times the fit rules"], at_most=1.5, unit=" times"),
        Target("seconds with 4 times the signals", shares["4 times the signals"], at_most=2, unit=" times"),
    ]


def sentences(setting: Setting) -> Targets:
    """Reasons in words for every account, against scoring everything, in one process."""
    world = setting.world(setting.accounts)
    program = Program(
        "sentences", "ours/sentences.py", (str(MODEL), str(world), str(setting.out("sentences")), str(NOW))
    )
    mine = rounds([program], setting.rounds)[program.name]
    share = median(mine, lambda each: each.told["sentences"] / each.engine)
    CONSOLE.print(
        f"sentences for {setting.accounts:,} accounts: {median(mine, lambda each: each.told['sentences']):.2f} s, "
        f"scoring {median(mine, _engine):.2f} s"
    )
    return [Target("sentences' share of the scoring", 100 * share, at_most=20, unit=" %")]


def walk(setting: Setting) -> Targets:
    """The walk to the next change of every record, 7 days ahead, on the sample."""
    world = setting.world(setting.sample)
    program = Program("walk", "ours/walk.py", (str(MODEL), str(world), str(NOW)))
    mine = rounds([program], setting.rounds)[program.name]
    took, records = median(mine, lambda each: each.told["walk"]), mine[0].told["records"]
    CONSOLE.print(
        f"walk to the next change, 7 days ahead: {took:.2f} s for {records:,} records, "
        f"{1e6 * took / records:.0f} us each; scoring them {median(mine, _engine):.2f} s"
    )
    return []


def spark(setting: Setting) -> Targets:
    """Scoring on Spark with one core and with two, session start left out; one round, because it takes minutes."""
    world = setting.world(setting.accounts)
    programs = [
        Program(master, "ours/on_spark.py", (str(MODEL), str(world), master, str(NOW)))
        for master in ("local[1]", "local[2]")
    ]
    runs = rounds(programs, 1)
    one, two = (runs[program.name] for program in programs)
    CONSOLE.print(f"Spark: {median(one, _engine):.1f} s on one core, {median(two, _engine):.1f} s on two")
    return [Target("times as fast on two cores of Spark", ratio(one, two, _engine), at_least=1.5)]


SECTIONS = {
    "engines": engines, "loops": loops, "rules": rules, "sentences": sentences, "store": store, "walk": walk,
    "spark": spark,
}  # fmt: skip
