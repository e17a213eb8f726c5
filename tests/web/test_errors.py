from __future__ import annotations

import json

import pytest

from bridge.errors import (
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RequestError,
    TooLargeError,
    UnsupportedMediaTypeError,
)
from bridge.web.errors import body_of, internal_error, refusal


@pytest.mark.parametrize(
    ("kind", "status", "type"),
    [
        (InvalidRequestError, 400, "invalid_request_error"),
        (AuthenticationError, 401, "authentication_error"),
        (PermissionDeniedError, 403, "permission_error"),
        (NotFoundError, 404, "not_found_error"),
        (ConflictError, 409, "conflict_error"),
        (TooLargeError, 413, "invalid_request_error"),
        (UnsupportedMediaTypeError, 415, "invalid_request_error"),
    ],
)
def test_each_refusal_has_its_status_and_type(kind: type[RequestError], status: int, type: str) -> None:
    answer = refusal(kind("No.", param="a.b", code="why"))
    assert answer.status_code == status
    assert json.loads(bytes(answer.body)) == {"error": {"message": "No.", "type": type, "param": "a.b", "code": "why"}}


def test_what_is_not_known_is_null() -> None:
    assert body_of(InvalidRequestError("No."))["error"] == {
        "message": "No.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_only_a_missing_key_is_asked_for() -> None:
    assert refusal(AuthenticationError("No.")).headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in refusal(PermissionDeniedError("No.")).headers


def test_a_fault_of_ours_names_the_way_to_the_log() -> None:
    answer = internal_error()
    assert answer.status_code == 500
    assert "x-request-id" in json.loads(bytes(answer.body))["error"]["message"]
