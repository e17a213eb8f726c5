"""What pydantic found wrong with a request, as one sentence that names the field and says the fix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.errors import InvalidRequestError, NotFoundError
from bridge.web.strictjson import path_text

Model = TypeVar("Model", bound=BaseModel)

# Of a value that may be one of several kinds, pydantic reports what each kind says. These say only "not my kind".
_KINDS = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "bool_type": "true or false",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


@dataclass(frozen=True, slots=True)
class _Problem:
    """One of pydantic's errors, with the names of union branches taken out of its path."""

    path: tuple[str | int, ...]
    kind: str
    context: Mapping[str, Any]
    message: str
    branch: bool

    @property
    def wrong_kind(self) -> bool:
        return self.branch and self.kind in _KINDS

    def says_more_than(self, other: _Problem) -> bool:
        """Whether it makes ``other``, which says "not my kind", superfluous: it is deeper inside, or another fault."""
        within = self.path[: len(other.path)] == other.path
        return within and (len(self.path) > len(other.path) or not self.wrong_kind)


# Of an id that is none, as much as helps to recognise it, characters.
_EXCERPT = 80


def no_such(thing: str, given: str, begins: str | None = None, *, param: str = "id") -> NotFoundError:
    """The refusal of an id that cannot be one: it is shown, and what such ids look like.

    :param begins: with what ids of such a thing begin; None for what has a name, too.
    """
    shown = given if len(given) <= _EXCERPT else f"{given[:_EXCERPT]}…"
    hint = "" if begins is None else f"; the id of a {thing} begins with `{begins}`"
    return NotFoundError(f"There is no {thing} {shown!r}{hint}.", param=param)


def validate(model: type[Model], value: Any, noun: str = "field") -> Model:
    """``value`` as a model.

    :param noun: what an entry of ``value`` is called in messages.
    :raises InvalidRequestError: about the first thing that is wrong, with the field in ``param``.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False, include_input=False), value, noun) from error


def _explain(errors: Sequence[ErrorDetails], value: Any, noun: str) -> InvalidRequestError:
    problems = [_problem(error, value) for error in errors]
    chosen = next(
        each for each in problems if not (each.wrong_kind and any(other.says_more_than(each) for other in problems))
    )
    if chosen.wrong_kind:
        kinds = [_KINDS[each.kind] for each in problems if each.wrong_kind and each.path == chosen.path]
        message, code = f"must be {' or '.join(dict.fromkeys(kinds))}", "invalid_type"
    else:
        message, code = _sentence(chosen, noun)
    param = path_text(chosen.path)
    name = f"`{param}`" if param else "The body"
    return InvalidRequestError(f"{name} {message}.", param=param, code=code)


def _problem(error: ErrorDetails, value: Any) -> _Problem:
    path: list[str | int] = []
    here, branch = value, False
    for position, part in enumerate(error["loc"]):
        last = position == len(error["loc"]) - 1
        branch = False
        if isinstance(part, int) and isinstance(here, list):
            path.append(part)
            here = here[part]
        elif isinstance(here, dict) and (part in here or (last and error["type"] == "missing")):
            path.append(part)
            here = here.get(part)
        else:
            branch = True
    return _Problem(tuple(path), error["type"], error.get("ctx", {}), error["msg"], branch)


def _sentence(problem: _Problem, noun: str) -> tuple[str, str]:
    """The rest of the sentence after the field's name, and the code."""
    if problem.kind in _KINDS:
        return f"must be {_KINDS[problem.kind]}", "invalid_type"
    write = _SENTENCES.get(problem.kind)
    if write is None:
        return f"cannot be used: {problem.message}", "invalid_value"
    template, code = write
    return template(problem.context, noun), code


def _entries(context: Mapping[str, Any]) -> str:
    return "entry" if context.get("max_length", context.get("min_length")) == 1 else "entries"


def _literal(context: Mapping[str, Any]) -> str:
    return f"must be {context['expected']}"


_Sentence = Callable[[Mapping[str, Any], str], str]
_SENTENCES: Mapping[str, tuple[_Sentence, str]] = {
    "missing": (lambda _, noun: f"is missing; this {noun} is required", "missing"),
    "extra_forbidden": (lambda _, noun: f"is not a {noun} here; check its spelling or remove it", "unknown_field"),
    "value_error": (lambda context, _: f"cannot be used: {context['error']}", "invalid_value"),
    "literal_error": (lambda context, _: _literal(context), "invalid_value"),
    "enum": (lambda context, _: _literal(context), "invalid_value"),
    "union_tag_invalid": (lambda context, _: f"must have a kind of {context['expected_tags']}", "invalid_value"),
    "union_tag_not_found": (lambda context, _: f"needs {context['discriminator']} to say what it is", "missing"),
    "string_unicode": (lambda _, __: "has half of a surrogate pair, which is no character", "invalid_text"),
    "string_pattern_mismatch": (lambda context, _: f"must match {context['pattern']}", "invalid_value"),
    "string_too_long": (lambda context, _: f"must have at most {context['max_length']:,} characters", "too_long"),
    "string_too_short": (lambda _, __: "must not be empty", "too_short"),
    "too_long": (lambda context, _: f"must have at most {context['max_length']:,} {_entries(context)}", "too_long"),
    "too_short": (lambda context, _: f"must have at least {context['min_length']} {_entries(context)}", "too_short"),
    "greater_than_equal": (lambda context, _: f"must be at least {context['ge']:,}", "out_of_range"),
    "less_than_equal": (lambda context, _: f"must be at most {context['le']:,}", "out_of_range"),
}
