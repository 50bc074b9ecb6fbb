"""Keep what facts and scores were before they changed, and the models that scored."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ENTITIES = ("accounts", "people", "activities", "opportunities", "owners")
_ORDERED = sa.Text().with_variant(sa.dialects.postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    for name in _ENTITIES:
        # Left empty: until such a row changes, the time of its last read stands for it.
        op.add_column(name, sa.Column("known_since", sa.BigInteger(), nullable=True))
    op.create_table(
        "versions",
        sa.Column("uid", _ORDERED, nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("known_since", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", "replaced_at"),
    )
    op.create_index("versions_account", "versions", ["account"])
    op.create_index("versions_person", "versions", ["person"])
    op.create_index("versions_replaced", "versions", ["replaced_at"])
    op.create_table(
        "score_history",
        sa.Column("uid", _ORDERED, nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=False),
        sa.Column("scored_at", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("group_since", sa.BigInteger(), nullable=False),
        sa.Column("crossing", sa.Integer(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", "replaced_at"),
    )
    op.create_index("score_history_replaced", "score_history", ["replaced_at"])
    op.create_table(
        "models",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("first_used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "model_uses",
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("since"),
    )


def downgrade() -> None:
    for table in ("model_uses", "models", "score_history", "versions"):
        op.drop_table(table)
    for name in _ENTITIES:
        op.drop_column(name, "known_since")
