"""The web application over a registry in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from bridge.metrics import Metrics
from bridge.settings import ApiKey
from bridge.web.application import create_web
from bridge.web.health import Readiness
from tests.web.fakes import FakeRegistry

WRITER = ApiKey("ci", SecretStr("writer-key-0123456789"))
READER = ApiKey("grafana", SecretStr("reader-key-0123456789"), read_only=True)
NAMELESS = ApiKey(None, SecretStr("nameless-key-0123456789"))

Asking = Callable[[Starlette], httpx.AsyncClient]


async def database_answers() -> None:
    """A ping that finds the database."""


def bearer(key: ApiKey) -> dict[str, str]:
    return {"authorization": f"Bearer {key.key.get_secret_value()}"}


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def readiness() -> Readiness:
    made = Readiness({"poller": lambda: True, "sender": lambda: True}, database_answers)
    made.ready()
    return made


@pytest.fixture
def app(registry: FakeRegistry, readiness: Readiness) -> Starlette:
    """A server without keys, as a newcomer starts it."""
    return create_web(registry, Metrics(["openai"]), readiness)


@pytest.fixture
def keyed_app(registry: FakeRegistry, readiness: Readiness) -> Starlette:
    """A server with a key that may write, one that may read, and one without a name."""
    return create_web(registry, Metrics(["openai"]), readiness, api_keys=(WRITER, READER, NAMELESS))


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(app) as made:
        yield made


@pytest.fixture
async def keyed(keyed_app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(keyed_app) as made:
        yield made


def asking(app: Starlette) -> httpx.AsyncClient:
    """A client that calls the application without a network."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost:8080")
