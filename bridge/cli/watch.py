"""The command `watch`: register videos and, if wanted, follow them to their end."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer

from bridge.cli.client import MAX_BATCH, BridgeClient, JsonObject, message_of
from bridge.cli.completing import destination_names, provider_names
from bridge.cli.exits import CommandError, ExitCode, code_of_error
from bridge.cli.follow import Follower
from bridge.cli.forecast import forecasting
from bridge.cli.lines import registered_line, result_line, secret_lines
from bridge.cli.options import AsJson, Metadata, parse_metadata
from bridge.cli.output import complain, say, show, show_json, stdout
from bridge.cli.reporters import reporting
from bridge.cli.running import open_client, run
from bridge.cli.standings import minding_providers
from bridge.cli.telling import settled, untold_lines
from bridge.clock import SystemClock

app = typer.Typer()

_MAX_TIMEOUT = 2_592_000


VideoIds = Annotated[
    list[str], typer.Argument(metavar="VIDEO_ID", help="Ids of videos; `-` reads ids from standard input.")
]
CallbackUrl = Annotated[str | None, typer.Option(metavar="URL", help="POST the event to this URL.")]
SlackUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Write to Slack by this incoming webhook. It is a secret: better store it."),
]
Recipients = Annotated[
    list[str] | None,
    typer.Option(metavar="ADDR", help="Write a mail by the server's BRIDGE_EMAIL_… settings. May be repeated."),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Tell this stored destination. May be repeated.", autocompletion=destination_names
    ),
]
Provider = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The provider that makes the video.", autocompletion=provider_names),
]
Key = Annotated[str | None, typer.Option(help="Idempotency key: the same key never registers twice (one video only).")]
Timeout = Annotated[int | None, typer.Option(min=1, max=_MAX_TIMEOUT, metavar="SECONDS", help="Give up after so long.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Wait until the videos end, and show how far they are.")]


@app.command()
def watch(
    video_ids: VideoIds,
    callback_url: CallbackUrl = None,
    slack: SlackUrl = None,
    email: Recipients = None,
    destination: Names = None,
    provider: Provider = None,
    metadata: Metadata = None,
    key: Key = None,
    timeout: Timeout = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Register videos, so that destinations are told when they end.

    Without a destination the server's default ones are told. With --follow the exit code is 0 only if every
    video was completed: `video-bridge watch ID --follow && next-command`.
    """
    several = len(video_ids) > 1 or "-" in video_ids
    if key is not None and several:
        raise typer.BadParameter(
            "a key belongs to one registration, so it takes exactly one video id.", param_hint="--key"
        )
    told: list[str | JsonObject] = [*(destination or []), *_inline(slack, email or [])]
    common = _common(callback_url, told, provider, parse_metadata(metadata), key, timeout)
    registrations = [{"video_id": video_id, **common} for video_id in _all_ids(video_ids)]
    work = _watch(registrations, several=several, follow=follow, as_json=as_json)
    raise typer.Exit(run(work, when_stopped="Stopped. What is registered goes on at the server."))


def _inline(slack: str | None, email: Sequence[str]) -> Iterator[JsonObject]:
    """Destinations in full, of what options say."""
    if slack is not None:
        yield {"kind": "slack", "url": slack}
    if email:
        yield {"kind": "email-webhook", "to": list(email)}


def _common(
    callback_url: str | None,
    destinations: Sequence[str | JsonObject],
    provider: str | None,
    metadata: dict[str, str],
    key: str | None,
    timeout: int | None,
) -> JsonObject:
    """The part of the registration that all videos share, without what was not given."""
    given = {
        "callback_url": callback_url,
        "destinations": list(destinations) or None,
        "provider": provider,
        "metadata": metadata or None,
        "key": key,
        "timeout": timeout,
    }
    return {name: value for name, value in given.items() if value is not None}


def _all_ids(arguments: Sequence[str]) -> list[str]:
    """The ids of the command line, with those of standard input where a `-` stands."""
    if "-" in arguments and sys.stdin.isatty():
        say("One video id per line, please; Ctrl-D ends the list.")
    ids = [one for argument in arguments for one in (_read_ids(sys.stdin) if argument == "-" else [argument])]
    if not ids:
        raise CommandError("There is no video id on standard input.", ExitCode.USAGE)
    return ids


def _read_ids(lines: Iterable[str]) -> list[str]:
    """One id per line; blank lines and lines that start with # are skipped."""
    stripped = (line.strip().removeprefix("\ufeff") for line in lines)
    return [line for line in stripped if line and not line.startswith("#")]


async def _watch(registrations: list[JsonObject], *, several: bool, follow: bool, as_json: bool) -> ExitCode:
    async with open_client() as client:
        if several:
            answers, code = await _register_all(client, registrations)
        else:
            answers, code = [await _register_one(client, registrations[0])], ExitCode.DONE
        watches = [answer for answer in answers if "error" not in answer]
        if not as_json:
            width = stdout().width
            show(*(registered_line(watch, width) for watch in watches), *secret_lines(watches))
        elif not follow:
            show_json({"object": "list", "data": answers} if several else answers[0])
        if follow:
            code = max(code, await _follow(client, watches, as_json=as_json))
    return code


async def _register_one(client: BridgeClient, registration: JsonObject) -> JsonObject:
    watch, new = await client.register(registration)
    if not new:
        say("Registered already: this is the existing watch.")
    return watch


async def _register_all(client: BridgeClient, registrations: list[JsonObject]) -> tuple[list[JsonObject], ExitCode]:
    """Register in batches; the answers so far and the worst exit code. A batch that fails whole is the last."""
    answers: list[JsonObject] = []
    code = ExitCode.DONE
    for start in range(0, len(registrations), MAX_BATCH):
        try:
            batch = await client.register_batch(registrations[start : start + MAX_BATCH])
        except CommandError as error:
            complain(str(error))
            say(f"{len(answers)} of {len(registrations)} ids were sent before that; the same command may be repeated.")
            return answers, max(code, error.code)
        answers += batch["data"]
    for registration, answer in zip(registrations, answers, strict=False):
        if "error" in answer:
            complain(f"{registration['video_id']}: {message_of(answer['error'], registration)}")
            code = max(code, code_of_error(answer["error"].get("type", "")))
    return answers, code


async def _follow(client: BridgeClient, watches: list[JsonObject], *, as_json: bool) -> ExitCode:
    """Follow each watch once (equal registrations share one) and say how it ended, and what was not told of that."""
    once = {watch["id"]: watch for watch in watches}.values()
    clock = SystemClock()
    with reporting(clock, as_json=as_json) as reporter:
        names = {watch["provider"] for watch in once}
        async with minding_providers(client, clock, reporter, names), forecasting(client, clock, reporter) as told:
            results = await Follower(client, clock, told).follow(once)
    lost_sight = {str(result): result.code for result in results if isinstance(result, CommandError)}
    seen = [result for result in results if not isinstance(result, CommandError)]
    if not as_json:
        width = stdout().width
        show(*(result_line(watch, width) for watch in seen))
    for line in untold_lines(await settled(client, clock, seen)):
        say(line)
    for message in lost_sight:
        complain(message)
    if lost_sight:
        say("Following ended early; the watches go on at the server.")
    failed = any(watch["status"] != "completed" for watch in seen)
    return max([*lost_sight.values(), ExitCode.FAILED if failed else ExitCode.DONE])
