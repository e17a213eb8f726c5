"""Registry, poller and sender on a real SQLite file, with a clock the test moves; the two loops are driven by hand."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, Door, Resolver
from bridge.loops import IDLE_SECONDS, Bell, Loop
from bridge.metrics import Metrics
from bridge.models import DeliveryView, PageRequest, WatchView
from bridge.notifiers import create_notifiers, gaps_of
from bridge.notifiers.callback import CallbackDestination
from bridge.pacing import Pace
from bridge.poller import Lane, Poller
from bridge.providers.budget import Budget
from bridge.providers.openai import OpenAIProvider
from bridge.registry import Bells, DeliveryFilter, Registered, Registration, Registry
from bridge.registry.again import Digests
from bridge.registry.destinations import DestinationDesk, default_rows
from bridge.rendering import Links, PackagedTemplates, Sandbox
from bridge.resources import templates_dir
from bridge.retry import RetrySchedule
from bridge.secrets import SecretBox
from bridge.sender import ROOM, Attempter, Composer, Doors, Sender
from bridge.settings import ProviderSettings
from bridge.simulator import Simulator, SimulatorSettings
from bridge.store import Database, deliveries, destinations, migrate, standing, videos
from tests import postgres
from tests.clock import LoopClock, ManualClock
from tests.receiver import Received, Receiver
from tests.servers import SimulatedProvider, running_server, running_simulator

MASTER = "a key of at least thirty-two characters"
# A file of this name in a test's folder says that it is run on PostgreSQL, and where that is.
_ON_POSTGRESQL = "postgresql.url"
PROVIDER_KEY = "sk-a-key-nobody-may-see"
# Without a bell the loops look at their tables after a while; a test that lets time pass does so this often, seconds.
_IDLE = 30.0
PACKAGED = PackagedTemplates(templates_dir())  # compiled once, like in a process that goes on


class HurriedClock:
    """The test's time, but whoever sleeps on it is woken at once: for a provider's short tries."""

    def __init__(self, clock: ManualClock) -> None:
        self.now = clock.now
        self.monotonic = clock.monotonic

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a test may want otherwise."""

    keys: tuple[str, ...] = (MASTER,)
    callback_url: str | None = None
    callback_secret: str | None = None
    watch_timeout: float = 86_400.0
    pace: Pace = field(default_factory=Pace)
    retries: tuple[float, ...] = (5.0, 30.0)
    delivery_timeout: float = 15.0
    rate: float = 10_000.0
    room: int = 128
    policy: AddressPolicy = field(default_factory=partial(AddressPolicy, LOOPBACK_NETWORKS))
    resolver: Resolver | None = None
    database: type[Database] = Database
    door: type[Door] = Door
    alone: bool = True
    """Whether whoever had leases is known to be gone, as on SQLite; else they run out."""


@dataclass(frozen=True)
class Parts:
    """The parts of one process."""

    clock: ManualClock
    database: Database
    registry: Registry
    poller: Poller
    sender: Sender
    bells: Bells
    box: SecretBox
    new_poller: Callable[[], Awaitable[Poller]]
    new_sender: Callable[..., Sender]

    async def register(self, video_id: str = "video_1", *, created_by: str | None = None, **fields: Any) -> Registered:
        return await self.registry.register(Registration(video_id=video_id, **fields), created_by=created_by)

    async def watch(self, registered: Registered) -> WatchView:
        return await self.registry.watch(registered.watch.id)

    async def deliveries(self) -> list[DeliveryView]:
        """All deliveries, the oldest first, with the bodies that were sent."""
        page = await self.registry.deliveries(PageRequest(100, descending=False), DeliveryFilter())
        return [await self.registry.delivery(each.id) for each in page.items]

    async def delivery(self) -> DeliveryView:
        """The only delivery there is."""
        (only,) = await self.deliveries()
        return only

    async def look(self) -> float:
        """Let the poller do all it has to do at this moment. Returns for how long that is all, seconds."""
        return await settle(self.poller)

    async def send(self) -> None:
        """Let the sender do all it has to do at this moment."""
        await settle(self.sender)

    async def live(self, seconds: float) -> None:
        """Let so much time pass; both loops do what is due when it is due."""
        end = self.clock.now() + seconds
        while True:
            pause = await self.look()
            now = self.clock.now()
            due = await self.sender.next_due()
            if due is not None and due <= now:
                await self.send()
                due = await self.sender.next_due()
            if now >= end:
                return
            look_at = now + pause if pause < IDLE_SECONDS else await self.poller.next_due()
            moments = [end, now + _IDLE, due, look_at]
            await self.clock.advance(min(moment for moment in moments if moment is not None) - now)


async def settle(loop: Loop[Any, Any]) -> float:
    """Turn a loop until nothing is due and nothing under way. Returns what its last turn did."""
    pause = await loop.tick()
    while loop.in_flight:
        work = [task for task in asyncio.all_tasks() if task.get_name() == f"{loop.name}-work"]
        if work:
            await asyncio.wait(work)
        pause = await loop.tick()
    return pause


@asynccontextmanager
async def open_parts(
    folder: Path, clock: ManualClock, providers: Mapping[str, str], setting: Setting | None = None
) -> AsyncIterator[Parts]:
    """The parts of a process on the database in ``folder``, with these providers (name and base URL).

    Opening them again on the same folder is what a restart is.
    """
    setting = setting or Setting()
    async with AsyncExitStack() as stack:
        database = setting.database(database_url(folder), clock)
        stack.push_async_callback(database.aclose)
        box = SecretBox(setting.keys)
        async with database.write() as tx:
            digests = Digests(await standing.pepper(tx, box))
            if setting.alone:
                await videos.release_all(tx, clock.now())
                await deliveries.release_all(tx, clock.now())
            known = await destinations.ids_by_name(tx)
            url = setting.callback_url
            named = {} if url is None else {"callback": CallbackDestination(kind="callback", url=url)}
            rows = default_rows(box, named, clock.now(), known)
            await destinations.put_environment(tx, rows, clock.now())
        guarded = setting.door(setting.policy, resolver=setting.resolver)
        stack.push_async_callback(guarded.aclose)
        # A door loads certificates for 25 ms; by default the one to loopback will do for everything.
        anywhere = guarded if setting == Setting() else Door(AddressPolicy(anywhere=True))
        stack.push_async_callback(anywhere.aclose)
        metrics = Metrics(providers)
        bells = Bells(videos=Bell(), deliveries=Bell(), watches=Bell(), progress=Bell())
        notifiers = create_notifiers(box, setting.callback_secret)
        registry = Registry(
            database,
            DestinationDesk(box, digests, setting.policy),
            digests,
            box,
            notifiers,
            clock=clock,
            bells=bells,
            providers=providers,
            default_provider=next(iter(providers)),
            watch_timeout=setting.watch_timeout,
        )
        lanes = {name: _lane(name, url, anywhere, clock, setting) for name, url in providers.items()}

        async def new_poller() -> Poller:
            poller = Poller(
                database,
                lanes,
                clock=clock,
                bell=bells.videos,
                told=bells.deliveries,
                ended=bells.watches,
                progress=bells.progress,
                pace=setting.pace,
                metrics=metrics,
            )
            await poller.open()
            return poller

        def new_sender(chance: Callable[[], float] = lambda: 0.0, room: int = ROOM) -> Sender:
            return Sender(
                database,
                Attempter(Doors(guarded, anywhere), notifiers, clock, setting.delivery_timeout),
                gaps_of(notifiers),
                Composer(notifiers, PACKAGED, sandbox),
                box,
                clock=clock,
                bell=bells.deliveries,
                schedule=RetrySchedule(setting.retries),
                metrics=metrics,
                links=lambda watch_id, _type, _at: Links(f"https://bridge.example/watches/{watch_id}"),
                shown=bells.progress,
                room=room,
                chance=chance,
            )

        sandbox = Sandbox()
        stack.push_async_callback(sandbox.aclose)
        poller, sender = await new_poller(), new_sender()
        yield Parts(clock, database, registry, poller, sender, bells, box, new_poller, new_sender)


def _lane(name: str, base_url: str, door: Door, clock: ManualClock, setting: Setting) -> Lane:
    config = ProviderSettings(name=name, base_url=base_url, api_key=SecretStr(PROVIDER_KEY), rate=setting.rate)
    budget = Budget(setting.rate, LoopClock())
    return Lane(OpenAIProvider(config, door, budget, HurriedClock(clock)), setting.room)


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bridge.db")
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


async def asleep(parts: Parts) -> None:
    """Let the other tasks run until one waits for the clock, however long their trips to the database take."""
    for _ in range(5):
        await parts.database.ping()
    async with asyncio.timeout(20):
        while not parts.clock.awaited:
            await parts.database.ping()


def database_url(folder: Path) -> str:
    """The database that goes with a folder: a SQLite file in it, unless the test is run on PostgreSQL."""
    if (folder / _ON_POSTGRESQL).exists():
        return (folder / _ON_POSTGRESQL).read_text()
    path = folder / "bridge.db"
    if not path.exists():
        path.write_bytes(_migrated())
    return f"sqlite:///{path}"


def sql(folder: Path, statement: str) -> list[Any]:
    """Run a statement on the database of a running process, from outside."""
    url = database_url(folder)
    if not url.startswith("sqlite"):
        spelled = re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)
        return [tuple(row) for row in postgres.sql(url, spelled)]
    with closing(sqlite3.connect(folder / "bridge.db", isolation_level=None, timeout=5)) as connection:
        return connection.execute(statement).fetchall()


def forbid(folder: Path, what: str) -> None:
    """Let the database refuse something, for example ``INSERT ON deliveries``, until :func:`allow`."""
    if database_url(folder).startswith("sqlite"):
        sql(folder, f"CREATE TRIGGER refusal BEFORE {what} BEGIN SELECT RAISE(ABORT, 'refused by the test'); END")
        return
    raises = "RAISE EXCEPTION 'refused by the test'"
    sql(folder, f"CREATE FUNCTION refusal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raises}; END $$")
    moment, _, condition = what.partition(" WHEN ")
    when = f"WHEN ({condition})" if condition else ""
    sql(folder, f"CREATE TRIGGER refusal BEFORE {moment} FOR EACH ROW {when} EXECUTE FUNCTION refusal()")


def allow(folder: Path) -> None:
    """Let the database do again what it was forbidden."""
    on_sqlite = database_url(folder).startswith("sqlite")
    sql(folder, "DROP TRIGGER refusal" if on_sqlite else "DROP FUNCTION refusal CASCADE")


def signed_by(call: Received, secret: str) -> bool:
    """Whether the reference library signs this request the same way. (Its verifier would insist on today's date.)"""
    at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(call.id, at, call.body.decode()) in call.headers["webhook-signature"].split(" ")


# Fixtures; the folders that use them import them in their conftest.py.


@pytest.fixture(params=["sqlite", "postgresql"], autouse=True)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every test is run on both databases; :func:`database_url` says which it is."""
    chosen: str = request.param
    if chosen == "postgresql":
        (tmp_path / _ON_POSTGRESQL).write_text(postgres.emptied_url())
    return chosen


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, before secrets are taken out of it."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def provider(clock: ManualClock) -> AsyncIterator[SimulatedProvider]:
    """A provider on the test's clock; a video takes ten seconds unless its prompt says otherwise."""
    async with running_simulator(SimulatorSettings(duration=10), clock) as running:
        yield running


@pytest.fixture
def simulator(provider: SimulatedProvider) -> Simulator:
    return provider.simulator


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def hook(receiver: Receiver) -> AsyncIterator[str]:
    """The URL of a receiver of callbacks."""
    async with running_server(receiver.app) as url:
        yield f"{url}/hook"


@pytest.fixture
async def parts(tmp_path: Path, clock: ManualClock, provider: SimulatedProvider) -> AsyncIterator[Parts]:
    """A process with one provider, on a new database."""
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as opened:
        yield opened
