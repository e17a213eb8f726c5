from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bridge.models import Outcome, Reason
from bridge.registry import DestinationChange
from bridge.registry.insight import DestinationHealth
from bridge.web.dashboard.destinations import body_of
from bridge.web.dashboard.forms import Form
from tests.web.dashboard.conftest import FakeInsight, Visit
from tests.web.fake_destinations import STORED, TRIED
from tests.web.fakes import FakeRegistry

SECRET = "whsec_" + "A" * 32


async def test_each_shows_how_it_does(visit: Visit) -> None:
    for path in ("/destinations", "/destinations/team"):
        await visit.get(path)
        for shown in ("team", "75 %", "120 ms", "breaker open", "enabled"):
            assert shown in visit.html


async def test_one_that_was_never_sent_to_says_so(visit: Visit, insight: FakeInsight) -> None:
    insight.its = DestinationHealth(0, None, None, None, breaker_open=False, probe_at=None)
    await visit.get("/destinations/team")
    assert "Nothing was sent to it yet" in visit.html


async def test_one_is_added(visit: Visit, registry: FakeRegistry) -> None:
    answer = await visit.post(
        "/destinations", kind="slack", name="crew", url="https://hooks.slack.com/services/T/B/X", events="video.failed"
    )
    assert answer.status_code == 200
    assert "It is stored." in visit.html
    assert registry.destinations.known["crew"].kind == "slack"


async def test_what_is_wrong_with_one_is_said_and_secrets_are_not_shown_again(visit: Visit) -> None:
    typed = {"kind": "callback", "name": "Team!", "url": "https://typed.example", "secret": SECRET}
    answer = await visit.post("/destinations", **typed)
    assert answer.status_code == 400
    assert "must match" in visit.html
    assert "https://typed.example" in visit.html
    assert SECRET not in visit.html


@pytest.mark.parametrize(
    ("kind", "typed", "said", "unfolded"),
    [
        ("email-webhook", {"to": "ana"}, "“To” (entry 1) cannot be used", {"For e-mail"}),
        ("callback", {"headers": "X-Team"}, "A header is `Name: value`", {"For a callback"}),
        ("callback", {"secret": SECRET, "fallback": "-"}, "“Stand-in”", {"For a callback", "Template and stand-in"}),
        ("odd", {}, "“Kind” must be", set()),
    ],
)
async def test_a_field_that_is_wrong_is_called_by_its_label_and_not_folded_away(
    visit: Visit, kind: str, typed: dict[str, str], said: str, unfolded: set[str]
) -> None:
    await visit.post("/destinations", kind=kind, name="crew", url="https://example.com/", **typed)
    assert said in visit.html
    assert set(re.findall("<details open><summary>([^<]+)", visit.html)) == unfolded
    assert visit.html.count('aria-invalid="true" aria-describedby="fault" autofocus') == 1
    assert f'id="fault">{said}' in visit.html


async def test_a_taken_name_is_said(visit: Visit) -> None:
    answer = await visit.post("/destinations", kind="callback", name="team", url="https://example.com/")
    assert answer.status_code == 409


async def test_a_test_shows_at_once_what_came_of_it(visit: Visit) -> None:
    await visit.post("/destinations/team/test")
    for shown in ("did not arrive", "404", "no such hook", "client error"):
        assert shown in visit.html


async def test_a_test_is_never_tried_again_and_does_not_say_so(visit: Visit, registry: FakeRegistry) -> None:
    registry.destinations.trial = replace(TRIED, outcome=Outcome.RETRY, reason=Reason.DNS, status=None, response=None)
    await visit.post("/destinations/team/test")
    assert "retry" not in visit.html
    assert ">not delivered<" in visit.html
    assert "example.com: no address is known for this name" in visit.html
    await visit.get("/destinations")
    assert "(dns: no address is known for this name)" in visit.html


async def test_what_a_test_came_to_stays_on_the_pages(visit: Visit, insight: FakeInsight) -> None:
    insight.its = DestinationHealth(0, None, None, None, breaker_open=False, probe_at=None)
    await visit.get("/destinations")
    assert "did not arrive" not in visit.html
    await visit.post("/destinations/team/test")
    for path in ("/destinations", "/destinations/team"):
        await visit.get(path)
        assert "test did not arrive" in visit.html
    assert "Nothing but tests was sent to it yet." in visit.html


async def test_one_is_switched_off_and_on(visit: Visit, registry: FakeRegistry) -> None:
    await visit.post("/destinations/team/switch", enabled="false")
    assert registry.destinations.change == DestinationChange(enabled=False)
    answer = await visit.post("/destinations/team/switch", enabled="true")
    assert registry.destinations.change == DestinationChange(enabled=True)
    assert answer.headers["location"] == "../../destinations/team"


async def test_a_new_secret_is_shown_once(visit: Visit) -> None:
    await visit.post("/destinations/team/rotate")
    assert "whsec_" in visit.html
    await visit.get("/destinations/team")
    assert "whsec_" not in visit.html
    assert (await visit.get("/destinations/team/rotate")).headers["location"] == "../../destinations/team"


async def test_where_there_is_none_it_says_what_to_do(visit: Visit, registry: FakeRegistry) -> None:
    registry.destinations.known.clear()
    await visit.get("/destinations")
    assert "No destination has a name yet" in visit.html
    assert (await visit.get("/destinations/team")).status_code == 404
    assert (await visit.get("/destinations/Odd")).status_code == 404


async def test_a_disabled_one_says_why(visit: Visit, registry: FakeRegistry) -> None:
    registry.destinations.known["team"] = replace(STORED, enabled=False, disabled_reason="gone")
    await visit.get("/destinations")
    assert "disabled" in visit.html
    assert "gone" in visit.html


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("callback", {"url", "secret", "headers", "template", "fallback"}),
        ("slack", {"url", "template", "fallback"}),
        ("email-webhook", {"url", "preset", "api_key", "from", "to", "headers", "template", "fallback"}),
    ],
)
def test_of_a_form_only_what_the_kind_takes_is_sent(kind: str, kept: set[str]) -> None:
    typed = {
        "url": "https://example.com",
        "secret": "whsec_x",
        "headers": "X-Team: ads\nX-Shot: 4",
        "preset": "flat",
        "api_key": "k",
        "from": "a@example.com",
        "to": "b@example.com, c@example.com",
        "template": "{}",
        "fallback": "other",
    }
    body = body_of(Form({name: [text] for name, text in {"kind": kind, "name": "n", **typed}.items()}))
    assert set(body) == {"kind", "name"} | kept
    assert body.get("to", ["b@example.com", "c@example.com"]) == ["b@example.com", "c@example.com"]
    assert body.get("headers", {"X-Team": "ads", "X-Shot": "4"}) == {"X-Team": "ads", "X-Shot": "4"}
