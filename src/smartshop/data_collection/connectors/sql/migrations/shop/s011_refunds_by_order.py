"""Refunds and returns are found by their order, refunds by their time."""

from alembic import op

revision = "s011"
down_revision = "s010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("refunds_by_time", "refunds", ["refunded_at", "shopper_key", "event_id", "trust"])
    op.create_index("refunds_by_order", "refunds", ["order_id"])
    op.create_index("goods_returns_by_order", "goods_returns", ["order_id"])


def downgrade() -> None:
    op.drop_index("goods_returns_by_order", "goods_returns")
    op.drop_index("refunds_by_order", "refunds")
    op.drop_index("refunds_by_time", "refunds")
