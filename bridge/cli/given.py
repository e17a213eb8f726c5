"""A destination as options describe it; secrets come from files and standard input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import typer

from bridge.cli.client import JsonObject

# Which options go with which kind, by the option that says the kind.
_GOES_WITH: Mapping[str, Sequence[str]] = {
    "--callback-url": ("--secret-file",),
    "--slack": (),
    "--email": ("--preset", "--url", "--from", "--api-key-file"),
}


@dataclass(frozen=True, slots=True)
class Given:
    """Options that describe one destination; of URLs and files ``-`` means standard input."""

    callback_url: str | None = field(default=None, repr=False)
    slack: str | None = field(default=None, repr=False)
    email: Sequence[str] = ()
    preset: str | None = None
    url: str | None = field(default=None, repr=False)
    sender: str | None = None
    api_key_file: str | None = None
    secret_file: str | None = None

    def by_option(self) -> dict[str, Any]:
        """Those that were given, by their names on the command line."""
        every = {
            "--callback-url": self.callback_url,
            "--slack": self.slack,
            "--email": self.email or None,
            "--preset": self.preset,
            "--url": self.url,
            "--from": self.sender,
            "--api-key-file": self.api_key_file,
            "--secret-file": self.secret_file,
        }
        return {option: value for option, value in every.items() if value is not None}


class StandardInput:
    """Standard input, which one option at most can have."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._taken_by: str | None = None

    def line(self, option: str) -> str:
        """What it holds, for this option.

        :raises typer.BadParameter: another option had it, or it holds nothing.
        """
        if self._taken_by is not None:
            raise typer.BadParameter(f"standard input went to {self._taken_by} already.", param_hint=option)
        self._taken_by = option
        return _one_line(self._stream.read(), "standard input", option)


def body_of(given: Given, stdin: StandardInput) -> JsonObject:
    """The destination as the API takes it, but for its name.

    :raises typer.BadParameter: it is of no kind or of several, an option does not go with its kind, or a file cannot
        be read.
    """
    options = given.by_option()
    kinds = [option for option in _GOES_WITH if option in options]
    if len(kinds) != 1:
        raise typer.BadParameter("give exactly one of --callback-url, --slack and --email.", param_hint="NAME")
    (kind,) = kinds
    for option in options:
        if option != kind and option not in _GOES_WITH[kind]:
            raise typer.BadParameter(f"goes with {_kind_of(option)}, not with {kind}.", param_hint=option)
    if kind == "--email":
        body = _email(given, stdin)
    elif kind == "--slack":
        body = {"kind": "slack", "url": _text(given.slack, kind, stdin)}
    else:
        secret = _content(given.secret_file, "--secret-file", stdin)
        body = {"kind": "callback", "url": _text(given.callback_url, kind, stdin), "secret": secret}
    return {name: value for name, value in body.items() if value is not None}


def _email(given: Given, stdin: StandardInput) -> JsonObject:
    return {
        "kind": "email-webhook",
        "to": list(given.email),
        "preset": given.preset,
        "url": _text(given.url, "--url", stdin),
        "from": given.sender,
        "api_key": _content(given.api_key_file, "--api-key-file", stdin),
    }


def _kind_of(option: str) -> str:
    return next((kind for kind, options in _GOES_WITH.items() if option in options), "another kind")


def _text(value: str | None, option: str, stdin: StandardInput) -> str | None:
    """The value itself, or what standard input holds."""
    return stdin.line(option) if value == "-" else value


def _content(file: str | None, option: str, stdin: StandardInput) -> str | None:
    if file is None or file == "-":
        return None if file is None else stdin.line(option)
    try:
        return _one_line(Path(file).read_text(), file, option)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise typer.BadParameter(f"{file} cannot be read: {reason}.", param_hint=option) from error


def _one_line(text: str, source: str, option: str) -> str:
    line = text.removeprefix("\ufeff").strip()
    if not line or "\n" in line:
        raise typer.BadParameter(f"{source} must hold one line, and nothing else.", param_hint=option)
    return line
