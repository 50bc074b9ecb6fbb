"""`leadline sync`."""

from __future__ import annotations

from leadline import allocator
from leadline.cli import options


def sync() -> int:
    """Read what changed, score it, decide, and write back what differs.

    Safe to repeat and to kill: a run goes on where the last one stood, and nothing is done twice.
    With nothing new it writes nothing. Needs one finished `leadline backfill`.

    Example, once a day and no worker: leadline --project acme sync --json >> sync.log
    """
    allocator.one_thread()
    from leadline.app import sync as use_case
    from leadline.app.bootstrap import open_project
    from leadline.cli import heap, summary
    from leadline.cli.interrupt import stoppable
    from leadline.cli.progress import RunProgress

    heap.share()
    settings = options.current().settings()
    with stoppable() as stop, open_project(settings, sleep=stop.sleep) as project, RunProgress() as progress:
        heap.settle()
        report = use_case.sync(project, stop.listening(progress))
    return summary.close(report)
