"""Erased customers; a browser's orders are found by index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s003"
down_revision = "s002"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("erasure_no", ROW_NUMBER, nullable=False, autoincrement=True),
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("receipt_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("erasure_no", name="erasures_key"),
        sa.UniqueConstraint("key_hash", name="erasures_by_key_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "erasure_receipts",
        sa.Column("receipt_id", ID, nullable=False),
        sa.Column("erased_at", sa.BigInteger, nullable=False),
        sa.Column("counts", sa.LargeBinary, nullable=False),
        sa.Column("under_way", sa.LargeBinary),
        sa.Column("leaves_traces", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", name="erasure_receipts_key"),
    )
    named = sa.text("anonymous_id IS NOT NULL")
    op.create_index("orders_by_browser", "orders", ["anonymous_id"], sqlite_where=named, postgresql_where=named)


def downgrade() -> None:
    op.drop_index("orders_by_browser", "orders")
    op.drop_table("erasure_receipts")
    op.drop_table("erasures")
