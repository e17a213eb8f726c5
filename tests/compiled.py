"""Statements compiled once per process instead of once per test.

SQLAlchemy keeps what it compiled beside each engine, and nearly every test has an engine of its own: a quarter of the
time of such a test went into compiling the same hundred statements again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event


class _SharedCache(dict[Any, Any]):
    """What was compiled, by the kind of dialect in place of the dialect itself, of which each engine makes one."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((type(key[0]), *key[1:]), compiled)


def share() -> None:
    """Let all engines of this process, whenever they are made, use one cache."""
    cache = _SharedCache()

    def use(connection: Connection) -> None:
        connection.execution_options(compiled_cache=cache)

    event.listen(Engine, "engine_connect", use)
