"""Slack: a message in a channel, by its incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: the answer names no message, so one can
neither be edited nor answered in its thread later, and Slack has no key by which to know a repeated message again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Never
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from bridge import __version__
from bridge.egress import AddressPolicy, OutgoingRequest, Reply, check_url
from bridge.models import EventType
from bridge.notifiers.base import Address, DestinationBody, Verdict
from bridge.notifiers.fitting import Unfit
from bridge.notifiers.slack_answers import judge_answer
from bridge.notifiers.slack_limits import check_message
from bridge.rendering.told import Told

USER_AGENT = f"video-bridge/{__version__}"

_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com", "slack.com", "slack-gov.com"})
_ANYWHERE = AddressPolicy(anywhere=True)
_DRAWN = ("blocks", "attachments")
_LINK_FIELDS = frozenset({"image_url", "thumbnail_url", "title_url", "url", "video_url"})
_PICTURES_OF_ATTACHMENTS = ("image_url", "thumb_url", "author_icon", "footer_icon")


def _check_webhook(url: str) -> str:
    """Of Slack's own hosts only incoming webhooks; other hosts may take the same messages (Mattermost, Rocket.Chat)."""
    try:
        parsed = urlsplit(_as_dialled(url))
    except ValueError:
        return url  # no URL at all, which is refused with the reason where URLs are judged
    if (parsed.hostname or "").rstrip(".") not in _HOSTS:
        return url
    if parsed.path.startswith(("/triggers/", "/workflows/")):
        raise ValueError(
            "this starts a workflow, which takes fields of its own and no messages; "
            "use an incoming webhook, https://hooks.slack.com/services/…"
        )
    if not parsed.path.startswith("/services/"):
        raise ValueError("this is no incoming webhook; use https://hooks.slack.com/services/…")
    return url


def _as_dialled(url: str) -> str:
    """The URL without detours such as ``/services/../triggers/``; as it is when it cannot be dialled."""
    try:
        return check_url(url, _ANYWHERE)
    except ValueError:
        return url


TemplateText = Annotated[str, Field(min_length=1, max_length=65_536)]


class SlackDestination(DestinationBody):
    """A Slack channel, by the URL of its incoming webhook."""

    kind: Literal["slack"]
    url: Annotated[str, AfterValidator(_check_webhook)] = Field(
        max_length=2048,
        repr=False,
        description="Incoming webhook, `https://hooks.slack.com/services/…`. The whole path is a secret.",
    )
    template: TemplateText | dict[EventType, TemplateText] | None = Field(
        None, description="Jinja template of the message as JSON (`blocks`, `text`): one, or one per event type."
    )


class SlackNotifier:
    """Sends a message; ``ok`` is success, and what Slack says of a dead URL disables it."""

    kind = "slack"
    # https://docs.slack.dev/apis/web-api/rate-limits: one message per second and webhook. Slack may switch off for good
    # an app that goes on regardless.
    seconds_per_message = 1.0

    def shared_secret(self, address: Address) -> str | None:
        """None: the secret is the URL, and whoever registered it knows it."""
        return None

    def compose(self, parts: Mapping[str, str], told: Told, address: Address) -> bytes:
        """The rendered message as compact UTF-8 JSON.

        :raises Unfit: it is no JSON object, or Slack would not take it.
        """
        try:
            message = _with_plain_links(_read(parts["body"]))
            check_message(message)
            # Slack would fetch whatever a prompt names, signed links to videos among them.
            return _written({"unfurl_links": False, "unfurl_media": False} | message)
        except RecursionError as error:
            raise Unfit("the message is nested too deeply") from error

    def degrade(self, body: bytes) -> bytes | None:
        """The stored message without its pictures; None when it has none, or would be nothing without them."""
        message = json.loads(body)
        lesser = {name: _without_pictures(value) if name in _DRAWN else value for name, value in message.items()}
        if lesser == message or not any(lesser.get(name) for name in ("text", *_DRAWN)):
            return None
        return _written({name: value for name, value in lesser.items() if value or name not in _DRAWN})

    def request(self, body: bytes, event_id: str, address: Address, now: float) -> OutgoingRequest:
        """The stored message, as it is."""
        headers = {"content-type": "application/json; charset=utf-8", "user-agent": USER_AGENT}
        return OutgoingRequest("POST", address.url, headers, body)

    def judge(self, reply: Reply, now: float, address: Address) -> Verdict:
        """The word in the answer decides, then its status."""
        return judge_answer(reply, now)


def _read(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        raise Unfit(f"the message is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise Unfit("the message is not a JSON object")
    return message


def _no_number(word: str) -> Never:
    raise ValueError(f"{word} is no number")


def _written(message: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise Unfit("the message holds half a character (a lone surrogate)") from error
    except ValueError as error:
        raise Unfit("the message holds a number that is too large") from error


def _with_plain_links(value: Any, name: str = "") -> Any:
    """The same with ``&amp;`` undone in fields that are a link: Slack decodes it in texts alone."""
    if isinstance(value, dict):
        return {each: _with_plain_links(inner, each) for each, inner in value.items()}
    if isinstance(value, list):
        return [_with_plain_links(each) for each in value]
    return value.replace("&amp;", "&") if isinstance(value, str) and name in _LINK_FIELDS else value


def _without_pictures(value: Any) -> Any:
    """What is left of blocks or attachments when every picture is taken out, and every row of nothing but pictures."""
    if isinstance(value, list):
        kept = [_without_pictures(each) for each in value if not (_is_picture(each) or _is_row_of_pictures(each))]
        return [each for each in kept if each != {}]
    if isinstance(value, dict):
        return {
            name: _without_pictures(inner)
            for name, inner in value.items()
            if not (_is_picture(inner) or name in _PICTURES_OF_ATTACHMENTS)
        }
    return value


def _is_picture(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "image"


def _is_row_of_pictures(value: Any) -> bool:
    elements = value.get("elements") if isinstance(value, dict) else None
    return isinstance(elements, list) and all(_is_picture(each) for each in elements)
