"""Nothing secret stands in any line of the log, even before the log's own masking."""

from __future__ import annotations

import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from bridge.signing import new_secret
from tests.clock import ManualClock
from tests.parts import MASTER, PROVIDER_KEY, Parts, Setting, forbid, open_parts, sql
from tests.receiver import Receiver
from tests.sender.events import ended

Logs = list[MutableMapping[str, Any]]
OWN, COMMON = new_secret(), new_secret()
SECRETS = (OWN, OWN[6:], COMMON, COMMON[6:], "t0ken-in-the-query", "k3y-in-a-header", MASTER, PROVIDER_KEY)


async def everything_goes_wrong(parts: Parts, receiver: Receiver, hook: str, folder: Path) -> None:
    """Attempts that succeed, fail, cannot be sent, cannot be recorded, cannot be decrypted."""
    receiver.answers.extend(Response(status_code=status) for status in (204, 500, 410))
    urls = [hook, f"{hook}/2", f"{hook}/3", "http://127.0.0.1:9/refused", "http://nobody.localhost/"]
    for number, url in enumerate(urls):
        callback = {"kind": "callback", "url": f"{url}?t=t0ken-in-the-query", "secret": OWN}
        await ended(parts, f"v{number}", destinations=[{**callback, "headers": {"X-Key": "k3y-in-a-header"}}])
        await ended(parts, f"v{number}", callback_url=f"{url}?t=t0ken-in-the-query")
    await parts.live(1)
    forbid(folder, "INSERT ON attempts")
    await parts.live(10)
    sql(folder, "UPDATE destinations SET config = x'00'")
    await parts.live(60)


async def test_no_secret_is_logged(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, logs: Logs
) -> None:
    setting = Setting(callback_secret=COMMON)
    async with open_parts(tmp_path, clock, {"openai": "http://127.0.0.1:9/v1"}, setting) as parts:
        await everything_goes_wrong(parts, receiver, hook, tmp_path)
    assert {"attempt", "result_dropped", "not_sent"} <= {entry["event"] for entry in logs}
    assert [secret for secret in SECRETS if secret in text(logs)] == []


BROKEN = {
    "unreadable": b"\xff t0ken-in-the-query",
    "unsendable": b'{"url": "http://x.localhost/?t=t0ken-in-the-query", "secret": "whsec_?"}',
}


@pytest.mark.parametrize("settings", BROKEN.values(), ids=BROKEN.keys())
async def test_one_that_cannot_even_be_tried_says_nothing_secret_and_stops_nobody(
    tmp_path: Path, clock: ManualClock, hook: str, logs: Logs, settings: bytes, receiver: Receiver
) -> None:
    async with open_parts(tmp_path, clock, {"openai": "http://127.0.0.1:9/v1"}) as parts:
        await ended(parts, "bad", callback_url=f"{hook}/bad")
        await ended(parts, "good", callback_url=f"{hook}/good")
        broken = (await parts.deliveries())[0].destination.id
        sealed = parts.box.encrypt(settings, f"destinations.{broken}")
        sql(tmp_path, f"UPDATE destinations SET config = x'{sealed.hex()}' WHERE id = '{broken}'")
        await parts.live(100)
        assert [each.status.value for each in await parts.deliveries()] == ["pending", "delivered"]
    assert "error" in {entry["log_level"] for entry in logs}
    assert "t0ken-in-the-query" not in text(logs)


def text(logs: Logs) -> str:
    """All lines as they would be written, tracebacks included."""
    return "\n".join(
        f"{name}={''.join(traceback.format_exception(value)) if isinstance(value, BaseException) else value!r}"
        for entry in logs
        for name, value in entry.items()
    )
