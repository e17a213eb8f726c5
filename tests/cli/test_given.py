from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.cli.client import JsonObject
from bridge.cli.given import Given, StandardInput, body_of

URL = "https://example.com/hook"


def body(stdin: str = "", **options: Any) -> JsonObject:
    return body_of(Given(**options), StandardInput(io.StringIO(stdin)))


def refused(stdin: str = "", **options: Any) -> str:
    with pytest.raises(typer.BadParameter) as caught:
        body(stdin, **options)
    return f"{caught.value.param_hint}: {caught.value.message}"


def test_what_is_not_given_is_not_said() -> None:
    assert body(callback_url=URL) == {"kind": "callback", "url": URL}
    assert body(slack=URL) == {"kind": "slack", "url": URL}
    assert body(email=["a@example.com"]) == {"kind": "email-webhook", "to": ["a@example.com"]}


@pytest.mark.parametrize("options", [{}, {"slack": URL, "callback_url": URL}, {"preset": "flat"}])
def test_it_is_of_exactly_one_kind(options: dict[str, Any]) -> None:
    assert refused(**options) == "NAME: give exactly one of --callback-url, --slack and --email."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slack": URL, "preset": "flat"}, "--preset: goes with --email, not with --slack."),
        ({"slack": URL, "secret_file": "s"}, "--secret-file: goes with --callback-url, not with --slack."),
        ({"callback_url": URL, "sender": "a@example.com"}, "--from: goes with --email, not with --callback-url."),
        (
            {"email": ["a@example.com"], "secret_file": "s"},
            "--secret-file: goes with --callback-url, not with --email.",
        ),
    ],
)
def test_an_option_goes_with_its_kind(options: dict[str, Any], message: str) -> None:
    assert refused(**options) == message


@pytest.mark.parametrize("text", ["whsec_x", "whsec_x\n", "\ufeff whsec_x \r\n"])
def test_a_secret_is_the_only_line_of_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_bytes(text.encode())
    assert body(callback_url=URL, secret_file=str(tmp_path / "secret"))["secret"] == "whsec_x"


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    assert refused(email=["a@b.c"], api_key_file=str(tmp_path / "key")).endswith(
        "must hold one line, and nothing else."
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert refused(callback_url=URL, secret_file="missing").startswith("--secret-file: missing cannot be read: No such")
    assert refused(callback_url=URL, secret_file=str(tmp_path / "binary")).endswith("cannot be read: it is no text.")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"slack": "-"}, "url"),
        ({"callback_url": "-"}, "url"),
        ({"callback_url": URL, "secret_file": "-"}, "secret"),
        ({"email": ["a@example.com"], "api_key_file": "-"}, "api_key"),
        ({"email": ["a@example.com"], "url": "-"}, "url"),
    ],
)
def test_secrets_come_from_standard_input(options: dict[str, Any], field: str) -> None:
    assert body("https://example.com/private\n", **options)[field] == "https://example.com/private"


def test_standard_input_can_be_had_once() -> None:
    message = refused("x\n", callback_url="-", secret_file="-")
    assert message == "--callback-url: standard input went to --secret-file already."


def test_no_repr_shows_a_url() -> None:
    assert "hook" not in repr(Given(callback_url=URL, slack=URL, url=URL))
