"""Who waits for what is sold out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s008"
down_revision = "s007"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "stock_waits",
        sa.Column("shopper_key", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("variant_id", ID),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("told_variant_id", ID),
        sa.Column("notice_id", ID),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("sent_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("shopper_key", "item_id", name="stock_waits_key"),
    )
    is_open, is_told = sa.text("told_at IS NULL"), sa.text("told_at IS NOT NULL")
    op.create_index(
        "stock_waits_open", "stock_waits", ["product_id", "asked_at"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index("stock_waits_told", "stock_waits", ["told_at"], sqlite_where=is_told, postgresql_where=is_told)


def downgrade() -> None:
    op.drop_table("stock_waits")
