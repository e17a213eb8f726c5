"""Targets: rate, breaker and the wish to be left alone. A row appears when there is something to say of a target."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import func, select

from bridge.store.database import Transaction
from bridge.store.dialects import among, upsert
from bridge.store.tables import targets


@dataclass(frozen=True, slots=True)
class TargetState:
    """What is known of a target; times are Unix seconds.

    :param next_send_at: the rate of its kind.
    :param held_until: the receiver asked to be left alone until then.
    :param failures: in a row.
    :param opened_at: when the breaker opened; None while it is closed.
    :param probe_at: from when on one delivery may try an open breaker; while one does, the end of its lease.
    :param probe_wait: how long the breaker waited for that, seconds.
    """

    next_send_at: float | None = None
    held_until: float | None = None
    failures: int = 0
    opened_at: float | None = None
    probe_at: float | None = None
    probe_wait: float | None = None


_NEW = TargetState()
_LOCK = (
    select(targets.c.target, *(targets.c[name] for name in TargetState.__dataclass_fields__))
    .where(among(targets.c.target, "ids"))
    .order_by(targets.c.target)
    .with_for_update()
)


async def lock(tx: Transaction, ids: Collection[str], *, rated: Mapping[str, str]) -> dict[str, TargetState]:
    """The states of several targets, held until the transaction ends. One without a row has the state of a new one.

    :param rated: kinds by target, of those that have a rate: their rows are made if need be, so that two replicas
        that ask at once line up.
    """
    if rated:
        rows = [{"target": target, "kind": kind, "failures": 0} for target, kind in sorted(rated.items())]
        await upsert(tx, targets, rows, key=("target",))
    if not ids:
        return {}
    known = {row[0]: TargetState(*row[1:]) for row in await tx.execute(_LOCK, {"ids": ids})}
    return {target: known.get(target, _NEW) for target in ids}


async def write(tx: Transaction, states: Mapping[tuple[str, str], TargetState]) -> None:
    """Write the states of targets, by target and kind."""
    rows = [{"target": target, "kind": kind, **asdict(state)} for (target, kind), state in sorted(states.items())]
    await upsert(tx, targets, rows, key=("target",), update=tuple(TargetState.__dataclass_fields__))


async def open_breakers(tx: Transaction) -> int:
    """How many targets have an open breaker."""
    query = select(func.count()).select_from(targets).where(targets.c.opened_at.is_not(None))
    return int((await tx.execute(query)).scalar_one())
