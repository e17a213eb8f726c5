"""Events, destinations and senders that the tests of e-mail share."""

from __future__ import annotations

from typing import Any

from bridge.models import EventType, Video, VideoError, VideoStatus
from bridge.notifiers.base import Address
from bridge.notifiers.email_webhook import EmailDefaults, EmailWebhookDestination, complete
from bridge.rendering.told import Told

NOW = 1_763_870_000.75
KEY = "SECRET-api-key-1"
TO = ["ann@example.com", "bob@example.com"]
PARTS = {"subject": "Video completed: a boat", "text": "It is ready.", "html": "<!doctype html><p>It is ready."}


def told(event_type: EventType = EventType.VIDEO_FAILED, **video: Any) -> Told:
    """An event about ``video_abc``; keywords are fields of the video."""
    fields = {"prompt": "a boat", "error": VideoError("moderation_blocked", "No."), **video}
    return Told(
        event_id="evt_1",
        event_type=event_type,
        created_at=NOW,
        video=Video(**{"id": "video_abc", "status": VideoStatus.FAILED, **fields}),
        watch_id="watch_1",
        watch_created_at=NOW - 100,
        watch_url="https://bridge.example/watches/watch_1",
        provider="openai",
        metadata={"campaign": "spring"},
    )


def destination(preset: str | None = "resend", **fields: Any) -> EmailWebhookDestination:
    """A destination as a client gives it."""
    given = {"kind": "email-webhook", "preset": preset, "from": "Bridge <bridge@example.com>", "to": TO, "api_key": KEY}
    return EmailWebhookDestination.model_validate(given | fields)


def addressed(preset: str = "resend", **fields: Any) -> Address:
    """That destination as it is stored, and as the sender gets it back."""
    given = {"url": "https://mail.example/send"} | fields
    body = complete(destination(preset, **given), EmailDefaults())
    settings = body.model_dump(mode="json", exclude={"kind", "events"})
    return Address(settings["url"], settings)
