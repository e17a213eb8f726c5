"""The composition root: every part is made here, handed what it needs, and closed in reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from pydantic import SecretStr
from starlette.applications import Starlette

from bridge.app.opening import Opened, open_database
from bridge.app.outgoing import egress_policy, open_doors, open_lane, open_source
from bridge.app.people import limits_of, links_of, open_library
from bridge.app.roles import ALL_ROLES, Role, check_roles
from bridge.clock import Clock, SystemClock
from bridge.loops import Bell, Running
from bridge.media import Archive, Archiver, MediaDesk, MediaLinks
from bridge.metrics import Metrics
from bridge.notifiers import Notifier, create_notifiers, gaps_of
from bridge.notifiers.email_webhook import EmailDefaults
from bridge.pacing import Pace
from bridge.poller import Poller, Sweeper
from bridge.registry import Bells, Registry
from bridge.registry.again import Digests
from bridge.registry.destinations import DestinationDesk
from bridge.registry.environment import email_defaults
from bridge.registry.insight import Insight
from bridge.registry.previews import Previews
from bridge.registry.sessions import EndedSessions
from bridge.registry.templates import TemplateJudge
from bridge.rendering import PackagedTemplates, Sandbox
from bridge.resources import templates_dir
from bridge.retry import RetrySchedule
from bridge.secrets import SecretBox
from bridge.sender import Attempter, Composer, Sender, Trial
from bridge.settings import Settings
from bridge.store.database import Database
from bridge.store.listening import Herald
from bridge.upkeep import DAY, Offsets, Upkeep
from bridge.web.api import OPERATIONS, PROBES
from bridge.web.application import create_web
from bridge.web.dashboard import DashboardParts
from bridge.web.health import Readiness


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


@dataclass(frozen=True, slots=True)
class _Messages:
    """What makes messages and sends them. Checks of templates that are registered hold up none that are sent."""

    notifiers: Mapping[str, Notifier]
    packaged: PackagedTemplates
    checking: Sandbox
    composer: Composer
    attempter: Attempter


@asynccontextmanager
async def open_bridge(
    settings: Settings, clock: Clock | None = None, roles: Collection[Role] = ALL_ROLES
) -> AsyncIterator[Bridge]:
    """All parts, ready to run, on the database the settings name.

    Longer than other functions, in one straight line on purpose: read it to see what depends on what.

    :param roles: what this process does; the rest is left to others on the same database.
    :raises ConfigurationError: the database, its key or a file cannot be used.
    """
    wall = clock or SystemClock()
    check_roles(roles, settings)
    async with AsyncExitStack() as stack:
        opened = await open_database(settings, wall, stack)
        database, box = opened.database, opened.box
        email = email_defaults(settings)
        metrics = Metrics(providers=settings.providers)
        messages = _messages(settings, box, email, wall, stack)

        # The service and the loops; they meet only in the tables, the bells save them waiting.
        bells = Bells(videos=Bell(), deliveries=Bell(), watches=Bell(), progress=Bell())
        registry = _registry(settings, opened, email, messages, bells, wall)
        poller, sweeper = await _looking(settings, database, bells, metrics, wall, stack)
        media = MediaLinks(box.keys_for("links"), settings.public_url, settings.link_days * DAY)
        sources = {name: open_source(config, settings, stack) for name, config in settings.providers.items()}
        sender = _sender(settings, opened, messages, bells, metrics, media)
        keeping = settings.retention_days * DAY
        loops: list[Running] = [
            Upkeep(database, wall, metrics, retention=keeping, bells=[bells.videos, bells.deliveries])
        ]
        loops += [poller, sweeper] if Role.POLLER in roles else []
        loops += [sender] if Role.SENDER in roles else []
        if settings.archive_dir is not None and Role.POLLER in roles:
            archive = Archive(sources, open_library(settings.archive_dir), limits_of(settings))
            loops.append(Archiver(database, archive, clock=database.clock, bell=bells.watches, metrics=metrics))
        if database.kind == "postgresql":
            loops.append(Herald(settings.database_url, bells.by_name(), wall))

        # What the outside sees.
        readiness = Readiness({loop.name: partial(_alive, loop) for loop in loops}, database.ping)
        desk = MediaDesk(database, media, sources, archive=settings.archive_dir, clock=wall)
        previews = Previews(
            messages.packaged, messages.checking, messages.notifiers, links_of(media, settings.public_url)
        )
        pages = DashboardParts(
            registry, Insight(database), previews, desk, box.keys_for("dashboard"), EndedSessions(database)
        )
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
            dashboard=pages if Role.API in roles else None,
        )
        yield Bridge(web, registry, poller, sender, readiness, metrics, tuple(loops))


def _messages(
    settings: Settings, box: SecretBox, email: EmailDefaults, wall: Clock, stack: AsyncExitStack
) -> _Messages:
    notifiers = create_notifiers(box, _plain(settings.callback_secret), email)
    checking, rendering = Sandbox(), Sandbox()
    stack.push_async_callback(checking.aclose)
    stack.push_async_callback(rendering.aclose)
    packaged = PackagedTemplates(templates_dir(), settings.templates_dir)
    doors = open_doors(settings, email.url, stack)
    attempter = Attempter(doors, notifiers, wall, settings.delivery_timeout)
    return _Messages(notifiers, packaged, checking, Composer(notifiers, packaged, rendering), attempter)


def _registry(
    settings: Settings, opened: Opened, email: EmailDefaults, messages: _Messages, bells: Bells, wall: Clock
) -> Registry:
    database, box, digests = opened.database, opened.box, Digests(opened.pepper)
    return Registry(
        database,
        DestinationDesk(box, digests, egress_policy(settings), email, TemplateJudge(messages.checking).judge),
        digests,
        box,
        messages.notifiers,
        clock=database.clock,
        bells=bells,
        providers=settings.providers,
        default_provider=settings.default_provider,
        watch_timeout=settings.watch_timeout,
        watches_per_key=None if settings.open_mode else settings.watches_per_key,
        try_out=Trial(database, messages.attempter, messages.composer, box, wall).try_out,
    )


def _sender(
    settings: Settings, opened: Opened, messages: _Messages, bells: Bells, metrics: Metrics, media: MediaLinks
) -> Sender:
    return Sender(
        opened.database,
        messages.attempter,
        gaps_of(messages.notifiers),
        messages.composer,
        opened.box,
        clock=opened.database.clock,
        bell=bells.deliveries,
        schedule=RetrySchedule(settings.delivery_retries),
        metrics=metrics,
        links=links_of(media, settings.public_url),
        shown=bells.progress,
    )


async def _looking(
    settings: Settings, database: Database, bells: Bells, metrics: Metrics, wall: Clock, stack: AsyncExitStack
) -> tuple[Poller, Sweeper]:
    """The loops that look at videos, one by one and by pages of lists. They share the providers and their budgets."""
    offsets = Offsets(wall, metrics)
    lanes = {
        name: open_lane(config, settings, wall, database, metrics, offsets, stack)
        for name, config in settings.providers.items()
    }
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
    return poller, sweeper


def _alive(loop: Running) -> bool:
    return loop.alive


def _closed(settings: Settings) -> set[str]:
    """Paths that ask for a key although they need not."""
    closed = set() if settings.open_metrics else {"/metrics"}
    return closed if settings.open_docs else closed | {"/docs", "/openapi.json"}


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
