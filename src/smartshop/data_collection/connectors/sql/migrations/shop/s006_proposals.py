"""What was decided about ordering more, and how it turned out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s006"
down_revision = "s005"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "told_proposals",
        sa.Column("proposal_id", ID, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("look_at", sa.BigInteger),
        sa.Column("followed_by", ID),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("law", sa.LargeBinary),
        sa.Column("score", sa.LargeBinary),
        sa.PrimaryKeyConstraint("proposal_id", name="told_proposals_key"),
    )
    op.create_index("told_proposals_by_decided_at", "told_proposals", ["decided_at"])
    op.create_index("told_proposals_by_look_at", "told_proposals", ["look_at"])


def downgrade() -> None:
    op.drop_table("told_proposals")
