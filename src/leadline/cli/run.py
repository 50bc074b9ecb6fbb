"""`leadline run`."""

from __future__ import annotations

import signal
from types import FrameType

from leadline.cli import options, output


def run() -> None:
    """Sync on a schedule until stopped, with a health endpoint.

    The first sync begins at once. SIGTERM or Ctrl-C ends the page or batch under way and stops; the
    next start goes on there. Health: GET /healthz on `web.host`:`web.port`.
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.schedule import Health, Worker
    from leadline.cli import summary
    from leadline.web.health import health_app, serving

    settings = options.current().settings()
    health = Health()
    app = health_app(health, every_seconds=settings.schedule.every_minutes * 60)
    with (
        open_project(settings) as project,
        serving(app, host=settings.web.host, port=settings.web.port) as port,
    ):
        worker = Worker(
            project, health, on_report=lambda report: output.show(summary.answer(report), *summary.lines(report))
        )

        def stop(_number: int, _frame: FrameType | None) -> None:
            worker.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        output.err().print(f"serving health on http://{settings.web.host}:{port}/healthz; Ctrl-C stops")
        worker.run()
