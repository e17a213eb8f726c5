"""An index of the watches that are still waiting, by who registered them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LIVE = sa.text("status = 'watching'")


def upgrade() -> None:
    """Bring the schema to this step."""
    op.create_index("ix_watches_live", "watches", ["created_by", "status"], sqlite_where=_LIVE, postgresql_where=_LIVE)


def downgrade() -> None:
    """Take this step back."""
    op.drop_index("ix_watches_live", "watches")
