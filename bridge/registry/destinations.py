"""From a destination in a request body to the row that is stored: checked, digested, encrypted.

Nothing here knows a kind's fields, but for two facts: an e-mail destination is completed from the environment, and of
Slack's URLs the path is a secret.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from bridge.egress import AddressPolicy, check_url, http_host, shown_url
from bridge.errors import InvalidRequestError
from bridge.ids import new_id
from bridge.models import EventType
from bridge.notifiers.callback import CallbackDestination
from bridge.notifiers.email_webhook import EmailDefaults, EmailWebhookDestination, complete
from bridge.registry.again import Digests
from bridge.registry.bodies import AnyDestination, Registration
from bridge.secrets import SecretBox
from bridge.store.destinations import DestinationRow

Template = str | Mapping[EventType, str]
TemplateCheck = Callable[[str, Template, Collection[EventType], Mapping[str, str] | None], Awaitable[None]]
"""Judges a kind's template for these event types, and for the metadata of the only watch it is for (None: any watch's).

Raises ValueError with a sentence that says what is wrong.
"""

# What a body has beside the settings of its kind: these stand in columns of their own.
_COLUMNS = frozenset({"kind", "events", "name", "default", "fallback"})
_ANYWHERE = AddressPolicy(anywhere=True)
# `complete` says which field is missing by naming it.
_NEEDED_FIELD = re.compile(r"needs an? `(?P<field>\w+)`")


@dataclass(frozen=True, slots=True)
class Named:
    """A stored destination, by name; ``param`` is the field that named it."""

    name: str
    param: str

    @property
    def digest(self) -> str:
        """What stands for it in the content of a registration."""
        return f"name:{self.name}"

    @property
    def row_digest(self) -> str:
        """What it is known by."""
        return self.digest


@dataclass(frozen=True, slots=True)
class Inline:
    """A destination given in full.

    :param body: with everything in place that the environment gave.
    :param digest: what stands for it in the content of a registration: as it was given.
    :param row_digest: of ``body``; equal ones of one registrant are one row, found by this.
    """

    body: AnyDestination
    param: str
    digest: str
    row_digest: str


def target_of(kind: str, url: str) -> str:
    """What rate, breaker and disabling belong to: the kind and the whole URL."""
    return hashlib.sha256(f"{kind}\0{url}".encode()).hexdigest()


def shown(kind: str, url: str) -> str:
    """As much of a destination's URL as anyone may see."""
    return f"{urlsplit(url).scheme}://{http_host(url)}" if kind == "slack" else shown_url(url)


def url_of(body: AnyDestination) -> str:
    """Where a destination sends to, once it is complete."""
    assert body.url is not None  # noqa: S101 - an e-mail destination has one after `DestinationDesk.settle`
    return body.url


def settings_of(body: AnyDestination) -> dict[str, Any]:
    """A destination's own settings, as its row keeps them and its notifier reads them."""
    return body.model_dump(mode="json", by_alias=True, exclude=set(_COLUMNS))


def seal(box: SecretBox, destination_id: str, settings: Mapping[str, Any]) -> bytes:
    """A destination's own settings, encrypted for its row."""
    return box.encrypt(json.dumps(settings).encode(), f"destinations.{destination_id}")


def unseal(box: SecretBox, destination_id: str, sealed: bytes) -> dict[str, Any]:
    """The inverse of :func:`seal`.

    :raises SecretsError: the keys at hand do not fit.
    """
    settings: dict[str, Any] = json.loads(box.decrypt(sealed, f"destinations.{destination_id}"))
    return settings


async def accept_template(
    kind: str, template: Template, events: Collection[EventType], metadata: Mapping[str, str] | None
) -> None:
    """Take every template as it is."""


class DestinationDesk:
    """Reads the destinations that clients give.

    :param policy: where strangers' destinations may be.
    :param email: what e-mail destinations may leave to the environment.
    :param check_template: judges templates before anything is stored.
    """

    def __init__(
        self,
        box: SecretBox,
        digests: Digests,
        policy: AddressPolicy,
        email: EmailDefaults | None = None,
        check_template: TemplateCheck = accept_template,
    ) -> None:
        self._box = box
        self._digests = digests
        self._policy = policy
        self._email = email or EmailDefaults()
        self._check_template = check_template

    def read(
        self,
        body: Registration,
        created_by: str | None,
        known: MutableMapping[tuple[str, str], Inline] | None = None,
    ) -> list[Named | Inline]:
        """The destinations a registration gives, equal ones merged. Empty: it gives none.

        :param known: what this registrant's destinations came to just now, by their field and text; filled here.
        :raises InvalidRequestError: a URL may not be used, or something is missing.
        """
        known = {} if known is None else known
        read: list[Named | Inline] = []
        if body.callback_url is not None:
            read.append(self._read_callback_url(body.callback_url, created_by, known))
        for index, each in enumerate(body.destinations or []):
            param = f"destinations[{index}]"
            read.append(Named(each, param) if isinstance(each, str) else self._read_one(each, param, created_by, known))
        return read if len(read) < 2 else list({each.row_digest: each for each in read}.values())

    def row(self, inline: Inline, created_by: str | None, now: float) -> DestinationRow:
        """The row of an inline destination."""
        return make_row(
            self._box, inline.body, origin="inline", created_by=created_by, now=now, digest=inline.row_digest
        )

    def settle(self, body: AnyDestination, *, param: str = "", known_url: str | None = None) -> AnyDestination:
        """The destination as it is stored: complete, with a URL that may be used.

        :param param: the field that holds the destination.
        :param known_url: a URL that needs no check any more.
        :raises InvalidRequestError: something is missing, or the URL may not be used.
        """
        if isinstance(body, EmailWebhookDestination):
            body = self._complete(body, param)
            if body.url == self._email.url:  # the operator's own, wherever it is
                return body
        if url_of(body) == known_url:
            return body
        return body.model_copy(update={"url": _checked(url_of(body), self._policy, _field(param, "url"))})

    async def check_template(
        self,
        body: AnyDestination,
        *,
        param: str = "",
        metadata: Mapping[str, str] | None = None,
        judged: MutableMapping[str, str | None] | None = None,
    ) -> None:
        """Have a destination's own template judged.

        :param metadata: of the watch that an inline destination is for.
        :param judged: what is wrong with templates that were judged just now; filled here.
        :raises InvalidRequestError: it cannot be used.
        """
        if body.template is None:
            return
        judged = {} if judged is None else judged
        # Which keys there are decides, not what they hold.
        about = json.dumps([body.kind, body.template, body.events, metadata and sorted(metadata)], sort_keys=True)
        if about not in judged:
            judged[about] = await self._problem_of(body.kind, body.template, body.events, metadata)
        problem = judged[about]
        if problem is not None:
            raise InvalidRequestError(problem, param=_field(param, "template"), code="invalid_template")

    async def _problem_of(
        self, kind: str, template: Template, events: Collection[EventType], metadata: Mapping[str, str] | None
    ) -> str | None:
        try:
            await self._check_template(kind, template, events, metadata)
        except ValueError as error:
            return str(error)
        return None

    def _complete(self, body: EmailWebhookDestination, param: str) -> EmailWebhookDestination:
        if body.url is not None:
            # In the form it is dialled, so that the operator's own URL is known again.
            body = body.model_copy(update={"url": _checked(body.url, _ANYWHERE, _field(param, "url"))})
        try:
            return complete(body, self._email)
        except ValueError as error:
            needed = _NEEDED_FIELD.search(str(error))
            where = _field(param, needed["field"]) if needed else param or None
            raise InvalidRequestError(str(error), param=where, code="missing") from error

    def _read_one(
        self,
        given: AnyDestination,
        param: str,
        created_by: str | None,
        known: MutableMapping[tuple[str, str], Inline],
    ) -> Inline:
        text = (param, given.model_dump_json(by_alias=True))
        if text not in known:
            body = self.settle(given, param=param)
            # The environment may change; what was asked for stays the same content all the same.
            asked = given if given.url is None else given.model_copy(update={"url": body.url})
            known[text] = Inline(body, param, self._digest(asked, created_by), self._digest(body, created_by))
        return known[text]

    def _read_callback_url(
        self, url: str, created_by: str | None, known: MutableMapping[tuple[str, str], Inline]
    ) -> Inline:
        param = "callback_url"
        if (param, url) not in known:
            body = CallbackDestination(kind="callback", url=_checked(url, self._policy, param))
            digest = self._digest(body, created_by)
            known[param, url] = Inline(body, param, digest, digest)
        return known[param, url]

    def _digest(self, body: AnyDestination, created_by: str | None) -> str:
        return self._digests.of("destination", created_by, body.model_dump(mode="json", by_alias=True))


def make_row(
    box: SecretBox,
    body: AnyDestination,
    *,
    origin: str,
    created_by: str | None,
    now: float,
    digest: str | None = None,
    name: str | None = None,
    is_default: bool = False,
    fallback: str | None = None,
    known_id: str | None = None,
) -> DestinationRow:
    """The row of a destination, its settings encrypted.

    :param known_id: the id of the row it replaces; what is encrypted can be read in that row only.
    """
    destination_id = known_id or new_id("dest")
    return DestinationRow(
        id=destination_id,
        name=name,
        origin=origin,
        kind=body.kind,
        **address_columns(body),
        config=seal(box, destination_id, settings_of(body)),
        config_key=box.key_id,
        digest=digest,
        events=body.events,
        is_default=is_default,
        fallback=fallback,
        created_at=now,
        created_by=created_by,
    )


def address_columns(body: AnyDestination) -> dict[str, str]:
    """What a row says of the destination's URL."""
    url = url_of(body)
    return {
        "target": target_of(body.kind, url),
        "shown_url": shown(body.kind, url),
        "host": (urlsplit(url).hostname or "")[:255],
    }


def default_rows(
    box: SecretBox, bodies: Mapping[str, AnyDestination], now: float, known: Mapping[str, str]
) -> Sequence[DestinationRow]:
    """The default destinations of the environment, by name: the operator's own, reachable anywhere.

    :param known: the ids of the destinations there are, by name.
    """
    return [
        make_row(
            box,
            body,
            origin="environment",
            created_by=None,
            now=now,
            name=name,
            is_default=True,
            known_id=known.get(name),
        )
        for name, body in bodies.items()
    ]


def refusal_of(error: ValidationError) -> InvalidRequestError:
    """What pydantic found wrong with a destination, as a refusal that names the field."""
    first = error.errors(include_url=False, include_input=False)[0]
    field, *deeper = first["loc"] or ("",)
    # Further names on the way are those of union branches; numbers are places in a list.
    param = str(field) + "".join(f"[{step}]" for step in deeper if isinstance(step, int))
    problem = str(first.get("ctx", {}).get("error", first["msg"]))
    return InvalidRequestError(f"`{param}` cannot be used: {problem}.", param=param, code="invalid_value")


def _checked(url: str, policy: AddressPolicy, param: str) -> str:
    try:
        return check_url(url, policy)
    except ValueError as error:
        raise InvalidRequestError(str(error), param=param, code="invalid_url") from error


def _field(param: str, name: str) -> str:
    return f"{param}.{name}" if param else name
