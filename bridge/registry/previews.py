"""What a template makes of an event, without sending it: for people who write one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.ids import event_id
from bridge.models import EventType, Video, WatchView
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address
from bridge.notifiers.email_webhook import MAX_SUBJECT
from bridge.notifiers.fitting import Unfit
from bridge.notifiers.slack_limits import MAX_BLOCKS, MAX_BLOCKS_SIZE
from bridge.notifiers.slack_limits import MAX_TEXT as SLACK_TEXT
from bridge.notifiers.slack_preview import preview as slack_text
from bridge.rendering import FORMS, SAMPLES, Links, PackagedTemplates, RenderingError, Sandbox, TemplateError, Told
from bridge.rendering.values import MAX_OUTPUT

KINDS = tuple(FORMS)
"""The kinds of destination a template can be for."""

_MAIL = {"preset": "flat", "from": "video-bridge@example.com", "to": ["you@example.com"]}
_ADDRESS = Address("https://example.com/", _MAIL)


@dataclass(frozen=True, slots=True)
class Measure:
    """One limit of the receiver, and how much of it this message needs."""

    name: str
    used: int
    most: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no message, and in which line of the template, where that is known."""

    reason: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent.

    :param parts: the rendered parts by name; empty when there is a fault.
    :param reading: the message as people would read it; None where the parts say it all.
    :param measures: the receiver's limits.
    """

    parts: Mapping[str, str]
    reading: str | None
    measures: Sequence[Measure]
    fault: Fault | None = None


class Previews:
    """Renders templates, packaged ones here and a destination's own in the sandbox.

    :param sandbox: not the one that messages are rendered in.
    :param links: where people find a watch and its files, by the watch, the type of its event and when that was.
    """

    def __init__(
        self,
        packaged: PackagedTemplates,
        sandbox: Sandbox,
        notifiers: Mapping[str, Notifier],
        links: Callable[[str, EventType, float], Links],
    ) -> None:
        self._packaged = packaged
        self._sandbox = sandbox
        self._notifiers = notifiers
        self._links = links

    def told_of(self, watch: WatchView, event_type: EventType, now: float) -> Told:
        """The event of this type as a real watch tells it, or would if it ended now."""
        at = watch.ended_at or now
        links = self._links(watch.id, event_type, at)
        return Told(
            event_id=event_id(watch.id, event_type),
            event_type=event_type,
            created_at=at,
            video=watch.video or Video(id=watch.video_id),
            watch_id=watch.id,
            watch_created_at=watch.created_at,
            provider=watch.provider,
            metadata=watch.metadata,
            watch_url=links.watch,
            content_url=links.content,
            thumbnail_url=links.thumbnail,
        )

    async def preview(self, kind: str, told: Told, template: str | None) -> Preview:
        """What a destination of this kind would be sent; a template that cannot be used is a fault, not an error.

        :param template: the destination's own; None for the packaged one.
        """
        try:
            parts = await self._parts(kind, told, template)
            body = self._notifiers[kind].compose(parts, told, _ADDRESS)
        except TemplateError as error:
            return Preview({}, None, (), Fault(error.reason, error.line))
        except (RenderingError, Unfit) as error:
            return Preview({}, None, (), Fault(str(error)))
        if kind == "email-webhook":
            return Preview(parts, None, _mail_measures(parts, body))
        shown = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        if kind == "slack":
            return Preview({"JSON": shown}, slack_text(body), _slack_measures(body))
        return Preview({"JSON": shown}, None, (Measure("Bytes of the body", len(body), MAX_OUTPUT),))

    async def _parts(self, kind: str, told: Told, template: str | None) -> Mapping[str, str]:
        form = FORMS[kind]
        packaged = {} if kind == "callback" else self._packaged.render(kind, form, told).parts
        if template is None:
            return packaged
        own = (await self._sandbox.render(template, form, told)).parts
        return {**packaged, **own} if any(name not in own for name in form.parts) else own


def sample_of(event_type: EventType) -> Told:
    """The ordinary sample of an event type."""
    return SAMPLES[event_type]


def _slack_measures(body: bytes) -> Sequence[Measure]:
    message = json.loads(body)
    blocks = message.get("blocks") or []
    size = len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))
    return (
        Measure("Blocks", len(blocks), MAX_BLOCKS),
        Measure("Characters of all blocks", size if blocks else 0, MAX_BLOCKS_SIZE),
        Measure("Characters of the fallback text", len(message.get("text") or ""), SLACK_TEXT),
    )


def _mail_measures(parts: Mapping[str, str], body: bytes) -> Sequence[Measure]:
    return (
        Measure("Characters of the subject", len(parts.get("subject", "")), MAX_SUBJECT),
        Measure("Bytes of the whole request", len(body), MAX_OUTPUT),
    )
