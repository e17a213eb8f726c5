from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError, NotFoundError
from bridge.models import PageRequest, VideoError, VideoStatus
from bridge.simulator import Fault, FaultRates, Order, Reply, SeenRequest, Simulator, SimulatorSettings
from tests.clock import AutoClock


@pytest.fixture
def simulator(auto_clock: AutoClock) -> Simulator:
    return Simulator(SimulatorSettings(duration=10), auto_clock)


def a_simulator(**settings: float) -> Simulator:
    return Simulator(SimulatorSettings(**settings), AutoClock())  # type: ignore[arg-type]


def test_a_video_lives_on_the_clock_alone(simulator: Simulator, auto_clock: AutoClock) -> None:
    video = simulator.create("A cat")
    assert video.status is VideoStatus.QUEUED
    auto_clock.advance(10)
    assert simulator.video(video.id).status is VideoStatus.COMPLETED


def test_an_order_may_name_every_detail(simulator: Simulator) -> None:
    video = simulator.create(Order("A cat", model="veo-3", size="640x360"))
    assert (video.model, video.size) == ("veo-3", "640x360")


def test_a_video_may_be_given_its_id(simulator: Simulator) -> None:
    simulator.create("A cat", video_id="videos/1")
    assert simulator.video("videos/1").prompt == "A cat"


def test_a_refused_prompt_leaves_no_trace() -> None:
    first, second = a_simulator(spread=1.0), a_simulator(spread=1.0)
    with pytest.raises(InvalidRequestError):
        first.create("[duration=x]")
    assert first.create("A cat") == second.create("A cat")


def test_two_simulators_with_one_seed_run_alike() -> None:
    first, second = (a_simulator(spread=1.0, failure_rate=0.5, seed=9) for _ in range(2))
    for simulator in (first, second):
        for prompt in ("A cat", "A dog", "A fish"):
            simulator.create(prompt)
    assert list(first.jobs.values()) == list(second.jobs.values())


def test_unknown_deleted_and_vanished_videos_are_not_found(simulator: Simulator, auto_clock: AutoClock) -> None:
    deleted, vanished = simulator.create("A cat"), simulator.create("[vanish] [duration=1]")
    simulator.delete(deleted.id)
    auto_clock.advance(1)
    for video_id in (deleted.id, vanished.id, "video_none"):
        with pytest.raises(NotFoundError):
            simulator.video(video_id)
        with pytest.raises(NotFoundError):
            simulator.delete(video_id)


def test_a_test_ends_a_video_when_it_likes(simulator: Simulator) -> None:
    cat, dog = simulator.create("A cat"), simulator.create("A dog [stuck=queued]")
    simulator.end(cat.id)
    simulator.end(dog.id, VideoError("nsfw", "Not that dog."))
    assert simulator.video(cat.id).status is VideoStatus.COMPLETED
    assert simulator.video(dog.id).error == VideoError("nsfw", "Not that dog.")


def test_a_page_skips_what_has_vanished(simulator: Simulator, auto_clock: AutoClock) -> None:
    ids = [simulator.create(prompt).id for prompt in ("A cat", "[vanish]", "A dog")]
    auto_clock.advance(10)
    page = simulator.page(PageRequest(limit=2))
    assert [video.id for video in page.items] == [ids[2], ids[0]]
    assert not page.has_more


@given(st.integers(0, 12), st.integers(1, 5), st.booleans())
def test_pages_put_together_are_the_whole_list(count: int, limit: int, descending: bool) -> None:
    simulator = a_simulator()
    ids = [simulator.create("A cat").id for _ in range(count)]
    found: list[str] = []
    more = True
    while more:
        page = simulator.page(PageRequest(limit=limit, after=found[-1] if found else None, descending=descending))
        found += [video.id for video in page.items]
        more = page.has_more
    assert found == (ids[::-1] if descending else ids)


def test_a_page_after_nothing_known_is_refused(simulator: Simulator) -> None:
    with pytest.raises(InvalidRequestError, match="video_none"):
        simulator.page(PageRequest(after="video_none"))


def test_retrieves_are_counted_by_id_and_lists_together(simulator: Simulator) -> None:
    answers = [simulator.retrieve_answer("video_1"), simulator.retrieve_answer("video_1"), simulator.list_answer()]
    assert answers == [None, None, None]
    assert (simulator.retrieves["video_1"], simulator.retrieves["video_2"], simulator.lists) == (2, 0, 1)


def test_scripted_answers_are_given_in_turn_and_used_up(simulator: Simulator) -> None:
    simulator.fault_next(Fault.RESET, times=2)
    simulator.fault_next(Reply(200, b"[]"))
    answers = [simulator.retrieve_answer("a"), simulator.list_answer(), simulator.retrieve_answer("b")]
    assert answers == [Fault.RESET, Fault.RESET, Reply(200, b"[]")]
    assert simulator.retrieve_answer("a") is None


def test_an_answer_scripted_for_one_video_waits_for_it(simulator: Simulator) -> None:
    simulator.fault_next(503, video_id="a")
    assert [simulator.retrieve_answer("b"), simulator.list_answer()] == [None, None]
    assert [simulator.retrieve_answer("a"), simulator.retrieve_answer("a")] == [503, None]


def test_an_outage_lasts_until_it_is_cleared_and_uses_nothing_up(simulator: Simulator) -> None:
    simulator.fault_next(503)
    simulator.set_outage(401)
    assert [simulator.retrieve_answer("a"), simulator.list_answer()] == [401, 401]
    simulator.clear_outage()
    assert [simulator.retrieve_answer("a"), simulator.list_answer()] == [503, None]


def test_faults_by_chance_repeat_with_the_seed_whatever_the_order_of_the_reads() -> None:
    def reads(ordinals: list[int]) -> dict[int, list[object]]:
        simulator = Simulator(SimulatorSettings(seed=5, faults=FaultRates(hang=0.3, reset=0.3)), AutoClock())
        ids = [simulator.create("A cat").id for _ in range(3)]
        return {ordinal: [simulator.retrieve_answer(ids[ordinal]) for _ in range(20)] for ordinal in ordinals}

    assert reads([0, 1, 2]) == reads([2, 0, 1])
    assert {Fault.HANG, Fault.RESET, None} == set(reads([0])[0])


def test_lists_and_unknown_videos_meet_faults_too() -> None:
    simulator = Simulator(SimulatorSettings(faults=FaultRates(not_json=1)), AutoClock())
    assert [simulator.list_answer(), simulator.retrieve_answer("video_none")] == [Fault.NOT_JSON, Fault.NOT_JSON]


async def test_a_test_waits_for_what_is_asked(simulator: Simulator) -> None:
    waiting = asyncio.create_task(simulator.until(lambda: simulator.retrieves["a"] == 2))
    simulator.retrieve_answer("a")
    await asyncio.sleep(0)
    assert not waiting.done()
    simulator.retrieve_answer("a")
    await waiting


async def test_what_holds_already_is_not_waited_for(simulator: Simulator) -> None:
    simulator.list_answer()
    await simulator.until(lambda: simulator.lists == 1)


async def test_the_latest_requests_are_remembered(simulator: Simulator) -> None:
    waiting = asyncio.create_task(simulator.until(lambda: len(simulator.seen) == 1000))
    await asyncio.sleep(0)
    for number in range(1200):
        simulator.record(SeenRequest("GET", f"/v1/videos/{number}", "", {}, 0.0))
    await waiting
    assert [simulator.seen[0].path, simulator.seen[-1].path] == ["/v1/videos/200", "/v1/videos/1199"]
