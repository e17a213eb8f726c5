"""The blocks that are no shell: each is run for real by what it is written for."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge import signing
from tests.docs.blocks import ROOT, Block, blocks
from tests.docs.session import Session
from tests.docs.surroundings import Surroundings
from tests.ports import free_port, wait_for_port

pytestmark = pytest.mark.timeout(180)
VERIFY, POLLING, CHAINING = "docs/verify.md", "docs/from-polling.md", "docs/chaining.md"
SECRET = signing.new_secret()
BODY = b'{"type": "video.completed", "data": {"id": "video_1"}}'


def signed(body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    return signing.headers([secret], "evt_1", int(time.time()), body)


def names_of(block: Block, folder: Path) -> dict[str, Any]:
    """What the block defines."""
    script = folder / "shown.py"
    script.write_text(block.code)
    return runpy.run_path(str(script))


def answers(port: int) -> tuple[int, int]:
    """What a receiver answers to a signed request, and to one whose body was changed."""
    url = f"http://127.0.0.1:{port}/finished"
    with httpx.Client(trust_env=False) as client:
        genuine = client.post(url, content=BODY, headers=signed())
        forged = client.post(url, content=BODY.replace(b"video_1", b"video_2"), headers=signed())
    return genuine.status_code, forged.status_code


def test_the_function_that_verifies_knows_a_forged_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_SECRET", SECRET)
    (block,) = blocks("python", VERIFY)
    genuine = names_of(block, tmp_path)["genuine"]
    assert genuine(BODY, signed()) == json.loads(BODY)
    assert genuine(BODY + b" ", signed()) is None


def test_the_loop_shown_waits_for_a_video(
    around: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{around.urls['provider']}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    loop, _, _ = blocks("python", POLLING)
    assert asyncio.run(names_of(loop, tmp_path)["wait"]("video_1")) == "completed"


def test_what_replaces_it_registers_and_waits_at_the_bridge(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.call("video-bridge", "serve")
    monkeypatch.setenv("BRIDGE_URL", session.bridge)
    _, register, hold = blocks("python", POLLING)
    watch_id = names_of(register, tmp_path)["watch"]("video_1", session.receiver)
    assert names_of(hold, tmp_path)["wait"](watch_id) == "completed"


def test_the_queue_shown_has_each_event_once_and_gives_it_to_the_worker(tmp_path: Path) -> None:
    receiver, worker = [block for block in blocks("python", CHAINING) if "queue.db" in block.code]
    port = free_port()
    (tmp_path / "receiver.py").write_text(receiver.code.replace("9000", str(port)))
    (tmp_path / "worker.py").write_text(worker.code)
    environ = {**os.environ, "SIGNING_SECRET": SECRET}
    with subprocess.Popen([sys.executable, "receiver.py"], cwd=tmp_path, env=environ) as process:
        try:
            wait_for_port(port)
            assert [answers(port), answers(port)] == [(204, 401)] * 2
        finally:
            process.terminate()
    worked = [subprocess.check_output([sys.executable, "worker.py"], cwd=tmp_path) for _ in range(2)]
    assert worked == [b"next step for video_1\n", b""]


def test_the_receiver_for_node_takes_what_is_signed(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm, "This test needs npm: apt-get install npm."
    assert node, "This test needs node: apt-get install nodejs."
    (block,) = blocks("js", VERIFY)
    (tmp_path / "receiver.mjs").write_text(block.code)
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "standardwebhooks"], cwd=tmp_path, check=True)
    port = free_port()
    environ = {**os.environ, "SIGNING_SECRET": SECRET, "PORT": str(port)}
    with subprocess.Popen([node, "receiver.mjs"], cwd=tmp_path, env=environ) as process:
        try:
            wait_for_port(port)
            assert answers(port) == (204, 401)
        finally:
            process.terminate()


# Go's packages come from a host of their own, so what is shown cannot be built here; where there is a gofmt it says at
# least whether it is Go, and in Go's form.
FORMATTERS = {"python": [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", "-"]}
if gofmt := shutil.which("gofmt"):
    FORMATTERS["go"] = [gofmt, "-d"]


@pytest.mark.parametrize(
    "block",
    [block for language in FORMATTERS for block in blocks(language)],
    ids=lambda block: f"{block.page.name}:{block.line}",
)
def test_code_is_in_the_usual_form(block: Block) -> None:
    done = subprocess.run(FORMATTERS[block.language], input=block.code, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert not (block.language == "go" and done.stdout), done.stdout
