"""The shop's first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TABLES = (
    "events",
    "event_seen",
    "log_size",
    "event_tallies",
    "outbox",
    "products",
    "variants",
    "customers",
    "identity_links",
    "customer_merges",
    "consents",
    "orders",
    "refunds",
    "goods_returns",
    "stock_levels",
    "stock_movements",
    "models",
    "promoted_models",
    "quarantine",
    "api_keys",
    "secrets",
    "jobs",
    "heartbeats",
    "dead_letters",
    "imports",
)


def upgrade() -> None:
    _create_events()
    _create_event_seen()
    _create_log_size()
    _create_event_tallies()
    _create_outbox()
    _create_products()
    _create_variants()
    _create_customers()
    _create_identity_links()
    _create_customer_merges()
    _create_consents()
    _create_orders()
    _create_refunds()
    _create_goods_returns()
    _create_stock_levels()
    _create_stock_movements()
    _create_models()
    _create_promoted_models()
    _create_quarantine()
    _create_api_keys()
    _create_secrets()
    _create_jobs()
    _create_heartbeats()
    _create_dead_letters()
    _create_imports()
    if op.get_bind().dialect.name == "postgresql":
        # SQLite's one writer counts by itself; PostgreSQL's many writers draw from here.
        op.execute("CREATE SEQUENCE log_numbers AS bigint START 1")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE log_numbers")
    for table in TABLES:
        op.drop_table(table)


def _index_events(name: str, shopper: str, condition: str) -> None:
    columns, where = [shopper, "occurred_at", "kind"], sa.text(condition)
    op.create_index(name, "events", columns, sqlite_where=where, postgresql_where=where)


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("log_no", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("anonymous_id", ID),
        sa.Column("customer_id", ID),
        sa.Column("trust", sa.SmallInteger, nullable=False),
        sa.Column("traffic", sa.SmallInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("log_no", name="events_key"),
    )
    _index_events("events_by_anonymous", "anonymous_id", "anonymous_id IS NOT NULL")
    _index_events("events_claimed_by_customer", "customer_id", "customer_id IS NOT NULL AND trust = 0")
    _index_events("events_vouched_by_customer", "customer_id", "customer_id IS NOT NULL AND trust > 0")


def _create_event_seen() -> None:
    op.create_table(
        "event_seen",
        sa.Column("shopper_key", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("trust", sa.SmallInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("shopper_key", "event_id", "trust", name="event_seen_key"),
        sqlite_with_rowid=False,
    )


def _create_log_size() -> None:
    op.create_table(
        "log_size",
        sa.Column("slot", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("last_no", sa.BigInteger, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("newest_human_at", sa.BigInteger),
        sa.Column("oldest_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("slot", name="log_size_key"),
    )


def _create_event_tallies() -> None:
    op.create_table(
        "event_tallies",
        sa.Column("day", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", "what", name="event_tallies_key"),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("batch_id", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("committed_at", sa.BigInteger, nullable=False),
        sa.Column("log_nos", sa.LargeBinary, nullable=False),
        sa.Column("messages", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name="outbox_key"),
    )


def _create_products() -> None:
    op.create_table(
        "products",
        sa.Column("product_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("product_no", name="products_key"),
        sa.UniqueConstraint("product_id", name="products_by_product_id"),
    )
    op.create_index("products_by_changed_at", "products", ["changed_at"])


def _create_variants() -> None:
    op.create_table(
        "variants",
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("variant_id", name="variants_key"),
    )


def _create_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="customers_key"),
    )


def _create_identity_links() -> None:
    op.create_table(
        "identity_links",
        sa.Column("anonymous_id", ID, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("trust", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("anonymous_id", "received_at", "customer_id", "trust", name="identity_links_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("identity_links_by_customer", "identity_links", ["customer_id", "trust"])


def _create_customer_merges() -> None:
    op.create_table(
        "customer_merges",
        sa.Column("from_customer", ID, nullable=False),
        sa.Column("into_customer", ID, nullable=False),
        sa.Column("merged_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("from_customer", name="customer_merges_key"),
    )
    op.create_index("customer_merges_by_into_customer", "customer_merges", ["into_customer"])


def _create_consents() -> None:
    op.create_table(
        "consents",
        sa.Column("shopper_key", ID, nullable=False),
        sa.Column("is_customer", sa.Boolean, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("shopper_key", "is_customer", "purpose", name="consents_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("consents_by_received_at", "consents", ["received_at"])


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("trust", sa.SmallInteger, nullable=False),
        sa.Column("ordered_at", sa.BigInteger, nullable=False),
        sa.Column("customer_id", ID),
        sa.Column("anonymous_id", ID),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="orders_key"),
    )
    op.create_index("orders_by_customer", "orders", ["customer_id", "ordered_at"])
    op.create_index("orders_by_time", "orders", ["ordered_at", "order_id"])


def _create_refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("shopper_key", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("trust", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("order_id", ID),
        sa.Column("refunded_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("shopper_key", "event_id", "trust", name="refunds_key"),
    )


def _create_goods_returns() -> None:
    op.create_table(
        "goods_returns",
        sa.Column("shopper_key", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("trust", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("order_id", ID),
        sa.Column("returned_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("shopper_key", "event_id", "trust", name="goods_returns_key"),
    )


def _create_stock_levels() -> None:
    op.create_table(
        "stock_levels",
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("level", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("variant_id", "location_id", name="stock_levels_key"),
        sa.CheckConstraint("level >= 0", name="stock_level_not_below_zero"),
    )
    op.create_index("stock_levels_by_changed_at", "stock_levels", ["changed_at"])


def _create_stock_movements() -> None:
    op.create_table(
        "stock_movements",
        sa.Column("movement_id", ID, nullable=False),
        sa.Column("variant_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("applied", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("movement_id", name="stock_movements_key"),
    )
    op.create_index("stock_movements_by_variant", "stock_movements", ["variant_id", "occurred_at"])


def _create_models() -> None:
    op.create_table(
        "models",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("trained_at", sa.BigInteger, nullable=False),
        sa.Column("promoted_at", sa.BigInteger),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("agent", "version", name="models_key"),
    )


def _create_promoted_models() -> None:
    op.create_table(
        "promoted_models",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.PrimaryKeyConstraint("agent", name="promoted_models_key"),
    )


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("row_id", ROW_NUMBER, nullable=False, autoincrement=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("trust", sa.Text, nullable=False),
        sa.Column("replayed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("row_id", name="quarantine_key"),
        sqlite_autoincrement=True,
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("plain", sa.Text),
        sa.PrimaryKeyConstraint("key_id", name="api_keys_key"),
    )


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="secrets_key"),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", ROW_NUMBER, nullable=False, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("arguments", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("news_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("job_id", name="jobs_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_by_state", "jobs", ["state"])


def _create_heartbeats() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("beat_at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("process", name="heartbeats_key"),
    )


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("letter_id", ROW_NUMBER, nullable=False, autoincrement=True),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("failed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("letter_id", name="dead_letters_key"),
        sqlite_autoincrement=True,
    )


def _create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("import_key", sa.Text, nullable=False),
        sa.Column("rows_done", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
        sa.Column("marked_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("import_key", name="imports_key"),
    )
