"""`leadline sync`."""

from __future__ import annotations

from leadline.cli import options, output


def sync() -> None:
    """Read what changed, score it, decide, and write back what differs.

    Safe to repeat and to kill: a run goes on where the last one stood, and nothing is done twice.
    With nothing new it writes nothing. Needs one finished `leadline backfill`.
    """
    from leadline.app import sync as use_case
    from leadline.app.bootstrap import open_project
    from leadline.cli import summary
    from leadline.cli.progress import RunProgress

    with open_project(options.current().settings()) as project, RunProgress() as progress:
        report = use_case.sync(project, progress)
    output.show(summary.answer(report), *summary.lines(report))
    use_case.raise_failures(report)
