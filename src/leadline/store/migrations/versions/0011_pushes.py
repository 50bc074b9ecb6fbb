"""Keep what the CRM was told beside the scores: half of a row that is rewritten whenever everybody is scored."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ORDERED = sa.Text().with_variant(sa.dialects.postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pushes",
        sa.Column("uid", _ORDERED, nullable=False),
        sa.Column("pushed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.execute(sa.text("INSERT INTO pushes (uid, pushed) SELECT uid, pushed FROM scores WHERE pushed IS NOT NULL"))
    # SQLite makes the table anew, so that its rows stand together again.
    with op.batch_alter_table("scores") as scores:
        scores.drop_column("pushed")


def downgrade() -> None:
    op.add_column("scores", sa.Column("pushed", sa.Text(), nullable=True))
    op.execute(sa.text("UPDATE scores SET pushed = (SELECT pushed FROM pushes WHERE pushes.uid = scores.uid)"))
    op.drop_table("pushes")
