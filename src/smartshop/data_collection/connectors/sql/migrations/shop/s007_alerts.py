"""Alerts of stock and supply, and their life."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s007"
down_revision = "s006"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "supply_alerts",
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("worth_minor", sa.BigInteger, nullable=False),
        sa.Column("location_id", ID),
        sa.Column("supplier_id", ID),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
        sa.Column("snoozed_until", sa.BigInteger),
        sa.Column("raised_no", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name="supply_alerts_key"),
    )
    op.create_index("supply_alerts_by_closed_at", "supply_alerts", ["closed_at"])
    op.create_index("supply_alerts_by_raised_no", "supply_alerts", ["raised_no"])


def downgrade() -> None:
    op.drop_table("supply_alerts")
