from __future__ import annotations

import pytest

from bridge.cli.exits import CommandError, ExitCode, RefusedError, UnreachableError, code_of_error, code_of_status
from bridge.errors import ConflictError, InvalidRequestError, NotFoundError, PermissionDeniedError, RequestError


@pytest.mark.parametrize("status", [404, 409, 429, 500, 502, 503, 504])
def test_what_the_server_could_not_do_has_failed(status: int) -> None:
    assert code_of_status(status).value == 1


@pytest.mark.parametrize("status", [400, 401, 403, 405, 413, 415])
def test_what_should_not_have_been_asked_is_bad_usage(status: int) -> None:
    assert code_of_status(status).value == 2


@pytest.mark.parametrize("error", [InvalidRequestError, PermissionDeniedError, NotFoundError, ConflictError])
def test_an_error_inside_a_batch_counts_like_its_status(error: type[RequestError]) -> None:
    assert code_of_error(error.type) == code_of_status(error.status)


def test_an_error_of_an_unknown_type_has_failed() -> None:
    assert code_of_error("") == ExitCode.FAILED


def test_each_error_carries_its_exit_code() -> None:
    errors = [CommandError("a"), RefusedError("b", 400), UnreachableError("c")]
    assert [(str(error), error.code) for error in errors] == [("a", 1), ("b", 2), ("c", 3)]
