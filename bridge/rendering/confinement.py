"""What the process that renders strangers' templates may still do: very little, and not for long.

Limits are set by the process itself before it reads its first job. On Windows there are none of these; the deadline
of the parent and the bounds on sizes hold everywhere.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys

if sys.platform != "win32":
    import resource

_NICENESS = 5


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


def _lower(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(ValueError, OSError):  # some systems know a limit but do not let it be set
        resource.setrlimit(kind, (limit, limit))
