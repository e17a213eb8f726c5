"""Destinations by themselves: listed, changed, deleted. What watches and deliveries need of them is beside this.

A deleted destination leaves its row behind, without name and secrets: deliveries still say where they went.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, or_, select, update

from bridge.models import DeliveryStatus, DestinationDetail, EventType, Page, PageRequest, Reason, WatchStatus
from bridge.store.database import Transaction
from bridge.store.tables import deliveries, destinations, targets, watch_destinations, watches

DELETED = "deleted"
"""The origin of a destination that is there no more."""


@dataclass(frozen=True, slots=True)
class KnownDestination:
    """A destination as its row has it.

    :param config: its own settings, encrypted.
    :param disabled_reason: why it was disabled itself; :param target_disabled_reason: why its target was.
    """

    id: str
    name: str | None
    origin: str
    kind: str
    target: str
    shown_url: str
    config: bytes = field(repr=False)
    events: tuple[EventType, ...]
    is_default: bool
    enabled: bool
    disabled_reason: str | None
    fallback: str | None
    created_at: float
    target_disabled: bool
    target_disabled_reason: str | None

    @property
    def detail(self) -> DestinationDetail:
        """It as it is shown."""
        return DestinationDetail(
            id=self.id,
            name=self.name,
            kind=self.kind,
            url=self.shown_url,
            events=self.events,
            default=self.is_default,
            enabled=self.enabled and not self.target_disabled,
            disabled_reason=self.target_disabled_reason if self.enabled else self.disabled_reason,
            fallback=self.fallback,
            created_at=self.created_at,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """How many live watches and pending deliveries use a destination."""

    watches: int
    deliveries: int


_EXISTS = destinations.c.origin != DELETED


async def find(tx: Transaction, name_or_id: str) -> KnownDestination | None:
    """The destination of this name or id."""
    found = await _known(tx, _EXISTS, or_(destinations.c.name == name_or_id, destinations.c.id == name_or_id), limit=1)
    return found[0] if found else None


async def page(tx: Transaction, request: PageRequest) -> Page[DestinationDetail]:
    """One page of the destinations that have a name, newest first unless asked otherwise."""
    conditions: list[ColumnElement[bool]] = [destinations.c.name.is_not(None)]
    if request.after is not None:
        beyond = destinations.c.id < request.after if request.descending else destinations.c.id > request.after
        conditions.append(beyond)
    found = await _known(tx, *conditions, limit=request.limit + 1, descending=request.descending)
    return Page([each.detail for each in found[: request.limit]], len(found) > request.limit)


async def fallbacks(tx: Transaction) -> dict[str, str | None]:
    """By name of a destination, the name of the one that stands in for it."""
    query = select(destinations.c.name, destinations.c.fallback).where(destinations.c.name.is_not(None))
    return {row[0]: row[1] for row in await tx.execute(query)}


async def leaning_on(tx: Transaction, name: str) -> list[str]:
    """Those for which the destination of this name stands in: names, of inline ones their ids."""
    shown = func.coalesce(destinations.c.name, destinations.c.id)
    query = select(shown).where(destinations.c.fallback == name).order_by(shown)
    return list((await tx.execute(query)).scalars())


async def usage(tx: Transaction, destination_id: str) -> Usage:
    """How much of what goes on needs this destination."""
    live = (
        select(func.count())
        .select_from(watch_destinations.join(watches, watches.c.id == watch_destinations.c.watch_id))
        .where(watch_destinations.c.destination_id == destination_id, watches.c.status == WatchStatus.WATCHING.value)
    )
    pending = select(func.count()).where(
        deliveries.c.destination_id == destination_id, deliveries.c.status == DeliveryStatus.PENDING.value
    )
    return Usage((await tx.execute(live)).scalar_one(), (await tx.execute(pending)).scalar_one())


async def change(tx: Transaction, destination_id: str, now: float, **columns: Any) -> None:
    """Write columns of a destination."""
    await tx.execute(update(destinations).where(destinations.c.id == destination_id).values(**columns, updated_at=now))


async def forget_bodies(tx: Transaction, destination_id: str) -> None:
    """Have what was not delivered rendered anew: whom it goes to stands in it."""
    undelivered = (DeliveryStatus.PENDING.value, DeliveryStatus.FAILED.value)
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.destination_id == destination_id, deliveries.c.status.in_(undelivered))
        .values(body=None, degraded=False)
    )


async def enable_target(tx: Transaction, target: str) -> None:
    """Send to this target again."""
    await tx.execute(update(targets).where(targets.c.target == target).values(disabled_at=None, disabled_reason=None))


async def forget(tx: Transaction, known: KnownDestination, config: bytes, config_key: str, now: float) -> None:
    """Delete a destination, but for what the past needs of it: its deliveries that are pending have failed.

    :param config: settings that hold nothing, encrypted.
    """
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.destination_id == known.id, deliveries.c.status == DeliveryStatus.PENDING.value)
        .values(
            status=DeliveryStatus.FAILED.value,
            reason=Reason.DISABLED.value,
            next_at=None,
            # One that is under way reports its result, and a retry that was asked for meanwhile is no more.
            manual_asked=deliveries.c.manual_done,
        )
    )
    if known.name is not None:
        await tx.execute(update(destinations).where(destinations.c.fallback == known.name).values(fallback=None))
    await change(
        tx,
        known.id,
        now,
        name=None,
        origin=DELETED,
        digest=None,
        config=config,
        config_key=config_key,
        is_default=False,
        enabled=False,
        disabled_reason=DELETED,
        fallback=None,
    )


async def lost_its_destination(tx: Transaction, delivery_id: str) -> bool:
    """Whether the destination of this delivery was deleted."""
    query = (
        select(destinations.c.origin)
        .join(deliveries, deliveries.c.destination_id == destinations.c.id)
        .where(deliveries.c.id == delivery_id)
    )
    return (await tx.execute(query)).scalar_one_or_none() == DELETED


async def _known(
    tx: Transaction, *conditions: ColumnElement[bool], limit: int, descending: bool = True
) -> list[KnownDestination]:
    query = (
        select(destinations, targets.c.disabled_at, targets.c.disabled_reason.label("target_disabled_reason"))
        .select_from(destinations.outerjoin(targets, targets.c.target == destinations.c.target))
        .where(*conditions)
        .order_by(destinations.c.id.desc() if descending else destinations.c.id.asc())
        .limit(limit)
    )
    return [_read(row) for row in (await tx.execute(query)).mappings()]


def _read(row: RowMapping) -> KnownDestination:
    return KnownDestination(
        id=row["id"],
        name=row["name"],
        origin=row["origin"],
        kind=row["kind"],
        target=row["target"],
        shown_url=row["shown_url"],
        config=row["config"],
        events=tuple(EventType(event) for event in row["events"]),
        is_default=row["is_default"],
        enabled=row["enabled"],
        disabled_reason=row["disabled_reason"],
        fallback=row["fallback"],
        created_at=row["created_at"],
        target_disabled=row["disabled_at"] is not None,
        target_disabled_reason=row["target_disabled_reason"],
    )
