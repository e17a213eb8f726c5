"""The command `serve`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bridge.app import ALL_ROLES, parse_roles
from bridge.app import serve as serve_app
from bridge.cli.loops import run_service
from bridge.loading import load
from bridge.registry.environment import destination_problems
from bridge.settings import load_settings

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
    environ = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    settings = load_settings(environ, further=destination_problems)

    def ready(url: str) -> None:
        if sys.stderr.isatty():
            load("bridge.cli.welcome:show_welcome")(settings, url)

    run_service(serve_app(settings, ready=ready, roles=taken))
