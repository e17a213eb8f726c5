"""Objects as the API shows them."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]

NOW = 1_763_870_000
WATCH_ID = "watch_01k9yh3zt0e8s2m4v6x8z0b2d4"
DELIVERY_ID = "dlv_01k9yh40p2h6k8m0q2s4v6x8z0"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
URL = "https://example.com/hook"


def make_video(video_id: str = "video_abc", **changes: Any) -> JsonObject:
    video: JsonObject = {
        "id": video_id,
        "object": "video",
        "model": "sora-2",
        "status": "in_progress",
        "progress": 45,
        "created_at": NOW,
        "completed_at": None,
        "expires_at": None,
        "prompt": "A cat on a skateboard",
        "remixed_from_video_id": None,
        "seconds": "8",
        "size": "1280x720",
        "error": None,
    }
    return video | changes


def make_destination(**changes: Any) -> JsonObject:
    destination: JsonObject = {
        "id": "dest_01k9yh3zt0e8s2m4v6x8z0b2d5",
        "name": None,
        "kind": "callback",
        "url": URL,
        "events": ["video.completed", "video.failed"],
        "enabled": True,
    }
    return destination | changes


def make_watch(**changes: Any) -> JsonObject:
    watch: JsonObject = {
        "id": WATCH_ID,
        "object": "watch",
        "status": "watching",
        "video_id": "video_abc",
        "provider": "openai",
        "key": "5d41402abc4b2a76",
        "video": None,
        "destinations": [make_destination()],
        "metadata": {},
        "created_at": NOW,
        "created_by": None,
        "expires_at": NOW + 86_400,
        "ended_at": None,
        "reason": None,
        "deliveries": {"pending": 0, "delivered": 0, "failed": 0, "cancelled": 0},
    }
    return watch | changes


def make_attempt(**changes: Any) -> JsonObject:
    attempt: JsonObject = {
        "number": 1,
        "at": NOW + 100,
        "duration_ms": 12,
        "outcome": "failed",
        "reason": "client_error",
        "status": 404,
        "response": "no such hook",
        "trigger": "schedule",
    }
    return attempt | changes


def make_delivery(**changes: Any) -> JsonObject:
    delivery: JsonObject = {
        "id": DELIVERY_ID,
        "object": "delivery",
        "watch_id": WATCH_ID,
        "event_id": "evt_0123456789abcdef0123456789abcdef",
        "event_type": "video.completed",
        "status": "failed",
        "destination": {"id": "dest_01k9yh3zt0e8s2m4v6x8z0b2d5", "name": None, "kind": "callback", "url": URL},
        "created_at": NOW,
        "next_attempt_at": None,
        "delivered_at": None,
        "reason": "client_error",
        "degraded": False,
        "attempts": [make_attempt()],
    }
    return delivery | changes


def make_stored(**changes: Any) -> JsonObject:
    stored: JsonObject = {
        "object": "destination",
        "id": "dest_01k9yh3zt0e8s2m4v6x8z0b2d5",
        "name": "team",
        "kind": "slack",
        "url": "https://hooks.slack.com",
        "events": ["video.completed", "video.failed", "watch.lost", "watch.timed_out"],
        "default": False,
        "enabled": True,
        "disabled_reason": None,
        "fallback": None,
        "created_at": NOW,
    }
    return stored | changes


def make_provider(**changes: Any) -> JsonObject:
    provider: JsonObject = {
        "name": "openai",
        "base_url": "https://api.openai.com/v1",
        "state": "ok",
        "since": None,
        "reason": None,
        "rate": 20.0,
        "videos_in_flight": 3,
    }
    return provider | changes


# What a look can change about a watch. A course of a video is some of these in a row.


def at_progress(progress: int) -> JsonObject:
    return {"video": make_video(status="in_progress", progress=progress)}


def completed() -> JsonObject:
    video = make_video(status="completed", progress=100, completed_at=NOW + 125)
    return {"status": "completed", "ended_at": NOW + 125, "video": video}


def failed(code: str = "moderation_blocked", message: str = "The prompt was refused.") -> JsonObject:
    video = make_video(status="failed", error={"code": code, "message": message})
    return {"status": "failed", "ended_at": NOW + 60, "video": video}


def lost(reason: str = "not_found") -> JsonObject:
    return {"status": "lost", "ended_at": NOW + 60, "reason": reason}


def timed_out() -> JsonObject:
    return {"status": "timed_out", "ended_at": NOW + 86_400, "video": make_video()}
