"""Units kept for open baskets, suppliers and what they charge, purchase orders and what came of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s005"
down_revision = "s004"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    _reservations()
    _suppliers()
    _purchase_orders()


def _reservations() -> None:
    op.create_table(
        "stock_reservations",
        sa.Column("reservation_id", ID, nullable=False),
        sa.Column("shopper_key", ID),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("reservation_id", name="stock_reservations_key"),
    )
    op.create_index("stock_reservations_by_expires_at", "stock_reservations", ["expires_at"])
    named = sa.text("shopper_key IS NOT NULL")
    op.create_index(
        "stock_reservations_by_shopper",
        "stock_reservations",
        ["shopper_key", "expires_at"],
        sqlite_where=named,
        postgresql_where=named,
    )
    op.create_table(
        "stock_reserved",
        sa.Column("reservation_id", ID, nullable=False),
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("reservation_id", "variant_id", "location_id", name="stock_reserved_key"),
        sa.CheckConstraint("units > 0", name="stock_reserved_above_zero"),
    )
    op.create_index("stock_reserved_by_variant", "stock_reserved", ["variant_id", "expires_at", "location_id", "units"])
    op.create_index("stock_reserved_by_expires_at", "stock_reserved", ["expires_at"])


def _suppliers() -> None:
    op.create_table(
        "suppliers",
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("supplier_id", name="suppliers_key"),
    )
    op.create_table(
        "supply_terms",
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("preferred", sa.Boolean, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("supplier_id", "variant_id", name="supply_terms_key"),
    )
    op.create_index("supply_terms_by_variant_id", "supply_terms", ["variant_id"])


def _purchase_orders() -> None:
    op.create_table(
        "purchase_orders",
        sa.Column("purchase_order_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("purchase_order_id", name="purchase_orders_key"),
    )
    op.create_index("purchase_orders_by_time", "purchase_orders", ["created_at", "purchase_order_id"])
    op.create_index("purchase_orders_by_supplier", "purchase_orders", ["supplier_id", "created_at"])
    op.create_table(
        "incoming_units",
        sa.Column("purchase_order_id", ID, nullable=False),
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("expected_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("purchase_order_id", "variant_id", name="incoming_units_key"),
    )
    op.create_index("incoming_units_by_variant_id", "incoming_units", ["variant_id"])
    op.create_table(
        "purchase_receipts",
        sa.Column("purchase_order_id", ID, nullable=False),
        sa.Column("receipt_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("purchase_order_id", "receipt_id", name="purchase_receipts_key"),
    )
    op.create_index("purchase_receipts_by_time", "purchase_receipts", ["received_at"])


def downgrade() -> None:
    tables = "purchase_receipts incoming_units purchase_orders supply_terms suppliers stock_reserved stock_reservations"
    for name in tables.split():
        op.drop_table(name)
