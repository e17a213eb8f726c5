"""Stored destinations: kept under a name, resolved whenever something is sent to them.

Inline destinations of watches are reached by their id, and those of the environment are shown and tried out here, too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge import signing
from bridge.errors import ConflictError, InvalidRequestError, NotFoundError
from bridge.models import Attempt, DestinationDetail, Page, PageRequest
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address
from bridge.registry.bodies import AnyDestination, DestinationChange, NewDestination
from bridge.registry.changes import (
    changed_body,
    changed_settings,
    changes_bodies,
    check_moved,
    circle,
    own_fields,
    rotated,
)
from bridge.registry.destinations import DestinationDesk, address_columns, make_row, seal, settings_of, unseal, url_of
from bridge.secrets import SecretBox
from bridge.store import destinations, stored_destinations
from bridge.store.database import Database, Transaction
from bridge.store.stored_destinations import KnownDestination, Usage

ROTATION_SECONDS = 86_400.0
"""How long the secret before a rotation signs beside the new one."""

MANUAL = "manual"
"""Why a destination is disabled that somebody disabled."""

TryOut = Callable[[str], Awaitable[Attempt]]
"""Sends the event of a test to the destination of this id at once; nothing is stored."""

TRIALS = 1_000
"""Of so many destinations a process remembers what their latest test came to."""

_LOOKS_LIKE_AN_ID = re.compile(r"dest_[0-9a-z]{26}")


@dataclass(frozen=True, slots=True)
class _Planned:
    """A destination before and after a change; ``settings`` are those before."""

    body: AnyDestination
    settings: Mapping[str, Any]
    fresh: Mapping[str, Any]


async def no_trial(destination_id: str) -> Attempt:
    """Send nothing."""
    raise ConflictError("This server sends no samples.", code="unavailable")


class DestinationService:
    """Creates, shows, changes, tries out and deletes destinations.

    :param try_out: sends the event of a test.

    What tests came to is stored nowhere, but this process remembers the latest of each destination.
    """

    def __init__(
        self,
        database: Database,
        desk: DestinationDesk,
        box: SecretBox,
        notifiers: Mapping[str, Notifier],
        try_out: TryOut = no_trial,
    ) -> None:
        self._database = database
        self._desk = desk
        self._box = box
        self._notifiers = notifiers
        self._try_out = try_out
        self._trials: dict[str, Attempt] = {}

    async def create(self, body: NewDestination, *, created_by: str | None) -> DestinationDetail:
        """Store a destination under its name.

        :raises InvalidRequestError: a field cannot be used; :raises ConflictError: the name is taken.
        """
        given = body.root
        if _LOOKS_LIKE_AN_ID.fullmatch(given.name):
            raise InvalidRequestError("`name` looks like an id; choose another.", param="name", code="invalid_value")
        settled = self._desk.settle(given)
        await self._desk.check_template(settled)
        row = make_row(
            self._box,
            settled,
            origin="stored",
            created_by=created_by,
            now=self._database.now(),
            name=given.name,
            is_default=given.default,
            fallback=given.fallback,
        )
        async with self._database.write(ahead=True) as tx:
            await self._database.alone(tx, "registry")
            if await destinations.by_name(tx, given.name) is not None:
                raise ConflictError(
                    f"There is a destination {given.name!r} already: change it with "
                    f"PATCH /v1/destinations/{given.name}, or choose another name.",
                    param="name",
                    code="name_taken",
                )
            if given.fallback is not None:
                await _check_fallback(tx, given.name, given.fallback)
            await destinations.add(tx, row)
            known = await _find(tx, row.id)
        return self._telling_secret(known, settings_of(settled))

    async def page(self, request: PageRequest) -> Page[DestinationDetail]:
        """One page of the destinations that have a name: stored ones and those of the environment."""
        async with self._database.read() as tx:
            return await stored_destinations.page(tx, request)

    async def get(self, name_or_id: str) -> DestinationDetail:
        """One destination by name or id.

        :raises NotFoundError: there is none.
        """
        async with self._database.read() as tx:
            return (await _find(tx, name_or_id)).detail

    async def patch(self, name_or_id: str, change: DestinationChange) -> DestinationDetail:
        """Change fields of a destination; what is pending goes by the new ones.

        A changed inline destination is no longer the one that equal registrations mean.

        :raises NotFoundError: there is none; :raises InvalidRequestError: a field cannot be used;
        :raises ConflictError: it comes from the environment.
        """
        given = change.given()
        async with self._database.read() as tx:
            planned = self._plan(await _find(tx, name_or_id), given)
        if planned is not None and ("template" in given or "events" in given):
            await self._desk.check_template(planned.body)
        async with self._database.write(ahead=True) as tx:
            await self._database.alone(tx, "registry")
            before = await _find(tx, name_or_id)
            # Once more: somebody may have changed other fields while the template was judged.
            planned = self._plan(before, given)
            await self._write(tx, before, planned, given)
            after = await _find(tx, before.id)
        return after.detail if planned is None else self._telling_new_secret(after, planned)

    async def delete(self, name_or_id: str, *, force: bool) -> str:
        """Delete a destination; its id. What was pending to it has failed, and can not be retried.

        :param force: although something needs it.
        :raises NotFoundError: there is none; :raises ConflictError: something needs it.
        """
        async with self._database.write(ahead=True) as tx:
            await self._database.alone(tx, "registry")
            known = await _find(tx, name_or_id)
            if known.disabled_reason != destinations.NOT_CONFIGURED:
                _refuse_environment(known)
            if not force:
                await _check_unused(tx, known)
            nothing = seal(self._box, known.id, {"url": ""})
            await stored_destinations.forget(tx, known, nothing, self._box.key_id, self._database.now())
        return known.id

    async def rotate(self, name_or_id: str) -> DestinationDetail:
        """Give a callback a new signing secret, shown in the answer; the old one signs beside it for a day.

        :raises NotFoundError: there is none; :raises ConflictError: nothing is signed for this kind, or it comes from
        the environment.
        """
        async with self._database.write(ahead=True) as tx:
            await self._database.alone(tx, "registry")
            now = self._database.now()
            known = await _find(tx, name_or_id)
            _refuse_environment(known)
            settings = unseal(self._box, known.id, known.config)
            old = settings.get("secret") or self._shared_secret(known.kind, settings)
            if old is None:
                raise ConflictError(f"Nothing is signed for a {known.kind} destination.", code="not_signed")
            new = signing.new_secret()
            sealed = seal(self._box, known.id, rotated(settings, old, new, now + ROTATION_SECONDS))
            await stored_destinations.change(tx, known.id, now, config=sealed, config_key=self._box.key_id, digest=None)
            after = await _find(tx, known.id)
        return replace(after.detail, signing_secret=new)

    async def test(self, name_or_id: str) -> Attempt:
        """Send an event now that says it is a test, also to a destination that is disabled; what came of it.

        :raises NotFoundError: there is none.
        """
        async with self._database.read() as tx:
            known = await _find(tx, name_or_id)
        attempt = await self._try_out(known.id)
        self._trials.pop(known.id, None)
        self._trials[known.id] = attempt
        if len(self._trials) > TRIALS:
            del self._trials[next(iter(self._trials))]
        return attempt

    def trials(self) -> Mapping[str, Attempt]:
        """What the latest tests of destinations came to, by their ids, as far as this process sent them."""
        return self._trials

    def _plan(self, known: KnownDestination, given: Mapping[str, Any]) -> _Planned | None:
        """What a change means; None when it is none of the destination's own fields."""
        if given != {"enabled": True} or known.disabled_reason == destinations.NOT_CONFIGURED:
            _refuse_environment(known)  # but its receiver may be back, whoever described it
        if given.get("default") and known.name is None:
            raise InvalidRequestError(
                "Only a destination that is stored under a name can be a default one.", param="default"
            )
        if not own_fields(given):
            return None
        settings = unseal(self._box, known.id, known.config)
        body = changed_body(known.kind, known.events, settings, given)
        body = self._desk.settle(body, known_url=settings["url"])
        check_moved(settings, given, url_of(body))
        return _Planned(body, settings, changed_settings(settings, settings_of(body), given))

    async def _write(
        self, tx: Transaction, known: KnownDestination, planned: _Planned | None, given: Mapping[str, Any]
    ) -> None:
        columns = self._switches(given)
        if given.get("fallback") is not None:
            await _check_fallback(tx, known.name, given["fallback"])
        if planned is not None:
            columns |= self._columns(known, planned)
            await destinations.redirect(tx, known.id, columns["target"], columns["host"])
            if changes_bodies(planned.settings, planned.fresh):
                await stored_destinations.forget_bodies(tx, known.id)
        await stored_destinations.change(tx, known.id, self._database.now(), **columns)
        if given.get("enabled"):
            await stored_destinations.enable_target(tx, columns.get("target", known.target))

    def _switches(self, given: Mapping[str, Any]) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        if "default" in given:
            columns["is_default"] = given["default"]
        if "fallback" in given:
            columns |= {"fallback": given["fallback"], "digest": None}
        if "enabled" in given:
            columns |= {"enabled": given["enabled"], "disabled_reason": None if given["enabled"] else MANUAL}
        return columns

    def _columns(self, known: KnownDestination, planned: _Planned) -> dict[str, Any]:
        return {
            **address_columns(planned.body),
            "events": [event.value for event in planned.body.events],
            "config": seal(self._box, known.id, planned.fresh),
            "config_key": self._box.key_id,
            "digest": None,
        }

    def _shared_secret(self, kind: str, settings: Mapping[str, Any]) -> str | None:
        return self._notifiers[kind].shared_secret(Address(settings["url"], settings))

    def _telling_secret(self, known: KnownDestination, settings: Mapping[str, Any]) -> DestinationDetail:
        return replace(known.detail, signing_secret=self._shared_secret(known.kind, settings))

    def _telling_new_secret(self, known: KnownDestination, planned: _Planned) -> DestinationDetail:
        """With the secret that signs from now on, if that is one of ours which nobody was told."""
        before = self._shared_secret(known.kind, planned.settings)
        after = self._shared_secret(known.kind, planned.fresh)
        return known.detail if before == after else replace(known.detail, signing_secret=after)


async def _find(tx: Transaction, name_or_id: str) -> KnownDestination:
    found = await stored_destinations.find(tx, name_or_id)
    if found is None:
        raise NotFoundError(f"There is no destination {name_or_id!r}.", param="destination")
    return found


def _refuse_environment(known: KnownDestination) -> None:
    if known.origin == "environment":
        raise ConflictError(
            f"The destination {known.name!r} comes from the environment of the server and is changed there.",
            code="environment",
        )


async def _check_fallback(tx: Transaction, name: str | None, fallback: str) -> None:
    known = await stored_destinations.fallbacks(tx)
    way = None if name is None else circle(name, fallback, known)
    if way is not None:
        problem = f"A destination must not stand in for itself: {' → '.join(way)}."
    elif fallback not in known:
        problem = f"There is no stored destination {fallback!r}."
    else:
        return
    raise InvalidRequestError(problem, param="fallback", code="invalid_value")


async def _check_unused(tx: Transaction, known: KnownDestination) -> None:
    needed_by = _needs(await stored_destinations.usage(tx, known.id))
    leaning = [] if known.name is None else await stored_destinations.leaning_on(tx, known.name)
    needed_by += [f"{', '.join(leaning)} (it stands in for them)"] if leaning else []
    if needed_by:
        raise ConflictError(
            f"The destination is needed by {' and '.join(needed_by)}. With `?force=true` it is deleted all the same.",
            code="in_use",
        )


def _needs(usage: Usage) -> list[str]:
    counted = (
        (usage.watches, "live watch", "live watches"),
        (usage.deliveries, "pending delivery", "pending deliveries"),
    )
    return [f"{number} {one if number == 1 else many}" for number, one, many in counted if number]
