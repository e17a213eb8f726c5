from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette

from bridge.errors import AuthenticationError
from bridge.settings import ApiKey
from bridge.web.api import OPERATIONS
from bridge.web.auth import KeyRing, is_local_host, is_local_origin
from tests.web.conftest import NAMELESS, READER, WRITER, asking, bearer
from tests.web.fakes import WATCH_ID, FakeRegistry

KEYED = [
    (each.method, each.path.format(watch_id=WATCH_ID, delivery_id="dlv_1", destination="team"))
    for each in OPERATIONS
    if each.keyed
]
OPEN = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"]


@pytest.mark.parametrize(("method", "path"), [*KEYED, ("GET", "/v1/unknown"), ("GET", "/v1/videos/v"), ("PUT", "/v1/")])
async def test_everything_under_v1_asks_for_a_key(keyed: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await keyed.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("path", OPEN)
async def test_the_open_routes_ask_for_none(keyed: httpx.AsyncClient, path: str) -> None:
    assert (await keyed.get(path)).status_code == 200


async def test_a_path_that_only_looks_like_v1_is_no_way_in(keyed: httpx.AsyncClient) -> None:
    for path in ("//v1/watches", "/v1//watches", "/V1/watches", "/./v1/watches", "/v1%2Fwatches/"):
        assert (await keyed.get(path)).status_code in (401, 404)


async def test_mounted_elsewhere_it_asks_all_the_same(keyed_app: Starlette) -> None:
    transport = httpx.ASGITransport(app=keyed_app, root_path="/bridge")
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/bridge/v1/watches")).status_code == 401
        assert (await client.get("/bridge/healthz")).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_known_key_opens(keyed: httpx.AsyncClient, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {WRITER.key.get_secret_value()}"}
    assert (await keyed.get("/v1/watches", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"", "missing_api_key"),
        (b"Bearer", "missing_api_key"),
        (b"Bearer  ", "missing_api_key"),
        (b"Basic d3JpdGVyOg==", "missing_api_key"),
        (b"writer-key-0123456789", "missing_api_key"),
        (b"Bearer writer-key-012345678", "invalid_api_key"),
        (b"Bearer writer-key-0123456789,reader-key-0123456789", "invalid_api_key"),
        (b"Bearer \xfcml\xe4ut", "invalid_api_key"),
    ],
)
async def test_an_unknown_key_does_not(keyed: httpx.AsyncClient, header: bytes, code: str) -> None:
    answer = await keyed.get("/v1/watches", headers={b"authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)


def test_a_ring_of_keys_shows_none() -> None:
    assert WRITER.key.get_secret_value() not in repr(vars(KeyRing([WRITER])))


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_no_header_but_the_right_one_is_a_key(header: str) -> None:
    with pytest.raises(AuthenticationError):
        KeyRing([ApiKey("ci", SecretStr("k" * 16))]).holder(header)


@pytest.mark.parametrize(("method", "path"), [each for each in KEYED if each[0] != "GET"])
async def test_a_key_that_may_read_may_not_write(keyed: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await keyed.request(method, path, headers=bearer(READER))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "read_only_key")


# The stream answers for as long as it is read; tests/web/test_stream.py is about it.
@pytest.mark.parametrize("path", [path for method, path in KEYED if method == "GET" and not path.endswith("/stream")])
async def test_a_key_that_may_read_reads(keyed: httpx.AsyncClient, path: str) -> None:
    assert (await keyed.get(path, headers=bearer(READER))).status_code in (200, 404)
    assert (await keyed.head(path, headers=bearer(READER))).status_code in (200, 404)


@pytest.mark.parametrize(("key", "name"), [(WRITER, "ci"), (NAMELESS, None)])
@pytest.mark.parametrize("batch", [False, True])
async def test_a_watch_is_registered_in_the_name_of_the_key(
    keyed: httpx.AsyncClient, registry: FakeRegistry, key: ApiKey, name: str | None, batch: bool
) -> None:
    path, body = (
        ("/v1/watches/batch", {"watches": [{"video_id": "v"}]}) if batch else ("/v1/watches", {"video_id": "v"})
    )
    await keyed.post(path, json=body, headers=bearer(key))
    assert registry.created_by == name


async def test_with_keys_any_host_may_be_called(keyed: httpx.AsyncClient) -> None:
    headers = {**bearer(WRITER), "host": "bridge.example.com", "origin": "https://example.com"}
    assert (await keyed.get("/v1/watches", headers=headers)).status_code == 200


async def test_without_keys_a_key_is_ignored(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    answer = await client.post("/v1/watches", json={"video_id": "v"}, headers=bearer(WRITER))
    assert answer.status_code == 201
    assert registry.created_by is None


@pytest.mark.parametrize("path", [*OPEN, "/v1/watches", "/", "/unknown"])
async def test_without_keys_another_host_is_refused_everywhere(app: Starlette, path: str) -> None:
    async with asking(app) as client:
        answer = await client.get(path, headers={"host": "rebound.example.com"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "host_not_local")
    assert "BRIDGE_API_KEYS" in answer.json()["error"]["message"]


async def test_without_keys_a_web_page_of_another_origin_is_refused(
    client: httpx.AsyncClient, registry: FakeRegistry
) -> None:
    headers = {"origin": "https://evil.example"}
    answer = await client.post("/v1/watches", json={"video_id": "v"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_not_local")
    assert answer.json()["error"]["type"] == "permission_error"
    assert registry.bodies == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, 200),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 200),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, 200),
    ],
)
async def test_without_keys_a_page_elsewhere_can_link_here_and_no_more(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await client.get("/v1/watches", headers=headers)).status_code == status


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1.evil.example", ""])
@pytest.mark.parametrize(("method", "path"), [each for each in KEYED if each[0] != "GET"])
async def test_without_keys_no_page_elsewhere_can_change_anything(
    client: httpx.AsyncClient, method: str, path: str, origin: str
) -> None:
    answer = await client.request(method, path, headers={"origin": origin})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_not_local")


async def test_without_keys_a_page_of_this_machine_is_fine(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/watches", headers={"origin": "http://localhost:3000"})).status_code == 200


async def test_one_bad_origin_or_host_of_two_is_one_too_many(client: httpx.AsyncClient) -> None:
    origins = [("origin", "http://localhost"), ("origin", "https://evil.example")]
    hosts = [("host", "localhost"), ("host", "localhost")]
    for headers in (origins, hosts):
        assert (await client.get("/healthz", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "localhost.", "a.localhost:8080", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8080"],
)
def test_names_of_this_machine(host: str) -> None:
    assert is_local_host(host)
    assert is_local_origin(f"http://{host}")
    assert is_local_origin(f"https://{host}")


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":8080",
        "localhost:",
        "localhost:port",
        "localhost@evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "192.168.0.1",
        "::1",
        "[::2]",
        "[::1",
        "[::1]evil.example",
        "[::1%25lo]",
        "local host",
        "localhost\n",
    ],
)
def test_names_of_others_and_odd_ones(host: str) -> None:
    assert not is_local_host(host)
    assert not is_local_origin(f"http://{host}")


@pytest.mark.parametrize(
    "origin", ["null", "", "localhost", "file://", "ftp://localhost", "chrome-extension://localhost"]
)
def test_origins_that_are_no_web_page_of_this_machine(origin: str) -> None:
    assert not is_local_origin(origin)
