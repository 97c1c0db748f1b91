"""Every table of the shop, for SQLite and PostgreSQL alike. Times are int64 µs UTC, money int64 minor units.

Records stand whole, as JSON, in `payload`; columns beside it are only what is asked for.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

NAMES = {
    "ix": "%(table_name)s_by_%(column_0_N_name)s",
    "uq": "%(table_name)s_by_%(column_0_N_name)s",
    "pk": "%(table_name)s_key",
    "ck": "%(constraint_name)s",
}
shop = MetaData(naming_convention=NAMES)
"""The shop's own tables."""
decision_log = MetaData(naming_convention=NAMES)
"""The decision log: in a file of its own under SQLite, since a file has one writer at a time."""

# Ids sort by bytes in both engines; a locale would make PostgreSQL's order its own, and slower.
Id = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# SQLite numbers rows by itself only under the very type name INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")

# ------------------------------------------------------------------------------------------------ the log
# One plain table on both engines: partitions by month need somebody to make next month's in time, and every read of a
# shopper's newest events would have to ask all of them.
events = Table(
    "events",
    shop,
    Column("log_no", RowNumber, primary_key=True, autoincrement=False),
    Column("event_id", Id, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("anonymous_id", Id),
    Column("customer_id", Id),
    Column("trust", SmallInteger, nullable=False),
    Column("traffic", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
# What was vouched for and what was merely claimed are indexed apart: a flood of claims slows no customer's slate.
_VOUCHED = text("customer_id IS NOT NULL AND trust > 0")
_CLAIMED = text("customer_id IS NOT NULL AND trust = 0")
_ANONYMOUS = text("anonymous_id IS NOT NULL")
Index(
    "events_vouched_by_customer",
    events.c.customer_id,
    events.c.occurred_at,
    events.c.kind,
    sqlite_where=_VOUCHED,
    postgresql_where=_VOUCHED,
)
Index(
    "events_claimed_by_customer",
    events.c.customer_id,
    events.c.occurred_at,
    events.c.kind,
    sqlite_where=_CLAIMED,
    postgresql_where=_CLAIMED,
)
Index(
    "events_by_anonymous",
    events.c.anonymous_id,
    events.c.occurred_at,
    events.c.kind,
    sqlite_where=_ANONYMOUS,
    postgresql_where=_ANONYMOUS,
)

event_seen = Table(
    "event_seen",
    shop,
    Column("shopper_key", Id, primary_key=True),
    Column("event_id", Id, primary_key=True),
    Column("trust", SmallInteger, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

log_size = Table(
    "log_size",
    shop,
    # One row per writing process (by process id), so that writers of PostgreSQL do not queue for one row.
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("last_no", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("newest_human_at", BigInteger),
    Column("oldest_at", BigInteger),
)

event_tallies = Table(
    "event_tallies",
    shop,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("what", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    shop,
    # The first log number of the batch: never given twice, also after the row is gone.
    Column("batch_id", RowNumber, primary_key=True, autoincrement=False),
    Column("committed_at", BigInteger, nullable=False),
    Column("log_nos", LargeBinary, nullable=False),
    Column("messages", LargeBinary, nullable=False),
)

# ------------------------------------------------------------------------------------------ the catalogue
products = Table(
    "products",
    shop,
    Column("product_no", Integer, primary_key=True, autoincrement=False),
    Column("product_id", Id, nullable=False, unique=True),
    Column("category", Text, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
)

variants = Table(
    "variants",
    shop,
    Column("variant_id", Id, primary_key=True),
    Column("product_id", Id, nullable=False),
)

# -------------------------------------------------------------------------------------------- customers
customers = Table(
    "customers",
    shop,
    Column("customer_id", Id, primary_key=True),
    Column("changed_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    # Folded as `customer_rows.fold_place` does: for asking only, the payload holds them as told.
    Column("country", Id),
    Column("city", Id),
)
_PLACED = text("country IS NOT NULL")
Index(
    "customers_by_country",
    customers.c.country,
    customers.c.customer_id,
    customers.c.city,
    sqlite_where=_PLACED,
    postgresql_where=_PLACED,
)

identity_links = Table(
    "identity_links",
    shop,
    Column("anonymous_id", Id, primary_key=True),
    Column("received_at", BigInteger, primary_key=True, autoincrement=False),
    Column("customer_id", Id, primary_key=True),
    Column("trust", SmallInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
Index("identity_links_by_customer", identity_links.c.customer_id, identity_links.c.trust)

customer_merges = Table(
    "customer_merges",
    shop,
    Column("from_customer", Id, primary_key=True),
    Column("into_customer", Id, nullable=False, index=True),
    Column("merged_at", BigInteger, nullable=False),
)

consents = Table(
    "consents",
    shop,
    Column("shopper_key", Id, primary_key=True),
    Column("is_customer", Boolean, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("granted", Boolean, nullable=False),
    Column("received_at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# ----------------------------------------------------------------------------------------------- orders
orders = Table(
    "orders",
    shop,
    Column("order_id", Id, primary_key=True),
    Column("trust", SmallInteger, nullable=False),
    Column("ordered_at", BigInteger, nullable=False),
    Column("customer_id", Id),
    Column("anonymous_id", Id),
    Column("payload", LargeBinary, nullable=False),
)
Index("orders_by_customer", orders.c.customer_id, orders.c.ordered_at)
Index("orders_by_time", orders.c.ordered_at, orders.c.order_id)
Index("orders_by_browser", orders.c.anonymous_id, sqlite_where=_ANONYMOUS, postgresql_where=_ANONYMOUS)

refunds = Table(
    "refunds",
    shop,
    Column("shopper_key", Id, primary_key=True),
    Column("event_id", Id, primary_key=True),
    Column("trust", SmallInteger, primary_key=True, autoincrement=False),
    Column("order_id", Id),
    Column("refunded_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
# As pages of refunds are read.
Index("refunds_by_time", refunds.c.refunded_at, refunds.c.shopper_key, refunds.c.event_id, refunds.c.trust)
Index("refunds_by_order", refunds.c.order_id)

goods_returns = Table(
    "goods_returns",
    shop,
    Column("shopper_key", Id, primary_key=True),
    Column("event_id", Id, primary_key=True),
    Column("trust", SmallInteger, primary_key=True, autoincrement=False),
    Column("order_id", Id),
    Column("returned_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
Index("goods_returns_by_order", goods_returns.c.order_id)

# ------------------------------------------------------------------------------------------------ stock
stock_levels = Table(
    "stock_levels",
    shop,
    Column("variant_id", Id, primary_key=True),
    Column("location_id", Id, primary_key=True),
    Column("level", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False, index=True),
    CheckConstraint("level >= 0", name="stock_level_not_below_zero"),
)

stock_movements = Table(
    "stock_movements",
    shop,
    Column("movement_id", Id, primary_key=True),
    Column("variant_id", Id, nullable=False),
    Column("location_id", Id, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("reference", Text),
    # False: recorded only, since the variant was not counted yet. A level is the sum of what was applied.
    Column("applied", Boolean, nullable=False),
)
Index("stock_movements_by_variant", stock_movements.c.variant_id, stock_movements.c.occurred_at)

stock_reservations = Table(
    "stock_reservations",
    shop,
    Column("reservation_id", Id, primary_key=True),
    # As `seen.sender_key` spells them; absent where the shop reserves for nobody it knows.
    Column("shopper_key", Id),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
)
_OF_SHOPPER = text("shopper_key IS NOT NULL")
Index(
    "stock_reservations_by_shopper",
    stock_reservations.c.shopper_key,
    stock_reservations.c.expires_at,
    sqlite_where=_OF_SHOPPER,
    postgresql_where=_OF_SHOPPER,
)

# Who waits for what is sold out; a row says what became of one asking.
# What was asked from a moment on, promotions and planned prices in it; without a price: nothing was.
price_history = Table(
    "price_history",
    shop,
    Column("variant_id", Id, primary_key=True),
    Column("market", Id, primary_key=True),
    Column("currency", Id, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("price_minor", BigInteger),
    Column("list_price_minor", BigInteger),
)

stock_waits = Table(
    "stock_waits",
    shop,
    # As `seen.sender_key` spells them.
    Column("shopper_key", Id, primary_key=True),
    Column("item_id", Id, primary_key=True),
    Column("product_id", Id, nullable=False),
    Column("variant_id", Id),
    Column("asked_at", BigInteger, nullable=False),
    Column("told_at", BigInteger),
    Column("told_variant_id", Id),
    Column("notice_id", Id),
    # When a page of theirs showed it, and when the shop's own webhook took it.
    Column("seen_at", BigInteger),
    Column("sent_at", BigInteger),
)
_OPEN_WAIT, _TOLD_WAIT = text("told_at IS NULL"), text("told_at IS NOT NULL")
Index(
    "stock_waits_open",
    stock_waits.c.product_id,
    stock_waits.c.asked_at,
    sqlite_where=_OPEN_WAIT,
    postgresql_where=_OPEN_WAIT,
)
Index("stock_waits_told", stock_waits.c.told_at, sqlite_where=_TOLD_WAIT, postgresql_where=_TOLD_WAIT)

# The units that reservations keep, at the locations they are kept at; variants never counted have none here.
stock_reserved = Table(
    "stock_reserved",
    shop,
    Column("reservation_id", Id, primary_key=True),
    Column("variant_id", Id, primary_key=True),
    Column("location_id", Id, primary_key=True),
    Column("units", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    CheckConstraint("units > 0", name="stock_reserved_above_zero"),
)
Index(
    "stock_reserved_by_variant",
    stock_reserved.c.variant_id,
    stock_reserved.c.expires_at,
    stock_reserved.c.location_id,
    stock_reserved.c.units,
)

# ----------------------------------------------------------------------------------------------- supply
suppliers = Table(
    "suppliers",
    shop,
    Column("supplier_id", Id, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

supply_terms = Table(
    "supply_terms",
    shop,
    Column("supplier_id", Id, primary_key=True),
    Column("variant_id", Id, primary_key=True, index=True),
    # Here alone, not in the payload: preferring one supplier ends that of another.
    Column("preferred", Boolean, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

purchase_orders = Table(
    "purchase_orders",
    shop,
    Column("purchase_order_id", Id, primary_key=True),
    Column("supplier_id", Id, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
Index("purchase_orders_by_time", purchase_orders.c.created_at, purchase_orders.c.purchase_order_id)
Index("purchase_orders_by_supplier", purchase_orders.c.supplier_id, purchase_orders.c.created_at)

# What approved orders still bring, written anew with every change of one: planning reads it in one question.
incoming_units = Table(
    "incoming_units",
    shop,
    Column("purchase_order_id", Id, primary_key=True),
    Column("variant_id", Id, primary_key=True, index=True),
    Column("location_id", Id, nullable=False),
    Column("supplier_id", Id, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("expected_at", BigInteger),
)

purchase_receipts = Table(
    "purchase_receipts",
    shop,
    Column("purchase_order_id", Id, primary_key=True),
    Column("receipt_id", Id, primary_key=True),
    Column("supplier_id", Id, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
Index("purchase_receipts_by_time", purchase_receipts.c.received_at)

told_proposals = Table(
    "told_proposals",
    shop,
    Column("proposal_id", Id, primary_key=True),
    Column("decided_at", BigInteger, nullable=False, index=True),
    # 0: nothing was to be ordered.
    Column("units", BigInteger, nullable=False),
    # When it is to be scored next; absent once that was done for good.
    Column("look_at", BigInteger, index=True),
    Column("followed_by", Id),
    Column("payload", LargeBinary, nullable=False),
    # The law of demand that was told: most of a row, and gone once the score is final.
    Column("law", LargeBinary),
    Column("score", LargeBinary),
)

supply_alerts = Table(
    "supply_alerts",
    shop,
    Column("alert_id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    # The worst first.
    Column("severity", SmallInteger, nullable=False),
    Column("worth_minor", BigInteger, nullable=False),
    Column("location_id", Id),
    Column("supplier_id", Id),
    Column("closed_at", BigInteger, index=True),
    Column("acknowledged", Boolean, nullable=False),
    Column("snoozed_until", BigInteger),
    # Which look opened it last, counted from 1: who tells of new ones reads on behind the newest told.
    Column("raised_no", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
)

# What is known of days, each under a name whose days are of one kind; a day is its proleptic ordinal, and a place of
# "" is everywhere (no location's id is empty).
demand_cause_names = Table(
    "demand_cause_names",
    shop,
    Column("name", Id, primary_key=True),
    Column("kind", Text, nullable=False),
)
demand_causes = Table(
    "demand_causes",
    shop,
    Column("name", Id, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("location_id", Id, primary_key=True),
    Column("value", Float(53), nullable=False),
)

# ------------------------------------------------------------------------------- models, keys, jobs, rest
models = Table(
    "models",
    shop,
    Column("agent", Text, primary_key=True),
    Column("version", Id, primary_key=True),
    Column("trained_at", BigInteger, nullable=False),
    Column("promoted_at", BigInteger),
    Column("payload", LargeBinary, nullable=False),
)

promoted_models = Table(
    "promoted_models",
    shop,
    Column("agent", Text, primary_key=True),
    Column("version", Id, nullable=False),
)

quarantine = Table(
    "quarantine",
    shop,
    Column("row_id", RowNumber, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("trust", Text, nullable=False),
    Column("replayed_at", BigInteger),
    sqlite_autoincrement=True,
)

api_keys = Table(
    "api_keys",
    shop,
    Column("key_id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("plain", Text),
)

secrets = Table(
    "secrets",
    shop,
    Column("name", Text, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)

jobs = Table(
    "jobs",
    shop,
    Column("job_id", RowNumber, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("arguments", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("progress", Float, nullable=False),
    Column("note", Text, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("news_at", BigInteger),
    Column("finished_at", BigInteger),
    sqlite_autoincrement=True,
)

heartbeats = Table(
    "heartbeats",
    shop,
    Column("process", Text, primary_key=True),
    Column("beat_at", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    shop,
    Column("letter_id", RowNumber, primary_key=True, autoincrement=True),
    Column("agent", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("error", Text, nullable=False),
    Column("failed_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

imports = Table(
    "imports",
    shop,
    Column("import_key", Text, primary_key=True),
    Column("rows_done", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("report", LargeBinary, nullable=False),
    Column("marked_at", BigInteger, nullable=False),
)

# -------------------------------------------------------------------------------- segments and audiences
# Segments and what customers care for stand as small numbers, given at first sight and never reused: at a million
# customers the tables below are what a count has to read.
segments = Table(
    "segments",
    shop,
    Column("segment_no", SmallInteger, primary_key=True, autoincrement=False),
    Column("segment_id", Id, nullable=False, unique=True),
    # Absent while only a customer's standing names it.
    Column("payload", LargeBinary),
)

standings = Table(
    "standings",
    shop,
    Column("customer_no", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", Id, nullable=False, unique=True),
    Column("rfm_no", SmallInteger, nullable=False),
    Column("segment_no", SmallInteger),
    Column("recency_score", SmallInteger, nullable=False),
    Column("frequency_score", SmallInteger, nullable=False),
    Column("monetary_score", SmallInteger, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("spent_minor", BigInteger, nullable=False),
    Column("churn_risk", Float),
    Column("p_alive", Float),
    Column("first_order_at", BigInteger),
    Column("last_order_at", BigInteger),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("next_order_at", BigInteger),
    Column("expected_orders_30", Float, nullable=False),
    Column("expected_orders_90", Float, nullable=False),
    Column("expected_orders_365", Float, nullable=False),
    Column("expected_value_30_minor", BigInteger, nullable=False),
    Column("expected_value_90_minor", BigInteger, nullable=False),
    Column("expected_value_365_minor", BigInteger, nullable=False),
    Column("membership", Float, nullable=False),
    Column("in_segment_since", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
    Column("log_no", BigInteger, nullable=False),
    # (subject_no uint32, strength uint16) each, strongest first: what `affinities` holds the other way round.
    Column("affinities", LargeBinary, nullable=False),
    Column("features", LargeBinary, nullable=False),
)
Index("standings_by_segment", standings.c.segment_no, standings.c.customer_id)
Index("standings_by_rfm", standings.c.rfm_no, standings.c.customer_id)

affinity_subjects = Table(
    "affinity_subjects",
    shop,
    Column("subject_no", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("subject", Id, nullable=False),
    UniqueConstraint("kind", "subject"),
)

affinities = Table(
    "affinities",
    shop,
    Column("subject_no", Integer, primary_key=True, autoincrement=False),
    Column("customer_no", Integer, primary_key=True, autoincrement=False),
    # Ten-thousandths.
    Column("strength", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)

# One row.
standings_state = Table(
    "standings_state",
    shop,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("last_customer_no", Integer, nullable=False),
    # The newest refit that began to be stored, and whether it still is.
    Column("refill_no", Integer, nullable=False),
    Column("refilling", Boolean, nullable=False),
)

# Whose standing changed beside a refit that is being stored, so that it leaves their affinities alone.
standings_touched = Table(
    "standings_touched",
    shop,
    Column("touch_no", RowNumber, primary_key=True, autoincrement=True),
    Column("customer_no", Integer, nullable=False),
    sqlite_autoincrement=True,
)

segment_moves = Table(
    "segment_moves",
    shop,
    Column("customer_id", Id, primary_key=True),
    Column("moved_at", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("from_no", SmallInteger),
    Column("to_no", SmallInteger),
    Column("cause", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("segment_moves_by_moved_at", segment_moves.c.moved_at)

refits = Table(
    "refits",
    shop,
    Column("version", Id, primary_key=True),
    Column("refitted_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

audiences = Table(
    "audiences",
    shop,
    Column("audience_id", Id, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

audience_pushes = Table(
    "audience_pushes",
    shop,
    Column("push_id", Id, primary_key=True),
    Column("audience_id", Id, nullable=False),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
)

# ------------------------------------------------------------------------------------------- the merchant's
merchant_rules = Table(
    "merchant_rules",
    shop,
    Column("rule_id", Id, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

# One row, which writers take in turn: the version last given.
merchant_rules_state = Table(
    "merchant_rules_state",
    shop,
    Column("name", Id, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# ------------------------------------------------------------------------------------------------ erased
# Numbers are committed in their order, so that whoever has read up to one has missed none.
erasures = Table(
    "erasures",
    shop,
    Column("erasure_no", RowNumber, primary_key=True, autoincrement=True),
    # Of a customer's or a browser's id; nothing tells whose but somebody who names them again.
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("receipt_id", Id, nullable=False),
    sqlite_autoincrement=True,
)

erasure_receipts = Table(
    "erasure_receipts",
    shop,
    Column("receipt_id", Id, primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
    Column("counts", LargeBinary, nullable=False),
    # What is still to be erased, with its ids; goes with the last of it.
    Column("under_way", LargeBinary),
    # Traces may be left in the unused places of SQLite's file until it is written anew.
    Column("leaves_traces", Boolean, nullable=False),
)

# --------------------------------------------------------------------------------------- the decision log
decisions = Table(
    "decisions",
    decision_log,
    Column("decision_id", Id, primary_key=True),
    Column("decided_at", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
    # As `seen.sender_key` spells them; empty for nobody, absent where an earlier release wrote the decision.
    Column("shopper_key", Id, index=True),
)
