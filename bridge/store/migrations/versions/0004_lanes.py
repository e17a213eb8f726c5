"""The budget that replicas share, and who reads a provider's list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this step."""
    op.create_table(
        "lanes",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("next_slot", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("slowed_at", sa.Float(), nullable=True),
        sa.Column("sweep_owner", sa.String(40), nullable=True),
        sa.Column("sweep_until", sa.Float(), nullable=True),
        sa.Column("listing", sa.JSON(), nullable=False),
    )


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("lanes")
