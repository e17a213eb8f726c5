"""Trying a destination out: a sample event, sent now, kept nowhere."""

from __future__ import annotations

import json
import secrets

from bridge.clock import Clock
from bridge.logs import get_logger
from bridge.models import Attempt, EventType, Outcome, Reason, Trigger
from bridge.notifiers.base import Address
from bridge.rendering import trial_event
from bridge.secrets import SecretBox
from bridge.sender.attempting import Attempter
from bridge.sender.composing import Composer, UnrenderableError
from bridge.store import destinations
from bridge.store.database import Database

_log = get_logger("bridge.sender")


class Trial:
    """Sends sample events, also to what is disabled."""

    def __init__(
        self, database: Database, attempter: Attempter, composer: Composer, box: SecretBox, clock: Clock
    ) -> None:
        self._database = database
        self._attempter = attempter
        self._composer = composer
        self._box = box
        self._clock = clock

    async def try_out(self, destination_id: str) -> Attempt:
        """Send an event now that says of itself that it is a test: of a completed video, unless that is not told.

        :raises SecretsError: the destination's settings cannot be decrypted with the keys at hand.
        """
        async with self._database.read() as tx:
            kind, origin, sealed, events = await destinations.to_try(tx, destination_id)
        settings = json.loads(self._box.decrypt(sealed, f"destinations.{destination_id}"))
        address = Address(settings["url"], settings)
        event_type = EventType.VIDEO_COMPLETED if EventType.VIDEO_COMPLETED in events else events[0]
        told = trial_event(event_type, f"evt_{secrets.token_hex(16)}", self._clock.now())
        try:
            rendered = await self._composer.compose(kind, told, address)
        except UnrenderableError as error:
            return _attempt(self._clock.now(), Outcome.FAILED, Reason.RENDER, response=str(error))
        answer = await self._attempter.attempt(kind, origin, told.event_id, address, rendered.body)
        verdict = answer.verdict
        _log.info(
            "trial",
            destination=destination_id,
            outcome=verdict.outcome.value,
            reason=verdict.reason and verdict.reason.value,
            status=answer.status,
            detail=answer.failure,
        )
        return _attempt(
            answer.at,
            verdict.outcome,
            verdict.reason,
            duration=answer.duration,
            status=answer.status,
            response=answer.shown,
        )


def _attempt(
    at: float,
    outcome: Outcome,
    reason: Reason | None,
    *,
    duration: float = 0.0,
    status: int | None = None,
    response: str | None = None,
) -> Attempt:
    return Attempt(1, at, round(duration * 1000), outcome, reason, status, response, Trigger.TEST)
