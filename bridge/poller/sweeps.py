"""Writing down what pages of a list show, as one commit with all that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.models import Observed, Video, VideoStatus
from bridge.pacing import Pace
from bridge.poller.again import Same, is_plain, same
from bridge.poller.pages import Planned, Shown
from bridge.poller.recording import Looked, Recorded, record_looks
from bridge.poller.rows import Reading, Row
from bridge.providers.health import Health
from bridge.providers.pages import Listed, ListedRow, PageAnswer
from bridge.states import VideoState
from bridge.store import sweeps
from bridge.store.database import Transaction
from bridge.store.sweeps import WaitedVideo
from bridge.store.videos import AT_ONCE


@dataclass(frozen=True, slots=True)
class PageClaim:
    """A page that is to be read."""

    provider: str
    page: Planned = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page that was asked for; times are Unix seconds.

    :param moved: by how much the clock had been moved when it was.
    """

    claim: PageClaim
    answer: PageAnswer
    started_at: float
    moved: float = 0.0
    seconds: float = 0.0


@dataclass(slots=True)
class RecordedPages:
    """What pages came to: their looks, what each showed, how many of a provider's videos they observed, and the
    endings that are to be confirmed, by provider and row.
    """

    looks: Recorded
    shown: list[tuple[PageRead, Shown]] = field(default_factory=list)
    observed: dict[str, int] = field(default_factory=dict)
    doubted: dict[str, dict[str, VideoStatus]] = field(default_factory=dict)
    verified: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page, and the provider's wish for the time to the next look, seconds."""

    page: PageRead
    poll_after: float | None


@dataclass(slots=True)
class _Turn:
    """What is gathered from the pages of one turn."""

    now: float
    looks: dict[str, Looked] = field(default_factory=dict)
    held: dict[str, VideoState] = field(default_factory=dict)
    same: dict[str, Same] = field(default_factory=dict)
    doubted: dict[str, dict[str, VideoStatus]] = field(default_factory=dict)
    hasten: list[str] = field(default_factory=list)
    verified: set[str] = field(default_factory=set)

    def gather(self, page: PageRead, listed: Listed, known: Sequence[WaitedVideo], *, believed: bool) -> None:
        """Decide about each video of ours on a page."""
        rows = {row.id: row for row in listed.rows}
        reading = Reading(page.started_at, self.now, believed)
        asked = _Asked(page, listed.poll_after)
        for each in known:
            if each.id in self.looks or each.id in self.same:
                continue  # pages overlap
            row = rows[each.video_id]
            read = reading.of(row, each)
            if read is Row.DOUBTED:
                self._doubt(page.claim.provider, row, each)
            elif read is Row.AGAIN and is_plain(each):
                self.same[each.id] = same(page.claim.provider, each, asked.poll_after)
            elif read is Row.AGAIN or isinstance(read, Video):
                self._look(asked, each, None if read is Row.AGAIN else read)

    def _look(self, asked: _Asked, known: WaitedVideo, shown: Video | None) -> None:
        """Have it recorded as looked at.

        :param shown: None where that is what is known, which then is read only once.
        """
        page, before = asked.page, known.video()
        video = before if shown is None else shown
        if video is not None:
            look = Observed(video, asked.poll_after)
            claim = known.claimed(page.claim.provider)
            self.looks[known.id] = Looked(claim, look, page.started_at, page.moved, requests=0)
            self.held[known.id] = known.state(before)

    def verify(self, provider: str, known: WaitedVideo) -> None:
        """Have one video looked at singly: a list that is behind would show for ever what was."""
        self.verified.add(provider)
        looked = self.looks.get(known.id)
        shown = known.id in self.same or (looked is not None and not _ends(looked))
        if shown and known.lease_until is None:
            for what in (self.looks, self.held, self.same):
                what.pop(known.id, None)
            self.hasten.append(known.id)

    def _doubt(self, provider: str, row: ListedRow, known: WaitedVideo) -> None:
        video = row.video()
        if video is not None and video.status is not None:
            self.doubted.setdefault(provider, {})[known.id] = video.status
        if known.next_at > self.now - AT_ONCE and known.lease_until is None:
            self.hasten.append(known.id)


async def record_pages(
    tx: Transaction,
    pages: Sequence[PageRead],
    *,
    health: Mapping[str, Health],
    base_urls: Mapping[str, str],
    rates: Mapping[str, float],
    pace: Pace,
    believed: Mapping[str, bool],
    verify: Mapping[str, int],
    now: float,
) -> RecordedPages:
    """Write what the pages show of videos that somebody waits for.

    A row whose video a single look has seen since the page was asked for is passed over, and one that a single look is
    at, unless it ends the job: then the single look comes too late and changes nothing.

    :param believed: of which providers rows are believed.
    :param verify: of these providers one video is looked at singly, although a page shows it; the number chooses it.
    """
    listed = [(page, page.answer) for page in pages if isinstance(page.answer, Listed)]
    turn = _Turn(now)
    on_page = _gathered(turn, listed, await _waited(tx, listed), believed, verify)
    looks = Recorded(dict(health))
    if listed:
        looks = await record_looks(
            tx,
            list(turn.looks.values()),
            owner="",
            health=health,
            base_urls=base_urls,
            rates=rates,
            pace=pace,
            now=now,
            held=turn.held,
            same=turn.same.values(),
            pages=Counter(page.claim.provider for page, _ in listed),
        )
    if turn.hasten:
        await sweeps.look_at_once(tx, turn.hasten, now - AT_ONCE)
    recorded = RecordedPages(looks, doubted=turn.doubted, verified=turn.verified)
    for page, answer, known in on_page:
        name = page.claim.provider
        recorded.shown.append((page, _shown(name, answer, known, turn, looks)))
        recorded.observed[name] = recorded.observed.get(name, 0) + len(known)
    return recorded


def _gathered(
    turn: _Turn,
    listed: Sequence[tuple[PageRead, Listed]],
    waited: Mapping[str, Mapping[str, WaitedVideo]],
    believed: Mapping[str, bool],
    verify: Mapping[str, int],
) -> list[tuple[PageRead, Listed, list[WaitedVideo]]]:
    """The pages with those of our videos that they show; what follows from them is in the turn."""
    on_page = []
    for page, answer in listed:
        name = page.claim.provider
        its = {row.id: waited[name][row.id] for row in answer.rows if row.id in waited[name]}
        known = list(its.values())
        turn.gather(page, answer, known, believed=believed[name])
        if name in verify and known and name not in turn.verified:
            turn.verify(name, known[verify[name] % len(known)])
        on_page.append((page, answer, known))
    return on_page


async def _waited(tx: Transaction, listed: Sequence[tuple[PageRead, Listed]]) -> dict[str, dict[str, WaitedVideo]]:
    """The videos on these pages that somebody waits for, by provider and id."""
    ids: dict[str, set[str]] = {}
    for page, answer in listed:
        ids.setdefault(page.claim.provider, set()).update(row.id for row in answer.rows)
    return {name: {each.video_id: each for each in await sweeps.waited(tx, name, its)} for name, its in ids.items()}


def _ends(looked: Looked) -> bool:
    look = looked.look
    return isinstance(look, Observed) and look.video.status is not None and look.video.status.final


def _shown(provider: str, answer: Listed, known: Sequence[WaitedVideo], turn: _Turn, looks: Recorded) -> Shown:
    """What a page showed, with the waits until single looks as they are now planned."""
    now = turn.now
    ended = {each.video.id for each in looks.ended}
    doubted = turn.doubted.get(provider, {})
    intervals = {}
    for each in known:
        planned = looks.planned.get(each.id)
        if planned is not None:
            interval = planned - now
        elif each.looked_at is not None and each.lease_until is None:
            interval = each.next_at - each.looked_at
        else:
            interval = each.next_at - now
        if each.id not in doubted and each.video_id not in ended:
            intervals[each.video_id] = max(0.0, interval)
    due = sum(each.next_at <= now for each in known)
    return Shown([row.id for row in answer.rows], answer.cursor, intervals, due)
