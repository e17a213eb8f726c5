"""A provider's standing: may it be asked, and may its "not found" be believed?

A provider's trouble is never a verdict on a video. All rules for that are here, as pure functions from one
:class:`Health` to the next; the caller keeps it, in the database too, for as long as the provider's base URL stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bridge.models import BadKey, Look, LostReason, Missing, Observed, ProviderState, SlowDown, Trouble

PROBE_EVERY = 30.0
LONGEST_SLOW_DOWN = 3600.0

_FORBIDDEN_TO_PAUSE = 3
_MISSING_TO_SUSPECT = 10
_LONGEST_BACKOFF = 60.0
_LONGEST_SILENCE = 200

_KEY_REFUSED = "the provider refuses our key (401)"
_ALL_FORBIDDEN = "the provider refused to show three different videos in a row (403)"
_NEVER_ANSWERED = "the provider has never yet answered with a video"
_SILENT = "the provider has given no usable answer"
_MOSTLY_MISSING = "the provider does not know most of the videos looked at in the last minute"


@dataclass(frozen=True, slots=True)
class Health:
    """Where a provider stands. Times are wall-clock Unix seconds.

    :param since: when it came into this state.
    :param reason: why it is not ``ok``; None when it is.
    :param answered: whether it ever showed a video.
    :param not_before: nothing is asked before this moment.
    :param slow_downs: how many 429 came in a row.
    :param forbidden: different videos that were answered with 403 since the last one shown, at most three.
    :param silent_since: since when no look brought an answer that can be used; None when the last one did.
    :param silence: that it is silent, since when, and what came instead, last; for people.
    """

    state: ProviderState
    since: float
    reason: str | None = None
    answered: bool = False
    not_before: float = 0.0
    slow_downs: int = 0
    forbidden: tuple[str, ...] = ()
    silent_since: float | None = None
    silence: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """A JSON object to keep."""
        return {
            "state": self.state.value,
            "since": self.since,
            "reason": self.reason,
            "answered": self.answered,
            "not_before": self.not_before,
            "slow_downs": self.slow_downs,
            "forbidden": list(self.forbidden),
            "silent_since": self.silent_since,
            "silence": self.silence,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Health:
        """The inverse of :meth:`as_dict`."""
        fields = {**data, "state": ProviderState(data["state"]), "forbidden": tuple(data["forbidden"])}
        return cls(**fields)


def fresh(now: float) -> Health:
    """The standing of a provider nobody has asked yet."""
    return Health(ProviderState.OK, now)


def after(health: Health, look: Look, video_id: str, now: float) -> Health:
    """The standing once this look at this video has come back."""
    if isinstance(look, Trouble):
        return _silent(_next_probe(health, now), look.detail, now)
    health = _answering(health)
    match look:
        case Observed():
            return after_shown(health, now)
        case BadKey():
            return _paused(_row_broken(health, now), _KEY_REFUSED, now)
        case Missing(LostReason.FORBIDDEN):
            return _after_forbidden(_row_broken(health, now), video_id, now)
        case Missing():
            return _next_probe(_row_broken(health, now), now)
        case SlowDown():
            return _after_slow_down(health, look.retry_after, now)


def after_shown(health: Health, now: float) -> Health:
    """The standing once the provider has shown a video."""
    health = _answering(health)
    if health.answered and not health.slow_downs and not health.forbidden and health.state is not ProviderState.PAUSED:
        return health  # as nearly always
    seen = replace(_row_broken(health, now), answered=True, forbidden=())
    if seen.state is not ProviderState.PAUSED:
        return seen
    resumed = _entered(seen, ProviderState.OK, None, now)
    return resumed if _slowed(resumed, now) else replace(resumed, not_before=now)


def after_page(health: Health, now: float) -> Health:
    """The standing once the provider has answered with a page of its list. It says nothing about single videos."""
    return replace(_row_broken(_answering(health), now), answered=True)


def judge(health: Health, *, missing: int, looked_at: int, now: float) -> Health:
    """The standing in the light of all videos of the last minute; a paused provider stays paused.

    :param missing: of how many different videos the latest look, within the last minute, did not find them.
    :param looked_at: how many different videos were looked at in the last minute.
    """
    if health.state is ProviderState.PAUSED:
        return health
    asked = looked_at > 0 or health.state is ProviderState.SUSPECT
    if not health.answered and asked:
        return _entered(health, ProviderState.SUSPECT, _NEVER_ANSWERED, now)
    if missing >= _MISSING_TO_SUSPECT and missing * 2 > looked_at:
        return _entered(health, ProviderState.SUSPECT, _MOSTLY_MISSING, now)
    return _entered(health, ProviderState.OK, None, now)


def verdict_allowed(health: Health) -> bool:
    """Whether a video this provider does not find may be called lost."""
    return health.state is ProviderState.OK and health.answered


def may_ask(health: Health, now: float) -> bool:
    """Whether a request may be sent now."""
    # We never wait longer than the longest slow-down. A moment further off comes from a wall clock that was set back.
    return not 0 < health.not_before - now <= LONGEST_SLOW_DOWN


def probing(health: Health) -> bool:
    """Whether only one look at a time may be under way, to find out if the provider is back."""
    return health.state is ProviderState.PAUSED


def _silent(health: Health, what: str, now: float) -> Health:
    since = now if health.silent_since is None else health.silent_since
    shown = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return replace(health, silent_since=since, silence=f"{_SILENT} since {shown}: {what[:_LONGEST_SILENCE]}")


def _answering(health: Health) -> Health:
    return health if health.silent_since is None else replace(health, silent_since=None, silence=None)


def _after_forbidden(health: Health, video_id: str, now: float) -> Health:
    if video_id not in health.forbidden and len(health.forbidden) < _FORBIDDEN_TO_PAUSE:
        health = replace(health, forbidden=(*health.forbidden, video_id))
    if health.state is not ProviderState.PAUSED and len(health.forbidden) == _FORBIDDEN_TO_PAUSE:
        return _paused(health, _ALL_FORBIDDEN, now)
    return _next_probe(health, now)


def _after_slow_down(health: Health, retry_after: float | None, now: float) -> Health:
    # Several requests were under way when the provider had enough: their 429s are one and count once.
    again = _slowed(health, now)
    backoff = 0.0 if again else min(2.0 ** min(health.slow_downs, 8), _LONGEST_BACKOFF)
    # "Retry-After: 0" beside a 429 names no time either.
    wait = min(retry_after, LONGEST_SLOW_DOWN) if retry_after else backoff
    if health.state is ProviderState.PAUSED:
        wait = max(wait, PROBE_EVERY)
    return replace(
        health,
        slow_downs=health.slow_downs if again else health.slow_downs + 1,
        not_before=max(health.not_before, now + wait) if again else now + wait,
    )


def _slowed(health: Health, now: float) -> bool:
    """Whether a 429 still holds everything back."""
    return health.slow_downs > 0 and not may_ask(health, now)


def _row_broken(health: Health, now: float) -> Health:
    """An answer that is no 429 ends a row of them, unless it was asked for before the last one came."""
    return health if not health.slow_downs or _slowed(health, now) else replace(health, slow_downs=0)


def _paused(health: Health, reason: str, now: float) -> Health:
    return _next_probe(_entered(health, ProviderState.PAUSED, reason, now), now)


def _next_probe(health: Health, now: float) -> Health:
    """While paused, ask again in half a minute; otherwise nothing changes."""
    if health.state is not ProviderState.PAUSED:
        return health
    longest = health.not_before if _slowed(health, now) else 0.0
    return replace(health, not_before=max(longest, now + PROBE_EVERY))


def _entered(health: Health, state: ProviderState, reason: str | None, now: float) -> Health:
    since = health.since if health.state is state else now
    return replace(health, state=state, reason=reason, since=since)
