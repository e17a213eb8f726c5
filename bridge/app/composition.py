"""The composition root: every part is made here, handed what it needs, and closed in reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from starlette.applications import Starlette

from bridge.app.opening import open_database
from bridge.app.roles import ALL_ROLES, Role, check_roles
from bridge.clock import Clock, SystemClock
from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, Door
from bridge.errors import ConfigurationError
from bridge.files import Variant
from bridge.loops import Bell, Running
from bridge.media import Archive, Archiver, Library, Limits, MediaDesk, MediaLinks
from bridge.metrics import Metrics
from bridge.models import EventType
from bridge.notifiers import create_notifiers, gaps_of
from bridge.pacing import Pace
from bridge.poller import Lane, Poller, Sweeper
from bridge.providers.budget import Budget
from bridge.providers.content import ContentSource
from bridge.providers.openai import OpenAIProvider
from bridge.registry import Bells, Registry
from bridge.registry.again import Digests
from bridge.registry.destinations import DestinationDesk
from bridge.registry.environment import email_defaults
from bridge.registry.insight import Insight
from bridge.registry.previews import Previews
from bridge.registry.templates import TemplateJudge
from bridge.rendering import Links, PackagedTemplates, Sandbox
from bridge.resources import templates_dir
from bridge.retry import RetrySchedule
from bridge.sender import Attempter, Composer, Doors, Sender, Trial
from bridge.settings import ProviderSettings, Settings
from bridge.store.database import Database
from bridge.store.listening import Herald
from bridge.upkeep import DAY, Offsets, Upkeep
from bridge.web.api import OPERATIONS, PROBES
from bridge.web.application import create_web
from bridge.web.dashboard import DashboardParts
from bridge.web.health import Readiness

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Bridge:
    """The parts that the outside needs: the web app, the registry behind it, and the loops that this process runs."""

    web: Starlette
    registry: Registry
    poller: Poller
    sender: Sender
    readiness: Readiness
    metrics: Metrics
    loops: tuple[Running, ...]


@asynccontextmanager
async def open_bridge(
    settings: Settings, clock: Clock | None = None, roles: Collection[Role] = ALL_ROLES
) -> AsyncIterator[Bridge]:
    """All parts, ready to run, on the database the settings name.

    One straight line on purpose: read it from top to bottom to see what depends on what.

    :param roles: what this process does; the rest is left to others on the same database.
    :raises ConfigurationError: the database, its key or a file cannot be used.
    """
    wall = clock or SystemClock()
    check_roles(roles, settings)
    async with AsyncExitStack() as stack:
        opened = await open_database(settings, wall, stack)
        database, box = opened.database, opened.box

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
        offsets = Offsets(wall, metrics)
        lanes = {name: _lane(settings, name, wall, database, metrics, offsets, stack) for name in settings.providers}

        # Messages: checks of templates that are registered do not hold up those that are sent.
        notifiers = create_notifiers(box, _plain(settings.callback_secret), email)
        checking, rendering = Sandbox(), Sandbox()
        stack.push_async_callback(checking.aclose)
        stack.push_async_callback(rendering.aclose)
        packaged = PackagedTemplates(templates_dir(), settings.templates_dir)
        composer = Composer(notifiers, packaged, rendering)
        attempter = Attempter(doors, notifiers, wall, settings.delivery_timeout)

        # The service and the loops; they meet only in the tables, the bells save them waiting.
        bells = Bells(videos=Bell(), deliveries=Bell(), watches=Bell(), progress=Bell())
        digests = Digests(opened.pepper)
        registry = Registry(
            database,
            DestinationDesk(box, digests, policy, email, TemplateJudge(checking).judge),
            digests,
            box,
            notifiers,
            clock=database.clock,
            bells=bells,
            providers=settings.providers,
            default_provider=settings.default_provider,
            watch_timeout=settings.watch_timeout,
            watches_per_key=None if settings.open_mode else settings.watches_per_key,
            try_out=Trial(database, attempter, composer, box, wall).try_out,
        )
        media = MediaLinks(box.keys_for("links"), settings.public_url, settings.link_days * DAY)
        sources = {name: _files(config, settings, stack) for name, config in settings.providers.items()}
        poller = Poller(
            database,
            lanes,
            clock=database.clock,
            bell=bells.videos,
            told=bells.deliveries,
            ended=bells.watches,
            progress=bells.progress,
            pace=Pace(settings.poll_min_interval, settings.poll_max_interval, settings.lost_grace),
            metrics=metrics,
        )
        sweeper = Sweeper(
            database,
            lanes,
            clock=database.clock,
            bell=bells.videos,
            pace=poller.pace,
            metrics=metrics,
            announce=poller.announce,
        )
        poller.sweeps = sweeper
        await poller.open()
        await sweeper.open()
        for lane in lanes.values():
            lane.provider.budget.on_short = bells.videos.wake
        sender = Sender(
            database,
            attempter,
            gaps_of(notifiers),
            composer,
            box,
            clock=database.clock,
            bell=bells.deliveries,
            schedule=RetrySchedule(settings.delivery_retries),
            metrics=metrics,
            links=_links(media, settings.public_url),
            shown=bells.progress,
        )
        upkeep = Upkeep(database, wall, metrics, retention=settings.retention_days * DAY)
        loops: list[Running] = [upkeep]
        loops += [poller, sweeper] if Role.POLLER in roles else []
        loops += [sender] if Role.SENDER in roles else []
        if settings.archive_dir is not None and Role.POLLER in roles:
            archive = Archive(sources, _library(settings.archive_dir), _limits(settings))
            loops.append(Archiver(database, archive, clock=database.clock, bell=bells.watches, metrics=metrics))
        if database.kind == "postgresql":
            loops.append(Herald(settings.database_url, bells.by_name(), wall))

        # What the outside sees.
        readiness = Readiness({loop.name: partial(_alive, loop) for loop in loops}, database.ping)
        desk = MediaDesk(database, media, sources, archive=settings.archive_dir, clock=wall)
        web = create_web(
            registry,
            metrics,
            readiness,
            api_keys=settings.api_keys,
            public_url=settings.public_url,
            templates=settings.templates_dir,
            clock=database.clock,
            progress=bells.progress,
            providers=settings.providers,
            wall=wall,
            closed=_closed(settings),
            webhook_secret=_plain(settings.openai_webhook_secret),
            media=desk,
            operations=OPERATIONS if Role.API in roles else PROBES,
            dashboard=DashboardParts(
                registry,
                Insight(database),
                Previews(packaged, checking, notifiers),
                desk,
                box.keys_for("dashboard"),
            )
            if Role.API in roles
            else None,
        )
        yield Bridge(web, registry, poller, sender, readiness, metrics, tuple(loops))


def _alive(loop: Running) -> bool:
    return loop.alive


def egress_policy(settings: Settings) -> AddressPolicy:
    """Where destinations that clients name may be. A server without API keys is for this machine, loopback included."""
    loopback = LOOPBACK_NETWORKS if settings.open_mode else ()
    configured = settings.allowed_networks
    return AddressPolicy(allowed=(*configured, *loopback), plain_names=bool(configured))


def _lane(
    settings: Settings,
    name: str,
    clock: Clock,
    database: Database,
    metrics: Metrics,
    offsets: Offsets,
    stack: AsyncExitStack,
) -> Lane:
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
        # Replicas share a budget by slots of the time that they all go by.
        Budget(config.rate, database.clock, shared=database.kind == "postgresql"),
        clock,
        on_request=lambda kind: metrics.requested(name, kind),
        on_date=partial(offsets.seen, name),
    )
    # Enough looks under way to use the whole budget although each takes some seconds, and not endlessly many.
    return Lane(provider, max(1, min(128, round(config.rate * 4))))


def _files(config: ProviderSettings, settings: Settings, stack: AsyncExitStack) -> ContentSource:
    """The way to a provider's files: connections of their own, so that long films hold up no look."""
    door = Door(
        AddressPolicy(anywhere=True), ca_file=config.ca_file or settings.ca_file, client_cert=config.client_cert
    )
    stack.push_async_callback(door.aclose)
    return ContentSource(config, door)


def _library(folder: Path) -> Library:
    """The folder of the archive, made and tried out.

    :raises ConfigurationError: nothing can be written there.
    """
    library = Library(folder)
    try:
        library.open()
    except OSError as error:
        raise ConfigurationError(f"BRIDGE_ARCHIVE_DIR: cannot write to {folder}: {error.strerror}.") from error
    return library


def _limits(settings: Settings) -> Limits:
    """What the archive may take; the settings are in MiB."""
    total = settings.archive_max_total
    return Limits(
        file=int(settings.archive_max_file * MIB),
        total=None if total is None else int(total * MIB),
        free=int(settings.archive_keep_free * MIB),
    )


def _closed(settings: Settings) -> set[str]:
    """Paths that ask for a key although they need not."""
    closed = set() if settings.open_metrics else {"/metrics"}
    return closed if settings.open_docs else closed | {"/docs", "/openapi.json"}


def _links(media: MediaLinks, public_url: str | None) -> Callable[[str, EventType, float], Links]:
    """Where people find a watch, and once its video is there, the files of that."""

    def of(watch_id: str, event_type: EventType, event_at: float) -> Links:
        watch = None if public_url is None else f"{public_url}/watches/{watch_id}"
        if event_type is not EventType.VIDEO_COMPLETED:
            return Links(watch)
        video, thumbnail = (media.link(watch_id, variant, event_at) for variant in Variant)
        return Links(watch, video, thumbnail)

    return of


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
