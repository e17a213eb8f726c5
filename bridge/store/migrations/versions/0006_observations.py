"""Observations: what each look learned, for the time line of a watch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this step."""
    op.create_table(
        "observations",
        sa.Column("video", sa.String(40), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("look", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["video"], ["videos.id"], name="fk_observations_video", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("video", "at", name="pk_observations"),
    )


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("observations")
