"""Indexes that answer alone, and that hold only what is not over yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Name, table, columns, and the column that must not be null in a row of the index.
_FORMER = (
    ("ix_videos_provider_next_at", "videos", ["provider", "next_at"], None),
    ("ix_videos_provider_deadline", "videos", ["provider", "deadline"], None),
    ("ix_videos_provider_looked_at", "videos", ["provider", "looked_at"], None),
    ("ix_watches_ended_at", "watches", ["ended_at"], None),
    ("ix_deliveries_due", "deliveries", ["turn", "next_at", "id", "host"], None),
)
_PRESENT = (
    ("ix_videos_due", "videos", ["provider", "next_at", "id"], "next_at"),
    ("ix_videos_deadline", "videos", ["provider", "deadline"], "deadline"),
    ("ix_videos_looked", "videos", ["provider", "looked_at", "last_look"], None),
    ("ix_watches_ended", "watches", ["ended_at", "status"], "ended_at"),
    ("ix_deliveries_due", "deliveries", ["turn", "next_at", "id", "host"], "next_at"),
    ("ix_targets_disabled", "targets", ["disabled_at"], "disabled_at"),
    ("ix_targets_opened", "targets", ["opened_at"], "opened_at"),
)


def _create(indexes: tuple[tuple[str, str, list[str], str | None], ...]) -> None:
    for name, table, columns, known in indexes:
        where = None if known is None else sa.text(f"{known} IS NOT NULL")
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    """Bring the schema to this step."""
    for name, table, _, _ in _FORMER:
        op.drop_index(name, table)
    _create(_PRESENT)


def downgrade() -> None:
    """Take this step back."""
    for name, table, _, _ in _PRESENT:
        op.drop_index(name, table)
    _create(_FORMER)
