"""Targets: when each may be sent to next. A row appears when there is something to say of a target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select, update

from bridge.store.database import Transaction
from bridge.store.deliveries import ClaimedDelivery
from bridge.store.tables import targets


async def take_turns(
    tx: Transaction, claims: Sequence[ClaimedDelivery], gaps: Mapping[str, float], now: float
) -> dict[str, float]:
    """Keep the rate of targets that have one, over all processes; who must wait, and until when.

    :param gaps: by kind, the least time between two messages to one target, seconds. Kinds without one are left out.
    :returns: by delivery id, when it may be tried. Those not in it are to be sent now.
    """
    queues: dict[str, list[ClaimedDelivery]] = defaultdict(list)
    for each in claims:
        if gaps.get(each.kind):
            queues[each.target].append(each)
    later: dict[str, float] = {}
    for target, queue in queues.items():
        later |= await _take_turn(tx, target, queue, gaps[queue[0].kind], now)
    return later


async def hold(tx: Transaction, target: str, kind: str, until: float) -> None:
    """The receiver asked to be left alone: nothing on schedule goes there before ``until``. Never shortens a hold."""
    row = await _row(tx, target)
    if row is None or (row[1] or 0.0) < until:
        await _write(tx, target, kind, known=row is not None, held_until=until)


async def _take_turn(
    tx: Transaction, target: str, queue: Sequence[ClaimedDelivery], gap: float, now: float
) -> dict[str, float]:
    """One of the queue may go if the target's time has come; the others line up behind it."""
    row = await _row(tx, target)
    next_at, held_until = (row[0] or 0.0, row[1] or 0.0) if row is not None else (0.0, 0.0)
    later: dict[str, float] = {}
    slot = max(next_at, now)
    went = False
    for each in queue:
        free = slot <= now and not went and (each.manual or held_until <= now)
        if free:
            went = True
            slot = now + gap
            continue
        later[each.id] = slot if each.manual else max(slot, held_until)
        slot = later[each.id] + gap
    if went:
        await _write(tx, target, queue[0].kind, known=row is not None, next_send_at=now + gap)
    return later


async def _row(tx: Transaction, target: str) -> tuple[float | None, float | None] | None:
    query = select(targets.c.next_send_at, targets.c.held_until).where(targets.c.target == target).with_for_update()
    found = (await tx.execute(query)).one_or_none()
    return None if found is None else (found[0], found[1])


async def _write(tx: Transaction, target: str, kind: str, *, known: bool, **values: float) -> None:
    if known:
        await tx.execute(update(targets).where(targets.c.target == target).values(values))
    else:
        await tx.execute(insert(targets).values(target=target, kind=kind, failures=0, **values))
