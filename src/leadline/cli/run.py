"""`leadline run`."""

from __future__ import annotations

from contextlib import closing
from contextvars import copy_context
from typing import TYPE_CHECKING

from leadline import allocator
from leadline.cli import options, output

if TYPE_CHECKING:
    from leadline.app.sync import Report


def run() -> None:
    """Sync on a schedule and after webhooks until stopped.

    The first sync begins at once. SIGTERM or Ctrl-C ends the page or batch under way and stops; the
    next start goes on there. Several may run at once: one at a time scores and writes. Health: GET
    /healthz on `web.host`:`web.port`. Needs one finished `leadline backfill`.

    POST /webhooks/CONNECTION takes the CRM's webhooks once the connection's options hold the secret that
    proves them: records are then scored when they change, not when their time comes. Behind a proxy set
    `web.public_url`. What a webhook misses, the schedule finds.

    Example: leadline --project /srv/acme run
    """
    allocator.one_thread()
    from leadline.app.bootstrap import open_project
    from leadline.app.schedule import Health, Worker
    from leadline.app.webhooks import Receiver, address
    from leadline.cli import heap, summary
    from leadline.cli.interrupt import stoppable
    from leadline.web.app import worker_app
    from leadline.web.serving import serving

    def tell(report: Report) -> None:
        output.show(summary.answer(report), *summary.lines(report))

    heap.share()
    settings = options.current().settings()
    health = Health()
    said = copy_context()  # reports come from the scheduler's thread, which knows nothing of the command line
    with stoppable() as stop, open_project(settings, sleep=stop.sleep) as project:
        worker = Worker(project, health, stop, on_report=lambda report: said.run(tell, report))
        worker.prepare()
        heap.settle()
        with (
            closing(Receiver(project, wake=worker.wake)) as receiver,
            serving(worker_app(project, health, receiver), host=settings.web.host, port=settings.web.port) as port,
        ):
            local = f"http://{settings.web.host}:{port}"
            output.err().print(f"serving health on {local}/healthz; Ctrl-C stops")
            for name in receiver.names:
                output.err().print(f"taking webhooks on {address(settings.web.public_url or local, name)}")
            worker.run()
