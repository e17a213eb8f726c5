"""Asking a provider once whether all is well."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.clock import SystemClock
from bridge.egress import AddressPolicy, Door
from bridge.providers.checking import Checked, ask
from bridge.settings import ProviderSettings
from tests.servers import running_server


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door(AddressPolicy(anywhere=True))
    yield door
    await door.aclose()


async def asked(door: Door, status: int, date: str | None = None, path: str = "/v1") -> Checked:
    async def answer(_: Request) -> Response:
        return Response(status_code=status, headers={} if date is None else {"date": date})

    async with running_server(Starlette(routes=[Route(f"{path}/videos", answer)])) as url:
        return await ask(ProviderSettings(name="openai", base_url=f"{url}{path}"), door, SystemClock(), 5.0)


@pytest.mark.parametrize("status", [200, 404, 405, 429])
async def test_one_that_answers_is_fine_with_a_list_or_without(door: Door, status: int) -> None:
    checked = await asked(door, status)
    assert (checked.problem, checked.status) == (None, status)


@pytest.mark.parametrize(("status", "said"), [(401, "refuses the key"), (403, "refuses the key"), (502, "in trouble")])
async def test_what_is_wrong_is_said(door: Door, status: int, said: str) -> None:
    assert said in str((await asked(door, status)).problem)


@pytest.mark.parametrize(
    ("path", "status", "doubted"),
    [("", 404, True), ("/openai", 404, True), ("", 200, False), ("", 405, False), ("/openai/v1", 404, False)],
)
async def test_a_base_url_without_a_version_is_doubted_where_nothing_is_found(
    door: Door, path: str, status: int, doubted: bool
) -> None:
    problem = (await asked(door, status, path=path)).problem
    assert ("perhaps the base URL lacks /v1" in (problem or "")) is doubted


async def test_a_clock_that_is_off_is_said(door: Door) -> None:
    checked = await asked(door, 200, "Mon, 01 Jan 2024 00:00:00 GMT")
    assert "ahead of its clock" in str(checked.problem)


async def test_one_that_is_not_there_is_said(door: Door) -> None:
    config = ProviderSettings(name="openai", base_url="http://127.0.0.1:9/v1")
    assert (await ask(config, door, SystemClock(), 5.0)).problem == (
        "it cannot be reached (connect: 127.0.0.1, port 9: ECONNREFUSED)"
    )
