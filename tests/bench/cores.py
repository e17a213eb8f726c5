"""Which core does what: the measured process has one to itself, the servers it talks to the others."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PINS = hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1
_CORES = sorted(os.sched_getaffinity(0)) if _PINS else []


def pin_measured(pid: int = 0) -> None:
    """Let a process (this one) run on the core that is measured, and on no other. Its future threads inherit that."""
    if _PINS:
        os.sched_setaffinity(pid, _CORES[:1])


def pin_servers(pid: int = 0) -> None:
    """Let a process run on the cores that are not measured."""
    if _PINS:
        os.sched_setaffinity(pid, _CORES[1:])


@contextmanager
def measured_core() -> Iterator[None]:
    """Run on the measured core until the block ends."""
    before = os.sched_getaffinity(0) if _PINS else set()
    pin_measured()
    try:
        yield
    finally:
        if _PINS:
            os.sched_setaffinity(0, before)


@dataclass(slots=True)
class Spent:
    """How long a block took: by the wall, and by the CPU time of this process with all its threads, seconds."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def spending() -> Iterator[Spent]:
    """Fill in what the block spends, once it ends."""
    spent = Spent()
    wall, cpu = time.perf_counter(), time.process_time()
    yield spent
    spent.wall, spent.cpu = time.perf_counter() - wall, time.process_time() - cpu
