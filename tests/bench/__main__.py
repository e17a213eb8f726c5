"""Runs the benchmarks that are named (all of them otherwise) and writes what came out as Markdown."""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.bench import crash, delivering, guard, ticks, transports
from tests.bench.figures import Row, table

BENCHMARKS: dict[str, Callable[[int], Awaitable[list[Row]]]] = {
    "ticks": ticks.measure,
    "delivering": delivering.measure,
    "guard": guard.measure,
    "transports": transports.measure,
    "crash": crash.measure,
}
_LIBRARIES = ("httpx", "httpcore", "sqlalchemy", "aiosqlite", "asyncpg", "uvloop", "starlette", "uvicorn")


def header() -> str:
    """The machine and the versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        "# Benchmarks\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, Python "
        f"{platform.python_version()}; {libraries}.\n\n"
        "Each figure is the median of several runs; what counts is its ratio to the baseline of the same run, for the\n"
        "machine is shared. Made by `make bench`.\n"
    )


async def run(names: list[str], runs: int) -> str:
    """The whole page."""
    parts = [header()]
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows = await BENCHMARKS[name](runs)
        parts.append(f"## {name.capitalize()}\n\n{sys.modules[f'tests.bench.{name}'].__doc__}\n\n{table(rows)}")
    return "\n".join(parts)


def main() -> None:
    """The command ``python -m tests.bench``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which; all unless named")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a file to write the page to, instead of the terminal")
    given = parser.parse_args()
    page = asyncio.run(run(given.names or list(BENCHMARKS), given.runs))
    if given.write:
        given.write.write_text(page)
    else:
        print(page)


main()
