from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from bridge.web.api import OPERATIONS
from bridge.web.openapi import document
from bridge.web.operations import Answer, Operation
from bridge.web.strictjson import walk

EXAMPLES = [(operation, answer) for operation in OPERATIONS for answer in operation.answers if answer.example]


def served(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path the router knows."""
    for route in routes:
        if isinstance(route, Mount):
            yield from served(route.routes, prefix + route.path)
        else:
            assert isinstance(route, Route)
            yield from ((method, prefix + route.path) for method in (route.methods or ()) if method != "HEAD")


def test_every_route_is_documented_and_every_documented_one_is_there(app: Starlette) -> None:
    documented = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    assert set(served(app.routes)) == documented


def test_names_of_operations_are_unique() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere() -> None:
    made = document()
    for _, each in walk(made):
        if isinstance(each, dict) and isinstance(each.get("$ref"), str):
            found: Any = made
            for part in each["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            assert found


def test_every_answer_has_a_request_id() -> None:
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                assert "x-request-id" in answer["headers"], (path, status)


@pytest.mark.parametrize(("operation", "answer"), EXAMPLES, ids=lambda each: getattr(each, "name", ""))
def test_examples_of_answers_are_such_answers(operation: Operation, answer: Answer) -> None:
    assert answer.model is not None
    shown = answer.model.model_validate(answer.example).model_dump(mode="json")
    assert shown == answer.example


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.name)
def test_examples_of_bodies_are_such_bodies(operation: Operation) -> None:
    assert operation.body is not None
    assert operation.body_example is not None
    operation.body.model_validate(operation.body_example)


def test_refusals_say_which_headers_they_have() -> None:
    answers = document()["paths"]["/v1/watches"]["get"]["responses"]
    assert answers["401"]["headers"]["www-authenticate"]["required"]
    assert answers["503"]["headers"]["retry-after"]["required"]


def test_metadata_is_asked_for_by_key() -> None:
    parameters = document()["paths"]["/v1/watches"]["get"]["parameters"]
    (metadata,) = [each for each in parameters if each["name"] == "metadata"]
    assert (metadata["style"], metadata["explode"]) == ("deepObject", True)


def test_a_query_parameter_is_left_out_rather_than_null() -> None:
    for _, each in walk(document()["paths"]):
        if isinstance(each, dict) and each.get("in") == "query":
            assert "null" not in json.dumps(each["schema"])


def test_the_server_is_where_it_is_reached() -> None:
    assert document()["servers"] == [{"url": "/"}]
    assert document("https://bridge.example.com")["servers"] == [{"url": "https://bridge.example.com"}]


def test_shapes_are_described_in_one_paragraph() -> None:
    for schema in document()["components"]["schemas"].values():
        assert schema["description"]
        assert "\n" not in schema["description"]
        assert "``" not in schema["description"]
        assert "title" not in schema
