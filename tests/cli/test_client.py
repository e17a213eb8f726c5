from __future__ import annotations

from collections.abc import Awaitable

import httpx
import pytest
from pytest_httpx import HTTPXMock
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from bridge.cli.client import BridgeClient, message_of
from bridge.cli.connection import Connection
from bridge.cli.exits import CommandError, ExitCode, RefusedError, UnreachableError
from bridge.ids import new_id
from bridge.metrics import Metrics
from bridge.registry import WatchFilter
from bridge.web.application import create_web
from bridge.web.health import Readiness
from tests.cli.conftest import Environ
from tests.cli.samples import DELIVERY_ID, WATCH_ID, make_delivery, make_watch
from tests.cli.stub import StubBridge, error_object, refusal
from tests.ports import free_port
from tests.servers import running_server
from tests.web.conftest import database_answers
from tests.web.fakes import FakeRegistry

KEY = "k" * 20


@pytest.fixture
async def client(stub: StubBridge) -> BridgeClient:
    return BridgeClient(Connection(stub.url))


async def refused(asking: Awaitable[object]) -> CommandError:
    with pytest.raises(CommandError) as caught:
        await asking
    return caught.value


async def test_a_new_watch_is_told_from_one_that_was_there(stub: StubBridge, client: BridgeClient) -> None:
    async with client:
        first, new = await client.register({"video_id": "video_abc"})
        second, again = await client.register({"video_id": "video_abc"})
    assert (new, again) == (True, False)
    assert first["id"] == second["id"]


async def test_a_batch_answers_in_order(stub: StubBridge, client: BridgeClient) -> None:
    async with client:
        answer = await client.register_batch([{"video_id": "a"}, {"video_id": "bad"}, {"video_id": "b"}])
    assert [one.get("video_id", "error") for one in answer["data"]] == ["a", "error", "b"]


async def test_whatever_an_id_holds_the_server_is_asked_for_it_as_it_is() -> None:
    registry = FakeRegistry()
    web = create_web(registry, Metrics(), Readiness({}, database_answers))
    async with running_server(web) as url, BridgeClient(Connection(url)) as client:
        for video_id in ("video_QUJD==", "a&b=c#d?e/f%2F", "a+b c", "é💾;[x]\\", "-"):
            await client.watches({"video_id": video_id, "metadata[a=b&c]": video_id})
            assert registry.filter == WatchFilter(None, video_id, None, {"a=b&c": video_id})


async def test_the_key_is_sent_as_a_bearer_token(stub: StubBridge) -> None:
    stub.api_key = KEY
    async with BridgeClient(Connection(stub.url, KEY)) as client:
        await client.watches({})
    assert stub.asked[0].headers["user-agent"].startswith("video-bridge-cli/")


async def test_without_a_key_no_authorization_is_sent(stub: StubBridge, client: BridgeClient) -> None:
    async with client:
        await client.watches({})
    assert "authorization" not in stub.asked[0].headers


async def test_a_path_in_the_url_is_kept(stub: StubBridge) -> None:
    async with BridgeClient(Connection(f"{stub.url}/base")) as client:
        await refused(client.watches({}))
        await refused(client.watch("x"))
    # The stub knows no such route; that it was asked for there is what its answer shows.
    assert stub.asked == []


@pytest.mark.parametrize(
    ("watch_id", "path"),
    [
        ("a/b?c#d", "/v1/watches/a%2Fb%3Fc%23d"),
        ("..", "/v1/watches/%2E%2E"),
        ("ü", "/v1/watches/%C3%BC"),
        ("\udcff", "/v1/watches/%FF"),
    ],
)
async def test_an_id_is_always_one_segment(stub: StubBridge, client: BridgeClient, watch_id: str, path: str) -> None:
    async with client:
        assert (await refused(client.watch(watch_id))).code == ExitCode.FAILED
    assert stub.asked[0].path == path


async def test_an_empty_id_is_bad_usage(client: BridgeClient) -> None:
    async with client:
        assert (await refused(client.watch(""))).code == ExitCode.USAGE


async def test_text_that_is_no_unicode_is_for_the_server_to_refuse(stub: StubBridge, client: BridgeClient) -> None:
    async with client:
        assert str(await refused(client.register({"video_id": "\udcff"}))).startswith("VIDEO_ID: ")
        await client.watches({"provider": "\udcff"})
    assert stub.asked[0].body == {"video_id": "\udcff"}


async def test_all_pages_become_one_list(stub: StubBridge, client: BridgeClient) -> None:
    stub.add(*(make_watch(id=new_id("watch")) for _ in range(250)))
    async with client:
        everything = await client.watches({"status": "watching"})
    assert [row["id"] for row in everything["data"]] == sorted(stub.watches, reverse=True)
    assert (everything["first_id"], everything["last_id"]) == (max(stub.watches), min(stub.watches))
    assert not everything["has_more"]
    assert [asked.query["limit"] for asked in stub.asked] == ["100", "100", "100"]


async def test_a_limit_above_a_page_takes_as_many_pages_as_needed(stub: StubBridge, client: BridgeClient) -> None:
    stub.add(*(make_watch(id=new_id("watch")) for _ in range(130)))
    async with client:
        some = await client.watches({}, limit=120)
    assert (len(some["data"]), some["has_more"]) == (120, True)
    assert [asked.query["limit"] for asked in stub.asked] == ["100", "20"]


async def test_an_empty_list_has_no_ends(client: BridgeClient) -> None:
    async with client:
        nothing = await client.deliveries({})
    assert (nothing["data"], nothing["first_id"], nothing["last_id"]) == ([], None, None)


async def test_wait_is_passed_on(stub: StubBridge, client: BridgeClient) -> None:
    stub.add(make_watch(status="completed"))
    async with client:
        await client.watch(WATCH_ID, wait=2)
        await client.watch(WATCH_ID)
    assert [asked.query for asked in stub.asked] == [{"wait": "2"}, {}]


async def test_deliveries_are_retried_alone_or_together(stub: StubBridge, client: BridgeClient) -> None:
    stub.deliveries = {DELIVERY_ID: make_delivery()}
    async with client:
        assert (await client.retry(DELIVERY_ID))["status"] == "pending"
        assert await client.retry_failed({"since": 5}) == {"retried": 1}
    assert stub.asked[1].body == {"status": "failed", "since": 5}


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (refusal(404, "There is none."), 1, "There is none."),
        (refusal(409, "It has ended"), 1, "It has ended."),
        (refusal(429, "Slow down.", **{"retry-after": "7"}), 1, "Slow down. Try again in 7 s."),
        (refusal(429, "Slow down."), 1, "Slow down."),
        (refusal(503, "The database is away."), 1, "The database is away."),
        (refusal(403, "This key may only read."), 2, "This key may only read."),
        (JSONResponse(error_object("no URL", param="callback_url"), 400), 2, "callback_url: no URL."),
        (JSONResponse({"error": {}}, 500), 1, "The server gave no reason."),
    ],
)
async def test_a_refusal_says_what_the_server_said(
    stub: StubBridge, client: BridgeClient, answer: Response, code: int, message: str
) -> None:
    stub.next_answers.append(answer)
    async with client:
        error = await refused(client.watch(WATCH_ID))
    assert isinstance(error, RefusedError)
    assert (error.code, str(error), error.status) == (code, message, answer.status_code)


async def test_a_missing_key_is_explained(stub: StubBridge, client: BridgeClient) -> None:
    stub.api_key = KEY
    async with client:
        error = await refused(client.watches({}))
    assert error.code == ExitCode.USAGE
    assert str(error) == "No valid API key. Set BRIDGE_API_KEY to one of the server's keys."


async def test_a_wrong_key_is_explained_otherwise(stub: StubBridge) -> None:
    stub.api_key = KEY
    async with BridgeClient(Connection(stub.url, "x" * 20)) as client:
        assert "without its name and `:read`" in str(await refused(client.watches({})))


@pytest.mark.parametrize(("status", "code"), [(404, ExitCode.FAILED), (502, ExitCode.FAILED), (405, ExitCode.USAGE)])
async def test_an_error_without_an_error_object_doubts_the_url(
    stub: StubBridge, client: BridgeClient, status: int, code: ExitCode
) -> None:
    stub.next_answers.append(PlainTextResponse("<html>", status))
    async with client:
        error = await refused(client.watches({}))
    assert (error.code, str(error)) == (code, f"{stub.url} answered with HTTP {status}. Is BRIDGE_URL right?")


async def test_a_redirect_is_not_followed_but_named(stub: StubBridge, client: BridgeClient) -> None:
    stub.next_answers.append(RedirectResponse("https://bridge.example.com/"))
    async with client:
        error = await refused(client.watches({}))
    assert error.code == ExitCode.USAGE
    assert "redirects to https://bridge.example.com/: set BRIDGE_URL" in str(error)


@pytest.mark.parametrize(
    "answer", [PlainTextResponse("hello"), JSONResponse(["watch"]), JSONResponse({"object": "list", "data": []})]
)
async def test_an_answer_of_another_kind_of_server_is_recognised(
    stub: StubBridge, client: BridgeClient, answer: Response
) -> None:
    stub.next_answers.append(answer)
    async with client:
        error = await refused(client.watch(WATCH_ID))
    assert isinstance(error, UnreachableError)
    assert "is not a video-bridge server" in str(error)


async def test_a_server_that_is_not_there_is_asked_about() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with BridgeClient(Connection(url)) as client:
        error = await refused(client.watches({}))
    assert error.code == ExitCode.UNREACHABLE
    assert str(error) == (
        f"The server cannot be reached: Connection refused. Is `video-bridge serve` running? BRIDGE_URL is {url}"
    )


async def test_a_name_that_does_not_exist_is_said() -> None:
    async with BridgeClient(Connection("http://bridge.invalid")) as client:
        error = await refused(client.watches({}))
    assert error.code == ExitCode.UNREACHABLE


async def test_a_server_that_does_not_speak_tls_is_said(stub: StubBridge) -> None:
    async with BridgeClient(Connection(stub.url.replace("http:", "https:"))) as client:
        error = await refused(client.watches({}))
    assert "SSL" in str(error)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (httpx.ConnectTimeout("slow"), "no connection within 5 s"),
        (httpx.ReadTimeout("slow"), "took the request but did not answer within 60 s"),
        (httpx.RemoteProtocolError("Server disconnected."), "cannot be reached: Server disconnected. Is"),
        (httpx.ReadError(""), "cannot be reached: ReadError. Is"),
    ],
)
async def test_a_broken_exchange_means_unreachable(httpx_mock: HTTPXMock, failure: Exception, message: str) -> None:
    httpx_mock.add_exception(failure)
    async with BridgeClient(Connection()) as client:
        error = await refused(client.watches({}))
    assert isinstance(error, UnreachableError)
    assert message in str(error)


async def test_proxies_of_the_environment_do_not_lead_to_this_machine(stub: StubBridge, environ: Environ) -> None:
    environ.update({"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"})
    async with BridgeClient(Connection(stub.url)) as client:
        await client.watches({})
    assert len(stub.asked) == 1


async def test_proxies_of_the_environment_lead_to_other_machines(stub: StubBridge, environ: Environ) -> None:
    environ.update({"HTTP_PROXY": stub.url, "NO_PROXY": ""})
    async with BridgeClient(Connection("http://bridge.invalid")) as client:
        await client.watches({})
    assert stub.asked[0].headers["host"] == "bridge.invalid"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ({"message": "too long", "param": "video_id"}, "video_id: too long."),
        ({"message": "Why?", "param": None}, "Why?"),
        ({"type": "server_error"}, "server_error."),
    ],
)
def test_an_error_object_becomes_a_sentence(error: dict[str, str], sentence: str) -> None:
    assert message_of(error) == sentence
