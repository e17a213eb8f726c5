"""The commands about stored destinations: `destinations list`, `add`, `test`, `enable`, `disable`, `remove` …"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.client import JsonObject
from bridge.cli.completing import destination_names
from bridge.cli.exits import CommandError, ExitCode, RefusedError
from bridge.cli.given import Given, StandardInput, body_of
from bridge.cli.lines import attempt_lines, destination_line, secret_lines
from bridge.cli.options import AsJson
from bridge.cli.output import plain, say, show, show_json, stdout
from bridge.cli.running import open_client, run
from bridge.cli.signingsecret import find_secret
from bridge.cli.tables import DESTINATION_COLUMNS, build_table
from bridge.clock import SystemClock
from bridge.settings import load_settings

app = typer.Typer()
destinations = typer.Typer(no_args_is_help=True, help="List, store, try out, disable and remove destinations.")
app.add_typer(destinations, name="destinations")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of a destination, or its id.", autocompletion=destination_names)
]

NewName = Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, `_` and `-`.")]
CallbackUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="POST events to this URL; `-` reads it from standard input.")
]
SlackUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="Incoming webhook of Slack; `-` reads it from standard input.")
]
Recipients = Annotated[
    list[str] | None, typer.Option(metavar="ADDR", help="Write mails to this address. May be repeated.")
]
Preset = Annotated[
    str | None, typer.Option(metavar="NAME", help="The mail service: flat, resend, postmark, sendgrid …")
]
MailUrl = Annotated[str | None, typer.Option(metavar="URL", help="Where the mail service takes mails.")]
Sender = Annotated[str | None, typer.Option("--from", metavar="ADDR", help="Whom mails come from.")]
ApiKeyFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="File with the mail service's key; `-` is standard input.")
]
SecretFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="File with the callback's signing secret; `-` is standard input.")
]
Events = Annotated[list[str] | None, typer.Option(metavar="EVENTS", help="Tell only these, with commas between them.")]
Default = Annotated[bool, typer.Option("--default", help="Watches that name no destination use it.")]
Fallback = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Another stored destination that stands in for it.", autocompletion=destination_names
    ),
]


@destinations.command("list")
def list_destinations(as_json: AsJson = False) -> None:
    """List the destinations that have a name: stored ones, and those of the server's environment."""
    run(_list(as_json=as_json))


@destinations.command()
def add(
    name: NewName,
    callback_url: CallbackUrl = None,
    slack: SlackUrl = None,
    email: Recipients = None,
    preset: Preset = None,
    url: MailUrl = None,
    sender: Sender = None,
    api_key_file: ApiKeyFile = None,
    secret_file: SecretFile = None,
    events: Events = None,
    default: Default = False,
    fallback: Fallback = None,
    as_json: AsJson = False,
) -> None:
    """Store a destination under a name: a callback, a Slack channel or recipients of mail.

    What stands on the command line can be seen by other users of this machine and stays in the shell's history. So
    secrets come from files or standard input: `video-bridge destinations add team --slack - < url.txt`. A Slack URL is
    a secret as a whole. What e-mail leaves out is taken from the server's BRIDGE_EMAIL_… settings.

    No command changes what is stored: remove it and add it anew, or use `PATCH /v1/destinations/NAME`.
    """
    given = Given(
        callback_url=callback_url,
        slack=slack,
        email=email or [],
        preset=preset,
        url=url,
        sender=sender,
        api_key_file=api_key_file,
        secret_file=secret_file,
    )
    body = {"name": name, **body_of(given, StandardInput(sys.stdin)), **_how_told(events or [], default, fallback)}
    run(_add(body, as_json=as_json))


@destinations.command("test")
def try_out(name: Name, as_json: AsJson = False) -> None:
    """Send an event now that says it is a test, also to a disabled destination.

    The exit code is 0 only if it was delivered.
    """
    attempt, url = run(_test(name))
    if as_json:
        show_json(attempt)
    else:
        show(*attempt_lines(attempt, url))
    if attempt["outcome"] != "delivered":
        raise typer.Exit(ExitCode.FAILED)


@destinations.command()
def enable(name: Name, as_json: AsJson = False) -> None:
    """Send to a destination again, also when its receiver had been given up."""
    run(_change(name, {"enabled": True}, as_json=as_json))


@destinations.command()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Send nothing to a destination until it is enabled. What is kept meanwhile can be retried."""
    run(_change(name, {"enabled": False}, as_json=as_json))


@destinations.command()
def remove(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Although live watches or pending deliveries use it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a destination."""
    run(_remove(name, force=force, as_json=as_json))


@destinations.command()
def rotate(name: Name, as_json: AsJson = False) -> None:
    """Give a callback a new signing secret. For 24 hours the old one signs beside it."""
    run(_rotate(name, as_json=as_json))


@destinations.command()
def secret(
    url: Annotated[str, typer.Argument(metavar="URL", help="URL of a callback, or the name or id of a stored one.")],
    as_json: AsJson = False,
) -> None:
    """Print the secret that signs callbacks to a URL, but for those that have a secret of their own.

    It is found on this machine, without a server: from BRIDGE_CALLBACK_SECRET, else from BRIDGE_SECRET_KEY, else from
    the key file beside the database. So run it where the server runs, with the server's settings. A secret that was
    given for a destination, or made by `destinations rotate`, is not shown again; the command says where one signs.
    """
    found = find_secret(url, load_settings())
    if as_json:
        show_json({"url": found.url, "signing_secret": found.secret})
    else:
        show(found.secret)
        beside = ", where a callback has no secret of its own" if found.caution else ""
        say(f"{found.origin} The receiver verifies the webhook-signature header with it{beside}; keep it secret.")
    for caution in found.caution:
        say(Text.assemble(("Warning: ", "yellow"), plain(caution)))


def _how_told(events: Sequence[str], default: bool, fallback: str | None) -> JsonObject:
    """The fields that every kind has, without what was not given."""
    told = [event.strip() for each in events for event in each.split(",") if event.strip()]
    fields = {"events": told, "default": default, "fallback": fallback}
    return {name: value for name, value in fields.items() if value}


async def _list(*, as_json: bool) -> None:
    async with open_client() as client:
        page = await client.destinations()
    if as_json:
        show_json(page)
    elif not page["data"]:
        say("No destinations. `video-bridge destinations add` stores one.")
    else:
        show(build_table(DESTINATION_COLUMNS, page["data"], now=SystemClock().now(), width=stdout().width))


async def _add(body: JsonObject, *, as_json: bool) -> None:
    async with open_client() as client:
        made = await client.create_destination(body)
    _show(made, as_json=as_json)


async def _change(name: str, fields: JsonObject, *, as_json: bool) -> None:
    async with open_client() as client:
        changed = await client.change_destination(name, fields)
    _show(changed, as_json=as_json)


async def _test(name: str) -> tuple[JsonObject, str | None]:
    """The attempt, and where it went if nothing answered there."""
    async with open_client() as client:
        attempt = await client.test_destination(name)
        unanswered = attempt["outcome"] != "delivered" and attempt["status"] is None
        return attempt, str((await client.destination(name))["url"]) if unanswered else None


async def _remove(name: str, *, force: bool, as_json: bool) -> None:
    async with open_client() as client:
        try:
            answer = await client.remove_destination(name, force=force)
        except RefusedError as error:
            raise CommandError(str(error).replace("`?force=true`", "--force"), error.code) from error
    if as_json:
        show_json(answer)
    else:
        say(f"{name} is deleted.")


async def _rotate(name: str, *, as_json: bool) -> None:
    async with open_client() as client:
        rotated = await client.rotate_destination(name)
    _show(rotated, as_json=as_json)
    if not as_json:
        say("The old secret signs beside it for 24 hours: give the new one to the receiver before that.")


def _show(destination: JsonObject, *, as_json: bool) -> None:
    if as_json:
        show_json(destination)
    else:
        lines: list[Text] = [destination_line(destination), *secret_lines([{"destinations": [destination]}])]
        show(*lines)
