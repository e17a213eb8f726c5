"""One watch: its video, everything that happened to it, and what is planned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from starlette.responses import Response

from bridge.models import Attempt, DeliveryView, LostReason, Outcome, PageRequest, WatchStatus, WatchView
from bridge.reasons import because
from bridge.registry import DeliveryFilter
from bridge.store.observations import Observation
from bridge.web.dashboard.guard import Ask
from bridge.web.dashboard.media import media_links
from bridge.web.dashboard.watches import rows_of
from bridge.web.problems import no_such

_ID = re.compile(r"watch_[0-9A-Za-z_-]{1,64}")
_DELIVERIES = 100
_OUTCOMES: Mapping[Outcome, Literal["good", "bad", "warn"]] = {
    Outcome.DELIVERED: "good",
    Outcome.RETRY: "warn",
    Outcome.FAILED: "bad",
}


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One line of the time line.

    :param rank: what goes first of two at the same time.
    :param tone: how it looks, never the only thing that says so.
    """

    at: float
    rank: int
    title: str = field(compare=False)
    detail: str = field(default="", compare=False)
    tone: Literal["plain", "good", "bad", "warn"] = field(default="plain", compare=False)
    delivery: str | None = field(default=None, compare=False)


async def show(ask: Ask) -> Response:
    """The page of one watch."""
    watch = await ask.desk.registry.watch(_id(ask))
    (row,) = await rows_of(ask, [watch])
    deliveries = await ask.desk.registry.deliveries(PageRequest(_DELIVERIES, descending=False), _of(watch))
    seen = await ask.desk.insight.time_line(watch.id)
    return ask.page(
        "watch",
        watch=watch,
        row=row,
        deliveries=deliveries.items,
        moments=time_line(watch, seen, deliveries.items),
        unseen=unseen(watch, missing=bool(seen)),
        media=await media_links(ask.desk.media, watch),
        cancellable=watch.status is WatchStatus.WATCHING or any(each.status == "pending" for each in deliveries.items),
    )


async def cancel(ask: Ask) -> Response:
    """Cancel the watch."""
    watch = await ask.desk.registry.cancel(_id(ask))
    return ask.go_to(f"watches/{watch.id}")


def unseen(watch: WatchView, *, missing: bool) -> str:
    """Why nothing is known of a video that no look has shown yet.

    :param missing: whether a look found that the provider does not know it.
    """
    if watch.status is WatchStatus.LOST:
        refused = watch.reason == LostReason.FORBIDDEN
        why = "the key may not see it" if refused else "its id may be wrong, or belong to another key"
        return f"{watch.provider} never showed it: {why}."
    if watch.status is not WatchStatus.WATCHING:
        return f"{watch.provider} did not show it before the watch ended."
    if missing:
        return f"{watch.provider} does not know it so far; it is looked for again before it counts as lost."
    return f"{watch.provider} has not shown it yet; what it says of it will stand here."


def time_line(watch: WatchView, seen: Sequence[Observation], deliveries: Sequence[DeliveryView]) -> list[Moment]:
    """Everything that happened, in its order, from the registration to the last attempt."""
    moments = [_registered(watch), *_observed(watch, seen)]
    if watch.ended_at is not None:
        moments.append(_ended(watch, watch.ended_at))
    for delivery in deliveries:
        moments += [_attempted(delivery, attempt) for attempt in delivery.attempts]
    return sorted(moments)


def _registered(watch: WatchView) -> Moment:
    count = len(watch.destinations)
    by = f" by {watch.created_by}" if watch.created_by else ""
    return Moment(watch.created_at, 0, f"Registered{by}", f"{count} destination{'' if count == 1 else 's'}")


def _observed(watch: WatchView, seen: Sequence[Observation]) -> Iterator[Moment]:
    """What looks learned. A video that was known before this watch was registered shows from where it stood then."""
    before = [each for each in seen if each.at < watch.created_at]
    until = float("inf") if watch.ended_at is None else watch.ended_at
    for each in [*before[-1:], *(each for each in seen if watch.created_at <= each.at <= until)]:
        if each.look == "missing":
            yield Moment(each.at, 1, "Not found at the provider", "looked for again before it counts as lost", "warn")
        else:
            progress = "" if each.progress is None else f"{each.progress} %"
            yield Moment(each.at, 1, _words(each.status or "seen"), progress)


def _ended(watch: WatchView, at: float) -> Moment:
    error = None if watch.video is None else watch.video.error
    said = "" if error is None else ": ".join(filter(None, (error.code, error.message)))
    detail = said if watch.status is WatchStatus.FAILED else _words(watch.reason or "")
    tone: Literal["good", "bad", "plain"] = "bad"
    if watch.status in (WatchStatus.COMPLETED, WatchStatus.CANCELLED):
        tone = "good" if watch.status is WatchStatus.COMPLETED else "plain"
    return Moment(at, 2, f"Watch ended: {_words(watch.status).lower()}", detail, tone)


def _attempted(delivery: DeliveryView, attempt: Attempt) -> Moment:
    told = delivery.destination
    status = None if attempt.status is None else f"HTTP {attempt.status}"
    manual = "by hand" if attempt.trigger == "manual" else None
    why = attempt.reason and f"{_words(attempt.reason).lower()}: {because(attempt.reason)}"
    parts = (why, status, f"{attempt.duration_ms} ms", manual)
    words = {Outcome.DELIVERED: "delivered", Outcome.RETRY: "will be tried again", Outcome.FAILED: "failed"}
    return Moment(
        attempt.at,
        3,
        f"Attempt {attempt.number} to {told.name or told.kind}: {words[attempt.outcome]}",
        " · ".join(filter(None, parts)),
        _OUTCOMES[attempt.outcome],
        delivery.id,
    )


def _words(word: str) -> str:
    return word.replace("_", " ").capitalize()


def _of(watch: WatchView) -> DeliveryFilter:
    return DeliveryFilter(watch_id=watch.id)


def _id(ask: Ask) -> str:
    watch_id: str = ask.request.path_params["watch_id"]
    if not _ID.fullmatch(watch_id):
        raise no_such("watch", watch_id, "watch_")
    return watch_id
