"""Keep facts as scoring reads them, ledgers by the batch, and all that a model can say of a record.

What is scored already is scored anew by the next run.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SCORES = (
    ("segment", sa.Text()),
    ("readiness", sa.BigInteger()),
    ("flags", sa.Text()),
    ("score_min", sa.BigInteger()),
    ("score_max", sa.BigInteger()),
    ("next_change_at", sa.BigInteger()),
    ("next_group", sa.Text()),
    ("breakdown", sa.BigInteger()),
    ("shown", sa.BigInteger()),
)
_PEOPLE = ("campaign", "offer", "use_case")
_ORDERED = sa.Text().with_variant(sa.dialects.postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "dossiers",
        sa.Column("cluster", _ORDERED, nullable=False),
        sa.Column("uid", _ORDERED, nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "uid"),
    )
    op.create_table(
        "breakdowns",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.drop_table("ledger")
    for name, kind in _SCORES:
        op.add_column("scores", sa.Column(name, kind, nullable=True))
    for name in _PEOPLE:
        op.add_column("people", sa.Column(name, sa.Text(), nullable=True))
    # Another version than any: the next run scores everything by itself, and so brings the ledgers back.
    op.execute(sa.text("UPDATE scores SET model = '-/' || model"))
    # Marks that nobody can tell the depth of any more are about everything.
    op.add_column("dirty", sa.Column("depth", sa.Integer(), nullable=False, server_default="2"))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("dirty", "depth", server_default=None)


def downgrade() -> None:
    op.drop_column("dirty", "depth")
    for name in _PEOPLE:
        op.drop_column("people", name)
    for name, _ in reversed(_SCORES):
        op.drop_column("scores", name)
    op.create_table(
        "ledger",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("raw_points", sa.BigInteger(), nullable=False),
        sa.Column("lost_to_decay", sa.BigInteger(), nullable=False),
        sa.Column("lost_to_cap", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("uid", "part", "rule"),
    )
    op.drop_table("breakdowns")
    op.drop_table("dossiers")
