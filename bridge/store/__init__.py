"""The only place that speaks SQL."""

from bridge.store.database import Database, Transaction, lock_file, sqlite_path
from bridge.store.schema import database_exists, inspect, migrate

__all__ = ["Database", "Transaction", "database_exists", "inspect", "lock_file", "migrate", "sqlite_path"]
