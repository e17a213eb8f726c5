"""The OpenAPI 3.1 document, made from the table of operations and the pydantic models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from bridge import __version__
from bridge.web import schemas
from bridge.web.api import GROUPS, OPERATIONS
from bridge.web.operations import Answer, Operation

_REF = "#/components/schemas/{model}"
_REQUEST_ID = {"$ref": "#/components/headers/x-request-id"}
_PATH_PARAMETERS = {
    "watch_id": "Id of a watch: `watch_…`.",
    "delivery_id": "Id of a delivery: `dlv_…`.",
    "destination": "Name of a destination, or its id: `dest_…`.",
}

_REFUSALS = {
    400: "Malformed, or a field cannot be used; `param` names it.",
    401: "No valid API key.",
    403: "The key may only read, or, where no key is configured, the request does not come from this machine.",
    404: "There is no such thing.",
    409: "It stands against the present state.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "More than this key may ask for just now.",
    500: "A fault of this server; its log has the details.",
    503: "The database is away, or the server lacks the key of a secret in it; nothing was changed.",
}
_FOR_KEYED = (400, 401, 403, 429, 500, 503)
_FOR_OPEN = (403, 500)

_DESCRIPTION = """\
Register a video that an OpenAI-compatible server is making; when it ends, the destinations you named are told.

Send your API key as `Authorization: Bearer KEY`. A server without keys answers only requests from its own machine.
Every answer has an `x-request-id`; send one of your own and it is taken over. All times are Unix seconds."""


class _Schema(GenerateJsonSchema):
    """JSON Schema without the titles that only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@cache
def document(server_url: str = "/") -> Mapping[str, Any]:
    """The whole document; needs no running server.

    :param server_url: where the API is reached, ``/`` for wherever the document comes from.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "video-bridge", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": server_url}],
        "tags": [{"name": name, "description": text} for name, text in GROUPS.items()],
        "paths": paths,
        "components": {
            "schemas": _components(),
            "headers": {
                "x-request-id": {
                    "description": "Names this request in the log; taken over from the request.",
                    "required": True,
                    "schema": {"type": "string", "maxLength": 128},
                }
            },
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.group],
        "summary": operation.summary,
        "description": operation.description,
        "security": [{"apiKey": []}] if operation.keyed else [],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        content = {"schema": _ref(operation.body), "example": dict(operation.body_example)}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _path_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PATH_PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1},
        }


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    schema = operation.query.model_json_schema(schema_generator=_Schema, ref_template=_REF)
    for name, described in schema["properties"].items():
        spread = {"style": "deepObject", "explode": True} if described.get("type") == "object" else {}
        text = described.pop("description")
        yield {
            "name": name,
            "in": "query",
            "required": False,
            "description": text,
            "schema": _plain(described),
        } | spread


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter's schema: left out when it is not wanted, never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if kinds else schema


def _header_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name, text in operation.headers.items():
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        yield {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _responses(operation: Operation) -> dict[str, Any]:
    answers = {str(answer.status): _answer(answer) for answer in operation.answers}
    refusals = {*(_FOR_KEYED if operation.keyed else _FOR_OPEN), *operation.refusals}
    return answers | {str(status): _refusal(status) for status in sorted(refusals)}


def _answer(answer: Answer) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description, "headers": {"x-request-id": _REQUEST_ID}}
    if answer.media_type is None:
        return described
    content: dict[str, Any] = {"schema": {"type": "object" if answer.media_type == "application/json" else "string"}}
    if answer.model is not None:
        content["schema"] = _ref(answer.model)
    if answer.example is not None:
        content["example"] = dict(answer.example)
    return described | {"content": {answer.media_type: content}}


def _refusal(status: int) -> dict[str, Any]:
    headers = {"x-request-id": _REQUEST_ID}
    if status == 401:
        headers["www-authenticate"] = _header("Always `Bearer`.")
    if status in (429, 503):
        headers["retry-after"] = _header("Seconds.")
    return {
        "description": _REFUSALS[status],
        "headers": headers,
        "content": {"application/json": {"schema": _ref(schemas.Error)}},
    }


def _header(description: str) -> Any:
    return {"description": description, "required": True, "schema": {"type": "string"}}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _components() -> dict[str, Any]:
    """All models that are named anywhere, and what those are made of."""
    models: dict[type[BaseModel], None] = {schemas.Error: None}
    for operation in OPERATIONS:
        named = (operation.body, *(answer.model for answer in operation.answers))
        models |= {model: None for model in named if model is not None}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in models]
    _, schema = models_json_schema(modes, schema_generator=_Schema, ref_template=_REF)
    return {name: _tidy(part) for name, part in sorted(schema["$defs"].items())}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A component without its title, and with only the first paragraph of the docstring it is described by."""
    tidy = {name: value for name, value in schema.items() if name != "title"}
    first = schema.get("description", "").split("\n\n")[0]
    return tidy | {"description": first.replace("\n", " ").replace("``", "`")}
