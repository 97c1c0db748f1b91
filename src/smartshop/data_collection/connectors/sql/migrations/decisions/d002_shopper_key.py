"""A shopper's decisions are found by index; those of earlier releases, by reading them, until they are forgotten."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d002"
down_revision = "d001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    identifier = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.add_column("decisions", sa.Column("shopper_key", identifier))
    op.create_index("decisions_by_shopper_key", "decisions", ["shopper_key"])


def downgrade() -> None:
    op.drop_index("decisions_by_shopper_key", "decisions")
    op.drop_column("decisions", "shopper_key")
