from __future__ import annotations

from sqlalchemy import delete, func, select

from bridge.models import VideoStatus
from bridge.store import Transaction, observations, tables
from bridge.store.observations import KEPT, Observation
from tests.store.rows import NOW, add_video, add_watch


def seen(row: str, at: float, progress: int | None = None) -> Observation:
    return Observation(row, at, "observed", VideoStatus.IN_PROGRESS, progress)


async def test_a_watch_shows_what_was_learned_of_its_video_in_order(tx: Transaction) -> None:
    row, other = await add_video(tx), await add_video(tx, "video_2")
    watch = await add_watch(tx, row)
    missing = Observation(row, NOW + 3, "missing", None, None)
    await observations.add(tx, [seen(row, NOW + 2, 40), seen(row, NOW + 1, 7), seen(other, NOW), missing])
    assert await observations.of_watch(tx, watch) == [seen(row, NOW + 1, 7), seen(row, NOW + 2, 40), missing]


async def test_of_two_at_the_same_moment_the_later_stays(tx: Transaction) -> None:
    row = await add_video(tx)
    watch = await add_watch(tx, row)
    await observations.add(tx, [seen(row, NOW, 1)])
    await observations.add(tx, [seen(row, NOW, 2)])
    assert await observations.of_watch(tx, watch) == [seen(row, NOW, 2)]


async def test_very_many_are_trimmed_to_the_latest(tx: Transaction) -> None:
    row = await add_video(tx)
    watch = await add_watch(tx, row)
    await observations.add(tx, [seen(row, NOW + number, number) for number in range(KEPT + 5)])
    await observations.trim(tx, [row])
    kept = await observations.of_watch(tx, watch)
    assert (len(kept), kept[0].progress) == (KEPT, 5)


async def test_few_are_left_alone(tx: Transaction) -> None:
    row = await add_video(tx)
    watch = await add_watch(tx, row)
    await observations.add(tx, [seen(row, NOW, 1)])
    await observations.trim(tx, [row])
    assert len(await observations.of_watch(tx, watch)) == 1


async def test_they_go_with_their_video(tx: Transaction) -> None:
    row = await add_video(tx)
    await observations.add(tx, [seen(row, NOW)])
    await tx.execute(delete(tables.videos).where(tables.videos.c.id == row))
    assert (await tx.execute(select(func.count()).select_from(tables.observations))).scalar_one() == 0
