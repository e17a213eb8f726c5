"""Which sessions of the dashboard were signed out of: known to every replica, and after a restart."""

from __future__ import annotations

from bridge.store import ended_sessions
from bridge.store.database import Database


class EndedSessions:
    """Remembers sessions until their cookies would have ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: str, until: float, now: float) -> None:
        """Remember that somebody signed out.

        :param until: when the session's cookie ends at the latest, Unix seconds; so is ``now``.
        """
        async with self._database.write(ahead=True, brief=True) as tx:
            await ended_sessions.add(tx, session, until, now)

    async def has(self, session: str) -> bool:
        """Whether somebody signed out of this session."""
        async with self._database.read(brief=True) as tx:
            return await ended_sessions.has(tx, session)
