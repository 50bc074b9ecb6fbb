"""What a worker serves: its health, and the door for webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette

from leadline.web.health import health_route
from leadline.web.webhooks import webhook_route

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project
    from leadline.app.schedule import Health
    from leadline.app.webhooks import Receiver


def worker_app(project: Project, health: Health, receiver: Receiver) -> Starlette:
    """The application of one worker."""
    settings = project.settings
    return Starlette(
        routes=[
            health_route(health, receiver, every_seconds=settings.schedule.every_minutes * 60),
            webhook_route(receiver, now=project.now, public_url=settings.web.public_url),
        ]
    )
