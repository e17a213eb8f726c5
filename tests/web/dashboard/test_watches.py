from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import InvalidRequestError
from bridge.models import DeliveryStatus, Video, VideoStatus, WatchStatus
from bridge.registry import WatchFilter
from bridge.registry.insight import Overview
from tests.web.dashboard.conftest import HOSTILE, FakeInsight, Visit
from tests.web.fakes import WATCH, WATCH_ID, FakeRegistry


async def test_a_watch_shows_its_video_its_progress_and_its_destinations(
    visit: Visit, registry: FakeRegistry, insight: FakeInsight
) -> None:
    registry.known[WATCH_ID] = WATCH._replace(video=Video("video_abc", VideoStatus.IN_PROGRESS, progress=40))
    insight.told[WATCH_ID, "dest_1"] = DeliveryStatus.FAILED
    await visit.get("/")
    for shown in ("video_abc", '<progress max="100" value="40"', "watching", "campaign=spring", ">failed<", "callback"):
        assert shown in visit.html


async def test_a_watch_is_known_by_the_beginning_of_its_prompt(visit: Visit, registry: FakeRegistry) -> None:
    prompt = "A paper boat drifts. " * 50
    registry.known[WATCH_ID] = WATCH._replace(video=Video("video_abc", VideoStatus.IN_PROGRESS, prompt=prompt))
    await visit.get("/")
    assert f">{prompt[:79].rstrip()}…<" in visit.html


@pytest.mark.parametrize(
    ("status", "drawn"),
    [
        (WatchStatus.WATCHING, "<progress max"),
        (WatchStatus.FAILED, '<progress class="bad" max'),
        (WatchStatus.TIMED_OUT, '<progress class="bad" max'),
        (WatchStatus.CANCELLED, '<progress class="other" max'),
        (WatchStatus.COMPLETED, "<progress max"),
    ],
)
async def test_the_bar_of_what_went_wrong_looks_so(
    visit: Visit, registry: FakeRegistry, status: WatchStatus, drawn: str
) -> None:
    registry.known[WATCH_ID] = WATCH._replace(status=status, video=Video("video_abc", None, progress=99))
    await visit.get("/")
    assert drawn in visit.html


async def test_words_of_strangers_stay_words(visit: Visit, registry: FakeRegistry) -> None:
    video = Video(HOSTILE, VideoStatus.IN_PROGRESS, model=HOSTILE, prompt=HOSTILE)
    registry.known[WATCH_ID] = WATCH._replace(video_id=HOSTILE, video=video, metadata={HOSTILE: HOSTILE}, key=HOSTILE)
    for path in ("/", f"/watches/{WATCH_ID}"):
        assert HOSTILE not in (await visit.get(path)).text
        assert "&lt;script&gt;" in (await visit.get(path)).text


async def test_a_provider_in_trouble_is_named_above_the_watches(visit: Visit, registry: FakeRegistry) -> None:
    await visit.get("/")
    assert '<p class="note warn" role="status"><b>openai</b>: the provider refuses our key (401).</p>' in visit.html
    registry.standing = replace(registry.standing, reason=None)
    await visit.get("/")
    assert "refuses our key" not in visit.html


async def test_a_filter_and_a_search_ask_the_registry_for_less(visit: Visit, registry: FakeRegistry) -> None:
    await visit.get("/?status=failed&q=video_abc&after=watch_1")
    assert registry.filter == WatchFilter(WatchStatus.FAILED, "video_abc")
    assert registry.page is not None
    assert registry.page.after == "watch_1"


async def test_a_pair_is_looked_for_in_the_metadata_where_it_is_no_video(visit: Visit, registry: FakeRegistry) -> None:
    registry.known.clear()
    await visit.get("/?q=campaign%3D+spring")
    assert registry.filter == WatchFilter(metadata={"campaign": "spring"})


async def test_a_video_whose_id_has_an_equals_sign_is_found(visit: Visit, registry: FakeRegistry) -> None:
    registry.known[WATCH_ID] = WATCH._replace(video_id="dGhlIGlk=")
    await visit.get("/?q=dGhlIGlk%3D")
    assert registry.filter == WatchFilter(video_id="dGhlIGlk=")
    assert "dGhlIGlk=" in visit.html


async def test_a_watch_is_found_by_its_id_without_a_list(visit: Visit, registry: FakeRegistry) -> None:
    registry.filter = None
    await visit.get(f"/?q={WATCH_ID}")
    assert "video_abc" in visit.html
    assert registry.filter is None


async def test_a_query_that_means_nothing_is_left_out(visit: Visit, registry: FakeRegistry) -> None:
    answer = await visit.get("/?status=odd&provider=nobody&after=%27&q=%00%ED%A0%80")
    assert answer.status_code == 200
    assert registry.filter == WatchFilter()


async def test_where_there_is_nothing_it_says_what_to_do(visit: Visit, registry: FakeRegistry) -> None:
    registry.known.clear()
    await visit.get("/")
    assert "Nothing is watched yet" in visit.html
    assert "video-bridge watch VIDEO_ID" in visit.html
    await visit.get("/?status=lost")
    assert "No watch matches" in visit.html


async def test_counts_stand_beside_the_filters(visit: Visit, insight: FakeInsight) -> None:
    insight.figures = Overview(0.0, {WatchStatus.WATCHING: 99_000, WatchStatus.LOST: 1}, {}, {}, (), (), ())
    await visit.get("/")
    assert "99,001" in visit.html


async def test_one_form_registers_many_videos(visit: Visit, registry: FakeRegistry) -> None:
    await visit.post(
        "/watches",
        video_ids="video_1\r\n\r\n video_2 \r\nvideo_1",
        destinations=["team", "slack"],
        callback_url="https://example.com/hook",
        metadata="campaign = spring\r\nshot=04",
        timeout="60",
    )
    one, two = registry.bodies
    assert (one.video_id, two.video_id) == ("video_1", "video_2")
    assert one.destinations == ["team", "slack"]
    assert one.metadata == {"campaign": "spring", "shot": "04"}
    assert one.timeout == 60
    assert visit.html.count("registered") >= 2


async def test_the_signing_secret_is_told_to_whoever_registers(visit: Visit) -> None:
    await visit.post("/watches", video_ids="video_1")
    assert "whsec_shown" in visit.html


async def test_what_was_typed_is_shown_again_with_what_is_wrong(visit: Visit, registry: FakeRegistry) -> None:
    for fields, problem in (
        ({"video_ids": ""}, "at least one video id"),
        ({"video_ids": "video_1", "metadata": "spring"}, "has no `=`"),
        ({"video_ids": "video_1", "timeout": "soon"}, "whole number of seconds"),
        ({"video_ids": "video_1", "timeout": "99999999"}, "“Give up after” must be at most"),
        ({"video_ids": "video_1\nvideo_2", "key": "k"}, "An idempotency key stands for one registration"),
        ({"video_ids": "\n".join(map(str, range(1001)))}, "at most 1,000"),
        ({"video_ids": ".."}, "cannot be a video id"),
    ):
        answer = await visit.post("/watches", callback_url="https://typed.example/", **fields)
        assert (answer.status_code, problem in visit.html) == (400, True), problem
        assert "https://typed.example/" in visit.html
    assert registry.bodies == []


NOBODY = InvalidRequestError("Name at least one (`callback_url` or `destinations`).", param="destinations")


async def test_of_many_those_that_were_refused_stand_in_the_form_again(visit: Visit, registry: FakeRegistry) -> None:
    registry.refusals["video_2"] = NOBODY
    fields = {"metadata": "shot=04", "timeout": "60", "destinations": "team"}
    answer = await visit.post("/watches", video_ids="video_1\nvideo_2", **fields)
    assert answer.status_code == 200
    for shown in (
        "<h1>1 registered, 1 refused</h1>",
        "whsec_shown",
        "Name at least one (“Callback URL” or “Destinations”).",
        ">video_2</textarea>",
        ">shot=04</textarea>",
        'value="60"',
        'value="team" checked',
    ):
        assert shown in visit.html


async def test_when_all_are_refused_it_does_not_say_registered(visit: Visit, registry: FakeRegistry) -> None:
    registry.refusals = {"video_1": NOBODY, "video_2": NOBODY}
    answer = await visit.post("/watches", video_ids="video_1\nvideo_2")
    assert answer.status_code == 400
    assert "<h1>2 refused</h1>" in visit.html
    assert ">video_1\nvideo_2</textarea>" in visit.html


async def test_when_none_is_refused_there_is_no_form_to_send_again(visit: Visit) -> None:
    await visit.post("/watches", video_ids="video_1\nvideo_2")
    assert "<h1>Registered</h1>" in visit.html
    assert "</textarea>" not in visit.html


async def test_a_refusal_of_the_registry_is_shown_where_it_was_asked(visit: Visit, registry: FakeRegistry) -> None:
    registry.taken.add("k")
    answer = await visit.post("/watches", video_ids="video_1", key="k")
    assert answer.status_code == 409
    assert "stands for other content" in visit.html


async def test_a_watch_is_cancelled(visit: Visit, registry: FakeRegistry) -> None:
    answer = await visit.post(f"/watches/{WATCH_ID}/cancel")
    assert answer.headers["location"] == f"../../watches/{WATCH_ID}"
    assert registry.known[WATCH_ID].status is WatchStatus.CANCELLED


async def test_whoever_loads_the_answer_to_a_form_anew_is_led_to_the_list(visit: Visit) -> None:
    assert (await visit.get("/watches")).headers["location"] == "./"
