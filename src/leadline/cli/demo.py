"""`leadline demo`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from leadline import allocator
from leadline.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from leadline.app.rehearsal import LocalCrm
    from leadline.app.scenario import Scenario, Visit
    from leadline.app.sync import Report


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where to put the project; replaced when it is a demo's already.")
    ] = Path("leadline-demo"),
    leads: Annotated[int, typer.Option("--leads", min=50, max=100_000, help="Leads in each local CRM.")] = 5_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds give equal worlds.")] = 42,
) -> None:
    """Show the whole loop on two local CRMs.

    Starts a sandbox for every connector that brings one, sets up a project folder, and does what a
    first week would: check, backfill, work the queue, react to a visitor, stay quiet, let scores
    decay. Everything is spoken over real HTTP; nothing leaves this machine.
    """
    allocator.one_thread()
    from leadline.app.rehearsal import local_crms, prepare_folder, systems, write_project

    console = output.out()
    started = time.monotonic()
    # Ended from outside, the local CRMs are stopped as well.
    signal.signal(signal.SIGTERM, _ended)
    prepare_folder(folder)
    names = systems()
    console.print(f"[bold]Leadline demo[/]: starting {len(names)} local CRMs with {leads:,} leads each …")
    with local_crms(names, leads=leads, seed=seed) as crms:
        for crm in crms.values():
            counts = ", ".join(f"{count:,} {name}" for name, count in crm.records.items())
            console.print(f"  [cyan]{crm.system}[/] at {crm.base_url}: {counts}")
        write_project(folder, crms)
        _story(console, folder, crms)
        calls = {name: crm.calls() for name, crm in crms.items()}
    _closing(console, folder, seconds=time.monotonic() - started, calls=calls)


def _ended(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _story(console: Console, folder: Path, crms: dict[str, LocalCrm]) -> None:
    from leadline.app.scenario import Scenario

    with Scenario.open(folder, crms) as scenario:
        _chapter(console, "1", "Is everything set up?", "leadline doctor")
        _doctor(console, scenario)
        _chapter(console, "2", "Read and score everything once, starting no play", "leadline backfill")
        _backfill(console, scenario)
        _chapter(console, "3", "Who should be worked on, and why", "leadline queue; leadline explain RECORD")
        visit = scenario.choose()
        _queue(console, scenario)
        _explain(console, scenario, visit)
        _chapter(console, "4", "Somebody at a nurture account wakes up", "leadline sync")
        _visit(console, scenario, visit)
        _chapter(console, "5", "Nothing new: nothing is done", "leadline sync")
        _quiet(console, scenario)
        _chapter(console, "6", "Time passes, interest cools", "leadline sync")
        _decay(console, scenario, visit)


def _chapter(console: Console, number: str, title: str, command: str) -> None:
    console.print()
    console.rule(f"[bold]{number}  {title}[/]   [dim]{command}[/]", align="left")


def _doctor(console: Console, scenario: Scenario) -> None:
    from leadline.cli.doctor import findings_table

    console.print(findings_table(scenario.examine()))


def _backfill(console: Console, scenario: Scenario) -> None:
    from leadline.cli.backfill import forecast_table
    from leadline.cli.progress import RunProgress

    console.print("[dim]leadline backfill --dry-run[/] predicts:")
    lines = scenario.forecast()
    console.print(forecast_table(lines))
    with RunProgress({f"{line.connection}/{line.object}": line.records for line in lines}) as progress:
        report = scenario.backfill(progress)
    _told(console, report)
    groups = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in scenario.groups().items())
    console.print(f"accounts by group: {groups}")


def _queue(console: Console, scenario: Scenario) -> None:
    from leadline.cli.queue import queue_table

    console.print(queue_table(scenario.queue(8)))


def _explain(console: Console, scenario: Scenario, visit: Visit) -> None:
    from leadline.cli.explain import explain_lines

    console.print("One account, point by point. Remember it:")
    for line in explain_lines(scenario.tell(visit.account)):
        console.print(line)


def _visit(console: Console, scenario: Scenario, visit: Visit) -> None:
    console.print(
        f"In the CRM [cyan]{visit.connection}[/], [bold]{visit.person_name}[/] of [bold]{visit.account_name}[/] "
        "views the pricing page and asks for a demo."
    )
    scenario.happen(visit)
    report = scenario.sync()
    _told(console, report)
    console.print("The task, as the salesperson sees it in the CRM:")
    for task in scenario.tasks(visit):
        from rich.panel import Panel

        console.print(Panel(task.body, title=f"{task.subject} · due {output.moment(task.due_at)}", title_align="left"))


def _quiet(console: Console, scenario: Scenario) -> None:
    report = scenario.sync()
    _told(console, report)
    console.print(f"[green]{report.counts['written']} writes, {report.counts['scored']} records scored.[/]")


def _decay(console: Console, scenario: Scenario, visit: Visit) -> None:
    from leadline.cli.explain import explain_lines

    for moment, report in scenario.wait(visit):
        console.print(f"It is now {output.moment(moment)}; nothing new has been said or clicked.")
        counts = report.counts
        console.print(
            f"scored {counts['scored']:,} of {scenario.subjects():,} records, those that were due; "
            f"wrote {counts['written']:,}."
        )
    told = scenario.tell(visit.account)
    evaluation = told.explanation.evaluation
    for line in explain_lines(told):
        console.print(line)
    console.print(
        f"[bold]{visit.account_name}[/] is {evaluation.group.replace('_', ' ')} again, "
        f"score {evaluation.score // 1_000}."
    )


def _told(console: Console, report: Report) -> None:
    from leadline.cli import summary

    for line in summary.lines(report):
        console.print(line)
    calls = ", ".join(f"{count:,} to {name}" for name, count in sorted(report.counts["calls"].items()))
    console.print(f"calls: {calls or 'none'}")


def _program() -> str:
    """How this program can be called again: by name where the shell finds it, else by its path."""
    said = Path(sys.argv[0])
    if said.name == "__main__.py":
        return "python -m leadline"
    return "leadline" if shutil.which("leadline") or not said.is_file() else os.path.relpath(said)


def _closing(console: Console, folder: Path, *, seconds: float, calls: dict[str, int]) -> None:
    console.print()
    console.rule("[bold]Look around[/]", align="left")
    made = ", ".join(f"{count:,} calls to {name}" for name, count in calls.items())
    console.print(f"Done in {seconds:.0f} s, {made}.")
    console.print(f"Settings, mappings, model and database stay in [cyan]{folder}[/]:")
    program = _program()
    project = f"{program} --project {folder}"
    for command, meaning in (
        (f"{project} queue", "the ranked queue"),
        (f"{project} explain NAME", "any account or person, point by point"),
        (f"{project} outbox list --state written", "everything that was done"),
        (f"{program} init my-project", "begin with your own CRM"),
    ):
        console.print(f"  [bold]{command}[/]  [dim]{meaning}[/]", soft_wrap=True)
