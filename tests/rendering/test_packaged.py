"""The templates that come with video-bridge."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.rendering import FORMS, SAMPLES, PackagedTemplates, TemplateError

SLACK = FORMS["slack"]


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    return write(
        tmp_path / "packaged",
        {
            "slack/default.jinja": '{"text": "any {{ event.type }}"}',
            "slack/video.failed.jinja": '{% import "slack/_macros.jinja" as m %}{"text": "{{ m.star(video.prompt) }}"}',
            "slack/_macros.jinja": "{% macro star(x) %}*{{ x[:7] }}*{% endmacro %}",
            "email-webhook/default.jinja": "{% block subject %}s{% endblock %}{% block text %}t{% endblock %}",
        },
    )


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def body(templates: PackagedTemplates, sample: str) -> str:
    return templates.render("slack", SLACK, SAMPLES[sample]).parts["body"]


def test_an_event_type_has_its_own_template_or_the_default(packaged: Path) -> None:
    templates = PackagedTemplates(packaged)
    assert body(templates, "watch.lost") == '{"text": "any watch.lost"}'
    assert body(templates, "video.failed") == '{"text": "*A paper*"}'


def test_the_operators_file_wins_over_the_packaged_one_of_that_name(packaged: Path, tmp_path: Path) -> None:
    override = write(tmp_path / "own", {"slack/default.jinja": '{"text": "mine"}'})
    templates = PackagedTemplates(packaged, override)
    assert body(templates, "watch.lost") == '{"text": "mine"}'
    assert body(templates, "video.failed") == '{"text": "*A paper*"}'


def test_the_operators_macros_win_too(packaged: Path, tmp_path: Path) -> None:
    override = write(tmp_path / "own", {"slack/_macros.jinja": "{% macro star(x) %}!{% endmacro %}"})
    assert body(PackagedTemplates(packaged, override), "video.failed") == '{"text": "!"}'


def test_a_template_is_read_once(packaged: Path) -> None:
    templates = PackagedTemplates(packaged)
    body(templates, "watch.lost")
    write(packaged, {"slack/default.jinja": "changed"})
    assert body(templates, "watch.lost") == '{"text": "any watch.lost"}'


def test_the_templates_are_listed(packaged: Path) -> None:
    assert PackagedTemplates(packaged).names() == ["email-webhook/default", "slack/default", "slack/video.failed"]


@pytest.mark.parametrize(
    ("kind", "where", "line", "reason"),
    [
        ("callback", "callback for video.failed", None, "none of the templates given were found"),
        ("email-webhook", "email-webhook for video.failed", None, "it has no block html"),
    ],
)
def test_what_is_missing_is_said(packaged: Path, kind: str, where: str, line: int | None, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason) as raised:
        PackagedTemplates(packaged).render(kind, FORMS[kind], SAMPLES["video.failed"])
    assert (raised.value.where, raised.value.line) == (where, line)


@pytest.mark.parametrize(("text", "line"), [("\n{{ foo }}", 2), ("\n\n{{", 3)])
def test_a_mistake_of_the_operator_is_found_by_file_and_line(packaged: Path, text: str, line: int) -> None:
    write(packaged, {"slack/_macros.jinja": text})
    with pytest.raises(TemplateError) as raised:
        body(PackagedTemplates(packaged), "video.failed")
    assert (raised.value.where, raised.value.line) == ("slack/_macros.jinja", line)
