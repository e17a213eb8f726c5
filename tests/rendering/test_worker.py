"""The process that renders strangers' templates, run in this one."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import pytest

from bridge.rendering import FORMS, SAMPLES, TemplateError, worker
from bridge.rendering.errors import OutOfTime
from bridge.rendering.frames import frame, read_frame
from bridge.rendering.worker import READY, Within, answer, serve

if sys.platform != "win32":
    import resource

TOLD = SAMPLES["video.completed"].as_dict()


@pytest.fixture(autouse=True)
def unlimited() -> Iterator[None]:
    """A worker gives itself a limit of processor time, which here is this process's and that of what it starts."""
    if sys.platform == "win32":
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_CPU)
    yield
    resource.setrlimit(resource.RLIMIT_CPU, before)


def job(*templates: str, kind: str = "email-webhook", wanted: bool = True) -> dict[str, Any]:
    cases = [[index, TOLD] for index in range(len(templates))]
    # As much processor time as this process will ever need: the limit is its own.
    limits = {"cpu": 1_000_000, "seconds": 20}
    data = {"form": FORMS[kind].as_data(), "templates": templates, "cases": cases, "wanted": wanted, **limits}
    return dict(read_frame(io.BytesIO(frame(data))))


@contextmanager
def unhurried(seconds: float) -> Iterator[None]:
    """No deadline: the alarm clock of this process is the test runner's."""
    yield


def served(*jobs: Mapping[str, Any], within: Within = unhurried) -> list[Any]:
    """What a process answers that is given these jobs."""
    answers = io.BytesIO()
    serve(io.BytesIO(b"".join(map(frame, jobs))), answers, within, lambda: False)
    answers.seek(0)
    return [{name: said for name, said in each.items() if name != "last"} for each in read_all(answers)]


def read_all(answers: BinaryIO) -> list[Any]:
    """Every answer, to the end."""
    return list(iter(lambda: read_frame(answers), None))


def test_a_process_that_has_grown_answers_and_goes() -> None:
    answers = io.BytesIO()
    serve(io.BytesIO(frame(job("x")) + frame(job("y"))), answers, unhurried, lambda: True)
    answers.seek(0)
    ready, only = read_all(answers)
    assert (ready, only["last"]) == (READY, True)


def test_a_job_is_answered_with_its_messages() -> None:
    assert answer(job("{{ video.size }}", "{% block text %}x{% endblock %}")) == {
        "messages": [
            {"parts": {"text": "1280x720", "html": "1280x720"}, "in_blocks": False},
            {"parts": {"text": "x"}, "in_blocks": True},
        ]
    }


def test_messages_nobody_wants_are_not_sent() -> None:
    assert answer(job("{{ video.size }}", wanted=False)) == {"messages": []}


def test_the_first_case_that_fails_is_named() -> None:
    failure = {"reason": "'foo' is undefined", "line": 2, "case": 1}
    assert answer(job("x", "\n{{ foo }}", "{{ bar }}")) == {"error": failure, "done": False}


def test_a_worker_says_that_it_is_ready_and_answers_until_the_parent_hangs_up() -> None:
    ready, *answers = served(job("one"), job("{{ foo }}"), job("three"))
    assert ready == READY
    assert [list(each) for each in answers] == [["messages"], ["error", "done"], ["messages"]]


def test_a_worker_that_ran_out_of_memory_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "render_message", _out_of_memory)
    _, *answers = served(job("one"), job("two"))
    assert [each["done"] for each in answers] == [True]


def _out_of_memory(*_: object) -> None:
    raise TemplateError("it needs more memory than it may have") from MemoryError()


def test_time_that_runs_out_between_two_renderings_is_a_failure_of_no_case() -> None:
    @contextmanager
    def too_late(seconds: float) -> Iterator[None]:
        yield
        raise OutOfTime(f"it takes longer than {seconds:g} s")

    failure = {"reason": "it takes longer than 20 s", "line": None, "case": None}
    _, *answers = served(job("one"), job("two"), within=too_late)
    assert answers == [{"error": failure}] * 2


def test_half_a_job_is_none() -> None:
    assert read_frame(io.BytesIO(b"\0\0")) is None
