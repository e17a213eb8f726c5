"""The Slack notifier: which URLs it takes, what it sends, and what is left of a message without its pictures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.responses import PlainTextResponse

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, Door, Reply
from bridge.models import EventType, Outcome
from bridge.notifiers.base import Address
from bridge.notifiers.fitting import Unfit
from bridge.notifiers.slack import SlackDestination, SlackNotifier
from tests.notifiers.slack_messages import ADDRESS, PICTURE, URL, composed, mrkdwn, packaged, sample, section
from tests.receiver import Receiver
from tests.servers import running_server

NOW = 1_763_870_000.0
NOTIFIER = SlackNotifier()


def degraded(message: Any) -> Any:
    body = NOTIFIER.degrade(composed(message))
    return None if body is None else json.loads(body)


async def post(url: str, body: bytes) -> Reply:
    """Send a message the way the sender does."""
    door = Door(AddressPolicy(LOOPBACK_NETWORKS))
    request = NOTIFIER.request(body, "evt_1", Address(url), NOW)
    reply = await door.send(request, timeout=5, max_reply=65_536)
    await door.aclose()
    return reply


# On the wire


async def test_a_message_arrives_as_json_and_ok_is_success() -> None:
    slack = Receiver()
    slack.answers.append(PlainTextResponse("ok"))
    body = packaged(sample(EventType.VIDEO_COMPLETED))
    async with running_server(slack.app) as url:
        reply = await post(f"{url}/services/T/B/x", body)
    assert slack.received[0].body == body
    assert slack.received[0].headers["content-type"] == "application/json; charset=utf-8"
    assert slack.received[0].headers["user-agent"].startswith("video-bridge/")
    assert NOTIFIER.judge(reply, NOW, ADDRESS).outcome is Outcome.DELIVERED


async def test_a_message_that_is_refused_for_its_picture_can_be_sent_without_it() -> None:
    slack = Receiver()
    slack.answers += [PlainTextResponse("invalid_blocks", 400), PlainTextResponse("ok")]
    async with running_server(slack.app) as url:
        verdict = NOTIFIER.judge(await post(url, body := composed({"blocks": [section(), PICTURE]})), NOW, ADDRESS)
        lesser = NOTIFIER.degrade(body)
        assert verdict.degrade
        assert lesser is not None
        assert NOTIFIER.judge(await post(url, lesser), NOW, ADDRESS).outcome is Outcome.DELIVERED
    assert slack.received[1].json["blocks"] == [section()]


# The destination


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://hooks.slack-gov.com/services/T000/B000/secret",
        "https://chat.example.com/hooks/abc",
        "http://127.0.0.1:9000/triggers/of/our/own",
    ],
)
def test_incoming_webhooks_and_compatible_servers_are_taken(url: str) -> None:
    assert SlackDestination(kind="slack", url=url).url == url


@pytest.mark.parametrize("path", ["triggers/E000/1/abc", "workflows/T000/A000/1/abc"])
@pytest.mark.parametrize("host", ["hooks.slack.com", "HOOKS.slack.com:443", "hooks.slack.com.", "hooks.slack-gov.com"])
def test_the_url_of_a_workflow_is_refused_with_the_reason(host: str, path: str) -> None:
    with pytest.raises(ValidationError, match=r"starts a workflow.*use an incoming webhook"):
        SlackDestination(kind="slack", url=f"https://{host}/{path}")


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/services/../triggers/E0/1/a", "https://hooks．slack.com/triggers/E0"]
)
def test_no_detour_hides_a_workflow(url: str) -> None:
    with pytest.raises(ValidationError, match="starts a workflow"):
        SlackDestination(kind="slack", url=url)


@pytest.mark.parametrize(
    "url", ["https://slack.com/api/chat.postMessage", "https://hooks.slack.com/", "https://hooks.slack.com"]
)
def test_another_url_of_slack_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="no incoming webhook"):
        SlackDestination(kind="slack", url=url)


def test_the_url_is_a_secret_and_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(SlackDestination(kind="slack", url=URL))
    assert NOTIFIER.shared_secret(ADDRESS) is None


@pytest.mark.parametrize("template", [None, "{}", {"video.failed": "{}", "watch.lost": "{}"}])
def test_a_template_is_one_text_or_one_for_each_event_type(template: Any) -> None:
    destination = SlackDestination(kind="slack", url=URL, template=template)
    assert destination.model_dump(mode="json")["template"] == template


@pytest.mark.parametrize("template", ["", "x" * 65_537, {"video.failed": "x" * 65_537}, {"video.paused": "{}"}, 7])
def test_a_template_that_is_too_long_or_for_no_event_is_refused(template: Any) -> None:
    with pytest.raises(ValidationError):
        SlackDestination(kind="slack", url=URL, template=template)


# Composing


def test_slack_is_not_to_fetch_links_unless_the_template_says_so() -> None:
    assert json.loads(composed({"text": "a"})) == {"unfurl_links": False, "unfurl_media": False, "text": "a"}
    assert json.loads(composed({"text": "a", "unfurl_media": True}))["unfurl_media"] is True


def test_a_message_is_compact_utf_8() -> None:
    assert composed('{ "text" : "naïve 👍" }').endswith('"text":"naïve 👍"}'.encode())


def test_links_in_fields_of_their_own_are_as_they_were_before_the_template_made_them_safe() -> None:
    message = {
        "blocks": [PICTURE | {"image_url": "https://x.example/?a=1&amp;b=2"}, section("<https://x.example/?a&amp;b>")]
    }
    picture, text = json.loads(composed(message))["blocks"]
    assert picture["image_url"] == "https://x.example/?a=1&b=2"
    assert text["text"]["text"] == "<https://x.example/?a&amp;b>"


@pytest.mark.parametrize(
    ("rendered", "problem"),
    [
        ("", "not JSON"),
        ('{"text": "a', "not JSON"),
        ('{"text": NaN}', "NaN is no number"),
        (f'{{"text": {"9" * 5_000}}}', "not JSON"),
        ('{"text": "a", "metadata": 1e999}', "number that is too large"),
        ('["text"]', "not a JSON object"),
        ('{"text": "\\ud83d"}', "half a character"),
        ('{"text": "a", "metadata": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    ],
)
def test_what_is_no_message_is_unfit(rendered: str, problem: str) -> None:
    with pytest.raises(Unfit, match=problem):
        composed(rendered)


def test_slack_takes_one_message_a_second() -> None:
    assert NOTIFIER.seconds_per_message == 1.0


# Without pictures


def test_pictures_are_taken_out_wherever_they_are() -> None:
    message = {
        "text": "Done",
        "blocks": [
            PICTURE,
            section(accessory=PICTURE),
            {"type": "context", "elements": [PICTURE, mrkdwn("small")]},
            {"type": "context", "elements": [PICTURE]},
        ],
        "attachments": [
            {"text": "old", "thumb_url": "https://x.example/a.png"},
            {"image_url": "https://x.example/b.png"},
        ],
    }
    assert degraded(message) == {
        "unfurl_links": False,
        "unfurl_media": False,
        "text": "Done",
        "blocks": [section(), {"type": "context", "elements": [mrkdwn("small")]}],
        "attachments": [{"text": "old"}],
    }


def test_a_message_of_nothing_but_a_picture_keeps_its_text() -> None:
    assert degraded({"text": "Done", "blocks": [PICTURE]}) == json.loads(composed({"text": "Done"}))


@pytest.mark.parametrize("message", [{"blocks": [section()]}, {"text": "Done"}, {"blocks": [PICTURE]}])
def test_there_is_no_lesser_form_without_pictures_or_with_nothing_else(message: Any) -> None:
    assert degraded(message) is None


def test_what_was_degraded_cannot_be_degraded_again() -> None:
    lesser = NOTIFIER.degrade(composed({"blocks": [section(), PICTURE]}))
    assert lesser is not None
    assert NOTIFIER.degrade(lesser) is None
