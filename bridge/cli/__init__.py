"""The command line: ``video-bridge``, also ``python -m bridge``."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from bridge import __version__
from bridge.cli.commands import Commands

app = typer.Typer(
    name="video-bridge",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"video-bridge {__version__}")
        raise typer.Exit


@app.callback()
def video_bridge(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Watches AI video jobs at OpenAI-compatible servers and tells Slack, e-mail or any callback URL when they end.

    The commands that ask a server talk to BRIDGE_URL (default http://127.0.0.1:8080) with BRIDGE_API_KEY. Exit codes:
    0 done; 1 what was asked for failed; 2 bad usage, configuration or request; 3 the server could not be reached.
    """


def main() -> None:
    """Run the command line of this process and exit."""
    # A terminal that knows no arrows still gets its answer, and an id that is no text is for the server to refuse.
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "replace"), (sys.stderr, "replace")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=errors)
    try:
        app(prog_name="video-bridge")
    finally:
        _flush()


def _flush() -> None:
    """Write what is left; what cannot be written (`| head`, a full disk) was said before and is let go."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
