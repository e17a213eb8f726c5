"""The folder of the archive: files that are whole under the month they were kept in, others under ``parts``.

Nothing but whole files is ever found under a month. Each fetching has a part of its own, named by the fence of its
lease, so that one that was frozen and comes back late writes where nobody looks any more.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from bridge.files import Variant, suffix_of
from bridge.store.archives import ClaimedFile

_PARTS = "parts"


class Library:
    """Reads and writes the folder; each call may block, so the loop makes them on a thread.

    :param folder: made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts = folder / _PARTS

    def open(self) -> None:
        """Make the folder, and see that it can be written.

        :raises OSError: it cannot.
        """
        self._parts.mkdir(parents=True, exist_ok=True)
        probe = self._parts / f".probe.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()

    def free(self) -> int:
        """How many bytes there is room for.

        :raises OSError: the folder is away.
        """
        return shutil.disk_usage(self.folder).free

    def begin(self, claim: ClaimedFile) -> tuple[Path, int]:
        """The part of this fetching (there is none yet if it is empty), and how many bytes an earlier one left in it.

        :raises OSError: it cannot be written.
        """
        part = self._part(claim)
        left = sorted(self._left(claim), key=_size, reverse=True)
        if left and _size(left[0]) > _size(part):
            shutil.copyfile(left[0], part)
        for each in left:
            if each != part:
                each.unlink(missing_ok=True)
        return part, _size(part)

    def keep(self, claim: ClaimedFile, part: Path, media_type: str, now: float) -> str:
        """Move what is whole to where it stays; its place below the folder.

        :raises OSError: it cannot be moved.
        """
        month = datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
        place = Path(month) / f"{claim.video}.{claim.variant.value}{suffix_of(media_type)}"
        target = self.folder / place
        target.parent.mkdir(exist_ok=True)
        if part.exists() or not target.exists():  # else it was moved before the database went away
            os.replace(part, target)
        _sync_folder(target.parent)
        return place.as_posix()

    def drop(self, claim: ClaimedFile) -> None:
        """Delete what was begun of a file that is given up."""
        for each in self._left(claim):
            each.unlink(missing_ok=True)

    def delete(self, place: str) -> None:
        """Delete a kept file; one that is gone already is fine.

        :raises OSError: it cannot be deleted.
        """
        (self.folder / place).unlink(missing_ok=True)

    def _part(self, claim: ClaimedFile) -> Path:
        return self._parts / f"{_stem(claim.video, claim.variant)}.{claim.fence}.part"

    def _left(self, claim: ClaimedFile) -> list[Path]:
        return list(self._parts.glob(f"{_stem(claim.video, claim.variant)}.*.part"))


class PartWriter:
    """Appends to a part, a megabyte at a time; each call in a thread, which whoever waits for it may leave behind.

    :param at: where to go on; what stands behind is cut off.
    """

    def __init__(self, part: Path, at: int) -> None:
        self._part = part
        self._at = at
        self._turn = Lock()
        self._closed = False
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Open the part, unless it was closed before it came to that.

        :raises OSError: it cannot be opened.
        """
        with self._turn:
            if self._closed:
                return
            file = os.fdopen(os.open(self._part, os.O_RDWR | os.O_CREAT, 0o640), "r+b", buffering=2**20)
            self._file = file
            file.truncate(self._at)
            file.seek(self._at)

    def write(self, chunk: bytes | bytearray) -> None:
        """Append.

        :raises OSError: the disk is full, or away.
        """
        with self._turn:
            if self._file is not None and not self._closed:
                self._file.write(chunk)

    def finish(self, rest: bytes | bytearray) -> None:
        """Append the rest and see to it that all is on the disk.

        :raises OSError: the disk is full, or away.
        """
        with self._turn:
            if self._file is not None and not self._closed:
                self._file.write(rest)
                self._file.flush()
                os.fsync(self._file.fileno())

    def close(self, rest: bytes | bytearray) -> None:
        """Close, with what was not written yet, for who goes on later."""
        with self._turn:
            self._closed = True
            if self._file is not None:
                with self._file:
                    self._file.write(rest)

    async def aclose(self, rest: bytes | bytearray) -> None:
        """Close on a thread. One that has not begun yet is not called off with whoever waits for it."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.close, rest))


def _stem(video: str, variant: Variant) -> str:
    return f"{video}.{variant.value}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sync_folder(folder: Path) -> None:
    """Make a rename last; where folders cannot be opened (Windows) the system does as it does."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
