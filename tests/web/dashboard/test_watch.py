from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.models import (
    Attempt,
    DeliveryView,
    Outcome,
    Reason,
    Trigger,
    Video,
    VideoError,
    VideoStatus,
    WatchStatus,
    WatchView,
)
from bridge.store.observations import Observation
from bridge.web.dashboard.watch import time_line
from tests.web.dashboard.conftest import FakeInsight, Visit
from tests.web.fakes import DELIVERY, ENDED, OUTLOOK, WATCH, WATCH_ID, FakeRegistry


def seen(at: float, progress: int | None, status: VideoStatus | None = VideoStatus.IN_PROGRESS) -> Observation:
    return Observation("vid_1", at, "observed", status, progress)


def told(watch: WatchView, *observations: Observation, deliveries: tuple[DeliveryView, ...] = ()) -> list[str]:
    return [f"{each.title} | {each.detail}" for each in time_line(watch, observations, deliveries)]


def test_a_watch_goes_from_its_registration_over_what_was_seen_to_its_deliveries() -> None:
    lines = told(
        ENDED._replace(created_by="ci"), seen(120, 40), seen(150.7, 100, VideoStatus.COMPLETED), deliveries=(DELIVERY,)
    )
    assert lines == [
        "Registered by ci | 1 destination",
        "In progress | 40 %",
        "Completed | 100 %",
        "Watch ended: completed | ",
        "Attempt 1 to callback: failed | gone: the receiver wants nothing any more · HTTP 410 · 12 ms",
    ]


def test_of_a_video_that_was_known_before_only_where_it_stood_is_told() -> None:
    assert told(WATCH, seen(10, 1), seen(20, 2), seen(120, 3))[:2] == [
        "In progress | 2 %",
        "Registered | 1 destination",
    ]


def test_what_other_watches_saw_after_this_one_ended_is_not_of_it() -> None:
    assert len(told(ENDED, seen(900, 100))) == 2


def test_a_missing_video_is_told_as_that() -> None:
    missing = Observation("vid_1", 130, "missing", None, None)
    (_, line) = told(WATCH, missing)
    assert line.startswith("Not found at the provider")


def test_a_failure_says_why() -> None:
    video = Video("video_abc", VideoStatus.FAILED, error=VideoError("moderation_blocked", "No."))
    assert told(ENDED._replace(status=WatchStatus.FAILED, video=video))[-1] == (
        "Watch ended: failed | moderation_blocked: No."
    )
    assert told(ENDED._replace(status=WatchStatus.LOST, reason="not_found"))[-1] == "Watch ended: lost | Not found"


def test_attempts_of_all_destinations_stand_in_their_order() -> None:
    def attempt(at: float, outcome: Outcome, trigger: Trigger = Trigger.SCHEDULE) -> Attempt:
        return Attempt(1, at, 5, outcome, Reason.TIMEOUT if outcome is Outcome.RETRY else None, None, None, trigger)

    first = replace(DELIVERY, attempts=(attempt(151, Outcome.RETRY), attempt(160, Outcome.DELIVERED, Trigger.MANUAL)))
    other = replace(DELIVERY, attempts=(attempt(155, Outcome.DELIVERED),))
    assert told(ENDED, deliveries=(first, other))[2:] == [
        "Attempt 1 to callback: will be tried again | timeout: no answer in time · 5 ms",
        "Attempt 1 to callback: delivered | 5 ms",
        "Attempt 1 to callback: delivered | 5 ms · by hand",
    ]


async def test_the_page_says_when_and_why_it_looks_next_and_when_the_end_is_expected(visit: Visit) -> None:
    await visit.get(f"/watches/{WATCH_ID}")
    assert OUTLOOK.reason in visit.html
    assert "1970-01-01 00:02:50" in visit.html
    assert "1970-01-01 00:03:00" in visit.html


@pytest.mark.parametrize(
    ("watch", "looked", "said"),
    [
        (WATCH, False, "openai has not shown it yet"),
        (WATCH, True, "openai does not know it so far"),
        (
            WATCH._replace(status=WatchStatus.LOST, reason="not_found"),
            True,
            "openai never showed it: its id may be wrong",
        ),
        (WATCH._replace(status=WatchStatus.LOST, reason="forbidden"), True, "openai never showed it: the key may not"),
        (WATCH._replace(status=WatchStatus.TIMED_OUT), True, "openai did not show it before the watch ended."),
    ],
)
async def test_of_a_video_that_was_never_seen_the_page_says_why(
    visit: Visit, registry: FakeRegistry, insight: FakeInsight, watch: WatchView, looked: bool, said: str
) -> None:
    registry.known[WATCH_ID] = watch
    insight.seen = [Observation("vid_1", 130, "missing", None, None)] if looked else []
    await visit.get(f"/watches/{WATCH_ID}")
    assert said in visit.html
    assert ("has not shown it yet" in visit.html) is (not looked)
    assert ("never seen" in visit.html) is (watch.status is not WatchStatus.WATCHING)


async def test_a_player_is_shown_only_when_there_is_something_to_play(visit: Visit, registry: FakeRegistry) -> None:
    await visit.get(f"/watches/{WATCH_ID}")
    assert "<video" not in visit.html
    registry.known[WATCH_ID] = ENDED
    await visit.get(f"/watches/{WATCH_ID}")
    assert f'src="/media/{WATCH_ID}"' in visit.html


async def test_what_was_learned_stands_on_the_page(visit: Visit, insight: FakeInsight) -> None:
    insight.seen = [seen(120, 77)]
    await visit.get(f"/watches/{WATCH_ID}")
    assert "77 %" in visit.html


async def test_a_watch_that_is_not_there_is_said_so(visit: Visit) -> None:
    for watch_id in ("watch_none", "x'%22", "dlv_1"):
        assert (await visit.get(f"/watches/{watch_id}")).status_code == 404
    assert "There is no watch 'dlv_1'; the id of a watch begins with `watch_`." in visit.html


async def test_an_odd_moment_of_a_provider_breaks_no_page(visit: Visit, registry: FakeRegistry) -> None:
    registry.known[WATCH_ID] = ENDED._replace(
        video=Video("v", VideoStatus.COMPLETED, completed_at=2**53, created_at=-(2**53))
    )
    assert (await visit.get(f"/watches/{WATCH_ID}")).status_code == 200
