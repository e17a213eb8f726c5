"""Doors of every kind, closed after the test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, Door

MakeDoor = Callable[..., Door]
LOOPBACK = AddressPolicy(LOOPBACK_NETWORKS)

# These run on the loop the server has, the others on asyncio's own: both must do.
_ON_UVLOOP = {"test_pool.py", "test_proxy.py", "test_transport.py"}


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]] | None:
    """Which loop a test runs on, unless it is the one all have."""
    return {"uvloop": uvloop.new_event_loop} if item.path.name in _ON_UVLOOP else None


@pytest.fixture
async def make_door() -> AsyncIterator[MakeDoor]:
    """Makes doors that may reach this machine, or what ``policy`` says."""
    doors: list[Door] = []

    def make(policy: AddressPolicy = LOOPBACK, **options: Any) -> Door:
        doors.append(Door(policy, **options))
        return doors[-1]

    yield make
    for door in doors:
        await door.aclose()


@pytest.fixture
def door(make_door: MakeDoor) -> Door:
    return make_door()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """What a server needs to be ``hooks.test`` and this machine's address."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.test", "127.0.0.1").configure_cert(context)
    return context
