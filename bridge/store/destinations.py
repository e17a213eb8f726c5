"""Destinations and their targets. What is secret in them is encrypted before it comes here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, or_, select, update

from bridge.errors import ConfigurationError
from bridge.models import DestinationView, EventType
from bridge.states import Recipient
from bridge.store.database import Transaction
from bridge.store.dialects import among, chunks
from bridge.store.tables import deliveries, destinations, targets, watch_destinations


@dataclass(frozen=True, slots=True)
class DestinationRow:
    """A destination to be written.

    :param config: encrypted; :param config_key: id of the key it is encrypted with.
    :param digest: of an inline one's content and registrant; equal ones are one row.
    """

    id: str
    name: str | None
    origin: str
    kind: str
    target: str
    shown_url: str
    host: str
    config: bytes
    config_key: str
    digest: str | None
    events: Sequence[EventType]
    is_default: bool
    created_at: float
    created_by: str | None
    fallback: str | None = None


_VIEW = (
    destinations.c.id,
    destinations.c.name,
    destinations.c.kind,
    destinations.c.shown_url,
    destinations.c.events,
    destinations.c.enabled,
    targets.c.disabled_at,
)
NOT_CONFIGURED = "not_configured"
"""Why a destination of the environment is disabled that the environment names no more."""

_VARIABLES = {
    "callback": "BRIDGE_CALLBACK_URL",
    "slack": "BRIDGE_SLACK_WEBHOOK_URL",
    "email": "BRIDGE_EMAIL_WEBHOOK_URL",
}
_WITH_TARGET = destinations.outerjoin(targets, targets.c.target == destinations.c.target)

# What each request for a watch asks; built once, for building a statement takes longer than running it.
_BY_DIGESTS, _BY_NAMES = (
    select(column, destinations.c.id).where(among(column, "d_values"))
    for column in (destinations.c.digest, destinations.c.name)
)
_TOLD = select(*_VIEW, destinations.c.config).select_from(_WITH_TARGET).where(among(destinations.c.id, "d_ids"))
_OF_WATCHES = (
    select(watch_destinations.c.watch_id, *_VIEW)
    .select_from(
        watch_destinations.join(destinations, destinations.c.id == watch_destinations.c.destination_id).outerjoin(
            targets, targets.c.target == destinations.c.target
        )
    )
    .where(among(watch_destinations.c.watch_id, "d_watches"))
    .order_by(watch_destinations.c.watch_id, watch_destinations.c.position)
)


async def by_digests(tx: Transaction, digests: Collection[str]) -> dict[str, str]:
    """The ids of the inline destinations with these contents, by digest."""
    return await _ids(tx, _BY_DIGESTS, digests)


async def by_names(tx: Transaction, names: Collection[str]) -> dict[str, str]:
    """The ids of the stored destinations of these names, by name."""
    return await _ids(tx, _BY_NAMES, names)


async def _ids(tx: Transaction, query: Select[Any], values: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(values):
        rows = await tx.execute(query, {"d_values": some})
        found |= {str(row[0]): row[1] for row in rows}
    return found


async def by_name(tx: Transaction, name: str) -> str | None:
    """The id of the stored destination of this name."""
    query = select(destinations.c.id).where(destinations.c.name == name)
    return (await tx.execute(query)).scalar_one_or_none()


async def ids_by_name(tx: Transaction) -> dict[str, str]:
    """The ids of all destinations that have a name."""
    query = select(destinations.c.name, destinations.c.id).where(destinations.c.name.is_not(None))
    return {row[0]: row[1] for row in await tx.execute(query)}


async def defaults(tx: Transaction) -> list[str]:
    """Names of the destinations that a watch uses which names none."""
    query = select(destinations.c.name).where(destinations.c.is_default).order_by(destinations.c.name)
    return [str(name) for name in (await tx.execute(query)).scalars()]


async def add(tx: Transaction, row: DestinationRow) -> None:
    """Insert a destination."""
    await add_many(tx, [row])


async def add_many(tx: Transaction, rows: Sequence[DestinationRow]) -> None:
    """Insert destinations."""
    if rows:
        await tx.execute(insert(destinations), [_values(row) for row in rows])


async def put_environment(tx: Transaction, rows: Sequence[DestinationRow], now: float) -> None:
    """Make the destinations from the environment what these rows say.

    One that is configured no longer is deleted when nothing refers to it, else disabled: what was promised to it stays
    visible.

    :raises ConfigurationError: a destination that was stored through the API has the name already.
    """
    gone = destinations.c.origin == "environment"
    names = [row.name for row in rows]
    if names:
        gone &= destinations.c.name.not_in(names)
    await tx.execute(delete(destinations).where(gone, ~_referred_to()))
    await tx.execute(
        update(destinations).where(gone).values(enabled=False, is_default=False, disabled_reason=NOT_CONFIGURED)
    )
    for row in rows:
        await _put(tx, row, now)


async def _put(tx: Transaction, row: DestinationRow, now: float) -> None:
    query = select(destinations.c.id, destinations.c.origin).where(destinations.c.name == row.name)
    known = (await tx.execute(query)).one_or_none()
    if known is None:
        await add(tx, row)
        return
    if known.origin != "environment":
        raise ConfigurationError(
            f"{_VARIABLES[str(row.name)]} describes a destination named {row.name!r}, but one of that name was stored "
            "through the API. Unset the variable, start the server and remove that one first."
        )
    changed = {name: value for name, value in _values(row).items() if name not in ("id", "created_at", "created_by")}
    await tx.execute(update(destinations).where(destinations.c.id == known.id).values(changed | {"updated_at": now}))
    await redirect(tx, known.id, row.target, row.host)


def _referred_to() -> ColumnElement[bool]:
    other = destinations.alias()
    return or_(
        exists().where(watch_destinations.c.destination_id == destinations.c.id),
        exists().where(deliveries.c.destination_id == destinations.c.id),
        exists().where(other.c.fallback == destinations.c.name),
    )


async def redirect(tx: Transaction, destination_id: str, target: str, host: str) -> None:
    """Let the deliveries of a destination go where it is now."""
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.destination_id == destination_id, deliveries.c.target != target)
        .values(target=target, host=host)
    )


async def of_watches(tx: Transaction, watch_ids: Sequence[str]) -> dict[str, list[DestinationView]]:
    """The destinations of several watches, in the order they were registered."""
    if not watch_ids:
        return {}
    found: dict[str, list[DestinationView]] = defaultdict(list)
    for watch_id, *row in await tx.execute(_OF_WATCHES, {"d_watches": watch_ids}):
        found[watch_id].append(view(row))
    return found


async def views(tx: Transaction, ids: Collection[str]) -> dict[str, DestinationView]:
    """Destinations by id, as they are shown."""
    found: dict[str, DestinationView] = {}
    for some in chunks(ids):
        query = select(*_VIEW).select_from(_WITH_TARGET).where(destinations.c.id.in_(some))
        found |= {row[0]: view(tuple(row)) for row in await tx.execute(query)}
    return found


async def told(tx: Transaction, ids: Collection[str]) -> dict[str, tuple[DestinationView, bytes]]:
    """Destinations by id, as they are shown, each with its encrypted settings."""
    found: dict[str, tuple[DestinationView, bytes]] = {}
    for some in chunks(ids):
        rows = await tx.execute(_TOLD, {"d_ids": some})
        found |= {row[0]: (view(row[:-1]), row[-1]) for row in rows}
    return found


async def to_try(tx: Transaction, destination_id: str) -> tuple[str, str, bytes, tuple[EventType, ...]]:
    """Kind, origin, encrypted settings and events of one destination, to send it a sample."""
    columns = (destinations.c.kind, destinations.c.origin, destinations.c.config, destinations.c.events)
    row = (await tx.execute(select(*columns).where(destinations.c.id == destination_id))).one()
    return row[0], row[1], row[2], tuple(EventType(event) for event in row[3])


async def recipients(tx: Transaction, watch_ids: Sequence[str]) -> dict[str, list[Recipient]]:
    """Who is told by each of several watches."""
    query = (
        select(
            watch_destinations.c.watch_id,
            destinations.c.id,
            destinations.c.events,
            destinations.c.target,
            destinations.c.host,
        )
        .join(destinations, destinations.c.id == watch_destinations.c.destination_id)
        .where(watch_destinations.c.watch_id.in_(watch_ids))
        .order_by(watch_destinations.c.watch_id, watch_destinations.c.position)
    )
    found: dict[str, list[Recipient]] = defaultdict(list)
    for watch_id, destination_id, events, target, host in await tx.execute(query):
        told = frozenset(EventType(event) for event in events)
        found[watch_id].append(Recipient(destination_id, told, target, host))
    return found


async def disable_target(tx: Transaction, target: str, kind: str, reason: str, now: float) -> None:
    """Nothing more is sent to this target on schedule, whichever watch asks."""
    changed = await tx.execute(
        update(targets).where(targets.c.target == target).values(disabled_at=now, disabled_reason=reason)
    )
    if changed.rowcount == 0:
        await tx.execute(
            insert(targets).values(target=target, kind=kind, disabled_at=now, disabled_reason=reason, failures=0)
        )


async def disabled_targets(tx: Transaction) -> int:
    """How many targets are disabled."""
    query = select(func.count()).select_from(targets).where(targets.c.disabled_at.is_not(None))
    return int((await tx.execute(query)).scalar_one())


def view(row: Sequence[Any]) -> DestinationView:
    """A destination as it is shown, from the columns of ``_VIEW``."""
    id_, name, kind, url, events, enabled, disabled_at = row
    return DestinationView(
        id=id_,
        name=name,
        kind=kind,
        url=url,
        events=tuple(EventType(event) for event in events),
        enabled=enabled and disabled_at is None,
    )


def _values(row: DestinationRow) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "origin": row.origin,
        "kind": row.kind,
        "target": row.target,
        "shown_url": row.shown_url,
        "host": row.host,
        "config": row.config,
        "config_key": row.config_key,
        "digest": row.digest,
        "events": [event.value for event in row.events],
        "is_default": row.is_default,
        "enabled": True,
        "disabled_reason": None,
        "fallback": row.fallback,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "updated_at": row.created_at,
    }
