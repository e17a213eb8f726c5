"""The loop over the table of videos. Each provider has its own room, so that one in trouble never holds up another."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.clock import Clock
from bridge.ids import new_id
from bridge.loops import Bell, Loop
from bridge.metrics import Metrics
from bridge.models import Look, Missing, Observed, ProviderState, SlowDown, Trouble
from bridge.pacing import Pace
from bridge.poller.pages import WORTH
from bridge.poller.recording import Looked, Recorded, expire_overdue, record_looks, shared_health
from bridge.poller.slots import Pressure, open_lane, reserve_slots, slow_down, still_granting
from bridge.providers import health as standing_of
from bridge.providers.base import Provider
from bridge.providers.health import Health
from bridge.store import durations, standing, videos, watches
from bridge.store.database import Database, Transaction
from bridge.store.sweeps import due_moments
from bridge.store.videos import AT_ONCE, ClaimedVideo

# A look is at most three tries of half a minute with short waits between; whatever happens it is over by then.
LOOK_DEADLINE = 120.0
# A lease is renewed for as long as the look lasts, so that those of a process that died are over soon.
LEASE = 30.0
RENEW_EVERY = 10.0
_HOUSEKEEPING = 30.0


@dataclass(frozen=True, slots=True)
class Lane:
    """A provider, and how many looks at its videos may be under way."""

    provider: Provider
    room: int


class Sweeps(Protocol):
    """What the poller asks of, and tells, whoever reads the providers' lists."""

    def patience(self, name: str, now: float, /) -> float:
        """How long due videos are left to pages that are about to show them, seconds."""
        ...

    def sweeping(self, name: str, /) -> bool:
        """Whether pages are read anyway, however few videos are due."""
        ...

    def cost(self, name: str, /) -> float:
        """How many requests one observation costs, 1 at most."""
        ...

    def compare(self, looks: Sequence[Looked], /) -> None:
        """Hold what single looks have shown against what a list said."""
        ...


class Poller(Loop[ClaimedVideo, Looked]):
    """Claims due videos, looks at them, has the looks recorded.

    :param lanes: the configured providers by name.
    :param told: rung when deliveries were made; :param ended: rung when watches ended.
    :param progress: rung when watches ended, or show something new while they go on.
    """

    name = "poller"

    def __init__(
        self,
        database: Database,
        lanes: Mapping[str, Lane],
        *,
        clock: Clock,
        bell: Bell,
        told: Bell,
        ended: Bell,
        progress: Bell,
        pace: Pace,
        metrics: Metrics,
    ) -> None:
        super().__init__(clock, bell)
        self.pressed = database.pressed
        self._database = database
        self.lanes = lanes
        self._base_urls = {name: lane.provider.base_url for name, lane in lanes.items()}
        self._told = told
        self._ended = ended
        self._progress = progress
        self.pace = pace
        self._metrics = metrics
        self._owner = new_id("poller")
        self._health: dict[str, Health] = {}
        self._silent: set[str] = set()
        self._patience: dict[str, float] = {}
        self._lateness: dict[str, float] = {}
        self.sweeps: Sweeps | None = None
        """What reads the providers' lists beside it, if anything does."""
        self._housekeeping_at = 0.0
        self._renewed_at = 0.0

    async def open(self) -> None:
        """Recall how each provider stood. One whose base URL changed is a stranger again."""
        async with self._database.write() as tx:
            await self._database.alone(tx, "start")
            now = self._database.now()
            known = await standing.provider_health(tx)
            for name, lane in self.lanes.items():
                base_url, kept = known.get(name, (None, {}))
                same = base_url == lane.provider.base_url
                self._health[name] = Health.from_dict(kept) if same else standing_of.fresh(now)
                if base_url is not None and not same:
                    fresh = self._health[name].as_dict()
                    await standing.keep_provider_health(tx, name, lane.provider.base_url, fresh, now)
                    await durations.forget(tx, name)
                await open_lane(tx, lane.provider)

    async def claim(self) -> Sequence[ClaimedVideo]:
        """Lease due videos, each provider up to its room."""
        now = self._database.now()
        await self._keep_house(now)
        await self._renew(now)
        due = await self._first_due(now)
        short = any(lane.provider.budget.short() for lane in self.lanes.values())
        if (due is None or due > now) and not short:
            return []
        claimed: list[ClaimedVideo] = []
        async with self._database.write() as tx:
            now = self._database.now()
            self._health = await shared_health(tx, self._health, self._base_urls, hold=True)
            for name, room in self._rooms(now).items():
                probing = standing_of.probing(self._health[name])
                if probing and await videos.under_way(tx, name, now):
                    continue  # another replica probes it
                claimed += await videos.claim(
                    tx,
                    name,
                    limit=room,
                    owner=self._owner,
                    now=now,
                    lease=LEASE,
                    known_first=probing,
                    due_by=now - self._patience.get(name, 0.0),
                )
            new = Counter(each.provider for each in claimed)
            for name, lane in self.lanes.items():
                await reserve_slots(tx, name, lane.provider.budget, now, new[name])
        return claimed

    async def _renew(self, now: float) -> None:
        """Keep the leases of looks that take their time."""
        if self.in_flight and abs(now - self._renewed_at) >= RENEW_EVERY:
            async with self._database.write() as tx:
                await videos.renew(tx, self.in_flight, self._owner, self._database.now() + LEASE)
            self._renewed_at = now
        elif not self.in_flight:
            self._renewed_at = now

    async def work(self, item: ClaimedVideo) -> Looked:
        """Look once."""
        started_at, moved = self._database.now(), self._database.clock.moved
        clocked = self._clock.monotonic()
        look: Look
        try:
            async with asyncio.timeout(LOOK_DEADLINE):
                look = await self.lanes[item.provider].provider.look(item.video_id)
        except TimeoutError:
            look = Trouble(f"no answer within {LOOK_DEADLINE:.0f} s")
        looked = Looked(item, look, started_at, moved)
        self._metrics.looked(item.provider, looked.word, self._clock.monotonic() - clocked)
        return looked

    async def record(self, results: Sequence[Looked]) -> None:
        """Write looks, endings, events and deliveries as one commit."""
        async with self._database.write() as tx:
            now = self._database.now()
            recorded = await record_looks(
                tx,
                [self._in_present_time(each) for each in results],
                owner=self._owner,
                health=self._health,
                base_urls=self._base_urls,
                rates=self.rates(),
                pace=self.pace,
                now=now,
            )
            for name in {each.claim.provider for each in results if isinstance(each.look, SlowDown)}:
                await slow_down(tx, name, self.lanes[name].provider.budget, now, recorded.health[name].not_before)
        if self.sweeps is not None:
            self.sweeps.compare(results)
        self._report_trouble(results)
        self._report_health(recorded.health)
        self._health = recorded.health
        self.announce(recorded, now)

    def _in_present_time(self, looked: Looked) -> Looked:
        """The same look, as if the clock had always been as it is now."""
        moved = self._database.clock.moved
        if moved == looked.moved:
            return looked
        return looked._replace(started_at=looked.started_at + moved - looked.moved, moved=moved)

    async def release(self, items: Sequence[ClaimedVideo]) -> None:
        """Make videos due again whose look was cut."""
        async with self._database.write() as tx:
            await videos.release(tx, items, self._owner, self._database.now())

    async def _finish(self, grace: float) -> None:
        budgets = {name: lane.provider.budget for name, lane in self.lanes.items()}
        async with still_granting(self._database, budgets, self._clock):
            await super()._finish(grace)

    async def next_due(self) -> float | None:
        """When there is something to claim: a due video of a provider with room, or a provider whose wait is over."""
        now = self._database.now()
        due = await self._first_due(now)
        waits = [health.not_before for health in self._health.values() if not standing_of.may_ask(health, now)]
        return min([*waits, *([] if due is None else [due])], default=None)

    async def _first_due(self, now: float) -> float | None:
        """When the next video of a provider with room is due, by what the tables say of the providers.

        Another replica may have seen more of them, and the clock may have been set.
        """
        async with self._database.read() as tx:
            self._health = await shared_health(tx, self._health, self._base_urls)
            rooms = self._rooms(now)
            self._patience = await self._patient(tx, rooms, now)
            first = {name: await videos.next_due(tx, [name]) for name in rooms}
        due = {name: moment for name, moment in first.items() if moment is not None}
        self._lateness = {name: max(0.0, now - moment) for name, moment in due.items() if moment > now - AT_ONCE / 2}
        return min((moment + self._patience.get(name, 0.0) for name, moment in due.items()), default=None)

    async def _patient(self, tx: Transaction, rooms: Collection[str], now: float) -> dict[str, float]:
        """How long due videos are left to pages of a list: where they are read anyway, or so many are due."""
        if self.sweeps is None:
            return {}
        sweeps = self.sweeps
        patience = {name: wait for name in rooms if (wait := sweeps.patience(name, now)) > 0}
        crowded = await due_moments(tx, [name for name in patience if not sweeps.sweeping(name)], WORTH)
        return {
            name: wait for name, wait in patience.items() if sweeps.sweeping(name) or crowded.get(name, math.inf) <= now
        }

    def rates(self) -> dict[str, float]:
        """The rate that is allowed now at each provider, requests per second."""
        return {name: lane.provider.budget.allowed for name, lane in self.lanes.items()}

    def pressure(self, name: str) -> Pressure:
        """How much is asked of a provider's budget, as of the last claim."""
        cost = 1.0 if self.sweeps is None else self.sweeps.cost(name)
        return Pressure(self.lanes[name].provider.budget.allowed, self._lateness.get(name, 0.0), cost)

    def _rooms(self, now: float) -> dict[str, int]:
        """How many looks may be started at each provider; one without room is left out."""
        under_way = Counter(item.provider for item in self.in_flight)
        rooms = {}
        for name, lane in self.lanes.items():
            health = self._health[name]
            size = 1 if standing_of.probing(health) else lane.room
            if standing_of.may_ask(health, now) and size > under_way[name]:
                rooms[name] = size - under_way[name]
        return rooms

    async def _keep_house(self, now: float) -> None:
        """Every half minute: a provider that is configured no more cannot be asked; its watches end in time."""
        if abs(now - self._housekeeping_at) < _HOUSEKEEPING:
            return
        self._housekeeping_at = now
        async with self._database.read() as tx:
            strangers = await watches.waiting_providers(tx) - set(self.lanes)
        if not strangers:
            return
        recorded = Recorded(self._health)
        async with self._database.write() as tx:
            now = self._database.now()
            for name in strangers:
                await expire_overdue(tx, recorded, name, before=now, now=now)
        self._log.warning("provider_not_configured", providers=sorted(strangers), timed_out=len(recorded.ended))
        self.announce(recorded, now)

    def announce(self, recorded: Recorded, now: float) -> None:
        """Tell metrics, log and those who wait what was committed."""
        for each in recorded.ended:
            self._log.info("watch_ended", watch=each.watch_id, video=each.video.id, status=each.ending.status.value)
            if each.video.completed_at is not None and each.ending.status in ("completed", "failed"):
                self._metrics.detected(max(0.0, now - each.video.completed_at))
        if recorded.told:
            self._told.ring()
        if recorded.ended:
            self._ended.ring()
        if recorded.ended or recorded.moved:
            self._progress.ring()

    def _report_trouble(self, results: Sequence[Looked]) -> None:
        """Say once when a provider gives no usable answer any more, and once when it does again."""
        for each in results:
            name = each.claim.provider
            if isinstance(each.look, Trouble) and name not in self._silent:
                self._silent.add(name)
                url = self.lanes[name].provider.base_url
                self._log.warning("provider_trouble", provider=name, base_url=url, reason=each.look.detail)
            elif isinstance(each.look, Observed | Missing) and name in self._silent:
                self._silent.remove(name)
                self._log.info("provider_answers_again", provider=name)

    def _report_health(self, health: Mapping[str, Health]) -> None:
        for name, after in health.items():
            if after.state is not self._health[name].state:
                level = self._log.info if after.state is ProviderState.OK else self._log.warning
                url = self.lanes[name].provider.base_url
                level("provider_" + after.state.value, provider=name, base_url=url, reason=after.reason)
