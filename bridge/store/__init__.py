"""The only place that speaks SQL."""

from bridge.store.database import Database, Transaction, kind_of
from bridge.store.schema import holds_secrets, inspect, migrate
from bridge.store.sqlite import lock_file, scrub_file, sqlite_path

__all__ = [
    "Database",
    "Transaction",
    "holds_secrets",
    "inspect",
    "kind_of",
    "lock_file",
    "migrate",
    "scrub_file",
    "sqlite_path",
]
