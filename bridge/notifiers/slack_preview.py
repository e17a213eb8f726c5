"""A Slack message as people would read it, for a terminal."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_LINK = re.compile(r"<(?P<url>[^<>|\n]+)(?:\|(?P<label>[^<>\n]+))?>")
_BOLD = re.compile(r"(?<!\w)\*(\S|\S[^*\n]*\S)\*(?!\w)")
# What a terminal acts on: C0 and C1 controls but for the line feed, and what turns the direction of writing.
_ACTED_ON = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def preview(body: bytes) -> str:
    """The text of a message as it is sent, without markup: one line or more for each of its blocks."""
    return _ACTED_ON.sub("", "\n".join(_message(json.loads(body))))


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    blocks = message.get("blocks")
    if blocks:
        for block in blocks:
            yield from _block(block)
    elif message.get("text"):
        yield _plain(message["text"])
    for attachment in message.get("attachments") or []:
        yield from _message({"text": attachment.get("fallback")} | attachment)


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    if block["type"] == "divider":
        yield "─" * 40
    if block["type"] == "image":
        yield _element(block)
    elif "text" in block:
        yield _element(block["text"])
    for field in block.get("fields", []):
        yield ": ".join(_element(field).split("\n", 1))
    if "elements" in block:
        yield "  ·  ".join(filter(None, map(_element, block["elements"])))
    if "accessory" in block:
        yield _element(block["accessory"])


def _element(element: Any) -> str:
    """A text, a text object, a button or a picture; empty for what cannot be read."""
    if isinstance(element, str):
        return _plain(element)
    kind = element.get("type")
    if kind == "image":
        return f"[picture: {_plain(element['alt_text'])}]"
    if kind == "button":
        return f"[{_element(element['text'])}] {element.get('url', '')}".rstrip()
    text = element.get("text", "")
    return _plain(text) if isinstance(text, str) else ""


def _plain(text: str) -> str:
    """Text in Slack's markup without it: links written out, quotes marked at the margin."""
    text = _LINK.sub(lambda link: f"{link['label']} ({link['url']})" if link["label"] else link["url"], text)
    lines = (f"│ {line[1:].lstrip()}" if line.startswith(">") else line for line in text.split("\n"))
    return html.unescape(_BOLD.sub(r"\1", "\n".join(lines)))
