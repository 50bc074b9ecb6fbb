"""Index only the people who stand behind a contact: counted with all who do not, the index looks useless."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    there = sa.text("contact IS NOT NULL")
    op.drop_index("people_contact", table_name="people")
    op.create_index("people_contact", "people", ["contact"], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    op.drop_index("people_contact", table_name="people")
    op.create_index("people_contact", "people", ["contact"])
