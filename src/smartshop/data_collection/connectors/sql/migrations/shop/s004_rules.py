"""The merchant's rules, and the number that tells whether they changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s004"
down_revision = "s003"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "merchant_rules",
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("rule_id", name="merchant_rules_key"),
    )
    op.create_table(
        "merchant_rules_state",
        sa.Column("name", ID, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="merchant_rules_state_key"),
    )


def downgrade() -> None:
    op.drop_table("merchant_rules_state")
    op.drop_table("merchant_rules")
