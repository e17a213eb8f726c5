"""What README and docs show is run: commands exist, JSON is the real thing, the receiver works."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from bridge import signing
from bridge.cli import app
from bridge.models import EventType, Video
from bridge.notifiers.base import Occasion
from bridge.notifiers.callback import payload
from tests.harness import bridge_settings, serving
from tests.ports import free_port, wait_for_port

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [code for page in PAGES for kind, code in FENCE.findall(page.read_text()) if kind == language]


def commands(program: str) -> Iterator[list[str]]:
    for code in blocks("sh"):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line.split(" && ")[0], comments=True)
            if words[:1] == [program]:
                yield words[1:]


@pytest.mark.parametrize("words", list(commands("video-bridge")), ids=" ".join)
def test_every_command_shown_exists_with_its_options(words: list[str]) -> None:
    shown = CliRunner().invoke(app, [words[0], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for option in (word for word in words if word.startswith("--")):
        assert option in shown.output


@pytest.mark.parametrize("words", list(commands("make")), ids=" ".join)
def test_every_make_target_shown_exists(words: list[str]) -> None:
    assert f"\n{words[0]}: " in (ROOT / "Makefile").read_text()


def test_the_event_shown_has_exactly_the_fields_of_a_real_one() -> None:
    (shown,) = [json.loads(code) for code in blocks("json")]
    event_id, metadata = shown["id"], shown["watch"]["metadata"]
    real = payload(
        Occasion(event_id, EventType.VIDEO_COMPLETED, 0, Video("v"), shown["watch"]["id"], None, "openai", metadata)
    )
    assert (list(shown), list(shown["watch"])) == (list(real), list(real["watch"]))
    assert sorted(shown["data"]) == sorted(real["data"])


async def test_the_curl_command_registers_a_watch(tmp_path: Path) -> None:
    (arguments,) = commands("curl")
    async with serving(bridge_settings(tmp_path, "http://127.0.0.1:9/v1")) as bridge:
        url, *options = arguments
        data = options[options.index("-d") + 1]
        async with httpx.AsyncClient(trust_env=False) as client:
            name, value = options[options.index("-H") + 1].split(": ")
            answer = await client.post(
                url.replace("http://127.0.0.1:8080", bridge), content=data, headers={name: value}
            )
    assert answer.status_code == 201
    assert answer.json()["destinations"][0]["signing_secret"].startswith("whsec_")


def test_the_receiver_shown_verifies_and_starts_the_next_step(tmp_path: Path) -> None:
    (code,) = blocks("python")
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
            accepted = httpx.post(f"http://127.0.0.1:{port}/", content=body, headers=headers, trust_env=False)
            forged = headers | {"webhook-id": "evt_2"}
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.post(f"http://127.0.0.1:{port}/", content=body, headers=forged, trust_env=False)
            assert it.stdout is not None
            started = it.stdout.readline()
        finally:
            it.terminate()
    assert (accepted.status_code, started) == (204, b"next step for video_1\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
