"""Receivers that cannot be reached, or must not be."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import MutableMapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.egress import AddressPolicy, IPAddress
from bridge.errors import EgressError
from bridge.models import DeliveryStatus, Reason
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.receiver import Receiver
from tests.sender.events import ended, moments, outcomes
from tests.servers import running_server

NOWHERE = {"openai": "http://127.0.0.1:9/v1"}


class Names:
    """A name server of the test's own."""

    def __init__(self, **addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int) -> Sequence[IPAddress]:
        if host not in self.addresses:
            raise EgressError(Reason.DNS, f"{host} is not known")
        return [ip_address(self.addresses[host])]


def http(app: ASGIApp) -> ASGIApp:
    """The app, without a lifespan."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)

    return served


async def test_a_name_that_leads_inside_is_refused_at_once_and_for_good(tmp_path: Path, clock: ManualClock) -> None:
    setting = Setting(policy=AddressPolicy(), resolver=Names(**{"evil.example": "10.11.12.13"}))
    async with open_parts(tmp_path, clock, NOWHERE, setting) as parts:
        await ended(parts, callback_url="https://evil.example/hook")
        await parts.live(100)
        delivery = await parts.delivery()
    assert (delivery.status, delivery.reason) == (DeliveryStatus.FAILED, "blocked_address")
    assert outcomes(delivery) == [("failed", "blocked_address", None)]


async def test_the_registrant_is_told_no_address_but_the_operator_is(
    tmp_path: Path, clock: ManualClock, logs: list[MutableMapping[str, Any]]
) -> None:
    setting = Setting(policy=AddressPolicy(), resolver=Names(**{"evil.example": "10.11.12.13"}))
    async with open_parts(tmp_path, clock, NOWHERE, setting) as parts:
        registered = await ended(parts, callback_url="https://evil.example/hook")
        await parts.send()
        shown = repr((await parts.delivery(), await parts.watch(registered)))
    assert "10.11.12" not in shown
    assert "10.11.12.13" in repr(logs)


async def test_a_name_that_is_not_known_is_tried_again_until_it_is(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    names = Names()
    async with open_parts(tmp_path, clock, NOWHERE, Setting(resolver=names)) as parts:
        await ended(parts, callback_url=hook.replace("127.0.0.1", "new.localhost"))
        await parts.live(1)
        names.addresses["new.localhost"] = "127.0.0.1"
        await parts.live(10)
        delivery = await parts.delivery()
    assert outcomes(delivery) == [("retry", "dns", None), ("delivered", None, 204)]


async def test_a_port_where_nobody_listens(parts: Parts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    await ended(parts, callback_url=f"http://127.0.0.1:{port}/hook")
    await parts.live(100)
    delivery = await parts.delivery()
    assert outcomes(delivery) == [("retry", "connect", None)] * 2 + [("failed", "connect", None)]
    assert moments(delivery) == [0, 5, 35]


async def test_a_receiver_that_never_answers(tmp_path: Path, clock: ManualClock) -> None:
    @http
    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with (
        running_server(hang) as url,
        open_parts(tmp_path, clock, NOWHERE, Setting(delivery_timeout=0.1)) as parts,
    ):
        await ended(parts, callback_url=url)
        await parts.send()
        assert outcomes(await parts.delivery()) == [("retry", "timeout", None)]


async def test_a_receiver_that_hangs_up(parts: Parts) -> None:
    @http
    async def hang_up(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["reset"]()

    async with running_server(hang_up) as url:
        await ended(parts, callback_url=url)
        await parts.send()
    assert outcomes(await parts.delivery()) == [("retry", "reset", None)]


async def test_a_receiver_that_breaks_off_after_its_2xx_was_told(parts: Parts) -> None:
    @http
    async def break_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"than", "more_body": True})
        await asyncio.sleep(0.02)
        scope["state"]["reset"]()

    async with running_server(break_off) as url:
        await ended(parts, callback_url=url)
        await parts.send()
    assert outcomes(await parts.delivery()) == [("delivered", None, 200)]


async def test_a_receiver_that_speaks_no_tls(parts: Parts, hook: str) -> None:
    await ended(parts, callback_url=hook.replace("http://", "https://"))
    await parts.send()
    ((outcome, reason, status),) = outcomes(await parts.delivery())
    assert (outcome, status) == ("retry", None)
    assert reason in ("tls", "reset")


async def test_the_operators_own_destination_may_be_anywhere(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    setting = Setting(policy=AddressPolicy(), callback_url=hook)
    async with open_parts(tmp_path, clock, NOWHERE, setting) as parts:
        await ended(parts)
        await parts.send()
        assert outcomes(await parts.delivery()) == [("delivered", None, 204)]


async def test_one_that_hangs_does_not_hold_up_the_others(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    came = asyncio.Event()

    @http
    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        came.set()
        await asyncio.Event().wait()

    async with running_server(hang) as url, open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, "a", callback_url=url)
        await ended(parts, "b", callback_url=hook)
        stop = asyncio.Event()
        running = asyncio.create_task(parts.sender.run(stop, grace=0.01))
        await came.wait()
        assert len(await receiver.wait_for(1)) == 1
        stop.set()
        await running


@pytest.mark.parametrize("url", ["http://127.0.0.1/hook", "https://192.168.1.1/hook", "https://169.254.169.254/"])
async def test_one_registered_before_its_address_was_forbidden_fails_at_once(
    tmp_path: Path, clock: ManualClock, url: str
) -> None:
    generous = Setting(policy=AddressPolicy(anywhere=True))
    async with open_parts(tmp_path, clock, NOWHERE, generous) as parts:
        await ended(parts, callback_url=url)
    async with open_parts(tmp_path, clock, NOWHERE, Setting(policy=AddressPolicy())) as parts:
        await parts.send()
        assert outcomes(await parts.delivery()) == [("failed", "blocked_address", None)]
