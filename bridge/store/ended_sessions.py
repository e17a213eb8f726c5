"""Sessions of the dashboard that somebody signed out of before their time was over."""

from __future__ import annotations

from sqlalchemy import delete, select

from bridge.store.database import Transaction
from bridge.store.dialects import upsert
from bridge.store.tables import ended_sessions


async def add(tx: Transaction, session: str, until: float, now: float) -> None:
    """Remember a session, and forget those whose cookies have ended by themselves.

    :param until: when its cookie ends, Unix seconds of the machine's clock; so is ``now``.
    """
    await tx.execute(delete(ended_sessions).where(ended_sessions.c.until <= now))
    await upsert(tx, ended_sessions, [{"session": session, "until": until}], key=("session",))


async def has(tx: Transaction, session: str) -> bool:
    """Whether somebody signed out of this session."""
    query = select(ended_sessions.c.session).where(ended_sessions.c.session == session)
    return (await tx.execute(query)).first() is not None
