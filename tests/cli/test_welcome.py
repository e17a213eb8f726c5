from __future__ import annotations

import io

from rich.console import Console

from bridge.cli.welcome import welcome
from bridge.settings import load_settings


def welcomed(url: str, environ: dict[str, str] | None = None, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(welcome(load_settings(environ or {}, None), url))
    return capture.get()


def test_the_welcome_says_where_everything_is() -> None:
    text = welcomed("http://127.0.0.1:8080", {"OPENAI_BASE_URL": "http://127.0.0.1:8090/v1"})
    for part in (
        "http://127.0.0.1:8080/docs",
        "none needed: only this machine can reach the server",
        "sqlite:///bridge.db",
        "openai (http://127.0.0.1:8090/v1)",
        "video-bridge watch VIDEO_ID",
    ):
        assert part in text
    assert "BRIDGE_URL" not in text


def test_the_welcome_lists_every_provider() -> None:
    environ = {"BRIDGE_PROVIDERS__ACME__BASE_URL": "https://acme.example.com/v1"}
    lines = [line.split() for line in welcomed("http://127.0.0.1:8080", environ).splitlines()]
    assert ["acme", "(https://acme.example.com/v1)"] in [line[-2:] for line in lines]
    assert sum(line[0] == "providers" for line in lines) == 1


def test_the_welcome_of_another_port_says_how_clients_find_it() -> None:
    assert "BRIDGE_URL=http://127.0.0.1:9999 video-bridge watch" in welcomed("http://127.0.0.1:9999")


def test_the_welcome_shows_warnings_and_fits_the_terminal() -> None:
    text = welcomed("http://127.0.0.1:8080", {"OPENAI_API_KEY": "sk-secret-secret"})
    assert "warning" in text
    assert "announced the end of the Videos API" in " ".join(text.split())
    assert "sk-secret" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_welcome_counts_the_keys_and_shows_none() -> None:
    text = welcomed("http://127.0.0.1:8080", {"BRIDGE_API_KEYS": "ci:aaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbb:read"})
    assert "2 set" in text
    assert "aaaa" not in text
