"""The callback: the event as JSON, signed after Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
The envelope is the one OpenAI's own video webhooks have, so a receiver written for those works unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from bridge import __version__, signing
from bridge.egress import OutgoingRequest, Reply
from bridge.models import EventType, Outcome, Reason
from bridge.notifiers.base import (
    Address,
    DestinationBody,
    Headers,
    Verdict,
    reason_for_status,
    retry_after_of,
)
from bridge.notifiers.fitting import Unfit
from bridge.rendering.told import Told

USER_AGENT = f"video-bridge/{__version__}"
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _check_secret(secret: str) -> str:
    signing.parse_secret(secret)
    return secret


Template = Annotated[str, Field(min_length=1, max_length=65_536)]


class CallbackDestination(DestinationBody):
    """A URL that is sent the event as signed JSON."""

    kind: Literal["callback"]
    url: str = Field(max_length=2048, description="https URL that receives a POST.")
    secret: Annotated[str, AfterValidator(_check_secret)] | None = Field(
        None,
        repr=False,
        max_length=128,
        description="`whsec_` and base64 of 24-64 bytes; signs what is sent. "
        "Without one a secret is derived from the URL and shown as `signing_secret`.",
    )
    headers: Headers = Field(default={}, repr=False, description="Further request headers.")
    template: Template | dict[EventType, Template] | None = Field(
        None, repr=False, description="Jinja template of the body, in place of the event: one, or one per event type."
    )


def payload(told: Told) -> dict[str, Any]:
    """The JSON object a callback receives."""
    return {
        "id": told.event_id,
        "object": "event",
        "type": told.event_type.value,
        "created_at": int(told.created_at),
        "data": told.video.as_dict(),
        "watch": {
            "id": told.watch_id,
            "provider": told.provider,
            "metadata": dict(told.metadata),
            "url": told.watch_url,
            "content_url": told.content_url,
            "thumbnail_url": told.thumbnail_url,
        },
    }


class CallbackNotifier:
    """Sends the event itself; any 2xx is success, 410 means the receiver is gone for good.

    :param default_secret: signs every callback that has no secret of its own (``BRIDGE_CALLBACK_SECRET``).
    :param derive: the secrets of a URL when there is no such default, newest first.
    """

    kind = "callback"
    seconds_per_message = 0.0

    def __init__(self, default_secret: str | None, derive: Callable[[str], Sequence[str]]) -> None:
        self._default_secret = default_secret
        self._derive = derive

    def signing_secrets(self, address: Address, now: float) -> Sequence[str]:
        """The secrets that sign what goes to this address, the newest first.

        For a while after a rotation the secret before it signs, too: ``previous_secret``, until ``previous_until``.
        """
        previous = address.settings.get("previous_secret")
        current = self._current_secrets(address)
        return [*current, previous] if previous and now < address.settings["previous_until"] else current

    def shared_secret(self, address: Address) -> str | None:
        """The secret the registrant has to be told, because it did not come from there."""
        return None if address.settings.get("secret") else self._current_secrets(address)[0]

    def compose(self, parts: Mapping[str, str], told: Told, address: Address) -> bytes:
        """The event as compact UTF-8 JSON, or what the destination's own template made of it.

        :raises Unfit: the template made something else than JSON.
        """
        if "body" not in parts:
            return _COMPACT.encode(payload(told)).encode()
        try:
            json.loads(parts["body"])
        except (ValueError, RecursionError) as error:
            raise Unfit(f"the body is not JSON: {error}") from error
        return parts["body"].strip().encode()

    def degrade(self, body: bytes) -> bytes | None:
        """None: an event is told whole."""
        return None

    def request(self, body: bytes, event_id: str, address: Address, now: float) -> OutgoingRequest:
        """The stored body with the timestamp of this attempt, signed with every secret that is valid now."""
        secrets = [signing.parse_secret(secret) for secret in self.signing_secrets(address, now)]
        headers = dict(address.settings.get("headers") or {})
        headers |= {"content-type": "application/json", "user-agent": USER_AGENT}
        headers |= signing.headers(secrets, event_id, int(now), body)
        return OutgoingRequest("POST", address.url, headers, body)

    def judge(self, reply: Reply, now: float, address: Address) -> Verdict:
        """2xx is success whatever the body says; all else is retried, except 410 (Standard Webhooks: disable)."""
        if 200 <= reply.status < 300:
            return Verdict(Outcome.DELIVERED)
        if reply.status == 410:
            return Verdict(Outcome.FAILED, Reason.GONE, disable=True)
        return Verdict(Outcome.RETRY, reason_for_status(reply.status), retry_after_of(reply, now))

    def _current_secrets(self, address: Address) -> Sequence[str]:
        own = address.settings.get("secret") or self._default_secret
        return [own] if own else self._derive(address.url)
