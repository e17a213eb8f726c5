"""The commands `migrate` and `openapi`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from bridge.cli.output import as_json, say
from bridge.settings import load_settings
from bridge.store import AND_START_IT_AGAIN, lock_file
from bridge.store import migrate as migrate_database
from bridge.web.openapi import document

app = typer.Typer()


@app.command()
def migrate() -> None:
    """Bring the database of BRIDGE_DATABASE_URL to the newest schema. With SQLite `serve` does that itself, too."""
    settings = load_settings()
    with _held(settings.database_file):
        revision = migrate_database(settings.database_url)
    say(f"The database is at revision {revision}.")


@contextmanager
def _held(file: Path | None) -> Iterator[None]:
    """The database file held for this process, so that no server uses it meanwhile."""
    lock = None if file is None else lock_file(file.resolve(), AND_START_IT_AGAIN)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    typer.echo(as_json(document(), indent=2))
