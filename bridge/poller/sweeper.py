"""The loop that reads providers' lists: one page observes up to a hundred videos.

The poller looks at videos when they are due; this loop sees to it that most never are. Where a provider lists, it reads
the pages that are worth their request (:mod:`bridge.poller.pages`) and records what they show as if each video had been
looked at. Whatever a list leaves out is looked at singly on its own schedule; nothing is concluded from its absence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bridge.clock import Clock
from bridge.ids import new_id
from bridge.loops import Bell, Loop
from bridge.metrics import Metrics
from bridge.models import Observed, SlowDown, Trouble
from bridge.pacing import Pace
from bridge.poller.lists import KnownList, remember
from bridge.poller.loop import LOOK_DEADLINE, Lane
from bridge.poller.pages import WORTH, Pages
from bridge.poller.recording import Looked, Recorded, shared_health
from bridge.poller.slots import open_lane, reserve_slots, slow_down, still_granting
from bridge.poller.sweeps import PageClaim, PageRead, RecordedPages, record_pages
from bridge.providers import health as standing_of
from bridge.providers import listing as knowledge
from bridge.providers.health import Health
from bridge.providers.listing import Listing
from bridge.providers.pages import Listed, PageAnswer
from bridge.store import lanes, standing, sweeps
from bridge.store.database import Database, Transaction
from bridge.store.videos import AT_ONCE

SWEEP_LEASE = 30.0
"""One replica at a time reads a provider's list; whoever dies over it is followed after so long, seconds."""
LONGEST_PATIENCE = 60.0
"""Due videos are left to pages for so long at most, seconds."""
ROUNDS = 5
"""Due videos are left to pages for as long as it takes to read all of them so often."""
OTHERS_PATIENCE = 2.0
"""How long a replica leaves due videos to the one that reads the list, seconds."""

VERIFY_EVERY = 10.0
"""So often one video that pages show is looked at singly all the same, seconds."""
BEHIND = 30.0
"""A list that shows a job as under way so long after a single look has seen its end is not to be believed, seconds."""

_MOST_PAGES_AT_ONCE = 16
# How much the latest page says about how long one takes.
_LATEST = 0.2


class Sweeper(Loop[PageClaim, PageRead]):
    """Claims pages that are worth reading, reads them, has what they show recorded.

    :param lanes: the configured providers by name.
    :param bell: rung when videos were registered.
    :param announce: told what was committed, and when.
    """

    name = "sweeper"

    def __init__(
        self,
        database: Database,
        lanes: Mapping[str, Lane],
        *,
        clock: Clock,
        bell: Bell,
        pace: Pace,
        metrics: Metrics,
        announce: Callable[[Recorded, float], None],
    ) -> None:
        super().__init__(clock, bell)
        self._database = database
        self._lanes = lanes
        self._base_urls = {name: lane.provider.base_url for name, lane in lanes.items()}
        self._pace = pace
        self._metrics = metrics
        self._announce = announce
        self._owner = new_id("sweeper")
        self._health: dict[str, Health] = {}
        self._refreshed_at, self._moved = 0.0, database.clock.moved
        self._moments: dict[str, float] = {}
        self._lists = {name: KnownList(Pages(pace.min_interval)) for name in lanes}

    async def open(self) -> None:
        """Recall what is known of the lists."""
        now = self._database.now()
        self._health = {name: standing_of.fresh(now) for name in self._lanes}
        async with self._database.write() as tx:
            if self._database.kind == "sqlite":  # whoever had a lease in this file is gone
                await lanes.give_up(tx)
            for name, lane in self._lanes.items():
                row = await open_lane(tx, lane.provider)
                if row is not None and row.listing:
                    its = self._lists[name]
                    its.listing = its.kept = Listing.from_dict(row.listing)
            self._health = await shared_health(tx, self._health, self._base_urls)

    # What the poller asks

    def patience(self, name: str, now: float) -> float:
        """How long due videos are left to pages that are about to show them, seconds; 0 where none will."""
        its = self._lists[name]
        if not self._may_list(name, now):
            return 0.0
        if its.others_until > now:
            return OTHERS_PATIENCE
        if not its.pages.promising(now):
            return 0.0
        waiting = len(its.pages.due(now)) + self._under_way(name)
        # Looked at singly, they would cost the requests that bring all pages round.
        waiting += ROUNDS * len(its.pages.pages)
        backlog = waiting / self._lanes[name].provider.budget.allowed
        return min(its.pages.shortest + its.seconds + backlog, LONGEST_PATIENCE)

    def sweeping(self, name: str) -> bool:
        """Whether pages are read anyway, however few videos are due."""
        pages = self._lists[name].pages
        return bool(pages.pages) or pages.head.read_at is not None

    def cost(self, name: str) -> float:
        """How many requests one observation costs as of late, 1 at most."""
        return 1 / max(1.0, self._lists[name].videos) if self.sweeping(name) else 1.0

    def compare(self, looks: Sequence[Looked]) -> None:
        """Hold what single looks have shown against what the list had said of the same videos."""
        now = self._database.now()
        for each in looks:
            its = self._lists[each.claim.provider]
            said = its.doubted.pop(each.claim.id, None)
            if not isinstance(each.look, Observed):
                continue
            status = each.look.video.status
            if status is not None and status.final:
                remember(its.ended, {each.claim.video_id: now})
            if said is not None:
                matches = status is said
                its.listing = knowledge.after_comparison(its.listing, matches)
                if not matches:
                    self._log.warning("list_disagrees", provider=each.claim.provider, video=each.claim.video_id)

    # The loop

    async def claim(self) -> Sequence[PageClaim]:
        """Plan what is worth reading, and take those pages whose turn it is."""
        self._follow()
        now = self._database.now()
        await self._want_heads(now)
        chosen = {name: self._chosen(name, now) for name in self._lanes if self._may_list(name, now)}
        chosen = {name: claims for name, claims in chosen.items() if claims and self._free(name, now)}
        if any(self._to_write(name, len(claims), now) for name, claims in chosen.items()):
            chosen = await self._reserve(chosen)
        for name, claims in chosen.items():
            for claim in claims:
                self._lists[name].pages.reading(claim.page, now)
        return [claim for claims in chosen.values() for claim in claims]

    async def work(self, item: PageClaim) -> PageRead:
        """Read a page once."""
        started_at, moved = self._database.now(), self._database.clock.moved
        clocked = self._clock.monotonic()
        answer: PageAnswer
        try:
            async with asyncio.timeout(LOOK_DEADLINE):
                answer = await self._lanes[item.provider].provider.list_page(item.page.after)
        except TimeoutError:
            answer = Trouble(f"no page within {LOOK_DEADLINE:.0f} s")
        return PageRead(item, answer, started_at, moved, self._clock.monotonic() - clocked)

    async def record(self, results: Sequence[PageRead]) -> None:
        """Write what the pages show, endings, events and deliveries as one commit."""
        learned = {name: its.listing for name, its in self._lists.items()}
        async with self._database.write() as tx:
            now, moved = self._database.now(), self._follow()
            pages = [replace(each, started_at=each.started_at + moved - each.moved, moved=moved) for each in results]
            recorded = await record_pages(
                tx,
                pages,
                health=self._health,
                base_urls=self._base_urls,
                rates={name: lane.provider.budget.allowed for name, lane in self._lanes.items()},
                pace=self._pace,
                believed={name: knowledge.believed(listing) for name, listing in learned.items()},
                verify={
                    name: its.verified
                    for name, its in self._lists.items()
                    if now >= its.verify_from and knowledge.believed(its.listing)
                },
                now=now,
            )
            for each in pages:
                name = each.claim.provider
                learned[name] = knowledge.after_page(learned[name], each.answer, each.claim.page.after, now)
                if self._is_behind(name, each):
                    learned[name] = knowledge.after_comparison(learned[name], False)
            await self._keep_listings(tx, learned)
            health = await self._stand(tx, pages, recorded.looks.health, now)
        self._health = health
        for name, listing in learned.items():
            self._learn(name, listing)
        self._turn_pages(pages, recorded, now)
        self._announce(recorded.looks, now)

    async def release(self, items: Sequence[PageClaim]) -> None:
        """Let others read the lists."""
        async with self._database.write() as tx:
            await lanes.give_up(tx, self._owner)

    async def _finish(self, grace: float) -> None:
        budgets = {name: lane.provider.budget for name, lane in self._lanes.items()}
        async with still_granting(self._database, budgets, self._clock):
            await super()._finish(grace)

    async def next_due(self) -> float | None:
        """When a page is to be read, or may be."""
        now = self._database.now()
        moments = [moment for name in self._lanes if (moment := self._next_at(name, now)) is not None]
        return min(moments, default=None)

    def _follow(self) -> float:
        """Keep every wait as long as it was, where the clock was moved. Returns by how much it was in all, seconds."""
        by, self._moved = self._database.clock.moved - self._moved, self._database.clock.moved
        for its in self._lists.values() if by else ():
            its.move(by)
        return self._moved

    # Choosing

    def _may_list(self, name: str, now: float) -> bool:
        health = self._health[name]
        asked = standing_of.may_ask(health, now) and not standing_of.probing(health)
        return asked and knowledge.may_list(self._lists[name].listing, now)

    def _free(self, name: str, now: float) -> bool:
        return self._lists[name].others_until <= now

    def _next_at(self, name: str, now: float) -> float | None:
        its = self._lists[name]
        if not self._may_list(name, now):
            return None
        if its.others_until > now:
            return its.others_until
        moments = [its.pages.next_at() if self._room(name) else None]
        moments.append(self._moments.get(name))
        return min((max(moment, 0.0) for moment in moments if moment is not None), default=None)

    async def _want_heads(self, now: float) -> None:
        """Plan the head of each list by which enough due videos may be shown."""
        idle = [name for name, its in self._lists.items() if its.pages.head_idle and self._may_list(name, now)]
        soon = [name for name in idle if self._lists[name].pages.head_from <= now]
        self._moments = {name: self._lists[name].pages.head_from for name in idle if name not in soon}
        if not soon and abs(now - self._refreshed_at) < self._pace.min_interval:
            return
        async with self._database.read() as tx:
            self._health = await shared_health(tx, self._health, self._base_urls)
            moments = await sweeps.due_moments(tx, soon, WORTH)
        self._refreshed_at = now
        for name, moment in moments.items():
            if moment > now:
                self._moments[name] = moment
            elif self._may_list(name, now) and self._free(name, now):
                # A look that somebody wants at once says nothing of what the head shows.
                self._lists[name].pages.want_head(now, moment if moment > now - AT_ONCE / 2 else now)

    def _chosen(self, name: str, now: float) -> list[PageClaim]:
        return [PageClaim(name, page) for page in self._lists[name].pages.due(now)[: self._room(name)]]

    def _room(self, name: str) -> int:
        most = max(1, min(_MOST_PAGES_AT_ONCE, round(self._lanes[name].provider.budget.rate)))
        return max(0, most - self._under_way(name))

    def _under_way(self, name: str) -> int:
        return sum(item.provider == name for item in self.in_flight)

    def _to_write(self, name: str, pages: int, now: float) -> bool:
        """Whether the lease is to be taken or held for longer, or slots are to be reserved."""
        lasts = self._lists[name].leased_until - now
        return not SWEEP_LEASE / 2 < lasts <= SWEEP_LEASE or bool(self._lanes[name].provider.budget.short(pages))

    async def _reserve(self, chosen: Mapping[str, list[PageClaim]]) -> dict[str, list[PageClaim]]:
        """Take leases and slots; what another replica reads is left to it."""
        ours = {}
        async with self._database.write() as tx:
            now = self._database.now()
            for name in sorted(chosen):
                its = self._lists[name]
                if await lanes.lease(tx, name, self._owner, now, now + SWEEP_LEASE):
                    its.leased_until, its.others_until = now + SWEEP_LEASE, 0.0
                    await reserve_slots(tx, name, self._lanes[name].provider.budget, now, len(chosen[name]))
                    ours[name] = chosen[name]
                else:
                    row = await lanes.read(tx, name)
                    its.others_until = now if row is None else row.sweep_until or now
                    its.pages.forget()
        return ours

    # Learning

    async def _keep_listings(self, tx: Transaction, learned: Mapping[str, Listing]) -> None:
        for name, listing in learned.items():
            if listing != self._lists[name].kept:
                await lanes.keep_listing(tx, name, listing.as_dict())

    def _is_behind(self, name: str, page: PageRead) -> bool:
        """Whether a page shows as under way what a single look has long seen ended."""
        ended = self._lists[name].ended
        if not ended or not isinstance(page.answer, Listed):
            return False
        shown = [(row.video(), ended[row.id]) for row in page.answer.rows if row.id in ended]
        final = [video is None or video.status is None or video.status.final for video, _ in shown]
        return any(not each and page.started_at > at + BEHIND for each, (_, at) in zip(final, shown, strict=True))

    def _learn(self, name: str, listing: Listing) -> None:
        its = self._lists[name]
        if its.listing.cursors and not listing.cursors:
            its.pages.forget()
        its.listing = its.kept = listing
        works = listing.works and knowledge.may_list(listing, self._database.now())
        if works is not its.said:
            self._log.info("provider_lists" if works else "provider_does_not_list", provider=name)
        its.said = works

    async def _stand(
        self, tx: Transaction, pages: Sequence[PageRead], health: Mapping[str, Health], now: float
    ) -> dict[str, Health]:
        """How the providers stand: a page is an answer, a 429 slows everything down."""
        slowed = {each.claim.provider: each.answer for each in pages if isinstance(each.answer, SlowDown)}
        answered = {each.claim.provider for each in pages if isinstance(each.answer, Listed)}
        better = {name for name in answered if not (health[name].answered and health[name].silent_since is None)}
        if not slowed and not better:
            return dict(health)
        after = await shared_health(tx, health, self._base_urls, hold=True)
        for name in better:
            after[name] = standing_of.after_page(after[name], now)
        for name, answer in slowed.items():
            after[name] = standing_of.after(after[name], answer, "", now)
            await slow_down(tx, name, self._lanes[name].provider.budget, now, after[name].not_before)
        for name in better | set(slowed):
            await standing.keep_provider_health(tx, name, self._base_urls[name], after[name].as_dict(), now)
        return after

    def _turn_pages(self, pages: Sequence[PageRead], recorded: RecordedPages, now: float) -> None:
        """Plan the pages anew by what they showed."""
        for name, number in recorded.observed.items():
            self._metrics.swept(name, number)
        for name, rows in recorded.doubted.items():
            remember(self._lists[name].doubted, rows)
        for name in recorded.verified:
            its = self._lists[name]
            its.verified, its.verify_from = its.verified + 1, now + VERIFY_EVERY
        for page, shown in recorded.shown:
            its = self._lists[page.claim.provider]
            its.seconds += (page.seconds - its.seconds) * _LATEST
            its.videos += (len(shown.intervals) - its.videos) * _LATEST
            its.pages.seen(page.claim.page, shown, now, cursors=its.listing.cursors)
        for each in pages:
            if not isinstance(each.answer, Listed):
                self._lists[each.claim.provider].pages.unread(each.claim.page, now)
        for its in self._lists.values():
            if its.listing.off_until > now and not its.listing.works:
                its.pages.forget()
