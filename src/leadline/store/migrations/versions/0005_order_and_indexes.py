"""Compare uids by their bytes on every database, and find versions and the outbox's next rows by index."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UIDS = (
    ("accounts", "uid"),
    ("people", "uid"),
    ("activities", "uid"),
    ("opportunities", "uid"),
    ("owners", "uid"),
    ("dirty", "uid"),
    ("scores", "uid"),
    ("scores", "cluster"),
    ("scores", "model"),
)


def upgrade() -> None:
    _compare('COLLATE "C"')
    op.create_index("scores_model", "scores", ["model"])
    op.drop_index("effects_state", "effects")
    op.create_index("effects_state", "effects", ["connection", "state", "kind", "sequence_no"])
    op.create_index("effects_sequence", "effects", ["sequence_no"])


def downgrade() -> None:
    op.drop_index("effects_sequence", "effects")
    op.drop_index("effects_state", "effects")
    op.create_index("effects_state", "effects", ["connection", "state", "sequence_no"])
    op.drop_index("scores_model", "scores")
    _compare('COLLATE "default"')


def _compare(how: str) -> None:
    """SQLite compares bytes already; PostgreSQL compares as the database's language does, unless told."""
    if op.get_bind().dialect.name == "postgresql":
        for table, column in _UIDS:
            op.execute(sa.text(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE text {how}"))
