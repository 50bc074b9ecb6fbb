"""`leadline run`."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING

from leadline.cli import options, output

if TYPE_CHECKING:
    from leadline.app.sync import Report


def run() -> None:
    """Sync on a schedule until stopped, with a health endpoint.

    The first sync begins at once. SIGTERM or Ctrl-C ends the page or batch under way and stops; the
    next start goes on there. Several may run at once: one at a time scores and writes. Health: GET
    /healthz on `web.host`:`web.port`. Needs one finished `leadline backfill`.

    Example: leadline --project /srv/acme run
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.schedule import Health, Worker
    from leadline.cli import summary
    from leadline.cli.interrupt import stoppable
    from leadline.web.health import health_app, serving

    def tell(report: Report) -> None:
        output.show(summary.answer(report), *summary.lines(report))

    settings = options.current().settings()
    health = Health()
    said = copy_context()  # reports come from the scheduler's thread, which knows nothing of the command line
    app = health_app(health, every_seconds=settings.schedule.every_minutes * 60)
    with stoppable() as stop, open_project(settings, sleep=stop.sleep) as project:
        worker = Worker(project, health, stop, on_report=lambda report: said.run(tell, report))
        worker.prepare()
        with serving(app, host=settings.web.host, port=settings.web.port) as port:
            output.err().print(f"serving health on http://{settings.web.host}:{port}/healthz; Ctrl-C stops")
            worker.run()
