"""The command `serve`."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bridge import __version__
from bridge.app import ALL_ROLES, parse_roles
from bridge.app import serve as serve_app
from bridge.cli.connection import DEFAULT_URL
from bridge.cli.loops import run_service
from bridge.cli.output import plain, stderr
from bridge.settings import Settings, load_settings
from bridge.settings.urls import shown

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of BRIDGE_HOST.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on, instead of BRIDGE_PORT. 0 takes a free one."),
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option(help="What this process does, of api,poller,sender; the rest is left to others. PostgreSQL only."),
    ] = None,
) -> None:
    """Run the server: it watches videos, tells destinations and answers the API. Ctrl-C ends it."""
    taken = ALL_ROLES if roles is None else parse_roles(roles)
    given = {"BRIDGE_HOST": host, "BRIDGE_PORT": None if port is None else str(port)}
    settings = load_settings({**os.environ, **{name: value for name, value in given.items() if value is not None}})

    def ready(url: str) -> None:
        console = stderr()
        if console.is_terminal:
            console.print(welcome(settings, url))

    run_service(serve_app(settings, ready=ready, roles=taken))


def welcome(settings: Settings, url: str) -> Table:
    """What a person at a terminal wants to know of a server that has just started."""
    providers = [f"{name} ({shown(provider.base_url)})" for name, provider in settings.providers.items()]
    keys = (
        f"{len(settings.api_keys)} set" if settings.needs_key else "none needed: only this machine can reach the server"
    )
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("video-bridge", __version__)
    table.add_row("server", Text(url, style="bold"))
    table.add_row("API docs", f"{url}/docs")
    table.add_row("API keys", keys)
    table.add_row("database", plain(shown(settings.database_url)))
    for label, provider in zip(["providers"] + [""] * len(providers), providers, strict=False):
        table.add_row(label, plain(provider))
    for warning in settings.warnings:
        table.add_row(Text("warning", style="yellow"), plain(warning))
    where = "" if url == DEFAULT_URL else f"BRIDGE_URL={url} "
    table.add_row("try", f"{where}video-bridge watch VIDEO_ID --callback-url URL --follow")
    return table
