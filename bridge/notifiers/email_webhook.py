"""E-mail through a mail service's HTTP API, or through whatever takes a flat JSON object and sends a mail of it."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from bridge import __version__
from bridge.egress import OutgoingRequest, Reply
from bridge.errors import ConfigurationError
from bridge.models import EventType, PresetName
from bridge.notifiers.base import Address, DestinationBody, Headers, Verdict
from bridge.notifiers.email_addresses import Recipients, Sender, parse_mailbox
from bridge.notifiers.email_presets import Mail, Preset, packaged_presets
from bridge.notifiers.fitting import Unfit
from bridge.rendering.slots import Slot, clean, shorten
from bridge.rendering.told import Told

USER_AGENT = f"video-bridge/{__version__}"
MAX_SUBJECT = 250
"""Longest subject, characters; a mail program shows a quarter of it."""

_MAX_TEMPLATE = 65_536
_WATCH_STATUS: Mapping[EventType, str] = {
    EventType.VIDEO_COMPLETED: "completed",
    EventType.VIDEO_FAILED: "failed",
    EventType.WATCH_LOST: "lost",
    EventType.WATCH_TIMED_OUT: "timed_out",
}
_SUBJECTS: Mapping[EventType, str] = {
    EventType.VIDEO_COMPLETED: "Video completed",
    EventType.VIDEO_FAILED: "Video failed",
    EventType.WATCH_LOST: "Video lost",
    EventType.WATCH_TIMED_OUT: "Video timed out",
}
_VARIABLES = {"to": "BRIDGE_EMAIL_TO", "from": "BRIDGE_EMAIL_FROM"}
_TAG = re.compile(r"<[a-zA-Z!/]")
_DOCUMENT = re.compile(r"<(?:!doctype|html)\b", re.IGNORECASE)


def _check_key(key: str) -> str:
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("must be printable ASCII characters without spaces, because it is sent in a header")
    return key


Template = Annotated[str, Field(min_length=1, max_length=_MAX_TEMPLATE)]


class EmailWebhookDestination(DestinationBody):
    """People who are sent a mail, by way of an HTTP API."""

    model_config = ConfigDict(serialize_by_alias=True)

    kind: Literal["email-webhook"]
    preset: PresetName | None = Field(
        None, description="The mail service behind the URL. `BRIDGE_EMAIL_PRESET` when left out."
    )
    url: str | None = Field(
        None,
        repr=False,
        max_length=2048,
        description="https URL that receives a POST. `BRIDGE_EMAIL_WEBHOOK_URL` or the service's own when left out.",
    )
    api_key: Annotated[str, AfterValidator(_check_key)] | None = Field(
        None,
        repr=False,
        min_length=1,
        max_length=1024,
        description="The service's key. `BRIDGE_EMAIL_API_KEY` is used for `BRIDGE_EMAIL_WEBHOOK_URL` alone.",
    )
    from_: Sender | None = Field(
        None,
        alias="from",
        description="`someone@example.com` or `Some One <someone@example.com>`. `BRIDGE_EMAIL_FROM` when left out.",
    )
    to: Recipients = Field(description="1 to 50 e-mail addresses.")
    headers: Headers = Field(default={}, repr=False, description="Further request headers.")
    template: Template | dict[EventType, Template] | None = Field(
        None, repr=False, description="A template of its own: one for everything, or one per event type."
    )


@dataclass(frozen=True, slots=True)
class EmailDefaults:
    """What the environment says about e-mail (``BRIDGE_EMAIL_…``): the operator's own service."""

    url: str | None = field(default=None, repr=False)
    to: tuple[str, ...] = ()
    sender: str | None = None
    preset: str = "flat"
    api_key: str | None = field(default=None, repr=False)

    def key_for(self, url: str) -> str | None:
        """The operator's key, for the operator's own URL alone."""
        return self.api_key if url == self.url else None


def complete(body: EmailWebhookDestination, defaults: EmailDefaults) -> EmailWebhookDestination:
    """The destination with everything in place that it left to the environment or to its preset.

    But for the environment's key: that is looked up whenever something is sent, goes with the environment's URL and
    with no other, and is never stored.

    :raises ValueError: something is missing still; the text names the field, and the variable that could give it.
    """
    preset = _preset(body.preset or defaults.preset)
    # The environment's URL is one of its own service: to another service it would be as good as wrong.
    inherited = defaults.url if preset.name == defaults.preset else None
    url = body.url or inherited or preset.url
    if url is None:
        example = f", for example {preset.example}" if preset.example else " or BRIDGE_EMAIL_WEBHOOK_URL"
        raise ValueError(f"the preset {preset.name} needs a `url`{example}")
    sender = body.from_ or defaults.sender
    if sender is None and preset.needs_from:
        raise ValueError(f"the preset {preset.name} needs a `from` address, or BRIDGE_EMAIL_FROM")
    own_auth = preset.auth.header in {name.lower() for name in body.headers}
    if body.api_key is None and defaults.key_for(url) is None and preset.auth.required and not own_auth:
        raise ValueError(
            f"the preset {preset.name} needs an `api_key`; BRIDGE_EMAIL_API_KEY is for BRIDGE_EMAIL_WEBHOOK_URL alone"
        )
    sender = sender and str(parse_mailbox(sender))
    return body.model_copy(update={"preset": preset.name, "url": url, "from_": sender})


def environment_destination(defaults: EmailDefaults) -> EmailWebhookDestination | None:
    """The default destination ``email`` that the environment describes, None when it names no URL.

    :raises ConfigurationError: it is not whole, or not right.
    """
    if defaults.url is None:
        return None
    given = {"kind": "email-webhook", "to": defaults.to, "from": defaults.sender}
    problems = list(_lacking(defaults))
    try:
        body = EmailWebhookDestination.model_validate(given)
    except ValidationError as error:
        problems += _sentences(error)
    if problems:
        raise ConfigurationError(*problems)
    return complete(body, defaults)


def _lacking(defaults: EmailDefaults) -> Iterator[str]:
    """What the environment leaves out although its preset needs it."""
    preset = _preset(defaults.preset)
    because = f"must be set because BRIDGE_EMAIL_PRESET is {preset.name}"
    if defaults.sender is None and preset.needs_from:
        yield f"BRIDGE_EMAIL_FROM {because}: that service must be told whom a mail comes from."
    if defaults.api_key is None and preset.auth.required:
        yield f"BRIDGE_EMAIL_API_KEY {because}: that service takes nothing without a key."


def _sentences(error: ValidationError) -> Iterator[str]:
    """What is wrong with addresses of the environment."""
    for one in error.errors(include_url=False, include_input=False):
        limit = one.get("ctx", {}).get("max_length")
        problem = one.get("ctx", {}).get("error", f"at most {limit} addresses can be written to at once")
        yield f"{_VARIABLES[str(one['loc'][0])]}: {problem}."


class EmailWebhookNotifier:
    """Sends one mail to all recipients of a destination, in the form its preset describes.

    :param defaults: the operator's own service, whose key is lent to whoever sends there and has none.
    """

    kind = "email-webhook"
    seconds_per_message = 0.0

    def __init__(self, defaults: EmailDefaults | None = None) -> None:
        self._defaults = defaults or EmailDefaults()

    def shared_secret(self, address: Address) -> str | None:
        """There is none: nothing is signed."""
        return None

    def compose(self, parts: Mapping[str, str], told: Told, address: Address) -> bytes:
        """The body of the request. It never holds the destination's key or headers.

        :param parts: the rendered ``text``, and ``subject`` and ``html`` where the template has them.
        :raises Unfit: there is no text, or the subject is empty.
        """
        text = clean(parts.get("text", ""), Slot.TEXT)
        if not text.strip():
            raise Unfit("a mail needs a text: write one in the template's block `text`")
        sender = address.settings.get("from")
        mail = Mail(
            sender=parse_mailbox(sender) if sender else None,
            to=tuple(parse_mailbox(each).address for each in address.settings["to"]),
            subject=_subject(parts.get("subject"), told),
            text=text,
            html=_document(clean(parts.get("html", ""), Slot.TEXT), text),
            event=told.event_type.value,
            event_id=told.event_id,
            video_id=told.video.id,
            watch_id=told.watch_id,
            status=_WATCH_STATUS[told.event_type],
        )
        return _preset_of(address).compose(mail)

    def degrade(self, body: bytes) -> bytes | None:
        """Nothing can be taken away from a mail."""
        return None

    def request(self, body: bytes, event_id: str, address: Address, now: float) -> OutgoingRequest:
        """The stored body with the key of the service; every attempt has the same idempotency key."""
        preset = _preset_of(address)
        headers = dict(address.settings.get("headers") or {})
        headers |= {"content-type": preset.content_type, "accept": "application/json", "user-agent": USER_AGENT}
        key = address.settings.get("api_key") or self._defaults.key_for(address.url)
        if key:
            headers[preset.auth.header] = preset.auth.value(key)
        if preset.idempotency_header:
            # The body says who sends what to whom, so each destination of an event has a key of its own.
            headers[preset.idempotency_header] = f"{event_id}/{hashlib.sha256(body).hexdigest()[:32]}"
        return OutgoingRequest("POST", address.url, headers, body)

    def judge(self, reply: Reply, now: float, address: Address) -> Verdict:
        """What the service's answer means: services differ, so the destination must be known."""
        return _preset_of(address).judge(reply, now)


def _preset(name: str) -> Preset:
    presets = packaged_presets()
    if name not in presets:
        raise ValueError(f"there is no e-mail preset {name!r}; there are {', '.join(presets)}")
    return presets[name]


def _preset_of(address: Address) -> Preset:
    return _preset(address.settings.get("preset") or "flat")


def _subject(subject: str | None, told: Told) -> str:
    """The subject in one line, or for a template that has none the event and its video."""
    if subject is None:
        about = _line(told.video.prompt or "") or _line(told.video.id)
        subject = f"{_SUBJECTS[told.event_type]}: {shorten(about, 80)}"
    line = shorten(_line(subject), MAX_SUBJECT)
    if not line:
        raise Unfit("a mail needs a subject: the template's block `subject` came out empty")
    return line


def _line(text: str) -> str:
    return clean(text, Slot.LINE).strip()


def _document(part: str, text: str) -> str:
    """The HTML part as a whole document; a mail without one gets its text as HTML."""
    if _DOCUMENT.search(part):
        return part
    body = part if part.strip() else html.escape(text)
    # Without a tag of its own it was written as plain text, and its lines shall stay lines.
    lines = "" if _TAG.search(body) else "white-space:pre-wrap;"
    return (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>'
        f'<body style="{lines}font-family:sans-serif;font-size:16px;line-height:1.5">{body}</body></html>'
    )
