"""Writes the reference pages of the documentation from the code: ``python -m tests.reference``.

What they say is what the program is: settings from ``.env.example`` (which a test holds against the settings), commands
from the command line, routes from the OpenAPI document, events from the samples, metrics from their registry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from bridge.cli import app
from bridge.metrics import Metrics
from bridge.models import EventType, Reason
from bridge.notifiers.callback import payload
from bridge.rendering import SAMPLES
from bridge.web.openapi import document

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
_MADE = "<!-- Made from the code by `make docs`; what is changed here by hand is lost. -->\n"
_SECTION = re.compile(r"^# --- (.+?) -+$")
_ASSIGNED = re.compile(r"^#([A-Z_]+)=(.*)$")


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    made = {"settings": _settings(), "cli": _commands(), "api": _api(), "events": _events(), "metrics": _metrics()}
    return {f"{name}.md": f"{_MADE}\n{text.strip()}\n" for name, text in made.items()}


def write() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


def _settings() -> str:
    lines = ["# Settings", ""]
    comment: list[str] = []
    names: list[str] = []
    for line in [*(ROOT / ".env.example").read_text().splitlines(), ""]:
        if section := _SECTION.match(line):
            lines += [f"## {section[1]}", ""]
        elif assigned := _ASSIGNED.match(line):
            names.append(f"`{assigned[1]}`" + (f" = `{assigned[2]}`" if assigned[2] else ""))
        elif line.startswith("#"):
            comment.append(line[1:].removeprefix(" "))
        else:
            if names:
                lines += ["### " + ", ".join(name.split(" = ")[0] for name in names), ""]
                defaults = [name for name in names if " = " in name]
                lines += [*_prose(comment), ""] + ([f"Default: {', '.join(defaults)}", ""] if defaults else [])
            elif comment:
                lines += [*_prose(comment), ""]
            comment, names = [], []
    return "\n".join(lines)


def _prose(comment: list[str]) -> Iterator[str]:
    """A comment as Markdown: what is indented is a table in plain text, and kept as it is."""
    indented = False
    for line in comment:
        if line.startswith("  ") is not indented:
            yield "```" if indented else "\n```text"
            indented = not indented
        yield line
    if indented:
        yield "```"


def _commands() -> str:
    root: Any = get_command(app)
    lines = ["# Command line", "", root.help or "", ""]
    for name in root.commands:
        lines += _command(f"video-bridge {name}", root.commands[name])
    return "\n".join(lines)


def _command(words: str, command: Any) -> Iterator[str]:
    yield from (f"## `{words}`", "", _reflow(command.help or ""), "")
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from (f"#{line}" if line.startswith("## ") else line for line in _command(f"{words} {name}", inner))
        return
    context = typer.Context(command, info_name=words)
    yield from ("```text", f"{words} {' '.join(command.collect_usage_pieces(context))}", "```", "")
    described = [_parameter(each) for each in command.params if each.name != "help"]
    if described:
        yield from ("| | |", "|---|---|", *described, "")


def _parameter(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or (parameter.name or '').upper()}`"
    said = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    return f"| {names} | {said} |"


def _reflow(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text))


def _api() -> str:
    described = document("/")
    lines = ["# HTTP API", "", str(described["info"].get("description", "")), ""]
    groups: dict[str, list[str]] = {
        tag["name"]: [f"## {tag['name']}", "", tag["description"], ""] for tag in described["tags"]
    }
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]] += _operation(path, method, operation)
    return "\n".join([*lines, *(line for group in groups.values() for line in group)])


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### `{method.upper()} {path}`", "", operation["summary"] + ". " + operation["description"], "")
    parameters = operation.get("parameters", [])
    if parameters:
        yield from ("| parameter | in | |", "|---|---|---|")
        yield from (f"| `{each['name']}` | {each['in']} | {_cell(each['description'])} |" for each in parameters)
        yield ""
    body = operation.get("requestBody")
    if body is not None:
        (content,) = body["content"].values()
        yield from ("```json", json.dumps(content["example"], indent=2, ensure_ascii=False), "```", "")
    yield from ("| answer | |", "|---|---|")
    yield from (f"| {status} | {_cell(answer['description'])} |" for status, answer in operation["responses"].items())
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _events() -> str:
    meanings = {
        EventType.VIDEO_COMPLETED: "The video is there.",
        EventType.VIDEO_FAILED: "The provider gave up; `data.error` says why.",
        EventType.WATCH_LOST: "The provider does not know the video any more.",
        EventType.WATCH_TIMED_OUT: "The watch waited as long as it was meant to.",
    }
    lines = ["# Events", "", "What a callback receives, and what messages are made of.", ""]
    for event_type, meaning in meanings.items():
        shown = json.dumps(payload(SAMPLES[event_type]), indent=2, ensure_ascii=False)
        lines += [f"## `{event_type.value}`", "", meaning, "", "```json", shown, "```", ""]
    reasons = ", ".join(f"`{reason.value}`" for reason in Reason)
    return "\n".join([*lines, "## Why a delivery is not there yet", "", f"`reason` is one of {reasons}.", ""])


def _metrics() -> str:
    exposed = Metrics(["openai"]).render()[0].decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposed, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", exposed, re.MULTILINE))
    rows = [f"| `{name}` | {kinds[name]} | {_cell(helps[name])} |" for name in sorted(kinds)]
    return "\n".join(
        [
            "# Metrics",
            "",
            "`GET /metrics`, in Prometheus' text format.",
            "",
            "| metric | kind | |",
            "|---|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    write()
