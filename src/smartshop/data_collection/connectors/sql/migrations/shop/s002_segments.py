"""Segments, standings and audiences; customers can be asked for by their place."""

import json
import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s002"
down_revision = "s001"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TABLES = (
    "segments",
    "standings",
    "affinity_subjects",
    "affinities",
    "standings_state",
    "standings_touched",
    "segment_moves",
    "refits",
    "audiences",
    "audience_pushes",
)
CUSTOMERS_AT_ONCE = 5_000


def upgrade() -> None:
    _add_places()
    _create_segments()
    _create_standings()
    _create_affinities()
    _create_refill()
    _create_history()
    _create_audiences()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("customers_by_country", "customers")
    op.drop_column("customers", "city")
    op.drop_column("customers", "country")


def _add_places() -> None:
    op.add_column("customers", sa.Column("country", ID))
    op.add_column("customers", sa.Column("city", ID))
    _fill_places()
    placed = sa.text("country IS NOT NULL")
    op.create_index(
        "customers_by_country",
        "customers",
        ["country", "customer_id", "city"],
        sqlite_where=placed,
        postgresql_where=placed,
    )


def _fill_places() -> None:
    connection = op.get_bind()
    page = sa.text(
        "SELECT customer_id, payload FROM customers WHERE customer_id > :after ORDER BY customer_id LIMIT :many"
    )
    fill = sa.text("UPDATE customers SET country = :country, city = :city WHERE customer_id = :customer_id")
    after = ""
    while rows := connection.execute(page, {"after": after, "many": CUSTOMERS_AT_ONCE}).all():
        told = [(customer_id, json.loads(bytes(payload))) for customer_id, payload in rows]
        placed = [
            {"customer_id": customer_id, "country": _fold(known.get("country")), "city": _fold(known.get("city"))}
            for customer_id, known in told
            if known.get("country") or known.get("city")
        ]
        if placed:
            connection.execute(fill, placed)
        after = rows[-1][0]


def _fold(place: str | None) -> str | None:
    return unicodedata.normalize("NFKC", place).strip().casefold() or None if place else None


def _create_segments() -> None:
    op.create_table(
        "segments",
        sa.Column("segment_no", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("segment_id", ID, nullable=False),
        sa.Column("payload", sa.LargeBinary),
        sa.PrimaryKeyConstraint("segment_no", name="segments_key"),
        sa.UniqueConstraint("segment_id", name="segments_by_segment_id"),
    )


def _create_standings() -> None:
    op.create_table(
        "standings",
        sa.Column("customer_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("rfm_no", sa.SmallInteger, nullable=False),
        sa.Column("segment_no", sa.SmallInteger),
        sa.Column("recency_score", sa.SmallInteger, nullable=False),
        sa.Column("frequency_score", sa.SmallInteger, nullable=False),
        sa.Column("monetary_score", sa.SmallInteger, nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("spent_minor", sa.BigInteger, nullable=False),
        sa.Column("churn_risk", sa.Float),
        sa.Column("p_alive", sa.Float),
        sa.Column("first_order_at", sa.BigInteger),
        sa.Column("last_order_at", sa.BigInteger),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("next_order_at", sa.BigInteger),
        sa.Column("expected_orders_30", sa.Float, nullable=False),
        sa.Column("expected_orders_90", sa.Float, nullable=False),
        sa.Column("expected_orders_365", sa.Float, nullable=False),
        sa.Column("expected_value_30_minor", sa.BigInteger, nullable=False),
        sa.Column("expected_value_90_minor", sa.BigInteger, nullable=False),
        sa.Column("expected_value_365_minor", sa.BigInteger, nullable=False),
        sa.Column("membership", sa.Float, nullable=False),
        sa.Column("in_segment_since", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("log_no", sa.BigInteger, nullable=False),
        sa.Column("affinities", sa.LargeBinary, nullable=False),
        sa.Column("features", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("customer_no", name="standings_key"),
        sa.UniqueConstraint("customer_id", name="standings_by_customer_id"),
    )
    op.create_index("standings_by_segment", "standings", ["segment_no", "customer_id"])
    op.create_index("standings_by_rfm", "standings", ["rfm_no", "customer_id"])


def _create_affinities() -> None:
    op.create_table(
        "affinity_subjects",
        sa.Column("subject_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("subject", ID, nullable=False),
        sa.PrimaryKeyConstraint("subject_no", name="affinity_subjects_key"),
        sa.UniqueConstraint("kind", "subject", name="affinity_subjects_by_kind_subject"),
    )
    op.create_table(
        "affinities",
        sa.Column("subject_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("customer_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("strength", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject_no", "customer_no", name="affinities_key"),
        sqlite_with_rowid=False,
    )


def _create_refill() -> None:
    op.create_table(
        "standings_state",
        sa.Column("slot", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("last_customer_no", sa.Integer, nullable=False),
        sa.Column("refill_no", sa.Integer, nullable=False),
        sa.Column("refilling", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="standings_state_key"),
    )
    op.create_table(
        "standings_touched",
        sa.Column("touch_no", ROW_NUMBER, nullable=False, autoincrement=True),
        sa.Column("customer_no", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("touch_no", name="standings_touched_key"),
        sqlite_autoincrement=True,
    )


def _create_history() -> None:
    op.create_table(
        "segment_moves",
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("moved_at", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("from_no", sa.SmallInteger),
        sa.Column("to_no", sa.SmallInteger),
        sa.Column("cause", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "moved_at", "kind", name="segment_moves_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("segment_moves_by_moved_at", "segment_moves", ["moved_at"])
    op.create_table(
        "refits",
        sa.Column("version", ID, nullable=False),
        sa.Column("refitted_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("version", name="refits_key"),
    )


def _create_audiences() -> None:
    op.create_table(
        "audiences",
        sa.Column("audience_id", ID, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("audience_id", name="audiences_key"),
    )
    op.create_table(
        "audience_pushes",
        sa.Column("push_id", ID, nullable=False),
        sa.Column("audience_id", ID, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("push_id", name="audience_pushes_key"),
    )
    op.create_index("audience_pushes_by_asked_at", "audience_pushes", ["asked_at"])
