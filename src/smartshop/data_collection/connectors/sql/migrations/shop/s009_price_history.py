"""What variants cost, and from when on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s009"
down_revision = "s008"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "price_history",
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("market", ID, nullable=False),
        sa.Column("currency", ID, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("price_minor", sa.BigInteger),
        sa.Column("list_price_minor", sa.BigInteger),
        sa.PrimaryKeyConstraint("variant_id", "market", "currency", "since", name="price_history_key"),
    )


def downgrade() -> None:
    op.drop_table("price_history")
