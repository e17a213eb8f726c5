"""The ways out, made from the settings: for destinations, for looks at each provider, and for its files."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from bridge.clock import Clock
from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, Door
from bridge.metrics import Metrics
from bridge.poller import Lane
from bridge.providers.budget import Budget
from bridge.providers.content import ContentSource
from bridge.providers.openai import OpenAIProvider
from bridge.sender import Doors
from bridge.settings import ProviderSettings, Settings
from bridge.store.database import Database
from bridge.upkeep import Offsets


def egress_policy(settings: Settings) -> AddressPolicy:
    """Where destinations that clients name may be. A server without API keys is for this machine, loopback included."""
    loopback = LOOPBACK_NETWORKS if settings.open_mode else ()
    configured = settings.allowed_networks
    return AddressPolicy(allowed=(*configured, *loopback), plain_names=bool(configured))


def open_doors(settings: Settings, mail_url: str | None, stack: AsyncExitStack) -> Doors:
    """The doors for destinations: those that strangers give, and the operator's own."""
    proxy = settings.egress_proxy
    doors = Doors(
        guarded=Door(egress_policy(settings), ca_file=settings.ca_file, proxy=proxy),
        operator=Door(AddressPolicy(anywhere=True), ca_file=settings.ca_file, proxy=proxy),
        mail_urls=frozenset({mail_url} if mail_url else ()),
    )
    stack.push_async_callback(doors.guarded.aclose)
    stack.push_async_callback(doors.operator.aclose)
    return doors


def open_lane(
    config: ProviderSettings,
    settings: Settings,
    clock: Clock,
    database: Database,
    metrics: Metrics,
    offsets: Offsets,
    stack: AsyncExitStack,
) -> Lane:
    """A provider behind a door of its own, with its budget."""
    provider = OpenAIProvider(
        config,
        _provider_door(config, settings, stack),
        # Replicas share a budget by slots of the time that they all go by.
        Budget(config.rate, database.clock, shared=database.kind == "postgresql"),
        clock,
        on_request=partial(metrics.requested, config.name),
        on_date=partial(offsets.seen, config.name),
    )
    # Enough looks under way to use the whole budget although each takes some seconds, and not endlessly many.
    return Lane(provider, max(1, min(128, round(config.rate * 4))))


def open_source(config: ProviderSettings, settings: Settings, stack: AsyncExitStack) -> ContentSource:
    """The way to a provider's files: connections of their own, so that long films hold up no look."""
    return ContentSource(config, _provider_door(config, settings, stack))


def _provider_door(config: ProviderSettings, settings: Settings, stack: AsyncExitStack) -> Door:
    """Providers are the operator's own and may be anywhere."""
    door = Door(
        AddressPolicy(anywhere=True), ca_file=config.ca_file or settings.ca_file, client_cert=config.client_cert
    )
    stack.push_async_callback(door.aclose)
    return door
