"""A part that is written in threads, which go on when the one who waits for them is cut."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.media.library import PartWriter


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "film.part"


def test_what_comes_is_appended_where_it_was_left(part: Path) -> None:
    part.write_bytes(b"abcdef")
    writer = PartWriter(part, 3)
    writer.open()
    writer.write(b"DE")
    writer.close(b"F")
    assert part.read_bytes() == b"abcDEF"


def test_one_that_is_closed_before_its_thread_began_opens_nothing(part: Path) -> None:
    writer = PartWriter(part, 0)
    writer.close(b"")
    writer.open()
    writer.write(b"too late")
    writer.finish(b"too late")
    assert not part.exists()


def test_a_thread_that_was_left_behind_writes_nothing_after_the_end(part: Path) -> None:
    writer = PartWriter(part, 0)
    writer.open()
    writer.close(b"all")
    writer.write(b"late")
    writer.finish(b"late")
    assert part.read_bytes() == b"all"


async def test_it_is_closed_although_whoever_waits_is_cut_before_a_thread_is_free(part: Path) -> None:
    loop, free = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    loop.run_in_executor(None, free.wait)
    writer = PartWriter(part, 0)
    writer.open()
    closing = asyncio.create_task(writer.aclose(b"the rest"))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    free.set()
    await loop.shutdown_default_executor()
    assert part.read_bytes() == b"the rest"
