"""The only place that speaks SQL."""

from bridge.store.database import Database, Transaction, lock_file, sqlite_path
from bridge.store.schema import holds_secrets, inspect, migrate

__all__ = ["Database", "Transaction", "holds_secrets", "inspect", "lock_file", "migrate", "sqlite_path"]
