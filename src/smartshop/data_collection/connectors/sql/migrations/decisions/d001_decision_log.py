"""The decision log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    identifier = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.create_table(
        "decisions",
        sa.Column("decision_id", identifier, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="decisions_key"),
    )
    op.create_index("decisions_by_decided_at", "decisions", ["decided_at"])


def downgrade() -> None:
    op.drop_table("decisions")
