"""What a person at a terminal sees when the server has started. Loaded only where there is one."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from bridge import __version__
from bridge.cli.connection import DEFAULT_URL
from bridge.cli.output import plain, stderr
from bridge.settings import Settings
from bridge.settings.urls import shown


def show_welcome(settings: Settings, url: str) -> None:
    """Print it."""
    stderr().print(welcome(settings, url))


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
