from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from bridge.cli.client import MAX_CONNECTIONS, BridgeClient, JsonObject
from bridge.cli.connection import Connection
from bridge.cli.exits import CommandError, ExitCode, RefusedError, UnreachableError
from bridge.cli.follow import PATIENCE, Follower, pace_for
from bridge.ids import new_id
from tests.cli.samples import WATCH_ID, at_progress, completed, failed, make_destination, make_watch
from tests.cli.stub import CUT, StubBridge, refusal
from tests.clock import AutoClock, ManualClock
from tests.ports import free_port
from tests.servers import running_server


class Notes:
    """A reporter that writes everything down."""

    def __init__(self) -> None:
        self.seen: list[JsonObject] = []
        self.messages: list[str] = []
        self.troubled = asyncio.Event()

    def changed(self, watch: JsonObject) -> None:
        self.seen.append(watch)

    def trouble(self, message: str) -> None:
        self.messages.append(message)
        self.troubled.set()

    def recovered(self) -> None:
        self.messages.append("recovered")

    @property
    def progress(self) -> list[int | None]:
        return [(watch["video"] or {}).get("progress") for watch in self.seen]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def follower(stub: StubBridge, notes: Notes, auto_clock: AutoClock) -> AsyncIterator[Follower]:
    async with BridgeClient(Connection(stub.url)) as client:
        yield Follower(client, auto_clock, notes)


async def test_a_watch_is_followed_through_each_change_to_its_end(
    stub: StubBridge, follower: Follower, notes: Notes
) -> None:
    stub.add(make_watch())
    stub.course("video_abc", at_progress(20), at_progress(20), at_progress(70), completed())
    (result,) = await follower.follow([make_watch()])
    assert isinstance(result, dict)
    assert result["status"] == "completed"
    assert notes.progress == [None, 20, 70, 100]
    assert notes.seen[-1] == result


async def test_a_watch_is_listened_to_by_one_request(stub: StubBridge, follower: Follower) -> None:
    stub.add(make_watch())
    stub.course("video_abc", at_progress(20), at_progress(70), completed())
    await follower.follow([make_watch()])
    assert [asked.path for asked in stub.asked] == [f"/v1/watches/{WATCH_ID}/stream"]


async def test_a_stream_that_is_cut_is_taken_up_again(
    stub: StubBridge, follower: Follower, notes: Notes, auto_clock: AutoClock
) -> None:
    stub.add(make_watch())
    stub.course("video_abc", at_progress(20), CUT, at_progress(70), CUT, completed())
    await follower.follow([make_watch()])
    assert notes.progress == [None, 20, 70, 100]
    assert notes.messages == []
    assert auto_clock.slept == [1, 1]


async def test_a_server_without_streams_is_asked_in_turns(stub: StubBridge, follower: Follower, notes: Notes) -> None:
    stub.streams = False
    stub.add(make_watch())
    stub.course("video_abc", at_progress(20), at_progress(70), completed())
    await follower.follow([make_watch()])
    assert notes.progress == [None, 20, 70, 100]
    assert [asked.path.endswith("/stream") for asked in stub.asked] == [True, False, False, False]


@pytest.mark.parametrize("answer", [refusal(405), Response(status_code=204), refusal(200)])
async def test_what_else_is_no_stream(stub: StubBridge, follower: Follower, answer: Response) -> None:
    stub.next_answers.append(answer)
    stub.add(make_watch())
    stub.course("video_abc", completed())
    (result,) = await follower.follow([make_watch()])
    assert isinstance(result, dict)
    assert stub.asked[-1].query == {"wait": "2"}


async def test_a_server_that_goes_before_it_says_why_there_is_no_stream_is_listened_to_again(
    stub: StubBridge, follower: Follower, notes: Notes
) -> None:
    stub.next_answers += [refusal(404), refusal(503)]
    stub.add(make_watch())
    stub.course("video_abc", completed())
    await follower.follow([make_watch()])
    assert stub.asked[-1].path.endswith("/stream")
    assert notes.messages == ["Trying again for 60 s: No.", "recovered"]


async def test_the_last_few_of_many_are_listened_to(stub: StubBridge, follower: Follower) -> None:
    watches = [make_watch(id=f"watch_{number}", video_id=f"video_{number}") for number in range(MAX_CONNECTIONS + 1)]
    stub.add(*map(dict, watches))
    stub.course("video_0", completed())
    for watch in watches[1:]:
        stub.course(watch["video_id"], at_progress(50), completed())
    await follower.follow(watches)
    listened = [asked for asked in stub.asked if asked.path.endswith("/stream")]
    assert 0 < len(listened) <= MAX_CONNECTIONS
    assert not stub.asked[0].path.endswith("/stream")


async def test_a_watch_that_has_ended_is_not_asked_about(stub: StubBridge, follower: Follower, notes: Notes) -> None:
    watch = make_watch(**completed())
    assert await follower.follow([watch]) == [watch]
    assert notes.seen == [watch]
    assert stub.asked == []


async def test_the_signing_secret_that_only_a_registration_shows_is_no_change(
    stub: StubBridge, follower: Follower, notes: Notes
) -> None:
    stub.add(make_watch())
    stub.course("video_abc", {}, completed())
    await follower.follow([make_watch(destinations=[make_destination(signing_secret="whsec_x")])])
    assert len(notes.seen) == 2


async def test_results_come_in_the_order_of_the_watches(stub: StubBridge, follower: Follower) -> None:
    slow, fast = make_watch(id="watch_1", video_id="slow"), make_watch(id="watch_2", video_id="fast")
    stub.add(dict(slow), dict(fast))
    stub.course("slow", at_progress(1), at_progress(2), completed())
    stub.course("fast", failed())
    results = await follower.follow([slow, fast])
    assert [result["status"] for result in results if isinstance(result, dict)] == ["completed", "failed"]


async def test_many_watches_take_turns(stub: StubBridge, follower: Follower, auto_clock: AutoClock) -> None:
    watches = [make_watch(id=new_id("watch"), video_id=f"video_{number}") for number in range(3 * MAX_CONNECTIONS)]
    stub.add(*map(dict, watches))
    for watch in watches:
        stub.course(watch["video_id"], at_progress(50), completed())
    results = await follower.follow(watches)
    assert {result["status"] for result in results if isinstance(result, dict)} == {"completed"}
    assert "wait" not in stub.asked[0].query


async def test_a_watch_that_is_gone_does_not_disturb_the_others(stub: StubBridge, follower: Follower) -> None:
    stub.add(make_watch())
    stub.course("video_abc", completed())
    gone, there = await follower.follow([make_watch(id="watch_gone"), make_watch()])
    assert isinstance(gone, RefusedError)
    assert (str(gone), gone.code) == ("There is no such watch.", ExitCode.FAILED)
    assert isinstance(there, dict)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_a_restarting_server_answers_is_borne(
    stub: StubBridge, follower: Follower, notes: Notes, status: int
) -> None:
    stub.add(make_watch())
    stub.course("video_abc", completed())
    stub.next_answers += [refusal(status), refusal(status)]
    (result,) = await follower.follow([make_watch()])
    assert isinstance(result, dict)
    assert notes.messages == ["Trying again for 60 s: No.", "recovered"]


async def test_a_refusal_is_an_answer_too(stub: StubBridge, follower: Follower, notes: Notes) -> None:
    stub.next_answers += [refusal(503), refusal(404)]
    await follower.follow([make_watch()])
    assert notes.messages[-1] == "recovered"


async def test_a_refused_key_is_not_borne(stub: StubBridge, follower: Follower, notes: Notes) -> None:
    stub.next_answers.append(refusal(401, "No valid key."))
    (error,) = await follower.follow([make_watch()])
    assert isinstance(error, CommandError)
    assert error.code == ExitCode.USAGE
    assert notes.messages == []


async def test_patience_ends_after_a_minute(notes: Notes, auto_clock: AutoClock) -> None:
    async with BridgeClient(Connection("http://127.0.0.1:9")) as client:
        (error,) = await Follower(client, auto_clock, notes).follow([make_watch()])
    assert isinstance(error, UnreachableError)
    assert sum(auto_clock.slept) == pytest.approx(PATIENCE, abs=2)
    assert len(notes.messages) == 1


async def test_a_server_that_comes_back_is_asked_again(notes: Notes, clock: ManualClock) -> None:
    stub = StubBridge()
    stub.add(make_watch())
    stub.course("video_abc", completed())
    port = free_port()
    async with BridgeClient(Connection(f"http://127.0.0.1:{port}")) as client:
        following = asyncio.create_task(Follower(client, clock, notes).follow([make_watch()]))
        await notes.troubled.wait()
        async with running_server(stub.app, port=port):
            await clock.advance(1)
            (result,) = await following
    assert isinstance(result, dict)
    assert notes.messages[-1] == "recovered"


@given(st.integers(1, 5000))
def test_all_together_ask_at_most_25_times_a_second(following: int) -> None:
    assert following / pace_for(following).every <= 25 + 1e-9


@pytest.mark.parametrize(("following", "wait"), [(1, 2), (MAX_CONNECTIONS, 2), (MAX_CONNECTIONS + 1, 0)])
def test_only_as_many_as_there_are_connections_hold_one(following: int, wait: int) -> None:
    assert pace_for(following).wait == wait
