"""The commands `templates list`, `templates render` and `templates check`."""

from __future__ import annotations

import json
import os
import sys
from contextlib import aclosing
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bridge.cli.client import JsonObject
from bridge.cli.exits import ExitCode
from bridge.cli.options import AsJson
from bridge.cli.output import complain, plain, say, show, show_json
from bridge.cli.running import open_client, run
from bridge.cli.workshop import Finding, OwnTemplate, TemplateFile, Workshop
from bridge.clock import SystemClock
from bridge.errors import ConfigurationError
from bridge.ids import event_id
from bridge.models import EventType, Video
from bridge.notifiers.slack_preview import preview as preview_of
from bridge.rendering import SAMPLES, Sandbox, Told
from bridge.resources import templates_dir
from bridge.settings.files import directory
from bridge.settings.sources import read_variables

app = typer.Typer()
templates = typer.Typer(no_args_is_help=True, help="List, render and check the templates of messages.")
app.add_typer(templates, name="templates")


class Kind(StrEnum):
    """Kinds of destinations."""

    SLACK = "slack"
    EMAIL = "email-webhook"
    CALLBACK = "callback"


@templates.command("list")
def list_templates(as_json: AsJson = False) -> None:
    """List the files, what each tells, and whether it is packaged or from BRIDGE_TEMPLATES_DIR."""
    files = _workshop().files()
    if as_json:
        show_json({"object": "list", "data": [_as_json(file) for file in files]})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("FILE", "TELLS", "FROM"):
        table.add_column(title, no_wrap=title == "FILE", overflow="fold")
    for file in files:
        tells = "macros of the others" if file.macros else ", ".join(file.events) or "nothing"
        table.add_row(plain(file.name), tells, _origin(file))
    show(table)


@templates.command("render")
def render_template(
    kind: Annotated[
        Kind, typer.Argument(metavar="KIND", help="Kind of destination: slack, email-webhook or callback.")
    ],
    event: Annotated[
        EventType,
        typer.Argument(metavar="EVENT", help="What is told: video.completed, video.failed, watch.lost or …timed_out."),
    ],
    watch_id: Annotated[
        str | None, typer.Option("--watch", metavar="WATCH_ID", help="Tell of this watch of a running server.")
    ] = None,
    sample: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tell of this sample: bare, odd, silent or unseen.")
    ] = None,
    template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A destination's own template, in place of the packaged one.")
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="A Slack message as people read it.")] = False,
    html: Annotated[bool, typer.Option("--html", help="The HTML part of a mail, and nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the message that would be sent: of a sample, or of a real watch. Nothing is sent.

    Links to the files of a real watch are left out: only its server can sign them, and the dashboard shows them.

    `video-bridge templates render email-webhook video.failed --html > mail.html`
    """
    if preview and kind is not Kind.SLACK:
        raise typer.BadParameter("only a message for Slack has a preview.", param_hint="--preview")
    if html and kind is not Kind.EMAIL:
        raise typer.BadParameter("only a mail has an HTML part.", param_hint="--html")
    if watch_id is not None and sample is not None:
        raise typer.BadParameter("give either a watch or a sample.", param_hint="--sample")
    told = _sample(event, sample) if watch_id is None else run(_told_of(watch_id, event))
    if template is None:
        body = _workshop().compose(kind, told)
    else:
        body = run(_compose_own(OwnTemplate.read(template), kind, told))
    if preview:
        _print(preview_of(body))
    elif kind is Kind.EMAIL and not as_json:
        _print_mail(json.loads(body), html=html)
    else:
        show_json(json.loads(body))


@templates.command("check")
def check_templates(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A template for a destination; if left out, all that the server has."),
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="The kind of destination that FILE is for.")] = None,
    event: Annotated[
        list[EventType] | None, typer.Option(help="What the destination of FILE is told; everything if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Render templates for every event type and everything that may be missing, and look at what comes out.

    The exit code is 2 when something is wrong; the message names file, line and reason.
    """
    if (file is None) is not (kind is None):
        raise typer.BadParameter("a FILE needs its --kind, and --kind a FILE.", param_hint="--kind")
    if file is None or kind is None:
        findings = list(_workshop().check())
    else:
        finding = run(_check_own(OwnTemplate.read(file), kind, event or list(EventType)))
        findings = [] if finding is None else [finding]
    if as_json:
        show_json({"ok": not findings, "problems": [_finding_as_json(each) for each in findings]})
    else:
        for each in findings:
            complain(str(each))
        if not findings:
            say("The templates are good." if file is None else "The template is good.")
    if findings:
        raise typer.Exit(ExitCode.USAGE)


def _workshop() -> Workshop:
    """The templates that `serve` would use here.

    :raises ConfigurationError: BRIDGE_TEMPLATES_DIR names no folder.
    """
    found = read_variables(os.environ, Path(".env")).found.get("BRIDGE_TEMPLATES_DIR")
    try:
        return Workshop(templates_dir(), None if found is None else directory(found.value))
    except ValueError as error:
        raise ConfigurationError(f"BRIDGE_TEMPLATES_DIR {error}.") from error


def _sample(event: EventType, name: str | None) -> Told:
    full = event if name is None or name == event else f"{event}.{name.removeprefix(f'{event}.')}"
    if full not in SAMPLES:
        known = ", ".join(each.removeprefix(f"{event}.") for each in SAMPLES if each.startswith(f"{event}."))
        raise typer.BadParameter(f"there is none of that name; of {event} there are {known}.", param_hint="--sample")
    return SAMPLES[full]


async def _told_of(watch_id: str, event: EventType) -> Told:
    async with open_client() as client:
        watch = await client.watch(watch_id)
    public = read_variables(os.environ, Path(".env")).found.get("BRIDGE_PUBLIC_URL")
    return Told(
        event_id=event_id(watch["id"], event),
        event_type=event,
        created_at=watch["ended_at"] or SystemClock().now(),
        video=_video_of(watch),
        watch_id=watch["id"],
        watch_created_at=watch["created_at"],
        provider=watch["provider"],
        metadata=watch["metadata"],
        watch_url=None if public is None else f"{public.value.rstrip('/')}/watches/{watch['id']}",
    )


def _video_of(watch: JsonObject) -> Video:
    """The video of a watch; of a server that is newer than this command, what is known here."""
    if watch["video"] is None:
        return Video(watch["video_id"])
    return Video.from_dict({field.name: watch["video"].get(field.name) for field in fields(Video)})


async def _compose_own(own: OwnTemplate, kind: Kind, told: Told) -> bytes:
    async with aclosing(Sandbox()) as sandbox:
        return await _workshop().compose_own(sandbox, own, kind, told)


async def _check_own(own: OwnTemplate, kind: Kind, events: list[EventType]) -> Finding | None:
    async with aclosing(Sandbox()) as sandbox:
        return await _workshop().check_own(sandbox, own, kind, events)


def _print_mail(mail: JsonObject, *, html: bool) -> None:
    if html:
        _print(mail["html"])
    else:
        _print(f"Subject: {mail['subject']}\n\n{mail['text']}")


def _print(text: str) -> None:
    """Print lines as they are; at a terminal nothing in them acts on it."""
    lines = text.split("\n")
    typer.echo("\n".join(map(plain, lines)) if sys.stdout.isatty() else text)


def _origin(file: TemplateFile) -> str:
    return file.origin if file.origin == "packaged" else f"{file.origin}: {plain(file.path)}"


def _as_json(file: TemplateFile) -> JsonObject:
    return {
        "kind": file.kind,
        "name": file.name,
        "origin": file.origin,
        "path": str(file.path),
        "events": list(file.events),
    }


def _finding_as_json(finding: Finding) -> JsonObject:
    return {"file": finding.file, "line": finding.line, "reason": finding.reason, "event": finding.event or None}
