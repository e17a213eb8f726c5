"""Sessions of the dashboard that were signed out of, on both databases."""

from __future__ import annotations

import pytest

from bridge.registry.sessions import EndedSessions
from tests.parts import Parts


@pytest.fixture
def ended(parts: Parts) -> EndedSessions:
    return EndedSessions(parts.database)


async def test_a_session_that_was_signed_out_of_is_known_to_all_replicas(parts: Parts, ended: EndedSessions) -> None:
    await ended.add("mine", 200.0, 100.0)
    assert await EndedSessions(parts.database).has("mine")
    assert not await ended.has("other")


async def test_signing_out_twice_is_harmless(ended: EndedSessions) -> None:
    await ended.add("mine", 200.0, 100.0)
    await ended.add("mine", 201.0, 101.0)
    assert await ended.has("mine")


async def test_it_is_forgotten_once_its_cookie_has_ended(ended: EndedSessions) -> None:
    await ended.add("mine", 200.0, 100.0)
    await ended.add("other", 300.0, 199.0)
    assert await ended.has("mine")
    await ended.add("third", 300.0, 200.0)
    assert not await ended.has("mine")
    assert await ended.has("other")
