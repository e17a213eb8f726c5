"""What pacing learns: how long jobs take, how providers are asked, what each video reported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this step."""
    op.create_table(
        "tempos",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("tempo", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("provider", name="pk_tempos"),
    )
    op.create_table(
        "durations",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("seconds", sa.String(64), nullable=False),
        sa.Column("size", sa.String(64), nullable=False),
        sa.Column("learned", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "model", "seconds", "size", name="pk_durations"),
    )
    op.add_column("videos", sa.Column("reports", sa.JSON(), nullable=True))
    op.add_column("videos", sa.Column("pushed_at", sa.Float(), nullable=True))


def downgrade() -> None:
    """Take this step back."""
    op.drop_column("videos", "pushed_at")
    op.drop_column("videos", "reports")
    op.drop_table("durations")
    op.drop_table("tempos")
