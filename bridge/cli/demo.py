"""The command `demo`: a simulated provider, the bridge and a receiver in one go, on a temporary database."""

from __future__ import annotations

import asyncio
import hmac
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import typer
from rich.console import Console
from rich.text import Text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge import signing
from bridge.app import serve
from bridge.cli.client import BridgeClient, JsonObject
from bridge.cli.connection import DEFAULT_URL, Connection
from bridge.cli.demo_inboxes import ADDRESS, SLACK_PATH, DemoInboxes, message_destinations
from bridge.cli.exits import CommandError, ExitCode
from bridge.cli.follow import Follower, Reporter
from bridge.cli.lines import progress_line
from bridge.cli.loops import run_service
from bridge.cli.output import plain, stdout
from bridge.cli.owncommand import own_command
from bridge.cli.reporters import BarReporter
from bridge.cli.tables import STYLES
from bridge.clock import Clock, SystemClock
from bridge.settings import Settings, load_settings
from bridge.simulator import Simulator, SimulatorSettings, create_simulator
from bridge.simulator.server import listening

app = typer.Typer()

LIMIT = 30.0
# Where `video-bridge simulate` listens unless it is told otherwise.
_SIMULATED = "http://127.0.0.1:8090/v1"
_PROVIDER_KEY = "sk-demo-0123456789abcdef"
PROMPTS = (
    "A paper boat crossing a puddle [duration=3]",
    "A lighthouse at dawn, time lapse [duration=5]",
    "Two foxes in fresh snow [duration=6]",
    "A famous mouse in red shorts [duration=4] [fail=moderation_blocked]",
    "Rain on neon signs, slow pan [duration=8]",
    "A teapot that sings opera [duration=7] [fail]",
)
# The first that is completed and the first that fails are told to people, too.
FOR_PEOPLE = frozenset({PROMPTS[0], PROMPTS[3]})


@app.command()
def demo() -> None:
    """See it work in ten seconds: a simulated provider, the bridge and receivers, all on this machine.

    Six videos are made, two of them fail; the receiver answers its first callback with 503, so that you see a retry.
    One video of each kind is also told to a Slack channel and a mailbox, as people would read it.
    """
    run_service(_demo())


async def _demo() -> None:
    console = stdout()
    clock = SystemClock()
    simulator = create_simulator(SimulatorSettings(api_key=_PROVIDER_KEY, seed=7), clock)
    receiver = DemoReceiver(console)
    inboxes = DemoInboxes(console)
    with tempfile.TemporaryDirectory(prefix="video-bridge-demo-") as folder:
        async with (
            listening(simulator) as provider,
            listening(receiver.app) as hook,
            listening(inboxes.app) as people,
            _serving(_settings(Path(folder), f"{provider}/v1")) as bridge,
            BridgeClient(Connection(bridge)) as client,
        ):
            _introduce(console, provider, bridge, hook, people)
            ids = await _create_videos(f"{provider}/v1")
            watches = await _register(client, ids, f"{hook}/finished", message_destinations(people))
            receiver.secret = _signing_secret(watches[0])
            try:
                async with asyncio.timeout(LIMIT):
                    with _screen(console, clock) as reporter:
                        ended = await Follower(client, clock, reporter).follow(watches)
                        await receiver.told(len(watches))
                        await inboxes.told(len(FOR_PEOPLE))
            except TimeoutError:
                raise CommandError(f"Not every job was told within {LIMIT:.0f} s.", ExitCode.FAILED) from None
    failures = [each for each in ended if isinstance(each, CommandError)]
    if failures:
        raise failures[0]
    inner: Simulator = simulator.state.simulator
    _sum_up(console, receiver, Counter(inner.retrieves).total())


@dataclass
class DemoReceiver:
    """What a user's own server would do: verify the signature, then start the next step."""

    console: Console
    secret: str = ""
    calls: int = 0
    verified: dict[str, str] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = Starlette(routes=[Route("/finished", self._receive, methods=["POST"])])
        self._news = asyncio.Condition()

    async def told(self, number: int) -> None:
        """Return once so many events have arrived with a signature that fits."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.verified) >= number)

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        self.calls += 1
        event = json.loads(body)
        genuine = self._is_genuine(request, body)
        if self.calls == 1:
            self._say(event, "answered 503 on purpose", "yellow")
            return Response(status_code=503)
        self._say(event, "signature verified" if genuine else "SIGNATURE DOES NOT FIT", STYLES[_word(event)])
        if genuine:
            async with self._news:
                self.verified[event["id"]] = event["type"]
                self.delays.append(max(0.0, time.time() - (event["data"]["completed_at"] or time.time())))
                self._news.notify_all()
        return Response(status_code=204)

    def _is_genuine(self, request: Request, body: bytes) -> bool:
        message_id = request.headers["webhook-id"]
        timestamp = int(request.headers["webhook-timestamp"])
        expected = signing.sign([self.secret], message_id, timestamp, body)
        return hmac.compare_digest(expected.encode(), request.headers["webhook-signature"].encode())

    def _say(self, event: JsonObject, note: str, style: str) -> None:
        error = event["data"]["error"]
        why = f" ({plain(error['code'])})" if error else ""
        self.console.print(
            Text.assemble(
                ("POST /finished  ", "dim"),
                (f"{event['type']:<16}", style),
                f" {plain(event['data']['prompt']).split(' [')[0]}{why}",
                (f"  {note}", "dim" if style != "yellow" else style),
            )
        )


class _PlainReporter:
    """Progress as lines, where no terminal shows bars."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, str] = {}

    def changed(self, watch: JsonObject) -> None:
        """Print a line unless it would repeat the last."""
        line = progress_line(watch).plain
        if watch["status"] == "watching" and self._last.get(watch["id"]) != line:
            self._last[watch["id"]] = line
            self._console.print(line)

    def trouble(self, message: str) -> None:
        """Print it."""
        self._console.print(message)

    def recovered(self) -> None:
        """Say so."""
        self._console.print("The server answers again.")


@contextmanager
def _screen(console: Console, clock: Clock) -> Iterator[Reporter]:
    """Bars on a terminal, lines elsewhere."""
    if not console.is_interactive:
        yield _PlainReporter(console)
        return
    bars = BarReporter(clock, console)
    bars.live.transient = False
    with bars.live:
        yield bars


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[str]:
    """The base URL of a bridge that serves as long as the block runs."""
    stop = asyncio.Event()
    up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(settings, ready=up.set_result, stop=stop))
    waited: set[asyncio.Future[Any]] = {task, up}
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield up.result()
    finally:
        stop.set()
        await task


def _settings(folder: Path, provider: str) -> Settings:
    """The bridge of the demo: as it is by default, but more eager, because its videos take seconds."""
    return load_settings(
        {
            "OPENAI_BASE_URL": provider,
            "OPENAI_API_KEY": _PROVIDER_KEY,
            "BRIDGE_PORT": "0",
            "BRIDGE_DATABASE_URL": f"sqlite:///{folder / 'bridge.db'}",
            "BRIDGE_POLL_MIN_INTERVAL": "0.5",
            "BRIDGE_POLL_MAX_INTERVAL": "1",
            "BRIDGE_DELIVERY_RETRIES": "1,2,4",
            "BRIDGE_LOG_LEVEL": "error",
        },
        dotenv=None,
    )


async def _create_videos(provider: str) -> list[str]:
    """Ask the provider for the videos, as the OpenAI SDK would."""
    headers = {"authorization": f"Bearer {_PROVIDER_KEY}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        answers = [await client.post(f"{provider}/videos", json={"prompt": prompt}) for prompt in PROMPTS]
    return [answer.raise_for_status().json()["id"] for answer in answers]


async def _register(
    client: BridgeClient, ids: Sequence[str], hook: str, for_people: Sequence[JsonObject]
) -> list[JsonObject]:
    """Register the ids with the callback, and some of them with the inboxes of people."""
    watches = []
    for video_id, prompt in zip(ids, PROMPTS, strict=True):
        more = {"destinations": for_people} if prompt in FOR_PEOPLE else {}
        watch, _ = await client.register({"video_id": video_id, "callback_url": hook, **more})
        watches.append(watch)
    return watches


def _signing_secret(watch: JsonObject) -> str:
    """What callbacks are signed with: the answer to the registration shows it."""
    return next(str(each["signing_secret"]) for each in watch["destinations"] if each["kind"] == "callback")


def _introduce(console: Console, provider: str, bridge: str, hook: str, people: str) -> None:
    rows: Sequence[tuple[str, str]] = (
        ("provider", f"{provider}/v1  (simulated)"),
        ("bridge", bridge),
        ("receiver", f"{hook}/finished"),
        ("Slack", f"{people}{SLACK_PATH}"),
        ("mail", ADDRESS),
    )
    for name, value in rows:
        console.print(Text.assemble((f"{name:<10}", "dim"), value))
    console.print(f"\n{len(PROMPTS)} videos are being made. The receiver is told of each, Slack and mail of two.\n")


def _sum_up(console: Console, receiver: DemoReceiver, requests: int) -> None:
    types = Counter(receiver.verified.values())
    late = sum(receiver.delays) / len(receiver.delays)
    console.print(
        Text.assemble(
            ("\n✓ ", "green"),
            (f"All {len(receiver.verified)} videos were told", "bold"),
            f": {types['video.completed']} completed, {types['video.failed']} failed, "
            f"on average {late:.1f} s after their end; the provider was asked {requests} times.",
        )
    )
    for line in next_lines(own_command()):
        console.print(line, soft_wrap=True)


def next_lines(command: str) -> list[str]:
    """What to type next. Each works as it stands, from where the demo was started."""
    order = f"curl -s {_SIMULATED}/videos -d prompt='A paper boat' | grep -oE 'video_[0-9a-f]+'"
    return [
        "\nNext, each in a terminal of its own, from this folder:",
        f"  {command} simulate --duration 20",
        f"  OPENAI_BASE_URL={_SIMULATED} {command} serve",
        f"  {order} | {command} watch - --callback-url http://127.0.0.1:9000/ --follow",
        "Nobody listens on port 9000 yet: docs/tutorial.md has a receiver. Until one runs, the bridge tries again.",
        f"{DEFAULT_URL}/ shows what happens. OPENAI_BASE_URL and OPENAI_API_KEY name a server that makes real videos.",
    ]


def _word(event: JsonObject) -> str:
    """The last word of the event's type: completed, failed …"""
    return str(event["type"]).rpartition(".")[2]
