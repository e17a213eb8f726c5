"""The commands `migrate` and `openapi`."""

from __future__ import annotations

import typer

from bridge.cli.output import as_json, say
from bridge.settings import load_settings
from bridge.store import migrate as migrate_database
from bridge.web.openapi import document

app = typer.Typer()


@app.command()
def migrate() -> None:
    """Bring the database of BRIDGE_DATABASE_URL to the newest schema. `serve` does that itself, too."""
    revision = migrate_database(load_settings().database_url)
    say(f"The database is at revision {revision}.")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    typer.echo(as_json(document(), indent=2))
