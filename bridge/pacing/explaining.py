"""Why the next look is when it is, in one line for people. Moments are absolute, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.models import Outlook
from bridge.pacing.hazard import Belief, expected_total
from bridge.pacing.plan import FEW_JOBS, Prospect, belief_about, elapsed_of
from bridge.states import VideoState

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What keeps a provider from being looked at as planned.

    :param amiss: what is wrong with it, for people; None: nothing.
    :param until: nothing is asked before this moment, Unix seconds.
    """

    amiss: str | None = None
    until: float = 0.0


_NOTHING = Hindrance()


def explain(
    state: VideoState | None,
    next_at: float | None,
    now: float,
    prospect: Prospect,
    *,
    leased: bool = False,
    hindrance: Hindrance = _NOTHING,
) -> Outlook:
    """The outlook of a video by what is stored of it.

    :param state: None: nobody waits for it. :param next_at: when its next look is planned; None: nobody waits for it.
    :param leased: somebody is looking at this moment. :param hindrance: how its provider stands.
    """
    if state is None or next_at is None:
        return Outlook(None, "nobody waits for it any more")
    if leased:
        amiss = "" if hindrance.amiss is None else f", though {hindrance.amiss}"
        return Outlook(next_at, f"it is being looked at just now{amiss}")
    held = hindrance.until > max(next_at, now)
    next_at = max(next_at, hindrance.until) if held else next_at
    shown = _moment(next_at, now)
    if hindrance.amiss is not None:
        return Outlook(next_at, f"{hindrance.amiss}; it is asked again at {shown}")
    if held:
        return Outlook(next_at, f"the provider asked for fewer requests; next look {shown}")
    if state.looked_at is None:
        return Outlook(next_at, f"not looked at yet; first look {shown}")
    if state.missing_count:
        times = "once" if state.missing_count == 1 else f"{state.missing_count} times in a row"
        return Outlook(next_at, f"the provider did not know it {times}; next look {shown}")
    end, expected = _expected(state, now, prospect)
    return Outlook(next_at, f"{expected}; {_next(state, next_at, shown, now, prospect)}", end)


def _expected(state: VideoState, now: float, prospect: Prospect) -> tuple[float | None, str]:
    belief, elapsed = belief_about(state, prospect), elapsed_of(state, now, prospect.ahead)
    total = expected_total(belief, elapsed)
    experience = _experience(prospect.belief, by_progress=belief != prospect.belief, state=state)
    if total is None:
        return None, f"it has run for {_seconds(elapsed)}, longer than expected ({experience})"
    end = now - elapsed + total
    if prospect.belief.jobs == 0 and belief == prospect.belief:
        return None, "nothing is known yet of how long such jobs take"
    return end, f"expected to end about {_moment(end, now)} ({experience})"


def _experience(belief: Belief, *, by_progress: bool, state: VideoState) -> str:
    like = "1 finished job like it took" if belief.jobs == 1 else f"{belief.jobs} finished jobs like it, median"
    parts = [f"{like} {_seconds(belief.median)}"] if belief.jobs else ["no finished job like it"]
    if by_progress and state.video is not None:
        parts.append(f"progress {state.video.progress} %")
    return ", ".join(parts)


def _next(state: VideoState, next_at: float, shown: str, now: float, prospect: Prospect) -> str:
    if state.deadline is not None and next_at >= state.deadline:
        return f"next look {shown}, when the watch gives up"
    if next_at <= now and state.pushed_at is not None:
        return "next look now, because the provider says that it ended"
    why = ", soon because few jobs are known" if prospect.belief.jobs < FEW_JOBS else ""
    return f"next look {shown}{why}, when 1 request is worth {prospect.price:.1f} s of delay"


def _moment(at: float, now: float) -> str:
    form = "%H:%M:%S UTC" if abs(at - now) < _DAY / 2 else "%Y-%m-%d %H:%M:%S UTC"
    return datetime.fromtimestamp(min(max(at, 0.0), 2e11), UTC).strftime(form)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
