"""Count the uses of a breakdown beside it: a row is rewritten as a whole, and its content has megabytes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "breakdown_uses",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.execute(sa.text("INSERT INTO breakdown_uses (number, records) SELECT number, records FROM breakdowns"))
    op.drop_column("breakdowns", "records")


def downgrade() -> None:
    op.add_column("breakdowns", sa.Column("records", sa.BigInteger(), nullable=False, server_default="0"))
    counted = "(SELECT records FROM breakdown_uses WHERE breakdown_uses.number = breakdowns.number)"
    op.execute(sa.text("UPDATE breakdowns SET records = " + counted))  # noqa: S608 - no input
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("breakdowns", "records", server_default=None)
    op.drop_table("breakdown_uses")
