"""What only a real server and a real socket can show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from starlette.applications import Starlette

from bridge.web.bodies import MAX_BODY
from tests.servers import http_client, running_server
from tests.web.fakes import WATCH_ID, FakeRegistry


@pytest.fixture
async def url(app: Starlette) -> AsyncIterator[str]:
    async with running_server(app) as made:
        yield made


async def connect(url: str, head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a request has begun."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    return reader, writer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_client_that_leaves_waits_no_more(url: str, registry: FakeRegistry) -> None:
    before = asyncio.all_tasks()
    _, writer = await connect(url, f"GET /v1/watches/{WATCH_ID}?wait=60 HTTP/1.1\nHost: localhost")
    await until(lambda: registry.waiting == 1)
    writer.close()
    await until(lambda: registry.waiting == 0)
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_client_that_stays_gets_its_answer(url: str, registry: FakeRegistry) -> None:
    async with http_client() as client:
        asked = asyncio.create_task(client.get(f"{url}/v1/watches/{WATCH_ID}?wait=60"))
        await until(lambda: registry.waiting == 1)
        registry.changed.set()
        assert (await asked).status_code == 200


async def test_an_endless_body_is_refused_while_it_arrives(url: str, registry: FakeRegistry) -> None:
    reader, writer = await connect(
        url,
        "POST /v1/watches HTTP/1.1\nHost: localhost\nContent-Type: application/json\nTransfer-Encoding: chunked",
    )
    for _ in range(MAX_BODY // 65536 + 1):
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()
    status = await asyncio.wait_for(reader.readline(), 30)
    assert status.split()[1] == b"413"
    writer.close()
    assert registry.bodies == []


async def test_a_huge_body_is_refused_before_it_is_sent(url: str) -> None:
    reader, writer = await connect(
        url,
        "POST /v1/watches HTTP/1.1\nHost: localhost\nContent-Type: application/json\nContent-Length: 99999999999",
    )
    status = await asyncio.wait_for(reader.readline(), 30)
    assert status.split()[1] == b"413"
    writer.close()


async def test_a_client_that_sends_everything_first_still_reads_the_refusal(url: str) -> None:
    headers = {"content-type": "application/json"}
    async with http_client() as client:
        for _ in range(2):
            answer = await client.post(f"{url}/v1/watches", content=b" " * (8 * MAX_BODY), headers=headers)
            assert answer.status_code == 413
        assert (await client.get(f"{url}/healthz")).status_code == 200


@pytest.mark.parametrize("head", ["GET /healthz HTTP/1.0", "GET /healthz HTTP/1.1\nHost: "])
async def test_a_request_without_a_host_is_refused(url: str, head: str) -> None:
    reader, writer = await connect(url, head)
    status = await asyncio.wait_for(reader.readline(), 30)
    assert status.split()[1] == b"403"
    writer.close()


async def test_head_has_no_body(url: str) -> None:
    async with http_client() as client:
        answer = await client.head(f"{url}/docs")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
