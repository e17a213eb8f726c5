"""The process that renders strangers' templates, run in this one."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.rendering import FORMS, SAMPLES, TemplateError, worker
from bridge.rendering.frames import frame, read_frame
from bridge.rendering.worker import READY, answer, serve

TOLD = SAMPLES["video.completed"].as_dict()


def job(*templates: str, kind: str = "email-webhook", wanted: bool = True) -> dict[str, Any]:
    cases = [[index, TOLD] for index in range(len(templates))]
    # As much processor time as this process will ever need: the limit is its own.
    data = {"form": FORMS[kind].as_data(), "templates": templates, "cases": cases, "wanted": wanted, "cpu": 1_000_000}
    return dict(read_frame(io.BytesIO(frame(data))))


def served(*jobs: Mapping[str, Any]) -> list[Any]:
    """What a process answers that is given these jobs."""
    answers = io.BytesIO()
    serve(io.BytesIO(b"".join(map(frame, jobs))), answers)
    answers.seek(0)
    return list(iter(lambda: read_frame(answers), None))


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


def test_half_a_job_is_none() -> None:
    assert read_frame(io.BytesIO(b"\0\0")) is None
