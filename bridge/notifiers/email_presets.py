"""Mail services as data: what each wants to be sent, and what its answers mean.

A preset is one TOML file in the folder ``presets``; its name is the file's. A string of its ``body`` that is a
placeholder and nothing else, such as ``{subject}``, becomes that value of the mail; a field without a value is left
out. Its ``answers`` are read from the top, the first that fits counts, and after the last comes what every service
has in common (:func:`_by_status`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from bridge.egress import Reply
from bridge.models import Outcome, Reason
from bridge.notifiers.base import Verdict, reason_for_status, retry_after_of
from bridge.notifiers.email_addresses import Mailbox
from bridge.retry import parse_retry_after

_PLACEHOLDER = re.compile(r"\{(?P<name>[a-z_]+)(?::(?P<key>[A-Za-z]+))?\}")
_CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
# 4xx answers that another attempt may change; every other one is final.
_RETRYABLE = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, all of its texts final.

    :param sender: None when whoever receives the request knows it.
    :param status: the watch's.
    """

    sender: Mailbox | None
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    event: str
    event_id: str
    video_id: str
    watch_id: str
    status: str

    @property
    def uuid(self) -> str:
        """The same for the same mail about the same event, another for any other."""
        canonical = json.dumps(asdict(self), sort_keys=True).encode()
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"video-bridge:{hashlib.sha256(canonical).hexdigest()}"))


class _Data(BaseModel):
    """Part of a preset's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Auth(_Data):
    """How a service wants its key.

    :param scheme: ``bearer``, ``plain`` (the key alone) or ``basic``.
    :param user: the user name that goes with a ``basic`` key; without one the key has it in front, ``user:password``.
    :param required: whether the service takes nothing without a key.
    """

    header: str
    scheme: Literal["bearer", "plain", "basic"]
    user: str | None = None
    required: bool = True

    def value(self, key: str) -> str:
        """The value of the header."""
        if self.scheme == "plain":
            return key
        if self.scheme == "bearer":
            return f"Bearer {key}"
        pair = key if self.user is None else f"{self.user}:{key}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


class Reset(_Data):
    """The header in which a service says when its rate limit ends, instead of ``Retry-After``.

    :param unit: ``seconds`` from now, or a time in ``unix`` seconds.
    """

    header: str
    unit: Literal["seconds", "unix"]

    def wait(self, reply: Reply, now: float) -> float | None:
        """Seconds from now, None when the reply does not say."""
        seconds = parse_retry_after({"retry-after": reply.headers.get(self.header, "")}, now)
        return seconds if seconds is None or self.unit == "seconds" else max(0.0, seconds - now)


class Answer(_Data):
    """What one kind of answer means. It fits when everything it names is so.

    :param status: statuses; any when left out.
    :param field: a top-level field of the JSON body that must be there, and neither null nor empty.
    :param is_: what the field must be one of.
    :param text: what the body must contain, in capitals or not.
    :param wait: least time to the next attempt, seconds.
    """

    model_config = ConfigDict(alias_generator=lambda name: name.rstrip("_"))

    outcome: Outcome
    status: tuple[int | Literal["2xx"], ...] = ()
    field: str | None = None
    is_: tuple[int | str, ...] = ()
    text: str = ""
    reason: Reason | None = None
    disable: bool = False
    wait: float | None = None

    def fits(self, reply: Reply, fields: Mapping[str, Any]) -> bool:
        """Whether this is what came back."""
        if self.status and reply.status not in self.status and not ("2xx" in self.status and reply.status // 100 == 2):
            return False
        if reply.truncated and self.outcome is Outcome.DELIVERED and reply.status // 100 == 2:
            return True  # it was accepted; only the rest of the answer was lost, and asking again sends twice
        if self.text.lower().encode() not in reply.body.lower():
            return False
        value = fields.get(self.field) if self.field else None
        if self.is_:
            return any(type(value) is type(each) and value == each for each in self.is_)
        return self.field is None or value not in (None, "")


class Preset(_Data):
    """One mail service.

    :param url: where it takes mail, None when that depends on the account; then ``example`` shows one.
    :param idempotency_header: a request with the same value is carried out once.
    :param needs_from: whether it must be told whom a mail comes from.
    """

    name: str
    url: str | None = None
    example: str | None = None
    encoding: Literal["json", "form"]
    needs_from: bool = True
    auth: Auth
    idempotency_header: str | None = None
    reset: Reset | None = None
    body: dict[str, Any]
    answers: tuple[Answer, ...]

    @property
    def content_type(self) -> str:
        """What the body is."""
        return _CONTENT_TYPES[self.encoding]

    def compose(self, mail: Mail) -> bytes:
        """The body of the request."""
        body = _filled(self.body, _values(mail))
        if self.encoding == "form":
            return urlencode(body).encode()
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def judge(self, reply: Reply, now: float) -> Verdict:
        """What the service's answer means."""
        fields = _fields(reply)
        for answer in self.answers:
            if answer.fits(reply, fields):
                wait = self._wait(reply, now, answer.wait) if answer.outcome is Outcome.RETRY else None
                return Verdict(answer.outcome, answer.reason, wait, answer.disable)
        return self._by_status(reply, now)

    def _by_status(self, reply: Reply, now: float) -> Verdict:
        reason = reason_for_status(reply.status)
        if 400 <= reply.status < 500 and reply.status not in _RETRYABLE:
            return Verdict(Outcome.FAILED, reason)
        return Verdict(Outcome.RETRY, reason, self._wait(reply, now, None))

    def _wait(self, reply: Reply, now: float, least: float | None) -> float | None:
        """The longest of the times that were asked for."""
        reset = self.reset.wait(reply, now) if self.reset and reply.status == 429 else None
        return max((each for each in (retry_after_of(reply, now), reset, least) if each is not None), default=None)


@cache
def packaged_presets() -> Mapping[str, Preset]:
    """All presets by their name."""
    folder = resources.files("bridge.notifiers") / "presets"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    presets = [_read(file.name.removesuffix(".toml"), file.read_text("utf-8")) for file in files]
    return {preset.name: preset for preset in presets}


def _read(name: str, text: str) -> Preset:
    return Preset.model_validate({"name": name, **tomllib.loads(text)})


def _values(mail: Mail) -> Mapping[str, Any]:
    """What the placeholders stand for. ``to_objects`` takes the name of the address's field."""
    return {
        "from": "" if mail.sender is None else str(mail.sender),
        "from_email": mail.sender.address if mail.sender else None,
        "from_name": mail.sender.name if mail.sender else None,
        "to_list": list(mail.to),
        "to_csv": ", ".join(mail.to),
        "to_objects": lambda key: [{key: address} for address in mail.to],
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "event": mail.event,
        "event_id": mail.event_id,
        "video_id": mail.video_id,
        "watch_id": mail.watch_id,
        "status": mail.status,
        "message_uuid": mail.uuid,
    }


def _filled(tree: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(tree, dict):
        filled = {name: _filled(each, values) for name, each in tree.items()}
        return {name: each for name, each in filled.items() if each is not None}
    if isinstance(tree, list):
        return [_filled(each, values) for each in tree]
    place = _PLACEHOLDER.fullmatch(tree) if isinstance(tree, str) else None
    if place is None:
        return tree
    value = values[place["name"]]
    return value(place["key"]) if place["key"] else value


def _fields(reply: Reply) -> Mapping[str, Any]:
    try:
        read = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
