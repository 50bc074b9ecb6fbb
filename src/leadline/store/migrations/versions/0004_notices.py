"""Remember which records webhooks have named."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Ordered by its bytes on every database: who notes and who handles lock rows in one order.
_ORDERED = sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("connection", _ORDERED, nullable=False),
        sa.Column("object", _ORDERED, nullable=False),
        sa.Column("record_id", _ORDERED, nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "record_id"),
    )


def downgrade() -> None:
    op.drop_table("notices")
