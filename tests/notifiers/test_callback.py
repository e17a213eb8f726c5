"""The callback as receivers know it: OpenAI's envelope, Standard Webhooks' signature, plain verdicts."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from pydantic import ValidationError
from standardwebhooks import Webhook

from bridge import __version__, signing
from bridge.egress import OutgoingRequest, Reply
from bridge.models import EventType, Outcome, Reason, Video, VideoError, VideoStatus
from bridge.notifiers import Notifier, create_notifiers
from bridge.notifiers.base import Address, Verdict
from bridge.notifiers.callback import CallbackDestination, CallbackNotifier
from bridge.rendering.told import Told
from bridge.secrets import SecretBox

NOW = 1_763_870_000.75
URL = "https://example.com/hook"
OWN, DEFAULT = signing.new_secret(), signing.new_secret()
MASTER, OLD_MASTER = "m" * 32, "o" * 32
VIDEO = Video(
    "video_abc",
    VideoStatus.FAILED,
    model="sora-2",
    progress=40,
    created_at=1_763_869_900,
    completed_at=1_763_869_999,
    prompt="“A cat” 🎬 \u2028</script>",
    seconds="8",
    size="720x1280",
    error=VideoError("moderation_blocked", "No."),
)
TOLD = Told(
    event_id="evt_1",
    event_type=EventType.VIDEO_FAILED,
    created_at=NOW,
    video=VIDEO,
    watch_id="watch_1",
    watch_created_at=NOW - 100,
    watch_url="https://bridge.example/watches/watch_1",
    provider="openai",
    metadata={"campaign": "spring"},
)


def notifier(*, default: str | None = None, masters: tuple[str, ...] = (MASTER,)) -> CallbackNotifier:
    return CallbackNotifier(default, SecretBox(masters).callback_secrets)


def rendered(told: Told = TOLD) -> bytes:
    return notifier().compose({}, told, Address(URL))


def request(by: CallbackNotifier, *, now: float = NOW, **settings: Any) -> OutgoingRequest:
    return by.request(rendered(), "evt_1", Address(URL, settings), now)


def verify_with_the_sdk(sent: OutgoingRequest, secret: str) -> None:
    OpenAI(api_key="unused").webhooks.verify_signature(sent.body.decode(), dict(sent.headers), secret=secret)


def verify(sent: OutgoingRequest, *secrets: str) -> None:
    """Each of the secrets alone convinces both verifiers; raises otherwise."""
    for secret in secrets:
        Webhook(secret).verify(sent.body, dict(sent.headers))
        verify_with_the_sdk(sent, secret)


def test_the_body_is_exactly_the_documented_envelope() -> None:
    assert json.loads(rendered()) == {
        "id": "evt_1",
        "object": "event",
        "type": "video.failed",
        "created_at": 1_763_870_000,
        "data": {
            "id": "video_abc",
            "object": "video",
            "model": "sora-2",
            "status": "failed",
            "progress": 40,
            "created_at": 1_763_869_900,
            "completed_at": 1_763_869_999,
            "expires_at": None,
            "prompt": "“A cat” 🎬 \u2028</script>",
            "remixed_from_video_id": None,
            "seconds": "8",
            "size": "720x1280",
            "error": {"code": "moderation_blocked", "message": "No."},
        },
        "watch": {
            "id": "watch_1",
            "provider": "openai",
            "metadata": {"campaign": "spring"},
            "url": "https://bridge.example/watches/watch_1",
            "content_url": None,
            "thumbnail_url": None,
        },
    }


def test_fields_stand_in_the_documented_order_and_nothing_is_padded() -> None:
    text = rendered().decode()
    assert text.startswith('{"id":"evt_1","object":"event","type":"video.failed","created_at":1763870000,"data":{')
    assert "“A cat” 🎬" in text


def test_a_watch_lost_before_its_first_look_tells_the_id_and_nulls() -> None:
    lost = replace(
        TOLD, event_id="evt_2", event_type=EventType.WATCH_LOST, video=Video("video_abc"), watch_url=None, metadata={}
    )
    told = json.loads(rendered(lost))
    assert {name: value for name, value in told["data"].items() if value is not None} == {
        "id": "video_abc",
        "object": "video",
    }
    assert (told["type"], told["watch"]["url"], told["watch"]["metadata"]) == ("watch.lost", None, {})


def test_the_request_is_a_post_of_the_stored_bytes_to_the_url() -> None:
    sent = notifier().request(b"stored", "evt_1", Address(URL), NOW)
    assert (sent.method, sent.url, sent.body) == ("POST", URL, b"stored")
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["user-agent"] == f"video-bridge/{__version__}"
    assert (sent.headers["webhook-id"], sent.headers["webhook-timestamp"]) == ("evt_1", "1763870000")


def test_further_headers_go_with_it_and_replace_none_of_ours() -> None:
    sent = request(notifier(), headers={"X-Team": "ads", "content-type": "text/plain", "webhook-id": "evt_9"})
    assert sent.headers["X-Team"] == "ads"
    assert (sent.headers["content-type"], sent.headers["webhook-id"]) == ("application/json", "evt_1")


def test_a_later_attempt_renews_timestamp_and_signature_only() -> None:
    first, second = request(notifier()), request(notifier(), now=NOW + 60)
    changed = {name for name in first.headers if first.headers[name] != second.headers[name]}
    assert changed == {"webhook-timestamp", "webhook-signature"}
    assert first.body == second.body


def test_a_destinations_own_secret_signs_alone() -> None:
    sent = request(notifier(default=DEFAULT), now=time.time(), secret=OWN)
    verify(sent, OWN)
    with pytest.raises(InvalidWebhookSignatureError):
        verify_with_the_sdk(sent, DEFAULT)


def test_without_one_the_servers_default_signs() -> None:
    verify(request(notifier(default=DEFAULT), now=time.time(), secret=None), DEFAULT)


def test_without_either_one_derived_from_the_url_signs() -> None:
    verify(request(notifier(), now=time.time()), signing.derive_secret(MASTER, URL))


def test_while_the_servers_key_is_exchanged_old_and_new_secret_both_verify() -> None:
    sent = request(notifier(masters=(MASTER, OLD_MASTER)), now=time.time())
    assert len(sent.headers["webhook-signature"].split(" ")) == 2
    verify(sent, signing.derive_secret(MASTER, URL), signing.derive_secret(OLD_MASTER, URL))


def test_the_secret_to_show_is_the_newest_that_signs_and_none_that_came_from_there() -> None:
    assert notifier().shared_secret(Address(URL)) == signing.derive_secret(MASTER, URL)
    assert notifier(masters=(MASTER, OLD_MASTER)).shared_secret(Address(URL)) == signing.derive_secret(MASTER, URL)
    assert notifier(default=DEFAULT).shared_secret(Address(URL, {"secret": None})) == DEFAULT
    assert notifier(default=DEFAULT).shared_secret(Address(URL, {"secret": OWN})) is None


def test_nothing_secret_stands_in_the_repr_of_address_or_request() -> None:
    address = Address(URL, {"secret": OWN, "headers": {"authorization": "Bearer x"}})
    sent = notifier().request(b"body", "evt_1", address, NOW)
    assert not any(word in repr([address, sent]) for word in (OWN, "Bearer", "body'"))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict(Outcome.DELIVERED)),
        (204, Verdict(Outcome.DELIVERED)),
        (299, Verdict(Outcome.DELIVERED)),
        (302, Verdict(Outcome.RETRY, Reason.REDIRECT)),
        (400, Verdict(Outcome.RETRY, Reason.CLIENT_ERROR)),
        (401, Verdict(Outcome.RETRY, Reason.AUTH)),
        (404, Verdict(Outcome.RETRY, Reason.CLIENT_ERROR)),
        (410, Verdict(Outcome.FAILED, Reason.GONE, disable=True)),
        (413, Verdict(Outcome.RETRY, Reason.TOO_LARGE)),
        (429, Verdict(Outcome.RETRY, Reason.RATE_LIMITED)),
        (500, Verdict(Outcome.RETRY, Reason.SERVER_ERROR)),
    ],
)
def test_2xx_is_success_410_the_end_and_all_else_is_tried_again(status: int, verdict: Verdict) -> None:
    assert notifier().judge(Reply(status), NOW, Address(URL)) == verdict


@pytest.mark.parametrize("body", [b"", b"error", b"\xff\0", b'{"ok": false}'])
def test_the_body_of_a_success_does_not_matter(body: bytes) -> None:
    reply = Reply(200, body=body, truncated=True, body_error=Reason.RESET)
    assert notifier().judge(reply, NOW, Address(URL)) == Verdict(Outcome.DELIVERED)


@pytest.mark.parametrize("status", [302, 404, 429, 503])
def test_a_wish_to_wait_counts_with_every_failure(status: int) -> None:
    assert notifier().judge(Reply(status, {"retry-after": "120"}), NOW, Address(URL)).retry_after == 120


def test_an_unread_secret_is_refused_and_not_repeated_in_the_message() -> None:
    with pytest.raises(ValidationError, match="a signing secret starts with whsec_") as refused:
        CallbackDestination(kind="callback", url=URL, secret="something private")
    assert "private" not in refused.value.errors()[0]["msg"]


def test_a_destination_keeps_what_it_is_given_and_hides_it_in_its_repr() -> None:
    body = CallbackDestination(kind="callback", url=URL, secret=OWN, headers={"X": "private"})
    assert (body.secret, body.headers, body.events) == (OWN, {"X": "private"}, list(EventType))
    assert not any(word in repr(body) for word in (OWN, "private"))


@pytest.mark.parametrize(
    "change", [{"url": "x" * 2049}, {"url": None}, {"kind": "slack"}, {"secrets": OWN}, {"headers": {"host": "x"}}]
)
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CallbackDestination.model_validate({"kind": "callback", "url": URL} | change)


def test_notifiers_are_found_by_their_kind_and_know_the_servers_secrets() -> None:
    made = create_notifiers(SecretBox([MASTER]), DEFAULT)
    kinds: dict[str, Notifier] = dict(made)
    assert all(kind == each.kind for kind, each in kinds.items())
    assert kinds["callback"].shared_secret(Address(URL)) == DEFAULT
