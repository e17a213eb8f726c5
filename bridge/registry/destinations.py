"""From a destination in a request body to the row that is stored: checked, digested, encrypted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from bridge.egress import AddressPolicy, check_url, shown_url
from bridge.errors import InvalidRequestError
from bridge.ids import new_id
from bridge.notifiers.callback import CallbackDestination
from bridge.registry.again import Digests
from bridge.registry.bodies import Destination, Registration
from bridge.secrets import SecretBox
from bridge.store.destinations import DestinationRow


@dataclass(frozen=True, slots=True)
class Named:
    """A stored destination, by name; ``param`` is the field that named it."""

    name: str
    param: str

    @property
    def digest(self) -> str:
        """What stands for it in the content of a registration."""
        return f"name:{self.name}"


@dataclass(frozen=True, slots=True)
class Inline:
    """A destination given in full. Equal ones of one registrant are one row, found by the digest."""

    body: CallbackDestination
    digest: str


def target_of(kind: str, url: str) -> str:
    """What rate, breaker and disabling belong to: the kind and the whole URL."""
    return hashlib.sha256(f"{kind}\0{url}".encode()).hexdigest()


def seal(box: SecretBox, destination_id: str, body: CallbackDestination) -> bytes:
    """A destination's own settings, encrypted for its row."""
    settings = body.model_dump(mode="json", exclude={"kind", "events"})
    return box.encrypt(json.dumps(settings).encode(), f"destinations.{destination_id}")


def unseal(box: SecretBox, destination_id: str, sealed: bytes) -> dict[str, Any]:
    """The inverse of :func:`seal`.

    :raises SecretsError: the keys at hand do not fit.
    """
    settings: dict[str, Any] = json.loads(box.decrypt(sealed, f"destinations.{destination_id}"))
    return settings


class DestinationDesk:
    """Reads the destinations of a registration.

    :param policy: where strangers' destinations may be.
    """

    def __init__(self, box: SecretBox, digests: Digests, policy: AddressPolicy) -> None:
        self._box = box
        self._digests = digests
        self._policy = policy

    def read(self, body: Registration, created_by: str | None) -> list[Named | Inline]:
        """The destinations a registration gives, equal ones merged. Empty: it gives none.

        :raises InvalidRequestError: a URL may not be used.
        """
        given: list[tuple[Destination, str]] = [
            (each, f"destinations[{index}]") for index, each in enumerate(body.destinations or [])
        ]
        if body.callback_url is not None:
            given.insert(0, (_inline_callback(body.callback_url), "callback_url"))
        read = [self._read_one(each, param, created_by) for each, param in given]
        return list({each.digest: each for each in read}.values())

    def row(self, inline: Inline, created_by: str | None, now: float) -> DestinationRow:
        """The row of an inline destination."""
        return make_row(self._box, inline.body, origin="inline", created_by=created_by, now=now, digest=inline.digest)

    def _read_one(self, given: Destination, param: str, created_by: str | None) -> Named | Inline:
        if isinstance(given, str):
            return Named(given, param)
        try:
            url = check_url(given.url, self._policy)
        except ValueError as error:
            where = param if param == "callback_url" else f"{param}.url"
            raise InvalidRequestError(str(error), param=where, code="invalid_url") from error
        body = given.model_copy(update={"url": url})
        return Inline(body, self._digests.of("destination", created_by, body.model_dump(mode="json")))


def make_row(
    box: SecretBox,
    body: CallbackDestination,
    *,
    origin: str,
    created_by: str | None,
    now: float,
    digest: str | None = None,
    name: str | None = None,
    is_default: bool = False,
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
        target=target_of(body.kind, body.url),
        shown_url=shown_url(body.url),
        host=(urlsplit(body.url).hostname or "")[:255],
        config=seal(box, destination_id, body),
        config_key=box.key_id,
        digest=digest,
        events=body.events,
        is_default=is_default,
        created_at=now,
        created_by=created_by,
    )


def environment_rows(
    box: SecretBox, callback_url: str | None, now: float, known: Mapping[str, str]
) -> Sequence[DestinationRow]:
    """The default destinations that the environment names: the operator's own, reachable anywhere.

    :param known: the ids of the destinations there are, by name.
    """
    if callback_url is None:
        return []
    body = CallbackDestination(kind="callback", url=callback_url)
    name = "callback"
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
    ]


def _inline_callback(url: str) -> CallbackDestination:
    try:
        return CallbackDestination(kind="callback", url=url)
    except ValidationError as error:
        raise InvalidRequestError(error.errors()[0]["msg"], param="callback_url", code="invalid_url") from error
