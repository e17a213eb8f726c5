"""The command `secrets rotate`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import typer

from bridge.app import Rotation, rotate_secrets
from bridge.cli.exits import ExitCode
from bridge.cli.options import AsJson
from bridge.cli.output import complain, say, show_json
from bridge.settings import load_settings

app = typer.Typer()
secrets = typer.Typer(no_args_is_help=True, help="Change the key that secrets in the database are encrypted with.")
app.add_typer(secrets, name="secrets")


@secrets.command()
def rotate(as_json: AsJson = False) -> None:
    """Encrypt every secret in the database anew with the first key of BRIDGE_SECRET_KEY.

    Put the new key in front of the old one, run this, and leave the old one out. On SQLite the server must be stopped
    meanwhile; on PostgreSQL all servers must know both keys. It may be stopped and run again at any time.
    """
    settings = load_settings()
    if settings.database_kind != "sqlite":
        say(
            "Every server that runs must have the first key of BRIDGE_SECRET_KEY already, in front or behind: one that "
            "does not answers 503 and sends nothing from now on, until it is started again with it (docs/secrets.md)."
        )
    rotation = asyncio.run(rotate_secrets(settings))
    if as_json:
        show_json({**asdict(rotation), "done": rotation.done})
    else:
        _tell(rotation)
    if not rotation.done:
        raise typer.Exit(ExitCode.FAILED)


def _tell(rotation: Rotation) -> None:
    if rotation.resealed:
        say(f"{_secrets(rotation.resealed)} encrypted anew; the key is {rotation.key_id}, the first that is set.")
    else:
        say(
            f"Nothing was left to do: the key of everything is {rotation.key_id}, the first that is set. "
            "To change it put a new one in front in BRIDGE_SECRET_KEY, then run this again."
        )
    if rotation.damaged:
        complain(
            f"No key opens the settings of {', '.join(rotation.damaged)}: give back the key they need, or remove them."
        )
    if rotation.left:
        complain(
            f"{_secrets(rotation.left)} encrypted with another key meanwhile. Give all servers the new key in front of "
            "the old one, then run this again."
        )
    if rotation.done and rotation.resealed:
        say("Older keys are needed no more. With them go the signing secrets that were derived from them.")


def _secrets(number: int) -> str:
    return "1 secret was" if number == 1 else f"{number} secrets were"
