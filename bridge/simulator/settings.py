"""How the simulator behaves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.errors import ConfigurationError
from bridge.simulator.faults import FaultRates


class ProgressStyle(StrEnum):
    """What ``progress`` shows while a video is made."""

    SMOOTH = "smooth"
    """It grows evenly from 0 to 99."""
    JUMP = "jump"
    """It stays at 0 until the end, as some self-hosted servers do."""


class ListQuirk(StrEnum):
    """How the simulator lists otherwise than the API says, as some servers do."""

    NO_CURSORS = "no_cursors"
    """``data`` and nothing beside it (SGLang); ``after`` works all the same."""
    ONE_PAGE = "one_page"
    """Every page is the first one, whatever ``after`` says."""
    FILTERED = "filtered"
    """Rows are taken out of pages whose cursors stay as they were (LiteLLM for keys that see only their own)."""
    OTHER_IDS = "other_ids"
    """The rows have ids of their own, the cursors are those of the server behind (LiteLLM)."""
    STALE = "stale"
    """The rows show every job as it was at its creation."""
    LYING = "lying"
    """The rows show every job as completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSettings:
    """The simulator's settings. Times are seconds, rates and shares between 0 and 1.

    :param duration: median time from a job's creation to its end.
    :param spread: sigma of the log-normal distribution of durations; 0 makes each exactly ``duration``.
    :param queue_share: the part of a job's duration it spends queued.
    :param progress: what ``progress`` shows meanwhile.
    :param failure_rate: share of jobs that fail.
    :param seed: whatever is left to chance follows from it and from the order of the jobs: the same seed, the same run.
    :param api_key: the key clients must send, None for no check.
    :param faults: how often reads go wrong. Creating, deleting and downloading stay reliable.
    :param retry_after: the ``Retry-After`` of a 429.
    :param hang_limit: how long a hanging answer is held before the connection is closed.
    :param poll_after: sent as ``openai-poll-after-ms`` with each retrieved video, None to leave the header out.
    :param files_last: how long the files of a finished video are there.
    :param list_refusal: the status with which a list is refused, None to list.
    :param list_quirk: how the list differs from what the API says, None not at all.
    :raises ConfigurationError: with every problem found.
    """

    duration: float = 30.0
    spread: float = 0.0
    queue_share: float = 0.1
    progress: ProgressStyle = ProgressStyle.SMOOTH
    failure_rate: float = 0.0
    seed: int = 0
    api_key: str | None = field(default=None, repr=False)
    faults: FaultRates = field(default_factory=FaultRates)
    retry_after: float = 1.0
    hang_limit: float = 60.0
    poll_after: float | None = None
    files_last: float = 3600.0
    list_refusal: int | None = None
    list_quirk: ListQuirk | None = None

    def __post_init__(self) -> None:
        times = {"duration": self.duration, "spread": self.spread, "retry_after": self.retry_after}
        times |= {"hang_limit": self.hang_limit, "poll_after": self.poll_after or 0.0, "files_last": self.files_last}
        shares = {"queue_share": self.queue_share, "failure_rate": self.failure_rate}
        problems = [
            f"{name} must be zero or more, not {value}."
            for name, value in times.items()
            if not 0 <= value < math.inf  # false for NaN, too
        ]
        problems += [
            f"{name} must be between 0 and 1, not {value}." for name, value in shares.items() if not 0 <= value <= 1
        ]
        problems += self.faults.problems()
        if self.api_key == "":
            problems.append("api_key must not be empty.")
        if problems:
            raise ConfigurationError(*problems)
