"""The scoring models that were in use, by what is in them, so that an older scoring can be made again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from leadline.store.database import upsert
from leadline.store.tables import model_uses, models


def note_model(connection: Connection, digest: str, *, name: str, content: str, now: int) -> None:
    """Note that this model scores from now on. `content` is the text of its file; without it nothing is noted."""
    if not content:
        return
    last = connection.execute(select(model_uses).order_by(model_uses.c.since.desc()).limit(1)).first()
    if last is not None and last.digest == digest:
        return
    row = {"digest": digest, "name": name, "content": content, "first_used_at": now}
    connection.execute(upsert(connection, models).on_conflict_do_nothing(index_elements=["digest"]), [row])
    use = upsert(connection, model_uses)
    connection.execute(
        use.on_conflict_do_update(index_elements=["since"], set_={"digest": use.excluded.digest}),
        [{"since": now, "digest": digest}],
    )


def load_model_row(connection: Connection, digest: str) -> dict[str, Any] | None:
    """A model that was in use, by its whole digest."""
    row = connection.execute(select(models).where(models.c.digest == digest)).mappings().first()
    return dict(row) if row else None


def models_like(connection: Connection, beginning: str) -> list[dict[str, Any]]:
    """The models whose digest begins so, in the order of their first use."""
    query = select(models).where(models.c.digest.startswith(beginning, autoescape=True))
    return [dict(row) for row in connection.execute(query.order_by(models.c.first_used_at)).mappings()]


def digest_at(connection: Connection, at: int) -> str | None:
    """Which model scored at that time; None before the first that is known."""
    query = select(model_uses.c.digest).where(model_uses.c.since <= at).order_by(model_uses.c.since.desc()).limit(1)
    return connection.scalars(query).first()
