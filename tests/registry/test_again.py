"""Registering again: when the existing watch answers, when a new one is made, when it is a conflict."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConflictError
from bridge.models import WatchStatus
from bridge.registry.again import Again, Digests, judge_again
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.receiver import Receiver
from tests.servers import SimulatedProvider

ONE = {"kind": "callback", "url": "https://example.com/1"}
TWO = {"kind": "callback", "url": "https://example.com/2"}
BODY: dict[str, Any] = {"destinations": [ONE, TWO], "metadata": {"a": "1", "b": "2"}}
NOWHERE = {"openai": "http://127.0.0.1:9/v1", "azure": "http://127.0.0.1:9/azure"}


async def same_watch(parts: Parts, first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether the second registration is answered with the watch of the first."""
    before = await parts.register(**first)
    after = await parts.register(**second)
    assert after.created is (before.watch.id != after.watch.id)
    return not after.created


async def test_the_same_registration_is_answered_with_the_existing_watch(parts: Parts) -> None:
    assert await same_watch(parts, BODY, BODY)


@pytest.mark.parametrize(
    "second",
    [
        {**BODY, "destinations": [TWO, ONE]},
        {**BODY, "destinations": [ONE, TWO, ONE]},
        {**BODY, "destinations": [TWO], "callback_url": ONE["url"]},
        {**BODY, "metadata": {"b": "2", "a": "1"}},
        {**BODY, "timeout": 60},
        {**BODY, "provider": "openai"},
    ],
    ids=["order", "equal ones", "callback_url", "metadata's order", "timeout", "default provider named"],
)
async def test_what_makes_no_difference_makes_no_new_watch(parts: Parts, second: dict[str, Any]) -> None:
    assert await same_watch(parts, BODY, second)


OTHERWISE = {
    "video": {**BODY, "video_id": "video_2"},
    "fewer": {**BODY, "destinations": [ONE]},
    "another url": {**BODY, "destinations": [ONE, {**TWO, "url": "https://example.com/3"}]},
    "other events": {**BODY, "destinations": [ONE, {**TWO, "events": ["video.failed"]}]},
    "own secret": {**BODY, "destinations": [ONE, {**TWO, "secret": "whsec_" + "A" * 32}]},
    "other metadata": {**BODY, "metadata": {"a": "1", "b": "3"}},
    "no metadata": {"destinations": [ONE, TWO]},
}


@pytest.mark.parametrize("second", OTHERWISE.values(), ids=OTHERWISE.keys())
async def test_other_content_is_another_watch(parts: Parts, second: dict[str, Any]) -> None:
    assert not await same_watch(parts, BODY, second)


@pytest.mark.parametrize("second", OTHERWISE.values(), ids=OTHERWISE.keys())
async def test_other_content_under_the_same_key_is_a_conflict(parts: Parts, second: dict[str, Any]) -> None:
    registered = await parts.register(**BODY, key="mine")
    with pytest.raises(ConflictError) as caught:
        await parts.register(**second, key="mine")
    assert caught.value.param == "key"
    assert (await parts.register(**BODY, key="mine")).watch.id == registered.watch.id


async def test_another_provider_is_other_content(tmp_path: Any, clock: ManualClock) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        assert not await same_watch(parts, BODY, {**BODY, "provider": "azure"})
        assert await same_watch(parts, {**BODY, "key": "k"}, {**BODY, "key": "k"})
        with pytest.raises(ConflictError):
            await parts.register(**BODY, key="k", provider="azure")


async def test_who_wants_to_be_told_again_gives_another_key(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    for key in (None, "again", "again", "and again"):
        await parts.register(callback_url=hook, key=key)
    await parts.live(0)
    assert len(receiver.received) == 3


async def test_a_key_made_for_the_registrant_is_shown_and_can_be_given(parts: Parts) -> None:
    registered = await parts.register(**BODY)
    key = registered.watch.key
    assert len(key) == 64
    assert (await parts.register(**BODY, key=key)).watch.id == registered.watch.id


async def test_each_api_key_has_keys_of_its_own(parts: Parts) -> None:
    people = ("ci", "alice", None)
    watches = {(await parts.register(**BODY, key="k", created_by=who)).watch.id for who in people}
    assert len(watches) == 3
    assert (await parts.register(callback_url=ONE["url"], key="other", created_by="alice")).created
    with pytest.raises(ConflictError):
        await parts.register(callback_url=ONE["url"], key="k", created_by=None)


async def test_a_cancelled_watch_is_followed_by_a_new_one(parts: Parts) -> None:
    first = await parts.register(**BODY, key="k")
    await parts.registry.cancel(first.watch.id)
    second = await parts.register(**BODY, key="k")
    third = await parts.register(**BODY, key="k")
    assert second.created
    assert (third.created, third.watch.id) == (False, second.watch.id)
    assert (await parts.watch(first)).status is WatchStatus.CANCELLED


async def test_a_cancelled_watch_still_keeps_its_key_from_other_content(parts: Parts) -> None:
    first = await parts.register(**BODY, key="k")
    await parts.registry.cancel(first.watch.id)
    with pytest.raises(ConflictError):
        await parts.register(callback_url=ONE["url"], key="k")


async def test_a_watch_that_timed_out_is_followed_by_a_new_one(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    first = await parts.register(callback_url=hook, timeout=5)
    await parts.live(5)
    assert (await parts.watch(first)).status is WatchStatus.TIMED_OUT
    second = await parts.register(callback_url=hook, timeout=5)
    assert (second.created, second.watch.status) == (True, WatchStatus.WATCHING)


async def test_a_lost_watch_is_followed_by_a_new_one(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [stuck]", video_id="video_2")
    await parts.register("video_2", callback_url=hook)
    first = await parts.register(callback_url=hook)
    await parts.live(61)
    assert (await parts.watch(first)).status is WatchStatus.LOST
    simulator.create("a cat that came late [duration=1]", video_id="video_1")
    second = await parts.register(callback_url=hook)
    await parts.live(5)
    assert second.created
    assert (await parts.watch(second)).status is WatchStatus.COMPLETED


@pytest.mark.parametrize(("prompt", "status"), [("a cat", "completed"), ("a cat [fail]", "failed")])
async def test_a_video_that_ended_is_told_once_however_often_it_is_registered(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, prompt: str, status: str
) -> None:
    simulator.create(prompt, video_id="video_1")
    first = await parts.register(callback_url=hook)
    await parts.live(12)
    again = await parts.register(callback_url=hook)
    await parts.live(1)
    assert (again.created, again.watch.id, again.watch.status) == (False, first.watch.id, status)
    assert len(receiver.received) == 1


async def test_a_script_that_runs_twice_notifies_once_even_across_a_restart(
    tmp_path: Any, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    provider.simulator.create("a cat", video_id="video_1")
    for _ in range(2):
        async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting()) as parts:
            await parts.register(callback_url=hook)
            await parts.live(12)
    assert len(receiver.received) == 1


# The rule by itself.


@pytest.mark.parametrize("status", WatchStatus)
def test_other_content_is_a_conflict_whatever_became_of_the_watch(status: WatchStatus) -> None:
    assert judge_again(status, same_content=False) is Again.CONFLICT


@pytest.mark.parametrize("status", WatchStatus)
def test_only_an_end_without_a_verdict_on_the_video_asks_anew(status: WatchStatus) -> None:
    anew = status in ("cancelled", "lost", "timed_out")
    assert judge_again(status, same_content=True) is (Again.ANEW if anew else Again.SAME)


@given(st.permutations(["d1", "d2", "d3"]), st.permutations([("a", "1"), ("b", "2"), ("é", "\ud800")]))
def test_no_order_changes_the_content(destinations: list[str], metadata: list[tuple[str, str]]) -> None:
    digests = Digests(b"pepper")
    expected = digests.content("p", "v", ["d1", "d2", "d3"], {"a": "1", "b": "2", "é": "\ud800"})
    assert digests.content("p", "v", destinations, dict(metadata)) == expected


@given(st.lists(st.text(), min_size=2, max_size=4), st.lists(st.text(), min_size=2, max_size=4))
def test_texts_do_not_run_into_each_other(one: list[str], other: list[str]) -> None:
    digests = Digests(b"pepper")
    assert (digests.of(*one) == digests.of(*other)) is (one == other)


def test_nobody_else_can_make_the_same_digests() -> None:
    assert Digests(b"mine").slot("ci", "k") != Digests(b"yours").slot("ci", "k")
    assert Digests(b"mine").slot(None, "k") != Digests(b"mine").slot("None", "k")


@given(st.text(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text()), st.none() | st.text())
def test_content_and_slot_are_digests_as_they_have_been_since_the_first_version(
    provider: str, video_id: str, destinations: list[str], metadata: dict[str, str], created_by: str | None
) -> None:
    digests = Digests(b"pepper")
    content = digests.content(provider, video_id, destinations, metadata)
    assert content == digests.of("content", provider, video_id, sorted(destinations), metadata)
    assert digests.slot(created_by, video_id) == digests.of("slot", created_by, video_id)
