"""The API reference for people, made from the OpenAPI document: one page, no script, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bridge.web.services import StaticPage

_PAGE = "web/docs.html"
_STYLE = "web/docs.css"
_LOCAL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a table: a parameter, or a field of an object."""

    name: str
    type: Markup
    required: bool
    description: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One object of the API: its fields, or the words it may be."""

    name: str
    description: str
    fields: Sequence[Field]
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    keyed: bool
    parameters: Sequence[Field]
    body: Shape | None
    curl: str
    answers: Sequence[tuple[str, str, Markup]]
    example: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Operations under one heading."""

    name: str
    description: str
    entries: Sequence[Entry]


def render(document: Mapping[str, Any], folders: Sequence[Path]) -> StaticPage:
    """The page that shows ``document``.

    :param folders: where templates are looked for; earlier ones win.
    """
    loader = FileSystemLoader(folders)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["prose"] = prose
    shapes = {name: _shape(name, schema) for name, schema in document["components"]["schemas"].items()}
    style, *_ = loader.get_source(environment, _STYLE)
    html = environment.get_template(_PAGE).render(
        info=document["info"],
        groups=_groups(document, shapes),
        shapes=list(shapes.values()),
        style=Markup(style),  # noqa: S704 - our own file, not what somebody sent
    )
    return StaticPage(html.encode(), "text/html", security_headers(style))


def security_headers(style: str) -> dict[str, str]:
    """Headers that allow this one style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = ("default-src 'none'", f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'")
    return {
        "content-security-policy": "; ".join((*policy, "frame-ancestors 'none'")),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
    }


def prose(text: str) -> Markup:
    """Text with what stands in backquotes set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _groups(document: Mapping[str, Any], shapes: Mapping[str, Shape]) -> list[Group]:
    server = document["servers"][0]["url"]
    base = _LOCAL if server == "/" else server
    entries: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            entries[operation["tags"][0]].append(_entry(path, method.upper(), operation, shapes, base))
    return [Group(tag["name"], tag["description"], entries[tag["name"]]) for tag in document["tags"]]


def _entry(path: str, method: str, operation: Mapping[str, Any], shapes: Mapping[str, Shape], base: str) -> Entry:
    body = _json_body(operation)
    answers = operation["responses"]
    return Entry(
        anchor=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        keyed=bool(operation["security"]),
        parameters=[
            Field(each["name"], _type(each["schema"]), each["required"], each["description"], each["in"])
            for each in operation["parameters"]
        ],
        body=None if body is None else shapes[_name(body["schema"])],
        curl=_curl(path, method, operation, base),
        answers=[(status, answer["description"], _content(answer)) for status, answer in answers.items()],
        example=_example(answers),
    )


def _json_body(operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    body: Mapping[str, Any] | None = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return body


def _content(answer: Mapping[str, Any]) -> Markup:
    if "content" not in answer:
        return Markup("no body")
    (media_type, content), *_ = answer["content"].items()
    return _type(content["schema"]) if "$ref" in content["schema"] else escape(media_type)


def _example(answers: Mapping[str, Any]) -> str | None:
    for answer in answers.values():
        for content in answer.get("content", {}).values():
            if "example" in content:
                return _pretty(content["example"])
    return None


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _curl(path: str, method: str, operation: Mapping[str, Any], base: str) -> str:
    """The request as a command line for a POSIX shell."""
    known = {
        "{watch_id}": "watch_01kb3v8xhz7m5k3h1f9d7b5a3c",
        "{delivery_id}": "dlv_01kb3vhr3n5p7r9t1w3y5a7c9e",
        "{destination}": "team-slack",
    }
    for parameter, value in known.items():
        path = path.replace(parameter, value)
    parts = ["curl" if method == "GET" else f"curl -X {method}", f"{base}{path}"]
    lines = [" ".join(parts)]
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $BRIDGE_API_KEY"')
    body = _json_body(operation)
    if body is not None:
        indented = _pretty(body["example"]).replace("\n", "\n  ")
        lines += ['-H "Content-Type: application/json"', f"-d '{indented}'"]
    return " \\\n  ".join(lines)


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    required = schema.get("required", ())
    fields = [
        Field(field, _type(described), field in required, described.get("description", ""))
        for field, described in schema.get("properties", {}).items()
    ]
    if "discriminator" in schema:
        decides = schema["discriminator"]["propertyName"]
        fields.append(Field(decides, _type({"oneOf": schema["oneOf"]}), True, "Decides which of these it is."))
    return Shape(name, schema.get("description", ""), fields, schema.get("enum", ()))


def _type(schema: Mapping[str, Any]) -> Markup:
    """A schema in a few words; other shapes become links."""
    if "$ref" in schema:
        name = _name(schema)
        return Markup('<a href="#{}">{}</a>').format(f"shape-{name}", name)
    kinds = schema.get("anyOf") or schema.get("oneOf")
    if kinds:
        return Markup(" or ").join(_type(each) for each in kinds)
    if "const" in schema:
        return Markup("<code>{}</code>").format(json.dumps(schema["const"]))
    if "enum" in schema:
        return Markup(" or ").join(Markup("<code>{}</code>").format(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return Markup("array of {}").format(_type(schema["items"]))
    extra = schema.get("additionalProperties")
    if schema.get("type") == "object" and isinstance(extra, Mapping):
        return Markup("object of {}").format(_type(extra))
    return escape(schema.get("type", "any")) + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high, longest = schema.get("minimum"), schema.get("maximum"), schema.get("maxLength")
    bounds = "" if low is None or high is None else f" {low:,}–{high:,}"
    bounds += "" if longest is None else f" ≤ {longest:,} characters"
    return bounds + (f", default {schema['default']}" if schema.get("default") else "")


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
