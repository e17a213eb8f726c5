"""What one process of several does."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from bridge.errors import ConfigurationError
from bridge.settings import Settings


class Role(StrEnum):
    """A part of the work that a process may leave to others."""

    API = "api"
    POLLER = "poller"
    SENDER = "sender"


ALL_ROLES = frozenset(Role)


def parse_roles(text: str) -> frozenset[Role]:
    """The roles a comma-separated list names.

    :raises ConfigurationError: it names none, or one that is not there.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(names) - {role.value for role in Role})
    if unknown or not names:
        wrong = f"there is no role {', '.join(unknown)}" if unknown else "no role is named"
        raise ConfigurationError(f"--roles: {wrong}; the roles are {', '.join(Role)}.")
    return frozenset(Role(name) for name in names)


def check_roles(roles: Collection[Role], settings: Settings) -> None:
    """Make sure that somebody does all the work.

    :raises ConfigurationError: nobody could do the rest.
    """
    if settings.database_kind == "sqlite" and set(roles) != ALL_ROLES:
        raise ConfigurationError(
            "--roles: on SQLite one process does everything. Leave the option out, or set BRIDGE_DATABASE_URL to a "
            "PostgreSQL server, which several processes can share."
        )
