"""Sessions of the dashboard that were signed out of, for all replicas to know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this step."""
    op.create_table(
        "ended_sessions",
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_ended_sessions"),
    )


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("ended_sessions")
