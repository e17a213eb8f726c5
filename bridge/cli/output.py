"""What commands print: objects as JSON on stdout, tables for people on stdout, messages on stderr."""

from __future__ import annotations

import codecs
import json
import os
import re
import sys
from typing import IO, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

# Without a terminal nothing is cut off: whoever reads a pipe wants whole ids.
_NO_LIMIT = 10_000

# What could drive the terminal or turn its text around; such text comes from providers and receivers.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def stdout() -> Console:
    """A console for results. Made anew for each use, because tests and pipes exchange the streams."""
    return _console(sys.stdout)


def stderr() -> Console:
    """A console for messages and progress."""
    return _console(sys.stderr)


def show(*parts: RenderableType) -> None:
    """Print a result for people. Text is never cut or wrapped by us, tables fit the terminal."""
    console = stdout()
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, (str, Text)))


def say(message: str | Text) -> None:
    """Print a message for people."""
    stderr().print(message if isinstance(message, Text) else plain(message), soft_wrap=True)


def complain(message: str) -> None:
    """Print what went wrong."""
    say(Text.assemble(("Error: ", "bold red"), plain(message)))


def show_json(value: Any) -> None:
    """Print an object of the API as JSON: on one line, or spread out for a person at a terminal."""
    if sys.stdout.isatty():
        typer.echo(as_json(value, indent=2))
    else:
        show_json_line(value)


def show_json_line(value: Any) -> None:
    """Print an object of the API as one line of JSON and pass it on at once."""
    typer.echo(as_json(value))


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON with readable text, in which whatever could drive a terminal is escaped."""
    utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    text = json.dumps(value, ensure_ascii=not utf8, indent=indent)
    # The only line breaks that can stand here are those between the lines of the JSON itself.
    return _UNSAFE.sub(lambda found: "\n" if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def plain(value: object) -> str:
    """Text of unknown origin as one harmless line: control characters and line breaks become visible escapes."""
    return _UNSAFE.sub(lambda found: " " if found[0] in "\n\r\t" else f"\\x{ord(found[0]):02x}", str(value))


def _console(stream: IO[str]) -> Console:
    console = Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        # NO_COLOR asks for no colour; bold and dim would still be escape sequences in a log.
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _NO_LIMIT
    return console
