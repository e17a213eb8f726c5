"""The only place that speaks SQL."""

from bridge.store.database import Database, Transaction, kind_of
from bridge.store.schema import Held, HeldCallback, inspect, migrate, read_callbacks, read_held
from bridge.store.sqlite import AND_START_IT_AGAIN, OR_ANOTHER_FILE, held_by_another, lock_file, scrub_file, sqlite_path

__all__ = [
    "AND_START_IT_AGAIN",
    "OR_ANOTHER_FILE",
    "Database",
    "Held",
    "HeldCallback",
    "Transaction",
    "held_by_another",
    "inspect",
    "kind_of",
    "lock_file",
    "migrate",
    "read_callbacks",
    "read_held",
    "scrub_file",
    "sqlite_path",
]
