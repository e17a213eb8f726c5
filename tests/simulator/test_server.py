"""Serving on a socket of our own: ready, cancelled, refused, cut."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.errors import ConfigurationError
from bridge.simulator import SimulatorSettings, serve_simulator
from tests.clock import ManualClock
from tests.servers import running_server


@asynccontextmanager
async def serving(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """The simulator as the command line runs it: a task that is cancelled in the end."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_simulator(SimulatorSettings(), host, port, ready=ready.set_result))
    try:
        yield await ready
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_clients_are_told_a_base_url_that_works_at_once() -> None:
    async with serving() as base_url, httpx.AsyncClient(trust_env=False) as http:
        assert base_url.startswith("http://127.0.0.1:")
        assert base_url.endswith("/v1")
        assert (await http.get(f"{base_url}/videos")).status_code == 200


async def test_an_ipv6_address_is_written_in_brackets() -> None:
    async with serving("::1") as base_url, httpx.AsyncClient(trust_env=False) as http:
        assert base_url.startswith("http://[::1]:")
        assert (await http.get(f"{base_url}/videos")).status_code == 200


async def test_cancelling_stops_listening_and_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    async with serving() as base_url, httpx.AsyncClient(trust_env=False) as http:
        await http.get(f"{base_url}/videos")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", httpx.URL(base_url).port or 0))
    assert asyncio.all_tasks() == before


async def test_cancellation_is_passed_on() -> None:
    ready = asyncio.Event()
    task = asyncio.create_task(serve_simulator(SimulatorSettings(), ready=lambda _url: ready.set()))
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_videos_live_on_the_clock_that_is_given(clock: ManualClock) -> None:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_simulator(SimulatorSettings(), ready=ready.set_result, clock=clock))
    async with httpx.AsyncClient(trust_env=False) as http:
        video = (await http.post(f"{await ready}/videos", json={"prompt": "A cat"})).json()
    task.cancel()
    assert video["created_at"] == int(clock.now())


async def test_the_signals_of_the_process_stay_with_their_owner() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with serving():
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    async with serving() as base_url, httpx.AsyncClient(trust_env=False) as http:
        await http.get(f"{base_url}/videos/video_none")
    assert capfd.readouterr() == ("", "")


async def test_a_taken_port_is_a_configuration_error() -> None:
    async with serving() as base_url:
        port = httpx.URL(base_url).port
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1, port {port}: .*in use"):
            await serve_simulator(SimulatorSettings(), port=port or 0, ready=pytest.fail)


async def test_an_address_that_is_not_ours_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"Cannot listen on 192\.0\.2\.1, port 0"):
        await serve_simulator(SimulatorSettings(), "192.0.2.1", ready=pytest.fail)


async def test_a_port_that_cannot_be_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="from 0 to 65535, not 70000"):
        await serve_simulator(SimulatorSettings(), port=70_000, ready=pytest.fail)


async def greet(request: Request) -> Response:
    return JSONResponse({"scheme": request.url.scheme, "word": getattr(request.state, "word", None)})


async def test_any_app_runs_with_its_lifespan() -> None:
    ended = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        yield {"word": "hello"}
        ended.append(app)

    app = Starlette(routes=[Route("/", greet)], lifespan=lifespan)
    async with running_server(app) as url, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(url)).json() == {"scheme": "http", "word": "hello"}
        assert ended == []
    assert ended == [app]


async def test_an_app_that_cannot_start_is_an_error() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        socket.create_connection(("127.0.0.1", 0))
        yield

    with pytest.raises(ConfigurationError, match="refused to start"):
        async with running_server(Starlette(lifespan=lifespan)):
            pytest.fail("it must not run")


async def test_a_server_can_come_back_at_its_old_address() -> None:
    app = Starlette(routes=[Route("/", greet)])
    async with httpx.AsyncClient(trust_env=False) as http:
        async with running_server(app) as url:
            await http.get(url)
        async with running_server(app, port=httpx.URL(url).port or 0) as again:
            assert (again, (await http.get(url)).status_code) == (url, 200)


async def test_a_server_can_speak_tls() -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    app = Starlette(routes=[Route("/", greet)])
    async with running_server(app, tls=server) as url, httpx.AsyncClient(verify=client, trust_env=False) as http:
        assert url.startswith("https://")
        assert (await http.get(url)).json()["scheme"] == "https"


async def test_an_app_that_is_deaf_to_hanging_up_is_cancelled() -> None:
    asked = asyncio.Event()

    async def never(request: Request) -> Response:
        asked.set()
        await asyncio.Event().wait()
        return Response()

    before = asyncio.all_tasks()
    async with httpx.AsyncClient(trust_env=False) as http:
        async with running_server(Starlette(routes=[Route("/", never)])) as url:
            hanging = asyncio.create_task(http.get(url))
            await asked.wait()
        with pytest.raises(httpx.TransportError):
            await hanging
    assert asyncio.all_tasks() == before
