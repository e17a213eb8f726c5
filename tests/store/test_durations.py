"""What was learned about jobs and providers, as it is kept."""

from __future__ import annotations

from bridge.store import Transaction, durations
from tests.store.rows import NOW

CAT, ANY, OTHER = ("openai", "sora-2", "8", ""), ("openai", "", "", ""), ("azure", "", "", "")


async def test_groups_are_kept_as_they_were_last(tx: Transaction) -> None:
    await durations.keep_learned(tx, {CAT: {"jobs": 1}, ANY: {"jobs": 2}}, NOW)
    await durations.keep_learned(tx, {CAT: {"jobs": 5}}, NOW + 1)
    assert await durations.learned(tx, {CAT, ANY, OTHER}) == {CAT: {"jobs": 5}, ANY: {"jobs": 2}}
    assert await durations.learned(tx, set()) == {}


async def test_many_groups_are_kept_and_read_at_once(tx: Transaction) -> None:
    many = {("openai", f"model-{number}", "", ""): {"jobs": number} for number in range(1000)}
    await durations.keep_learned(tx, many, NOW)
    assert await durations.learned(tx, many) == many


async def test_tempos_are_kept_by_provider(tx: Transaction) -> None:
    await durations.keep_tempos(tx, {"openai": {"price": 1.0}}, NOW)
    await durations.keep_tempos(tx, {"openai": {"price": 2.0}, "azure": {"price": 3.0}}, NOW)
    assert await durations.tempos_of(tx, ["openai", "stranger"]) == {"openai": {"price": 2.0}}


async def test_a_provider_is_forgotten_and_no_other(tx: Transaction) -> None:
    await durations.keep_learned(tx, {ANY: {"jobs": 1}, OTHER: {"jobs": 1}}, NOW)
    await durations.keep_tempos(tx, {"openai": {}, "azure": {}}, NOW)
    await durations.forget(tx, "openai")
    assert set(await durations.learned(tx, {ANY, OTHER})) == {OTHER}
    assert set(await durations.tempos_of(tx, ["openai", "azure"])) == {"azure"}


async def test_groups_without_jobs_for_long_are_forgotten(tx: Transaction) -> None:
    await durations.keep_learned(tx, {CAT: {"jobs": 1}}, NOW - 100)
    await durations.keep_learned(tx, {ANY: {"jobs": 1}}, NOW)
    await durations.forget_old(tx, NOW - 50)
    assert set(await durations.learned(tx, {CAT, ANY})) == {ANY}
