"""Destinations in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.errors import ConflictError, NotFoundError
from bridge.models import (
    Attempt,
    DestinationDetail,
    EventType,
    Outcome,
    Page,
    PageRequest,
    Reason,
    Trigger,
)
from bridge.registry import DestinationChange, NewDestination

DESTINATION_ID = "dest_01kb3v8xj2q4n6s8t0v2x4z6a8"
STORED = DestinationDetail(
    id=DESTINATION_ID,
    name="team",
    kind="callback",
    url="https://example.com/hook",
    events=tuple(EventType),
    default=False,
    enabled=True,
    disabled_reason=None,
    fallback=None,
    created_at=100.9,
)
TRIED = Attempt(
    number=1,
    at=150.9,
    duration_ms=12,
    outcome=Outcome.FAILED,
    reason=Reason.CLIENT_ERROR,
    status=404,
    response="no such hook",
    trigger=Trigger.TEST,
)


class FakeDestinations:
    """Answers from a dictionary and remembers what it was asked."""

    def __init__(self) -> None:
        self.known = {STORED.name: STORED}
        self.created_by: str | None = "nobody asked yet"
        self.page_asked: PageRequest | None = None
        self.change: DestinationChange | None = None
        self.forced: bool | None = None
        self.trial = TRIED
        self.tried: dict[str, Attempt] = {}

    async def create(self, body: NewDestination, *, created_by: str | None) -> DestinationDetail:
        self.created_by = created_by
        given = body.root
        if given.name in self.known:
            raise ConflictError("The name is taken.", param="name", code="name_taken")
        made = replace(STORED, name=given.name, kind=given.kind, events=tuple(given.events))
        self.known[made.name] = made
        return replace(made, signing_secret="whsec_shown")

    async def page(self, request: PageRequest, /) -> Page[DestinationDetail]:
        self.page_asked = request
        return Page([*self.known.values()][: request.limit], len(self.known) > request.limit)

    async def get(self, name_or_id: str, /) -> DestinationDetail:
        for each in self.known.values():
            if name_or_id in (each.name, each.id):
                return each
        raise NotFoundError("There is no such destination.", param="destination")

    async def patch(self, name_or_id: str, change: DestinationChange, /) -> DestinationDetail:
        self.change = change
        return await self.get(name_or_id)

    async def delete(self, name_or_id: str, /, *, force: bool) -> str:
        self.forced = force
        return (await self.get(name_or_id)).id

    async def rotate(self, name_or_id: str, /) -> DestinationDetail:
        return replace(await self.get(name_or_id), signing_secret="whsec_new")

    async def test(self, name_or_id: str, /) -> Attempt:
        self.tried[(await self.get(name_or_id)).id] = self.trial
        return self.trial

    def trials(self) -> Mapping[str, Attempt]:
        return self.tried
