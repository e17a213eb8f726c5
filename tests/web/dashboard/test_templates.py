from __future__ import annotations

import re

from bridge.models import EventType
from bridge.registry.previews import Fault
from bridge.rendering import SAMPLES
from bridge.web.dashboard.framed import framed
from tests.web.dashboard.conftest import FakePreviews, Visit
from tests.web.fakes import WATCH_ID


async def test_the_packaged_message_is_shown_first(visit: Visit, previews: FakePreviews) -> None:
    await visit.get("/templates")
    assert previews.asked == [("slack", SAMPLES["video.completed"], None)]
    assert "3 <span" in visit.html


async def test_kind_event_and_template_are_those_of_the_form(visit: Visit, previews: FakePreviews) -> None:
    await visit.post("/templates", kind="callback", event="watch.lost", template='{"a": 1}')
    assert previews.asked == [("callback", SAMPLES["watch.lost"], '{"a": 1}')]


async def test_a_real_watch_lends_its_values(visit: Visit, previews: FakePreviews) -> None:
    await visit.get(f"/templates?watch={WATCH_ID}&event=video.failed")
    ((_, told, _),) = previews.asked
    assert (told.watch_id, told.video.id, told.event_type) == (WATCH_ID, "video_abc", EventType.VIDEO_FAILED)


async def test_for_a_watch_that_is_not_there_the_sample_is_shown(visit: Visit, previews: FakePreviews) -> None:
    for watch in ("watch_none", "odd'"):
        await visit.post("/templates", watch=watch)
        assert f"There is no watch {watch!r}; this is the sample." in visit.html
    assert [told for _, told, _ in previews.asked] == [SAMPLES["video.completed"]] * 2


async def test_a_fault_names_its_line(visit: Visit, previews: FakePreviews) -> None:
    previews.fault = Fault("'nonsense' is undefined", 3)
    await visit.post("/templates", template="{{ nonsense }}")
    assert "Line 3" in visit.html
    assert "'nonsense' is undefined" in visit.html


async def test_what_was_typed_stays(visit: Visit) -> None:
    answer = await visit.post("/templates", template="</textarea><b>{{ video.id }}")
    assert "&lt;/textarea&gt;&lt;b&gt;{{ video.id }}" in answer.text


async def test_the_packaged_mail_is_in_its_frame_at_once(visit: Visit, previews: FakePreviews) -> None:
    await visit.get(f"/templates?kind=email-webhook&event=video.failed&watch={WATCH_ID}")
    assert "Show the mail" not in visit.html
    (frame,) = re.findall('<iframe [^>]* sandbox src="./([^"]+)"', visit.html)
    answer = await visit.get(f"/{frame}")
    assert answer.text == "<p style='color:red'>email-webhook</p>"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    _, in_frame = previews.asked
    assert (in_frame[0], in_frame[1].event_type, in_frame[1].watch_id) == ("email-webhook", "video.failed", WATCH_ID)


async def test_one_that_is_typed_stands_in_no_address_and_is_shown_when_it_is_asked_for(
    visit: Visit, previews: FakePreviews
) -> None:
    await visit.post("/templates", kind="email-webhook", template="secret text")
    (frame,) = re.findall('<iframe [^>]* sandbox src="./([^"]+)"', visit.html)
    assert frame == "templates/mail?typed=1"
    assert ">Show the mail</button>" in visit.html
    assert "“Show the mail” renders here" in (await visit.get(f"/{frame}&template=x")).text
    assert len(previews.asked) == 1


async def test_a_mail_is_framed_with_its_styles_and_nothing_else(visit: Visit) -> None:
    answer = await visit.post("/templates/mail", kind="email-webhook")
    policy = answer.headers["content-security-policy"]
    assert "style-src 'unsafe-hashes' 'sha256-" in policy
    assert "unsafe-inline" not in policy
    assert "script-src" not in policy
    assert "; sandbox;" in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


def test_pictures_of_other_hosts_are_not_asked_for() -> None:
    assert framed('<img alt="Still" src="https://cdn.example/x.jpg">').body == (
        b'<img alt="Still" data-src="https://cdn.example/x.jpg">'
    )


def test_a_mail_without_styles_is_allowed_none() -> None:
    assert "style-src 'none'" in framed("<p>plain").headers["content-security-policy"]
    assert "sha256-" in framed("<style>p{color:red}</style>").headers["content-security-policy"]
