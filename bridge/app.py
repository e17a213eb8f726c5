"""The composition root: every part is made here, handed what it needs, and closed in reverse order.

:func:`open_bridge` puts the parts together, :func:`serve` runs them on a socket until told to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette

from bridge import __version__
from bridge.clock import Clock, SystemClock
from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, Door
from bridge.errors import ConfigurationError, SecretsError
from bridge.logs import Redactor, choose_format, configure_logs, get_logger
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.notifiers import create_notifiers, gaps_of
from bridge.pacing import Pace
from bridge.poller import Lane, Poller
from bridge.providers.budget import Budget
from bridge.providers.openai import OpenAIProvider
from bridge.registry import Bells, Registry
from bridge.registry.again import Digests
from bridge.registry.destinations import DestinationDesk, default_rows
from bridge.registry.environment import default_destinations, email_defaults
from bridge.registry.templates import TemplateJudge
from bridge.rendering import PackagedTemplates, Sandbox
from bridge.resources import templates_dir
from bridge.retry import RetrySchedule
from bridge.secrets import SecretBox, create_key_file, read_key_file
from bridge.sender import Attempter, Composer, Doors, Sender, Trial
from bridge.settings import Settings, secret_values
from bridge.store import (
    Database,
    deliveries,
    destinations,
    holds_secrets,
    inspect,
    lock_file,
    migrate,
    sqlite_path,
    standing,
    videos,
)
from bridge.web.application import create_web
from bridge.web.health import Readiness

# How long what is in flight may take to end once the order to stop came, seconds.
STOP_GRACE = 18.0
# … and how long answers that are being sent then may take.
_LAST_ANSWERS = 2
_LAG_EVERY = 1.0

_log = get_logger("bridge.app")


@dataclass(frozen=True, slots=True)
class Bridge:
    """The parts that the outside needs: the web app, the registry behind it, and the loops."""

    web: Starlette
    registry: Registry
    poller: Poller
    sender: Sender
    readiness: Readiness
    metrics: Metrics


@asynccontextmanager
async def open_bridge(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Bridge]:
    """All parts, ready to run, on the database the settings name.

    One straight line on purpose: read it from top to bottom to see what depends on what.

    :raises ConfigurationError: the database, its key or a file cannot be used.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        # The database, held by this process alone; whoever had leases in it is gone.
        path = sqlite_path(settings.database_url).resolve()  # one lock and one key, however the file is spelled
        problems = inspect(settings.database_url)
        if problems:  # before a key is missed or made for what is no database of ours
            raise ConfigurationError(*problems)
        stack.callback(lock_file(path).release)
        box = SecretBox(_secret_keys(settings, path))
        await asyncio.to_thread(migrate, settings.database_url)
        database = Database(settings.database_url, clock)
        stack.push_async_callback(database.aclose)
        pepper = await _start_database(database, box, settings)

        # The ways out: one for strangers' destinations, one for the operator's own, one for each provider.
        policy = egress_policy(settings)
        email = email_defaults(settings)
        proxy = settings.egress_proxy
        doors = Doors(
            guarded=Door(policy, ca_file=settings.ca_file, proxy=proxy),
            operator=Door(AddressPolicy(anywhere=True), ca_file=settings.ca_file, proxy=proxy),
            mail_urls=frozenset({email.url} if email.url else ()),
        )
        stack.push_async_callback(doors.guarded.aclose)
        stack.push_async_callback(doors.operator.aclose)
        metrics = Metrics(providers=settings.providers)
        lanes = {name: _lane(settings, name, clock, metrics, stack) for name in settings.providers}

        # Messages: checks of templates that are registered do not hold up those that are sent.
        notifiers = create_notifiers(box, _plain(settings.callback_secret))
        checking, rendering = Sandbox(), Sandbox()
        stack.push_async_callback(checking.aclose)
        stack.push_async_callback(rendering.aclose)
        composer = Composer(notifiers, PackagedTemplates(templates_dir(), settings.templates_dir), rendering)
        attempter = Attempter(doors, notifiers, clock, settings.delivery_timeout)

        # The service and the two loops; they meet only in the tables, the bells save them waiting.
        bells = Bells(videos=Bell(), deliveries=Bell(), watches=Bell(), progress=Bell())
        digests = Digests(pepper)
        registry = Registry(
            database,
            DestinationDesk(box, digests, policy, email, TemplateJudge(checking).judge),
            digests,
            box,
            notifiers,
            clock=clock,
            bells=bells,
            providers=settings.providers,
            default_provider=settings.default_provider,
            watch_timeout=settings.watch_timeout,
            try_out=Trial(database, attempter, composer, box, clock).try_out,
        )
        poller = Poller(
            database,
            lanes,
            clock=clock,
            bell=bells.videos,
            told=bells.deliveries,
            ended=bells.watches,
            progress=bells.progress,
            pace=Pace(settings.poll_min_interval, settings.poll_max_interval, settings.lost_grace),
            metrics=metrics,
        )
        await poller.open()
        sender = Sender(
            database,
            attempter,
            gaps_of(notifiers),
            composer,
            box,
            clock=clock,
            bell=bells.deliveries,
            schedule=RetrySchedule(settings.delivery_retries),
            metrics=metrics,
            links=_links(settings.public_url),
        )

        # What the outside sees.
        readiness = Readiness({poller.name: lambda: poller.alive, sender.name: lambda: sender.alive}, database.ping)
        web = create_web(
            registry,
            metrics,
            readiness,
            api_keys=settings.api_keys,
            public_url=settings.public_url,
            templates=settings.templates_dir,
            clock=clock,
            progress=bells.progress,
            providers=settings.providers,
        )
        yield Bridge(web, registry, poller, sender, readiness, metrics)


async def serve(
    settings: Settings,
    *,
    ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
) -> None:
    """Run until SIGTERM or SIGINT (or ``stop``), then end what is in flight, at most 20 seconds.

    :param ready: called with the base URL once requests are taken; port 0 takes any free one.
    :param stop: set it to stop; with one of the caller's, signals are left alone.
    :raises ConfigurationError: something cannot work as configured: address in use, database, key.
    """
    configure_logs(choose_format(settings.log_format), settings.log_level, Redactor(secret_values(settings)))
    for warning in settings.warnings:
        _log.warning("configuration", message=warning)
    with (
        _stop_on_signals() if stop is None else contextlib.nullcontext(stop) as stopping,
        _listen(settings.host, settings.port) as listener,
    ):
        async with open_bridge(settings, clock) as bridge:
            await _run(bridge, listener, stopping, ready, settings.host)


async def _run(
    bridge: Bridge, listener: socket.socket, stop: asyncio.Event, ready: Callable[[str], None] | None, host: str
) -> None:
    """The server and the loops, side by side; when one of them dies, all stop and the error goes up."""
    server = _make_server(bridge.web)
    tasks = {
        asyncio.create_task(bridge.poller.run(stop, STOP_GRACE), name="poller"),
        asyncio.create_task(bridge.sender.run(stop, STOP_GRACE), name="sender"),
        asyncio.create_task(server.serve(sockets=[listener]), name="server"),
    }
    stopped = asyncio.create_task(stop.wait(), name="stop")
    lag = asyncio.create_task(_measure_lag(bridge.metrics), name="lag")
    try:
        up = asyncio.create_task(server.up.wait(), name="up")
        await asyncio.wait({up, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        bridge.readiness.ready()
        _log.info("serving", url=_url(host, listener), version=__version__)
        if ready is not None and server.up.is_set():
            ready(_url(host, listener))
        await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        bridge.readiness.stop()
        stop.set()
        # The server goes last: until then it says that it is stopping, and answers who asks.
        await asyncio.wait({task for task in tasks if task.get_name() != "server"})
        server.should_exit = True
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        stopped.cancel()
        lag.cancel()
    for task, error in zip(tasks, ended, strict=True):
        if isinstance(error, BaseException):
            _log.critical("died", part=task.get_name(), exc_info=error)
            raise error


def _make_server(web: Starlette) -> _Server:
    return _Server(
        uvicorn.Config(
            web,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_LAST_ANSWERS,
        )
    )


async def _measure_lag(metrics: Metrics) -> None:
    """Once a second, how much later than due the event loop came back."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_EVERY
        await asyncio.sleep(_LAG_EVERY)
        metrics.loop_lag(max(0.0, loop.time() - due))


class _Server(uvicorn.Server):
    """uvicorn without its hands on the signals: it would raise SIGTERM again after a clean stop.

    ``up`` is set once requests are taken.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to :func:`serve`."""
        yield


def egress_policy(settings: Settings) -> AddressPolicy:
    """Where destinations that clients name may be. A server without API keys is for this machine, loopback included."""
    loopback = LOOPBACK_NETWORKS if settings.open_mode else ()
    configured = settings.allowed_networks
    return AddressPolicy(allowed=(*configured, *loopback), plain_names=bool(configured))


def _secret_keys(settings: Settings, path: Path) -> list[str]:
    """The keys from the environment, else from the key file; a database that exists never gets a new one."""
    if settings.secret_keys:
        return [key.get_secret_value() for key in settings.secret_keys]
    key_file = path.with_name(path.name + ".key")
    try:
        if key_file.exists():
            return [read_key_file(key_file)]
        if holds_secrets(path):
            raise ConfigurationError(
                f"BRIDGE_SECRET_KEY: {path} was encrypted with a key that is not here. Bring back {key_file}, or set "
                "BRIDGE_SECRET_KEY to the key it held."
            )
        return [create_key_file(key_file)]
    except SecretsError as error:
        raise ConfigurationError(f"BRIDGE_SECRET_KEY: {error}.") from error
    except OSError as error:
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: cannot write {key_file}: {error.strerror}.") from error


async def _start_database(database: Database, box: SecretBox, settings: Settings) -> bytes:
    """Check the key, free the leases of the process before us, bring in what the environment names; the pepper."""
    now = database.now()
    async with database.write() as tx:
        try:
            pepper = await standing.pepper(tx, box)
        except SecretsError as error:
            raise ConfigurationError(
                f"BRIDGE_SECRET_KEY: the key does not fit the database {database.path}: {error}."
            ) from error
        freed = await videos.release_all(tx, now) + await deliveries.release_all(tx, now)
        rows = default_rows(box, default_destinations(settings), now, await destinations.ids_by_name(tx))
        await destinations.put_environment(tx, rows, now)
    if freed:
        _log.info("leases_freed", number=freed)
    return pepper


def _lane(settings: Settings, name: str, clock: Clock, metrics: Metrics, stack: AsyncExitStack) -> Lane:
    config = settings.providers[name]
    door = Door(
        AddressPolicy(anywhere=True),
        ca_file=config.ca_file or settings.ca_file,
        client_cert=config.client_cert,
    )
    stack.push_async_callback(door.aclose)
    provider = OpenAIProvider(
        config,
        door,
        Budget(config.rate, clock),
        clock,
        on_request=lambda kind: metrics.requested(name, kind),
    )
    # Enough looks under way to use the whole budget although each takes some seconds, and not endlessly many.
    return Lane(provider, room=max(1, min(128, round(config.rate * 4))))


def _links(public_url: str | None) -> Callable[[str], str | None]:
    return lambda watch_id: None if public_url is None else f"{public_url}/watches/{watch_id}"


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ConfigurationError(
            f"BRIDGE_HOST, BRIDGE_PORT: cannot listen on {host}, port {port}: {error.strerror or error}. "
            "Stop what uses it, or choose another port."
        ) from error
    # Inherited by what is accepted. asyncio does not see that these sockets are TCP (their protocol number is 0), and
    # an answer's body would wait 40 ms for the acknowledgement of its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        yield listener


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stop_on_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    names = (signal.SIGTERM, signal.SIGINT)
    before: Mapping[signal.Signals, object] = {name: signal.getsignal(name) for name in names}
    for name in names:
        # Not loop.add_signal_handler: Windows has none.
        signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)  # type: ignore[arg-type]
