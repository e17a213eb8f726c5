"""What the process that renders strangers' templates may still do: very little, and not for long.

Limits are set by the process itself before it reads its first job. On Windows there are none of these; the deadline
of the parent and the bounds on sizes hold everywhere.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from bridge.rendering.errors import OutOfTime

if sys.platform != "win32":
    import resource

_NICENESS = 5
# A new one holds some 40 MB.
_LARGEST = 90 * 2**20


def confine(memory: int) -> None:
    """Take away what rendering does not need, for good.

    :param memory: most address space, bytes.
    """
    if sys.platform == "win32":
        return
    os.nice(_NICENESS)  # a busy template must not slow the event loop on a machine with few cores
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, 64)
    _lower(resource.RLIMIT_NPROC, 0)


def allow_cpu(seconds: int) -> None:
    """Let this process run for so many seconds from now on; then the system ends it with SIGXCPU."""
    if sys.platform == "win32":
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(usage.ru_utime + usage.ru_stime) + seconds
    with contextlib.suppress(ValueError, OSError):  # a hard limit of the operator's that is lower stays in force
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside once so many seconds have passed, wherever it is: so the line is known.

    Only between two steps of Python can it be interrupted; for all else there is the deadline of the parent.
    """
    if sys.platform == "win32":
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise OutOfTime(f"it takes longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def has_grown() -> bool:
    """Whether this process holds more memory than one that waits for a job should; Linux only."""
    if not sys.platform.startswith("linux"):
        return False
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() > _LARGEST


def _lower(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(ValueError, OSError):  # some systems know a limit but do not let it be set
        resource.setrlimit(kind, (limit, limit))
