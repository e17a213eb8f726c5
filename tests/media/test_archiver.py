"""Finished files are kept beyond the provider's hour, each once, whole or not at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.egress import AddressPolicy, Door
from bridge.media import Archive, Archiver, Library, Limits
from bridge.media.archiver import LEASE
from bridge.metrics import Metrics
from bridge.models import Observed, Video, VideoStatus
from bridge.poller.recording import Looked
from bridge.providers.content import ContentSource
from bridge.settings import ProviderSettings
from bridge.upkeep import DAY, Upkeep
from tests.media.shelf import FILM, Shelf
from tests.parts import PROVIDER_KEY, Parts, settle, sql
from tests.servers import running_server

COMPLETED = Video("video_1", VideoStatus.COMPLETED)
ROOMY = Limits(file=2**20, total=None, free=0)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def source(shelf: Shelf) -> AsyncIterator[ContentSource]:
    """The files of the provider ``openai``."""
    async with running_server(shelf) as url:
        door = Door(AddressPolicy(anywhere=True))
        config = ProviderSettings(name="openai", base_url=f"{url}/v1", api_key=SecretStr(PROVIDER_KEY))
        yield ContentSource(config, door)
        await door.aclose()


async def ended(parts: Parts, hook: str, video: Video = COMPLETED) -> None:
    """A watch whose video has just ended."""
    await parts.register(video.id, callback_url=hook)
    (claim,) = await parts.poller.claim()
    await parts.poller.record([Looked(claim, Observed(video), parts.clock.now())])


def archiver_of(parts: Parts, source: ContentSource, folder: Path, limits: Limits = ROOMY) -> Archiver:
    library = Library(folder)
    library.open()
    return Archiver(
        parts.database,
        Archive({"openai": source}, library, limits),
        clock=parts.clock,
        bell=parts.bells.watches,
        metrics=Metrics(),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archiver(parts: Parts, source: ContentSource, folder: Path) -> Archiver:
    return archiver_of(parts, source, folder)


def standing(tmp_path: Path) -> dict[str, tuple[Any, ...]]:
    rows = sql(tmp_path, "SELECT variant, status, reason, size FROM archives ORDER BY variant")
    return {row[0]: tuple(row[1:]) for row in rows}


def whole_files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.parent.name != "parts"]


async def test_the_film_of_a_completed_video_is_kept(
    parts: Parts, hook: str, archiver: Archiver, folder: Path, tmp_path: Path
) -> None:
    await ended(parts, hook)
    await settle(archiver)
    assert whole_files(folder) == [FILM]
    assert standing(tmp_path)["video"] == ("kept", None, len(FILM))
    assert list((folder / "parts").iterdir()) == []


async def test_the_log_says_under_which_name_a_video_is_kept(
    parts: Parts, hook: str, archiver: Archiver, folder: Path, logs: list[MutableMapping[str, Any]]
) -> None:
    await ended(parts, hook)
    await settle(archiver)
    (said,) = [line for line in logs if line["event"] == "archive" and line["outcome"] == "kept"]
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}/vid_[0-9a-z]{26}\.video\.mp4", said["file"])
    assert (said["video"], (folder / said["file"]).read_bytes()) == ("video_1", FILM)


async def test_a_provider_that_gives_no_thumbnail_costs_nothing_but_that(
    parts: Parts, hook: str, archiver: Archiver, tmp_path: Path
) -> None:
    await ended(parts, hook)
    await settle(archiver)
    await parts.clock.advance(60)
    await settle(archiver)
    assert standing(tmp_path)["thumbnail"] == ("failed", "missing", None)


async def test_a_video_that_failed_has_no_files(parts: Parts, hook: str, archiver: Archiver, tmp_path: Path) -> None:
    await ended(parts, hook, Video("video_1", VideoStatus.FAILED))
    await settle(archiver)
    assert standing(tmp_path) == {}


async def test_what_broke_off_is_gone_on_with(
    parts: Parts, hook: str, archiver: Archiver, shelf: Shelf, folder: Path
) -> None:
    await ended(parts, hook)
    shelf.cut_after = 200_000
    await settle(archiver)
    assert whole_files(folder) == []
    shelf.cut_after = None
    await parts.clock.advance(30)
    await settle(archiver)
    assert whole_files(folder) == [FILM]
    resumed = [each for each in shelf.asked if "range" in each and "variant" not in each["query"]]
    assert [each["if-range"] for each in resumed] == ['"film-1"']
    assert int(resumed[0]["range"].removeprefix("bytes=").removesuffix("-")) > 0


async def test_another_file_of_the_same_name_is_begun_anew(
    parts: Parts, hook: str, archiver: Archiver, shelf: Shelf, folder: Path
) -> None:
    await ended(parts, hook)
    shelf.cut_after = 200_000
    await settle(archiver)
    shelf.cut_after, shelf.content, shelf.etag = None, FILM[::-1], '"film-2"'
    await parts.clock.advance(30)
    await settle(archiver)
    assert whole_files(folder) == [FILM[::-1]]


async def test_a_server_without_ranges_is_asked_for_all_of_it_again(
    parts: Parts, hook: str, archiver: Archiver, shelf: Shelf, folder: Path
) -> None:
    await ended(parts, hook)
    shelf.ranges, shelf.cut_after = False, 100_000
    await settle(archiver)
    shelf.cut_after = None
    await parts.clock.advance(30)
    await settle(archiver)
    assert whole_files(folder) == [FILM]


async def test_a_successor_goes_on_where_a_killed_process_was(
    parts: Parts, hook: str, source: ContentSource, shelf: Shelf, folder: Path
) -> None:
    await ended(parts, hook)
    async with cut_in_the_middle(archiver_of(parts, source, folder), shelf):
        await parts.clock.advance(LEASE + 1)
        shelf.hold = None
        await finish(archiver_of(parts, source, folder))
    assert whole_files(folder) == [FILM]


async def test_a_late_owner_changes_nothing(
    parts: Parts, hook: str, source: ContentSource, shelf: Shelf, folder: Path, tmp_path: Path
) -> None:
    await ended(parts, hook)
    late = archiver_of(parts, source, folder)
    async with cut_in_the_middle(late, shelf) as hold:
        await parts.clock.advance(LEASE + 1)
        shelf.hold = None
        await finish(archiver_of(parts, source, folder))
        before = standing(tmp_path)
        hold.set()
        await finish(late)
    assert standing(tmp_path) == before
    assert whole_files(folder) == [FILM]


async def finish(archiver: Archiver) -> None:
    """Turn one archiver until it has nothing under way, beside another one that is stuck."""
    await archiver.tick()
    while archiver.in_flight:
        await asyncio.sleep(0)
        await archiver.tick()


@asynccontextmanager
async def cut_in_the_middle(archiver: Archiver, shelf: Shelf) -> AsyncIterator[asyncio.Event]:
    """An archiver that has half of a file, for as long as the block lasts."""
    shelf.hold = hold = asyncio.Event()
    await archiver.tick()
    while len(shelf.asked) < 2:
        await asyncio.sleep(0)
    yield hold
    hold.set()


@pytest.mark.parametrize(
    ("limits", "reason", "status"),
    [
        (replace(ROOMY, file=1000), "too_large", "failed"),
        (replace(ROOMY, total=1000), "no_space", "pending"),
        (replace(ROOMY, free=2**60), "no_space", "pending"),
    ],
)
async def test_limits_are_kept(
    parts: Parts,
    hook: str,
    source: ContentSource,
    folder: Path,
    tmp_path: Path,
    limits: Limits,
    reason: str,
    status: str,
) -> None:
    await ended(parts, hook)
    await settle(archiver_of(parts, source, folder, limits))
    assert standing(tmp_path)["video"][:2] == (status, reason)
    assert whole_files(folder) == []


async def test_a_film_of_unknown_length_is_cut_at_the_limit(
    parts: Parts, hook: str, source: ContentSource, shelf: Shelf, folder: Path, tmp_path: Path
) -> None:
    shelf.content = FILM * 8
    await ended(parts, hook)
    await settle(archiver_of(parts, source, folder))
    assert standing(tmp_path)["video"][:2] == ("failed", "too_large")
    assert list((folder / "parts").iterdir()) == []


async def test_it_is_tried_until_the_provider_deletes_it(
    parts: Parts, hook: str, archiver: Archiver, shelf: Shelf, tmp_path: Path
) -> None:
    shelf.status = 503
    gone_at = int(parts.clock.now()) + 900
    await ended(parts, hook, Video("video_1", VideoStatus.COMPLETED, expires_at=gone_at))
    for _ in range(20):
        await settle(archiver)
        await parts.clock.advance(60)
    assert standing(tmp_path)["video"] == ("failed", "trouble", None)


async def test_with_its_video_a_file_is_forgotten(parts: Parts, hook: str, archiver: Archiver, folder: Path) -> None:
    await ended(parts, hook)
    await parts.send()
    await settle(archiver)
    await parts.clock.advance(31 * DAY)
    await Upkeep(parts.database, parts.clock, Metrics(), retention=30 * DAY).purge()
    await settle(archiver)
    assert whole_files(folder) == []


async def test_a_page_is_no_film(parts: Parts, hook: str, archiver: Archiver, shelf: Shelf, folder: Path) -> None:
    shelf.media_type = "text/html"
    await ended(parts, hook)
    await settle(archiver)
    assert whole_files(folder) == []
