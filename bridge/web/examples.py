"""Examples for the documentation; a test holds them against the models."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

_VIDEO: dict[str, Any] = {
    "id": "video_abc",
    "object": "video",
    "model": "sora-2",
    "status": "completed",
    "progress": 100,
    "created_at": 1763869700,
    "completed_at": 1763870000,
    "expires_at": 1763956400,
    "prompt": "A calico cat playing a piano on stage",
    "remixed_from_video_id": None,
    "seconds": "8",
    "size": "1280x720",
    "error": None,
}
_TARGET: dict[str, Any] = {
    "id": "dest_01kb3v8xj2q4n6s8t0v2x4z6a8",
    "name": None,
    "kind": "callback",
    "url": "https://example.com/hook",
}
_DESTINATION: dict[str, Any] = {
    **_TARGET,
    "events": ["video.completed", "video.failed", "watch.lost", "watch.timed_out"],
    "enabled": True,
}
_WATCH: dict[str, Any] = {
    "id": "watch_01kb3v8xhz7m5k3h1f9d7b5a3c",
    "object": "watch",
    "status": "completed",
    "video_id": "video_abc",
    "provider": "openai",
    "key": "spring-001",
    "video": _VIDEO,
    "destinations": [_DESTINATION],
    "metadata": {"campaign": "spring"},
    "created_at": 1763869710,
    "created_by": "ci",
    "expires_at": 1763956110,
    "ended_at": 1763870001,
    "reason": None,
    "deliveries": {"pending": 0, "delivered": 1, "failed": 0, "cancelled": 0},
}
_NEW_WATCH: dict[str, Any] = {
    **_WATCH,
    "status": "watching",
    "video": None,
    "destinations": [{**_DESTINATION, "signing_secret": "whsec_bm90LWEtcmVhbC1zZWNyZXQtYnV0LWxvbmc="}],
    "ended_at": None,
    "deliveries": {"pending": 0, "delivered": 0, "failed": 0, "cancelled": 0},
}
_DELIVERY: dict[str, Any] = {
    "id": "dlv_01kb3vhr3n5p7r9t1w3y5a7c9e",
    "object": "delivery",
    "watch_id": _WATCH["id"],
    "event_id": "evt_5f1c2e9b8a7d6c4b3a2918f7e6d5c4b3",
    "event_type": "video.completed",
    "status": "failed",
    "destination": _TARGET,
    "created_at": 1763870001,
    "next_attempt_at": None,
    "delivered_at": None,
    "reason": "gone",
    "degraded": False,
    "attempts": [
        {
            "number": 1,
            "at": 1763870001,
            "duration_ms": 12,
            "outcome": "failed",
            "reason": "gone",
            "status": 410,
            "response": "no longer here",
            "trigger": "schedule",
        }
    ],
}
_STORED: dict[str, Any] = {
    "object": "destination",
    "id": "dest_01kb3v8xj2q4n6s8t0v2x4z6a8",
    "name": "team-slack",
    "kind": "slack",
    "url": "https://hooks.slack.com",
    "events": ["video.completed", "video.failed", "watch.lost", "watch.timed_out"],
    "default": False,
    "enabled": True,
    "disabled_reason": None,
    "fallback": None,
    "created_at": 1763869000,
}
_PENDING: dict[str, Any] = {**_DELIVERY, "status": "pending", "next_attempt_at": 1763873600, "reason": None}


def _page(*items: dict[str, Any]) -> dict[str, Any]:
    ids = [item["id"] for item in items]
    return {"object": "list", "data": list(items), "first_id": ids[0], "last_id": ids[-1], "has_more": False}


REGISTRATION = MappingProxyType(
    {
        "video_id": "video_abc",
        "callback_url": "https://example.com/hook",
        "metadata": {"campaign": "spring"},
    }
)
BATCH = MappingProxyType(
    {
        "watches": [
            {"video_id": "video_abc", "callback_url": "https://example.com/hook"},
            {"video_id": "video_def", "destinations": [{"kind": "callback", "url": "https://example.com/hook"}]},
        ]
    }
)
RETRY = MappingProxyType({"status": "failed", "since": 1763866400})

WATCH = MappingProxyType(_WATCH)
NEW_WATCH = MappingProxyType(_NEW_WATCH)
WATCH_LIST = MappingProxyType(_page(_WATCH))
CANCELLED_WATCH = MappingProxyType(
    {**_WATCH, "status": "cancelled", "video": None, "deliveries": _NEW_WATCH["deliveries"]}
)
ERROR = MappingProxyType(
    {
        "error": {
            "message": "`video_id` is missing; this field is required.",
            "type": "invalid_request_error",
            "param": "video_id",
            "code": "missing",
        }
    }
)
BATCH_ANSWER = MappingProxyType({"object": "list", "data": [_NEW_WATCH, dict(ERROR)]})
DELIVERY = MappingProxyType(
    {
        **_DELIVERY,
        "request_body": '{"id":"evt_5f1c2e9b8a7d6c4b3a2918f7e6d5c4b3","object":"event","type":"video.completed",…}',
    }
)
RETRIED_DELIVERY = MappingProxyType(_PENDING)
DELIVERY_LIST = MappingProxyType(_page(_DELIVERY))
RETRIED = MappingProxyType({"retried": 7})
DESTINATION = MappingProxyType(_STORED)
DESTINATION_LIST = MappingProxyType(_page(_STORED))
DESTINATION_BODY = MappingProxyType(
    {"name": "render-queue", "kind": "callback", "url": "https://example.com/hook", "events": ["video.completed"]}
)
NEW_DESTINATION = MappingProxyType(
    {
        **_STORED,
        "name": "render-queue",
        "kind": "callback",
        "url": "https://example.com/hook",
        "events": ["video.completed"],
        "signing_secret": "whsec_bm90LWEtcmVhbC1zZWNyZXQtYnV0LWxvbmc=",
    }
)
DESTINATION_CHANGE = MappingProxyType({"enabled": True, "events": ["video.completed", "video.failed"]})
CHANGED_DESTINATION = MappingProxyType({**_STORED, "events": ["video.completed", "video.failed"]})
DELETED_DESTINATION = MappingProxyType({"id": _STORED["id"], "object": "destination", "deleted": True})
TEST_ATTEMPT = MappingProxyType(
    {
        "number": 1,
        "at": 1763870000,
        "duration_ms": 84,
        "outcome": "delivered",
        "reason": None,
        "status": 200,
        "response": "ok",
        "trigger": "test",
    }
)
PROVIDER_LIST = MappingProxyType(
    {
        "object": "list",
        "data": [
            {
                "name": "openai",
                "base_url": "https://api.openai.com/v1",
                "state": "paused",
                "since": 1763869900,
                "reason": "the provider refuses our key (401)",
                "rate": 20.0,
                "videos_in_flight": 3,
            }
        ],
        "first_id": "openai",
        "last_id": "openai",
        "has_more": False,
    }
)
HEALTH = MappingProxyType({"status": "ok"})
READY = MappingProxyType({"status": "ready", "loops": {"poller": True, "sender": True}, "database": True})

OUTLOOK = MappingProxyType(
    {
        "object": "outlook",
        "watch_id": _WATCH["id"],
        "next_look_at": 1763870014,
        "expected_end_at": 1763870020,
        "reason": "expected to end about 03:53:40 UTC (41 finished jobs like it, median 62 s, progress 64 %); "
        "next look 03:53:34 UTC, when 1 request is worth 2.1 s of delay",
    }
)
