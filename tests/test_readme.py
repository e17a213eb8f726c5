"""What README and docs show is run: commands exist, JSON is the real thing, the receiver works."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import InvalidWebhookSignatureError
from typer.testing import CliRunner

from bridge import signing
from bridge.cli import app
from bridge.clock import SystemClock
from bridge.egress import AddressPolicy, Reply
from bridge.models import EventType, Outcome, Video
from bridge.notifiers import create_notifiers
from bridge.notifiers.base import Address
from bridge.notifiers.callback import payload
from bridge.registry.again import Digests
from bridge.registry.bodies import AnyDestination, NewDestination, Registration
from bridge.registry.destinations import DestinationDesk, settings_of
from bridge.rendering import FORMS, SAMPLES, PackagedTemplates, Sandbox, Told, check_template
from bridge.resources import templates_dir
from bridge.secrets import SecretBox
from bridge.sender.composing import Composer
from bridge.simulator import SimulatorSettings, create_simulator
from bridge.simulator.server import listening
from tests.harness import bridge_settings, serving
from tests.ports import free_port, wait_for_port
from tests.receiver import Received, Receiver
from tests.rendering.helpers import open_sandbox
from tests.servers import http_client

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
CHAINING = ROOT / "docs" / "chaining.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
GROUPS = frozenset({"destinations", "templates"})
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, *pages: Path) -> list[str]:
    return [code for page in pages or PAGES for kind, code in FENCE.findall(page.read_text()) if kind == language]


def json_blocks(*pages: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, blocks("json", *pages))


def is_event(shown: dict[str, Any]) -> bool:
    return shown.get("object") == "event"


def is_flat_mail(shown: dict[str, Any]) -> bool:
    return "watch_id" in shown


# Everything else in JSON is a request body.
BODIES = [shown for shown in json_blocks() if not (is_event(shown) or is_flat_mail(shown))]


def destinations(body: dict[str, Any]) -> list[AnyDestination]:
    """The destinations of a request body, read by the model that reads them at the server."""
    if "video_id" not in body:
        return [NewDestination.model_validate(body).root]
    return [each for each in Registration.model_validate(body).destinations or [] if not isinstance(each, str)]


def commands(program: str) -> Iterator[list[str]]:
    for code in blocks("sh"):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line.split(" && ")[0], comments=True)
            if words[:1] == [program]:
                yield words[1:]


@pytest.mark.parametrize("words", list(commands("video-bridge")), ids=" ".join)
def test_every_command_shown_exists_with_its_options(words: list[str]) -> None:
    command = words[:2] if words[0] in GROUPS else words[:1]
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for option in (word for word in words if word.startswith("--")):
        assert option in shown.output


@pytest.mark.parametrize("words", list(commands("make")), ids=" ".join)
def test_every_make_target_shown_exists(words: list[str]) -> None:
    assert f"\n{words[0]}: " in (ROOT / "Makefile").read_text()


def test_the_event_shown_has_exactly_the_fields_of_a_real_one() -> None:
    (shown,) = filter(is_event, json_blocks())
    event_id, metadata = shown["id"], shown["watch"]["metadata"]
    real = payload(
        Told(
            event_id=event_id,
            event_type=EventType.VIDEO_COMPLETED,
            created_at=0,
            video=Video("v"),
            watch_id=shown["watch"]["id"],
            watch_created_at=0,
            provider="openai",
            metadata=metadata,
        )
    )
    assert (list(shown), list(shown["watch"])) == (list(real), list(real["watch"]))
    assert sorted(shown["data"]) == sorted(real["data"])


async def test_the_curl_command_registers_a_watch(tmp_path: Path) -> None:
    create, arguments = commands("curl")
    assert create[0].endswith("/v1/videos")
    simulator = create_simulator(SimulatorSettings(), SystemClock())
    async with listening(simulator) as provider, serving(bridge_settings(tmp_path, f"{provider}/v1")) as bridge:
        url, *options = arguments
        data = options[options.index("-d") + 1]
        async with http_client() as client:
            name, value = options[options.index("-H") + 1].split(": ")
            answer = await client.post(
                url.replace("http://127.0.0.1:8080", bridge), content=data, headers={name: value}
            )
    assert answer.status_code == 201
    assert answer.json()["destinations"][0]["signing_secret"].startswith("whsec_")


def test_the_receiver_shown_verifies_and_starts_the_next_step(tmp_path: Path) -> None:
    (code,) = blocks("python", README)
    script = tmp_path / "receiver.py"
    script.write_text(code)
    secret, port, body = signing.new_secret(), free_port(), b'{"type": "video.completed", "data": {"id": "video_1"}}'
    environ = {**os.environ, "SIGNING_SECRET": secret, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, script], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as it:
        try:
            wait_for_port(port)
            headers = signing.headers([secret], "evt_1", int(time.time()), body)
            accepted = httpx.post(
                f"http://127.0.0.1:{port}/", content=body, headers=headers, trust_env=False, timeout=30
            )
            forged = headers | {"webhook-id": "evt_2"}
            refused = httpx.post(f"http://127.0.0.1:{port}/", content=body, headers=forged, trust_env=False, timeout=30)
            assert it.stdout is not None
            started = it.stdout.readline()
        finally:
            it.terminate()
    assert (accepted.status_code, refused.status_code) == (204, 401)
    assert started == b"next step for video_1\n"


def test_the_handler_shown_takes_each_genuine_event_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [code for code in blocks("python", CHAINING) if "def handle" in code]
    script, secret = tmp_path / "handler.py", signing.new_secret()
    script.write_text(code)
    monkeypatch.setenv("SIGNING_SECRET", secret)
    handle = runpy.run_path(str(script))["handle"]
    body = b'{"id": "evt_1", "type": "video.completed", "data": {"id": "video_1"}}'
    headers = signing.headers([secret], "evt_1", int(time.time()), body)
    assert [handle(body, headers), handle(body, headers)] == ["video_1", None]
    with pytest.raises(InvalidWebhookSignatureError):
        handle(body + b" ", headers)


@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_block_compiles(code: str) -> None:
    compile(code, "shown.py", "exec")


BOX = SecretBox(["a key of at least thirty-two characters"])
NOTIFIERS = create_notifiers(BOX, None)
COMPLETED = SAMPLES[EventType.VIDEO_COMPLETED]
GITHUB = [body for body in json_blocks(CHAINING) if "api.github.com" in json.dumps(body)]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(workers=1) as sandbox:
        yield sandbox


def composer(sandbox: Sandbox) -> Composer:
    return Composer(NOTIFIERS, PackagedTemplates(templates_dir(), None), sandbox)


@pytest.mark.parametrize("body", BODIES)
def test_every_request_body_shown_is_taken(body: dict[str, Any]) -> None:
    """As the server takes it: by its models, complete, and with URLs it may send to."""
    desk = DestinationDesk(BOX, Digests(b"salt"), AddressPolicy(allowed=[ip_network("127.0.0.0/8")]))
    assert destinations(body) or "callback_url" in body
    for destination in destinations(body):
        desk.settle(destination)


async def test_the_flat_mail_shown_has_exactly_the_fields_of_a_real_one(sandbox: Sandbox) -> None:
    (shown,) = filter(is_flat_mail, json_blocks())
    address = Address("https://mail.example", {"preset": "flat", "to": shown["to"].split(", ")})
    real = json.loads((await composer(sandbox).compose("email-webhook", COMPLETED, address)).body)
    assert list(shown) == list(real)
    for field in ("to", "from", "event", "status"):
        assert shown[field] == real[field]


async def test_every_template_shown_passes_the_check_of_a_registration(sandbox: Sandbox) -> None:
    templates = [each for body in BODIES for each in destinations(body) if each.template is not None]
    assert len(templates) == 2
    for each in templates:
        assert each.template is not None
        await check_template(sandbox, each.template, FORMS[each.kind], each.events)


@pytest.mark.parametrize("code", blocks("jinja"))
async def test_every_template_shown_by_itself_makes_a_message_of_each_event(sandbox: Sandbox, code: str) -> None:
    """Its first line says for which kind it is."""
    kind = code.splitlines()[0].strip("{}# ")
    await check_template(sandbox, code, FORMS[kind], EventType)
    for told in SAMPLES.values():
        address = Address("https://example.com", {"template": code, "preset": "flat", "to": ["ann@example.com"]})
        assert not (await composer(sandbox).compose(kind, told, address)).degraded


@pytest.fixture
async def dispatched(sandbox: Sandbox) -> Received:
    """What GitHub gets from the destination shown, by the real template sandbox and notifier; it answers 204."""
    (shown,) = GITHUB
    (destination,) = destinations(shown)
    github, notifier = Receiver(), NOTIFIERS[destination.kind]
    async with listening(github.app) as server, http_client() as client:
        url = str(destination.url).replace("https://api.github.com", server)
        address = Address(url, settings_of(destination))
        rendered = await composer(sandbox).compose(destination.kind, COMPLETED, address)
        request = notifier.request(rendered.body, COMPLETED.event_id, address, now=1_763_870_000)
        answer = await client.request(request.method, request.url, headers=request.headers, content=request.body)
    assert not rendered.degraded
    assert notifier.judge(Reply(answer.status_code), 0, address).outcome is Outcome.DELIVERED
    return github.received[0]


async def test_the_github_destination_shown_asks_for_a_repository_dispatch(dispatched: Received) -> None:
    assert dispatched.path == "/repos/OWNER/REPO/dispatches"
    expected = {
        "accept": "application/vnd.github+json",
        "authorization": "Bearer github_pat_YOURS",
        "x-github-api-version": "2022-11-28",
        "content-type": "application/json",
    }
    assert {name: dispatched.headers[name] for name in expected} == expected
    assert dispatched.headers["user-agent"].startswith("video-bridge/")  # GitHub refuses requests without one


async def test_the_github_destination_shown_sends_the_video_as_payload(dispatched: Received) -> None:
    assert dispatched.json == {
        "event_type": "video-completed",
        "client_payload": {
            "video_id": COMPLETED.video.id,
            "prompt": COMPLETED.video.prompt,
            "campaign": "spring",
            "event_id": COMPLETED.event_id,
        },
    }


def test_the_workflow_shown_waits_for_the_event_that_is_sent() -> None:
    (workflow,) = blocks("yaml", CHAINING)
    (shown,) = GITHUB
    sent = shown["destinations"][0]["template"]
    (awaited,) = re.findall(r"types: \[([\w-]+)\]", workflow)
    assert f'"event_type": "{awaited}"' in sent
    for name in re.findall(r"client_payload\.(\w+)", workflow):
        assert f'"{name}": ' in sent


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
