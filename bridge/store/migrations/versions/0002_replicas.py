"""Turns, breakers, retention: what many processes, bad receivers and a long life need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this step."""
    op.add_column("targets", sa.Column("probe_wait", sa.Float(), nullable=True))
    op.create_index("ix_watches_ended_at", "watches", ["ended_at"])
    op.add_column("deliveries", sa.Column("turn", sa.Integer(), nullable=True))
    op.execute("UPDATE deliveries SET turn = CASE WHEN step > 0 THEN 1 ELSE 0 END")
    with op.batch_alter_table("deliveries") as batch:
        batch.alter_column("turn", existing_type=sa.Integer(), nullable=False)
        batch.create_unique_constraint("uq_deliveries_event_id_destination_id", ["event_id", "destination_id"])
        batch.drop_index("ix_deliveries_event_id")
        batch.drop_index("ix_deliveries_next_at")
        batch.create_index("ix_deliveries_due", ["turn", "next_at", "id", "host"])
        batch.create_index("ix_deliveries_target_status", ["target", "status"])


def downgrade() -> None:
    """Take this step back."""
    with op.batch_alter_table("deliveries") as batch:
        batch.drop_index("ix_deliveries_target_status")
        batch.drop_index("ix_deliveries_due")
        batch.create_index("ix_deliveries_next_at", ["next_at"])
        batch.create_index("ix_deliveries_event_id", ["event_id"])
        batch.drop_constraint("uq_deliveries_event_id_destination_id", type_="unique")
        batch.drop_column("turn")
    op.drop_index("ix_watches_ended_at", "watches")
    op.drop_column("targets", "probe_wait")
