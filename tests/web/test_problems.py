from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from bridge.errors import InvalidRequestError
from bridge.registry import Registration
from bridge.web.problems import validate

HOOK = {"kind": "callback", "url": "https://example.com"}


def refused(body: object, model: type[BaseModel] = Registration) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        validate(model, body)
    return caught.value


def about(**fields: Any) -> tuple[str | None, str | None]:
    error = refused({"video_id": "v", **fields})
    return error.param, error.code


def test_what_is_right_becomes_the_model() -> None:
    body = validate(Registration, {"video_id": "v", "destinations": ["team", HOOK]})
    assert body.destinations is not None
    assert body.destinations[0] == "team"


@pytest.mark.parametrize("body", [[], "x", 3, None, True])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    error = refused(body)
    assert error.message == "The body must be an object."
    assert (error.param, error.code) == (None, "invalid_type")


def test_a_missing_field_is_named() -> None:
    error = refused({})
    assert error.message == "`video_id` is missing; this field is required."
    assert (error.param, error.code) == ("video_id", "missing")


def test_an_unknown_field_is_named() -> None:
    error = refused({"video_id": "v", "vidoe": 1})
    assert error.message == "`vidoe` is not a field here; check its spelling or remove it."
    assert (error.param, error.code) == ("vidoe", "unknown_field")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"video_id": 5}, ("video_id", "invalid_type")),
        ({"video_id": ""}, ("video_id", "too_short")),
        ({"video_id": "v" * 513}, ("video_id", "too_long")),
        ({"video_id": ".."}, ("video_id", "invalid_value")),
        ({"video_id": "\ud800"}, ("video_id", "invalid_text")),
        ({"timeout": 0}, ("timeout", "out_of_range")),
        ({"timeout": 2_592_001}, ("timeout", "out_of_range")),
        ({"timeout": "60"}, ("timeout", "invalid_type")),
        ({"timeout": 1.5}, ("timeout", "invalid_type")),
        ({"timeout": True}, ("timeout", "invalid_type")),
        ({"metadata": []}, ("metadata", "invalid_type")),
        ({"metadata": {"a": 1}}, ("metadata.a", "invalid_type")),
        ({"metadata": {str(n): "" for n in range(17)}}, ("metadata", "too_long")),
        ({"metadata": {"a": "x" * 513}}, ("metadata", "invalid_value")),
        ({"destinations": {}}, ("destinations", "invalid_type")),
    ],
)
def test_each_fault_has_a_field_and_a_code(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    assert about(**fields) == expected


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (5, ("destinations[1]", "invalid_type")),
        (None, ("destinations[1]", "invalid_type")),
        ([], ("destinations[1]", "invalid_type")),
        ("Team Slack", ("destinations[1]", "invalid_value")),
        ("", ("destinations[1]", "too_short")),
        ({}, ("destinations[1].kind", "missing")),
        ({"kind": "callback"}, ("destinations[1].url", "missing")),
        ({"kind": "fax", "url": "x"}, ("destinations[1].kind", "invalid_value")),
        ({**HOOK, "url": 5}, ("destinations[1].url", "invalid_type")),
        ({**HOOK, "uri": "x"}, ("destinations[1].uri", "unknown_field")),
        ({**HOOK, "callback": "x"}, ("destinations[1].callback", "unknown_field")),
        ({**HOOK, "events": ["video.gone"]}, ("destinations[1].events[0]", "invalid_value")),
        ({**HOOK, "events": []}, ("destinations[1].events", "too_short")),
        ({**HOOK, "headers": {"X-A": 1}}, ("destinations[1].headers.X-A", "invalid_type")),
        ({**HOOK, "headers": {"Host": "x"}}, ("destinations[1].headers", "invalid_value")),
        ({**HOOK, "secret": "whsec_x"}, ("destinations[1].secret", "invalid_value")),
    ],
)
def test_a_fault_in_a_destination_is_found_where_it_is(destination: object, expected: tuple[str, str]) -> None:
    assert about(destinations=["good", destination]) == expected


def test_what_may_be_two_things_is_told_in_one_sentence() -> None:
    error = refused({"video_id": "v", "destinations": [5]})
    assert error.message == "`destinations[0]` must be a string or an object."


def test_a_sentence_says_what_would_be_right() -> None:
    assert refused({"video_id": "v", "timeout": 0}).message == "`timeout` must be at least 1."
    assert refused({"video_id": "v" * 513}).message == "`video_id` must have at most 512 characters."
    assert "cannot be a video id" in refused({"video_id": ".."}).message


class Fax(BaseModel):
    kind: Literal["fax"]
    number: str


class Telex(BaseModel):
    kind: Literal["telex"]
    number: Annotated[str, Field(min_length=3)]


class Tagged(BaseModel):
    model_config = ConfigDict(extra="forbid")

    told: list[Annotated[Fax | Telex, Field(discriminator="kind")]] = []
    one: list[int] = Field(default=[], max_length=1)
    half: float = Field(0, multiple_of=0.5)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"kind": "telex", "number": "1"}, ("told[0].number", "too_short")),
        ({"kind": "telex"}, ("told[0].number", "missing")),
        ({"kind": "pigeon"}, ("told[0]", "invalid_value")),
        ({}, ("told[0]", "missing")),
        ({"kind": "fax", "number": []}, ("told[0].number", "invalid_type")),
        (5, ("told[0]", "invalid_type")),
    ],
)
def test_names_of_branches_are_no_part_of_a_path(told: object, expected: tuple[str, str]) -> None:
    error = refused({"told": [told]}, Tagged)
    assert (error.param, error.code) == expected


def test_one_entry_is_no_entries() -> None:
    assert refused({"one": [1, 2]}, Tagged).message == "`one` must have at most 1 entry."


def test_a_fault_without_words_of_ours_keeps_its_own() -> None:
    error = refused({"half": 0.3}, Tagged)
    assert error.message == "`half` cannot be used: Input should be a multiple of 0.5."
    assert error.code == "invalid_value"
