"""Runs the benchmarks that are named (all of them otherwise) and writes what came out as Markdown."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
import uvloop

from bridge.app.collector import settle_collector
from bridge.logs import configure_logs
from tests.bench import (
    crash,
    delivering,
    fleet,
    growing,
    guard,
    observing,
    policies,
    registering,
    scale,
    throughput,
    ticks,
    transports,
)
from tests.bench.cores import measured_core
from tests.bench.figures import Row, table

Measure = Callable[[int], Awaitable[list[Row]]]

# One line a section, in the order of the page. A section is a module whose text introduces its table, with a `measure`
# that takes the number of runs and gives rows of medians. It should be through in a minute or two; only `scale` takes
# a quarter of an hour, for it watches memory for ten minutes.
SECTIONS: list[tuple[str, Measure]] = [
    ("policies", policies.measure),
    ("fleet", fleet.measure),
    ("observing", observing.measure),
    ("transports", transports.measure),
    ("throughput", throughput.measure),
    ("delivering", delivering.measure),
    ("registering", registering.measure),
    ("growing", growing.measure),
    ("scale", scale.measure),
    ("ticks", ticks.measure),
    ("guard", guard.measure),
    ("crash", crash.measure),
]

_LIBRARIES = ("httpx", "httpcore", "sqlalchemy", "aiosqlite", "asyncpg", "uvloop", "starlette", "uvicorn")


def header(runs: int) -> str:
    """The machine and the versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        "# Benchmarks\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {psutil.cpu_count()} cores"
        f"{_processor()}, Python {platform.python_version()}; {libraries}.\n\n"
        f"Runs of each section: {runs}; figures are medians. What counts is the ratio to the baseline of the same\n"
        "run, for the machine is shared. The measured process has a core to itself, the servers it talks to another.\n"
        "It runs as `serve` does: on the same event loop, with the same garbage collection, writing the\n"
        "same log (to /dev/null). Baselines that run in the same process do, too. Made by `make bench`.\n"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f" ({names[0]})" if names else ""


async def run(names: Collection[str], runs: int) -> str:
    """The whole page."""
    parts = [header(runs)]
    for name, measure in SECTIONS:
        if name not in names:
            continue
        began = time.perf_counter()
        with measured_core():
            rows = await measure(runs)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        text = inspect.getdoc(inspect.getmodule(measure))
        parts.append(f"## {name.capitalize()}\n\n{text}\n\n{table(rows)}")
    return "\n".join(parts)


def main() -> None:
    """The command ``python -m tests.bench``."""
    known = [name for name, _ in SECTIONS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*known, []], metavar="NAME", help="the same as --only")
    parser.add_argument("--only", action="append", choices=known, metavar="NAME", help=f"one of {', '.join(known)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one run of each, to see whether it works")
    parser.add_argument("--write", type=Path, help="a file to write the page to, instead of the terminal")
    given = parser.parse_args()
    with open(os.devnull, "w") as nowhere, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        configure_logs("json", stream=nowhere)
        settle_collector()
        page = runner.run(run([*given.names, *(given.only or ())] or known, 1 if given.quick else given.runs))
    if given.write:
        given.write.write_text(page)
    else:
        print(page)


main()
