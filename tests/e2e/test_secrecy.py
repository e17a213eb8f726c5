"""The contract that every notifier and every provider keeps: what is secret shows nowhere but where it belongs.

One real server, with a marked secret in every place that takes one, goes through success and every kind of failure at
providers and receivers that repeat all they were sent. Then everything it let out is searched.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest
from anyio.from_thread import start_blocking_portal
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from bridge.web.api import OPERATIONS
from tests.fuzz.driving import FuzzedServer, fuzzed_server
from tests.ports import free_port
from tests.servers import running_server

pytestmark = pytest.mark.system

PRESETS = ("resend", "postmark", "sendgrid", "mailgun", "brevo", "mailpit")
ANSWERS = (200, 302, 400, 404, 410, 429, 500, 0)
LOOKS = ("completed", "failed", "s401", "s403", "s404", "s429", "s500", "nonsense", "reset")


def mark(where: str) -> str:
    """A secret that says where it was put."""
    return f"m4rk-{where}-s3cr3t"


def _own(answer: int) -> str:
    return f"own{answer}"


def signing(where: str) -> str:
    return "whsec_" + base64.b64encode(mark(where).ljust(27, "0").encode()).decode()


async def _repeat(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with all that was sent, with the status that the path names; `0` closes the connection."""
    request = Request(scope, receive)
    await request.body()
    said = f"{request.url}\n{quote(str(request.url))}\n{json.dumps(dict(request.headers))}\n{dict(request.headers)}"
    status = int(re.findall(r"/a(\d+)", request.url.path)[0]) if "/videos" not in request.url.path else None
    if status is None and not request.url.path.endswith("/reset"):
        await _look(request, said)(scope, receive, send)
    elif status:
        await PlainTextResponse(said, status, {"location": f"https://elsewhere.example/{said[:40]!r}"})(
            scope, receive, send
        )
    else:
        scope["state"]["reset"]()


def _look(request: Request, said: str) -> Response:
    video_id = request.url.path.rpartition("/")[2]
    if video_id == "nonsense":
        return PlainTextResponse(said)
    if video_id.startswith("s"):
        return Response(json.dumps({"error": {"code": said[:60], "message": said}}), int(video_id[1:]))
    error = {"code": "x", "message": said} if video_id == "failed" else None
    return Response(json.dumps({"id": video_id, "status": video_id, "error": error, "prompt": "a cat"}))


@pytest.fixture(scope="module")
def repeating() -> Iterator[str]:
    """The URL of providers and receivers that repeat all they were sent."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_server(_repeat)) as url,
    ):
        yield url


def environ(url: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{url}/one/v1",
        "OPENAI_API_KEY": mark("openai-key"),
        "OPENAI_WEBHOOK_SECRET": signing("push"),
        "BRIDGE_PROVIDERS__AZURE__BASE_URL": f"{url}/two/v1",
        "BRIDGE_PROVIDERS__AZURE__API_KEY": mark("azure-key"),
        "BRIDGE_PROVIDERS__AZURE__AUTH": "api-key",
        "BRIDGE_PROVIDERS__AZURE__HEADERS": json.dumps({"X-Key": mark("azure-header")}),
        "BRIDGE_PROVIDERS__AZURE__QUERY": json.dumps({"code": mark("azure-query")}),
        "BRIDGE_API_KEYS": f"ci:{mark('client-key')}",
        "BRIDGE_SECRET_KEY": mark("master-key-of-thirty-two-characters"),
        "BRIDGE_CALLBACK_SECRET": signing("callback"),
        "BRIDGE_CALLBACK_URL": f"{url}/a200/env?token={mark('env-query')}",
        "BRIDGE_SLACK_WEBHOOK_URL": f"{url}/a200/services/T0/B0/{mark('env-slack')}",
        "BRIDGE_EMAIL_WEBHOOK_URL": f"{url}/a500/mail?key={mark('env-mail')}",
        "BRIDGE_EMAIL_TO": "ann@example.com",
        "BRIDGE_EMAIL_API_KEY": mark("env-mail-key"),
        "BRIDGE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "BRIDGE_DELIVERY_RETRIES": "0.1",
        "BRIDGE_POLL_MAX_INTERVAL": "1",
        "BRIDGE_LOG_LEVEL": "debug",
    }


def destinations(url: str, answer: int) -> list[dict[str, Any]]:
    """One of every kind, each with everything that may be secret in it; of every preset for success and one failure."""
    own = f"of-{answer}"
    mail: dict[str, Any] = {
        "kind": "email-webhook",
        "from": "b@example.com",
        "to": ["a@example.com"],
        "api_key": mark(f"mail-{own}"),
    }
    headers = {"X-Key": mark(f"header-{own}")}
    query = f"{url}/a{answer}/hook?token={mark(f'query-{own}')}"
    return [
        {"kind": "callback", "url": query, "secret": signing(_own(answer)), "headers": headers},
        {"kind": "slack", "url": f"{url}/a{answer}/services/T0/B0/{mark(f'slack-{own}')}"},
        *(
            {**mail, "preset": preset, "url": f"{query}&p={preset}", "headers": headers}
            for preset in ("flat", *(PRESETS if answer in (200, 500) else ()))
        ),
    ]


BAD: tuple[Mapping[str, Any], ...] = (
    {"kind": "callback", "url": f"ftp://example.com/?token={mark('bad-url')}"},
    {"kind": "callback", "url": f"https://user:{mark('bad-password')}@example.com/"},
    {"kind": "callback", "url": f"https://192.168.0.1/?token={mark('bad-address')}"},
    {"kind": "callback", "url": "https://example.com/", "secret": f"whsec_{mark('bad-secret')}"},
    {"kind": "callback", "url": "https://example.com/", "headers": {"X-Key": f"{mark('bad-header')}\n"}},
    {"kind": "slack", "url": f"https://hooks.slack.com/triggers/{mark('bad-slack')}"},
    {"kind": "email-webhook", "to": ["a@example.com"], "url": "https://x.example", "api_key": f"{mark('bad-key')} x"},
    {"kind": "carrier-pigeon", "url": f"https://example.com/?token={mark('bad-kind')}"},
)


def go_through_everything(server: FuzzedServer, url: str) -> str:
    """Every answer of the server while it goes through success and failure, as one text."""
    said: list[str] = []
    headers = {"authorization": f"Bearer {mark('client-key')}"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=30) as client:

        def ask(method: str, path: str, **options: Any) -> Any:
            answer = client.request(method, path, **options)
            said.append(f"{answer.headers} {answer.text}")
            return answer.json() if "json" in answer.headers["content-type"] else None

        for answer in ANSWERS:
            body = {"video_id": "completed", "key": str(answer), "destinations": destinations(url, answer)}
            client.post("/v1/watches", json=body).raise_for_status()  # its answer may show what the registrant needs
        for provider in ("openai", "azure"):
            for look in LOOKS:
                wanted = {"video_id": look, "provider": provider, "timeout": 5, "key": f"{provider}-{look}"}
                client.post("/v1/watches", json=wanted).raise_for_status()
        for number, bad in enumerate(BAD):
            ask("POST", "/v1/watches", json={"video_id": "v", "destinations": [bad]})
            ask("POST", "/v1/destinations", json={"name": f"bad-{number}", **bad})
        ask("GET", "/v1/watches", headers={"authorization": f"Bearer {mark('wrong-key')}"})
        _await_attempts(client, sum(len(destinations(url, answer)) for answer in ANSWERS))
        ids = {"watch_id": [each["id"] for each in ask("GET", "/v1/watches", params={"limit": 100})["data"]]}
        ids["delivery_id"] = [each["id"] for each in _all(client, "/v1/deliveries")]
        ids["destination"] = sorted({each["destination"]["id"] for each in _all(client, "/v1/deliveries")})
        for destination in ids["destination"]:
            ask("POST", f"/v1/destinations/{destination}/test")
        for operation in OPERATIONS:
            if operation.method == "GET" and not operation.path.endswith("/stream"):
                name = next(iter(re.findall(r"{(\w+)}", operation.path)), None)
                for each in ids[name] if name else [""]:
                    ask("GET", operation.path.replace(f"{{{name}}}", each))
    return "\n".join(said)


def _all(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"has_more": True, "last_id": None}
    while page["has_more"]:
        page = client.get(path, params={"limit": 100} | ({"after": page["last_id"]} if found else {})).json()
        found += page["data"]
    return found


def _await_attempts(client: httpx.Client, number: int) -> None:
    """Return once there are so many deliveries and every one was attempted, each that fails twice."""
    for _ in range(600):
        pending = client.get("/v1/deliveries", params={"status": "pending"}).json()["data"]
        if pending == [] and len(_all(client, "/v1/deliveries")) >= number:
            return
        time.sleep(0.2)  # of a process of its own, which no clock of ours drives
    raise AssertionError("some deliveries are pending still")


def command_lines(server: FuzzedServer) -> str:
    """How the processes of the server show in a list of processes."""
    process = psutil.Process(server.pid)
    return "\n".join(" ".join(each.cmdline()) for each in (process, *process.children(recursive=True)))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_secret_shows_anywhere(tmp_path: Path, repeating: str) -> None:
    with fuzzed_server(tmp_path, free_port(), environ(repeating)) as server:
        answers = go_through_everything(server, repeating)
        processes = command_lines(server)
        files = b"".join(file.read_bytes() for file in tmp_path.glob("bridge.db*")).decode("latin-1")
    out = {"answers": answers, "log": server.log(), "processes": processes, "database": files}
    assert answers.count("[redacted]") > 60  # what was repeated was there to be shown
    assert "watch_" in files
    assert server.log().count('"event": "attempt"') > 60
    for where, text in out.items():
        assert sorted(set(re.findall(r"m4rk-[\w-]+?-s3cr3t", text))) == [], where
        assert [each for each in _encoded() if each in text] == [], where


def _encoded() -> list[str]:
    """The signing secrets, with and without the prefix in front."""
    return [
        signing(where).removeprefix("whsec_") for where in ("push", "callback", *(f"own{each}" for each in ANSWERS))
    ]
