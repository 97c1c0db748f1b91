"""What is known of days: events of the shop, and weather."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s010"
down_revision = "s009"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "demand_cause_names",
        sa.Column("name", ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="demand_cause_names_key"),
    )
    op.create_table(
        "demand_causes",
        sa.Column("name", ID, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("name", "day", "location_id", name="demand_causes_key"),
    )


def downgrade() -> None:
    op.drop_table("demand_causes")
    op.drop_table("demand_cause_names")
