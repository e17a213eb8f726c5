"""The simulator behind the routes: its jobs, what was asked of it, and what it was told to answer."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import dropwhile, islice

from bridge.clock import Clock
from bridge.errors import InvalidRequestError, NotFoundError
from bridge.models import Page, PageRequest, Video, VideoError
from bridge.simulator.chance import chance
from bridge.simulator.faults import Fault
from bridge.simulator.jobs import Job, Order, end_now, observe, plan_job
from bridge.simulator.settings import ListQuirk, SimulatorSettings

_REMEMBERED_REQUESTS = 1000


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer given word for word instead of the true one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it arrived. ``at`` is the clock's monotonic time."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)  # the client's key is among them
    at: float


Answer = Reply | Fault | int
"""What a read can be told to answer: word for word, a fault, or a status with a fitting error object."""


class Simulator:
    """The state of one simulated provider, open to the tests that use it.

    :ivar jobs: by id, oldest first.
    :ivar retrieves: how often each id was asked for, unknown ids included.
    :ivar lists: how often a list was asked for.
    :ivar seen: the latest requests of any kind, oldest first.
    """

    def __init__(self, settings: SimulatorSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.jobs: dict[str, Job] = {}
        self.retrieves: Counter[str] = Counter()
        self.lists = 0
        self.seen: deque[SeenRequest] = deque(maxlen=_REMEMBERED_REQUESTS)
        self._created = 0
        self._outage: Answer | None = None
        self._scripted: deque[tuple[str | None, Answer]] = deque()
        self._asked = asyncio.Event()

    # Jobs

    def create(self, order: Order | str, *, video_id: str | None = None) -> Video:
        """Start a job; a plain string is its prompt. With ``video_id`` it gets that id instead of one made up.

        :raises InvalidRequestError: when a marker of the prompt makes no sense.
        """
        order = Order(order) if isinstance(order, str) else order
        job = plan_job(order, self._created + 1, self.clock.now(), self.settings)
        self._created += 1
        if video_id is not None:
            job = replace(job, id=video_id)
        self.jobs[job.id] = job
        return self.video(job.id)

    def video(self, video_id: str) -> Video:
        """The Video object as of now.

        :raises NotFoundError: when there is none, or it has vanished.
        """
        job = self.jobs.get(video_id)
        video = None if job is None else observe(job, self.clock.now(), self.settings.progress)
        if video is None:
            raise NotFoundError(f"No video with the id '{video_id}'.", param="video_id", code="video_not_found")
        return video

    def page(self, request: PageRequest) -> Page[Video]:
        """One page of the videos there are now.

        :raises InvalidRequestError: when ``after`` names no video.
        """
        jobs = reversed(self.jobs.values()) if request.descending else iter(self.jobs.values())
        if request.after is not None and self.settings.list_quirk is not ListQuirk.ONE_PAGE:
            if request.after not in self.jobs:
                raise InvalidRequestError(f"No video with the id '{request.after}'.", param="after")
            jobs = islice(dropwhile(lambda job: job.id != request.after, jobs), 1, None)
        now = self.clock.now()
        observed = (observe(job, now, self.settings.progress) for job in jobs)
        videos = list(islice((video for video in observed if video is not None), request.limit + 1))
        return Page(videos[: request.limit], len(videos) > request.limit)

    def delete(self, video_id: str) -> None:
        """Forget a video, as if it had never been.

        :raises NotFoundError: when there is none.
        """
        self.video(video_id)
        del self.jobs[video_id]

    def end(self, video_id: str, error: VideoError | None = None) -> None:
        """End a video at this moment, whatever was planned: completed, or failed with ``error``."""
        self.jobs[video_id] = end_now(self.jobs[video_id], self.clock.now(), error)

    # What was asked

    def record(self, request: SeenRequest) -> None:
        """Remember a request and wake those who wait for it."""
        self.seen.append(request)
        self._wake()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition()`` holds; it is tried now and after each request."""
        while not condition():
            await self._asked.wait()

    def _wake(self) -> None:
        self._asked.set()
        self._asked = asyncio.Event()

    # What is answered

    def fault_next(self, answer: Answer, times: int = 1, *, video_id: str | None = None) -> None:
        """Answer the next reads (of this video, or any retrieve or list) like this; they queue up."""
        self._scripted.extend([(video_id, answer)] * times)

    def set_outage(self, answer: Answer) -> None:
        """Answer every read like this until :meth:`clear_outage`. It goes before everything else."""
        self._outage = answer

    def clear_outage(self) -> None:
        """Answer truly again."""
        self._outage = None

    def retrieve_answer(self, video_id: str) -> Answer | None:
        """Count a retrieve, and say what to answer instead of the truth, if anything."""
        self.retrieves[video_id] += 1
        self._wake()
        subject = self.jobs[video_id].ordinal if video_id in self.jobs else video_id
        return self._answer(video_id, ("retrieve", subject, self.retrieves[video_id]))

    def list_answer(self) -> Answer | None:
        """Count a list, and say what to answer instead of the truth, if anything."""
        self.lists += 1
        self._wake()
        return self._answer(None, ("list", self.lists))

    def _answer(self, video_id: str | None, subject: tuple[object, ...]) -> Answer | None:
        if self._outage is not None:
            return self._outage
        for scripted in self._scripted:
            if scripted[0] in (None, video_id):
                self._scripted.remove(scripted)
                return scripted[1]
        return self.settings.faults.pick(chance(self.settings.seed, *subject))
