from __future__ import annotations

import pytest

from bridge.errors import ConflictError, InvalidRequestError, RequestError
from bridge.web.dashboard.labels import DESTINATION, REGISTRATION, Problem, problem_of
from tests.web.dashboard.conftest import Visit


@pytest.mark.parametrize(
    ("message", "param", "said"),
    [
        ("`to[0]` cannot be used: 'x' is no address.", "to[0]", "“To” (entry 1) cannot be used: 'x' is no address."),
        ("the preset flat needs a `url`", "url", "the preset flat needs a “URL”"),
        ("a URL holds no backslash", "url", "“URL”: a URL holds no backslash"),
        ("A header is `Name: value`, one per line.", "headers", "A header is `Name: value`, one per line."),
        ("`video` is undefined", "template", "“Template”: `video` is undefined"),
    ],
)
def test_a_field_is_called_as_the_form_calls_it(message: str, param: str, said: str) -> None:
    problem = problem_of(InvalidRequestError(message, param=param), DESTINATION)
    assert problem == Problem(said, param.partition("[")[0])


@pytest.mark.parametrize("error", [ConflictError("No."), InvalidRequestError("No.", param="nonsense")])
def test_what_is_about_no_field_of_the_form_is_told_as_it_is(error: RequestError) -> None:
    assert problem_of(error, REGISTRATION) == Problem("No.", None)


async def test_the_labels_are_those_on_the_forms(visit: Visit) -> None:
    await visit.get("/")
    assert [each for each in REGISTRATION.values() if f">{each}" not in visit.html] == ["Provider"]  # there is one only
    await visit.get("/destinations")
    assert [each for each in DESTINATION.values() if f">{each}" not in visit.html] == []
