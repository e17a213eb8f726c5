from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bridge.cli import app
from bridge.rendering import SAMPLES, Told
from bridge.rendering.samples import variants
from tests.cli.conftest import Cli, Environ
from tests.cli.samples import WATCH_ID, completed, failed, make_watch
from tests.cli.stub import StubBridge

LONG_HEADER = '{"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "' + "x" * 151 + '"}}]}'


def run(*arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["templates", *arguments], catch_exceptions=False, prog_name="video-bridge", env={"COLUMNS": "200"}
    )


@pytest.fixture
def own(environ: Environ, folder: Path) -> Path:
    """A folder of templates that win over the packaged ones."""
    environ["BRIDGE_TEMPLATES_DIR"] = str(folder / "own")
    (folder / "own" / "slack").mkdir(parents=True)
    return folder / "own"


def write(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file)


def rows(result: Result) -> dict[str, str]:
    return {line.split()[0]: line.split(maxsplit=1)[1].rstrip() for line in result.stdout.splitlines()}


# list


def test_each_file_is_listed_with_what_it_tells(own: Path) -> None:
    files = rows(run("list"))
    assert files["slack/video.failed.jinja"].split() == ["video.failed", "packaged"]
    assert files["email-webhook/default.jinja"].split() == ["video.completed", "packaged"]
    assert files["slack/_blocks.jinja"].startswith("macros of the others")


def test_a_file_of_the_operator_takes_the_place_of_the_packaged_one(own: Path) -> None:
    write(own / "slack" / "video.completed.jinja", "{}")
    files = rows(run("list"))
    assert files["slack/video.completed.jinja"].split()[:2] == ["video.completed", "BRIDGE_TEMPLATES_DIR:"]
    assert files["slack/default.jinja"].split() == ["nothing", "packaged"]


def test_the_list_as_json_has_whole_paths(own: Path) -> None:
    file = write(own / "slack" / "default.jinja", "{}")
    found = {each["name"]: each for each in json.loads(run("list", "--json").stdout)["data"]}
    assert found["slack/default.jinja"] == {
        "kind": "slack",
        "name": "slack/default.jinja",
        "origin": "BRIDGE_TEMPLATES_DIR",
        "path": file,
        "events": ["video.completed"],
    }


def test_the_folder_may_be_named_in_dotenv(folder: Path) -> None:
    write(folder / "mine" / "slack" / "default.jinja", "{}")
    (folder / ".env").write_text("BRIDGE_TEMPLATES_DIR=mine\n")
    assert "BRIDGE_TEMPLATES_DIR" in rows(run("list"))["slack/default.jinja"]


def test_a_folder_that_is_not_there_is_said(environ: Environ) -> None:
    environ["BRIDGE_TEMPLATES_DIR"] = "/nowhere"
    result = run("list")
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: BRIDGE_TEMPLATES_DIR must name an existing folder, and '/nowhere' is none.\n",
    )


# render


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_can_be_rendered(name: str) -> None:
    event = str(SAMPLES[name].event_type)
    result = run("render", "slack", event, "--sample", name.removeprefix(event).lstrip(".") or event)
    assert json.loads(result.stdout)["blocks"]


def test_a_slack_message_is_json_as_it_is_sent() -> None:
    message = json.loads(run("render", "slack", "video.completed").stdout)
    assert message["text"].startswith("✅ Video completed")
    assert message["blocks"]


def test_a_preview_is_what_people_read() -> None:
    lines = run("render", "slack", "video.failed", "--preview").stdout.splitlines()
    assert lines[0] == "❌ Video failed"
    assert "moderation_blocked" in lines[1]


def test_a_mail_is_its_subject_and_its_text() -> None:
    lines = run("render", "email-webhook", "watch.lost", "--sample", "unseen").stdout.splitlines()
    assert lines[0].startswith("Subject: Video lost")
    assert lines[1] == ""


def test_the_html_of_a_mail_is_a_file_of_its_own() -> None:
    html = run("render", "email-webhook", "video.completed", "--html").stdout
    assert html.startswith("<!doctype html>")
    assert "</html>" in html


def test_a_callback_is_the_event() -> None:
    assert json.loads(run("render", "callback", "watch.timed_out").stdout)["type"] == "watch.timed_out"


def test_a_real_watch_is_told(cli: Cli, stub: StubBridge, environ: Environ) -> None:
    environ["BRIDGE_PUBLIC_URL"] = "https://bridge.example.com/"
    stub.add(make_watch(**failed("broken", "It broke.")))
    told = cli("templates", "render", "slack", "video.failed", "--watch", WATCH_ID, "--preview").stdout
    assert "It broke.  `broken`" in told
    assert f"https://bridge.example.com/watches/{WATCH_ID}" in told


def test_a_watch_that_was_never_seen_is_told(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch())
    told = json.loads(cli("templates", "render", "callback", "watch.lost", "--watch", WATCH_ID).stdout)
    assert (told["data"]["id"], told["data"]["status"]) == ("video_abc", None)


def test_a_newer_server_may_know_more_of_a_video(cli: Cli, stub: StubBridge) -> None:
    end: Any = completed()
    stub.add(make_watch(**{**end, "video": {**end["video"], "fps": 24}}))
    assert cli("templates", "render", "slack", "video.completed", "--watch", WATCH_ID).exit_code == 0


def test_a_watch_that_is_not_there_is_an_error_of_the_server(cli: Cli) -> None:
    result = cli("templates", "render", "slack", "video.completed", "--watch", "watch_x")
    assert (result.exit_code, result.stderr) == (1, "Error: There is no such watch.\n")


def test_a_template_for_a_destination_can_be_tried(folder: Path) -> None:
    file = write(folder / "mine.jinja", '{"text": "{{ video.id }} & {{ event.type }}"}')
    message = json.loads(run("render", "slack", "video.completed", "--template", file).stdout)
    assert message["text"].endswith("& video.completed")


def test_what_a_template_does_not_give_comes_from_the_packaged_one(folder: Path) -> None:
    file = write(folder / "mine.jinja", "{% block subject %}Mine{% endblock %}")
    mail = run("render", "email-webhook", "video.completed", "--template", file).stdout
    assert mail.startswith("Subject: Mine\n\nVIDEO COMPLETED\n")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n"text": "{{ nothing }}"}', "mine.jinja, line 2: 'nothing' is undefined"),
        (LONG_HEADER, "mine.jinja: "),
    ],
)
def test_a_faulty_template_is_named_with_line_and_reason(folder: Path, text: str, fault: str) -> None:
    result = run("render", "slack", "video.completed", "--template", write(folder / "mine.jinja", text))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {folder}/{fault}")


def test_a_faulty_file_of_the_server_is_named_too(own: Path) -> None:
    write(own / "slack" / "default.jinja", '{\n"text": "{{ nothing }}"}')
    result = run("render", "slack", "video.completed")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {own}/slack/default.jinja, line 2: 'nothing' is undefined")


@pytest.mark.parametrize(
    "arguments",
    [
        ("email-webhook", "video.failed", "--preview"),
        ("slack", "video.failed", "--html"),
        ("slack", "video.failed", "--sample", "unseen"),
        ("slack", "video.failed", "--sample", "odd", "--watch", "x"),
        ("slack", "video.failed", "--template", "missing.jinja"),
        ("pigeon", "video.failed"),
        ("slack", "video.paused"),
    ],
)
def test_bad_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert run("render", *arguments).exit_code == 2


# check


def test_the_packaged_templates_are_good() -> None:
    result = run("check")
    assert (result.exit_code, result.stderr) == (0, "The templates are good.\n")


BROKEN = {
    "slack/video.failed.jinja": '{"text":\n"No: {{ video.error.message }}"}',
    "slack/video.completed.jinja": '{% from "slack/_mine.jinja" import title %}{"text": "{{ title() }}"}',
    "slack/_mine.jinja": "{% macro title() %}\n{{ nothing }}{% endmacro %}",
    "slack/watch.lost.jinja": LONG_HEADER,
    "slack/video.complete.jinja": "{}",
    "slack/more/video.failed.jinja": "{}",
    "mail/default.jinja": "{}",
    "email-webhook/default.jinja": "{% block subject %}",
}


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is found in a folder where hardly anything is right, by file."""
    folder = tmp_path_factory.mktemp("broken")
    for name, text in BROKEN.items():
        write(folder / name, text)
    result = CliRunner().invoke(app, ["templates", "check", "--json"], env={"BRIDGE_TEMPLATES_DIR": str(folder)})
    assert result.exit_code == 2
    found = json.loads(result.stdout)["problems"]
    by_file = {Path(each["file"]).relative_to(folder).as_posix(): each for each in found}
    assert len(by_file) == len(found), "each fault is reported once"
    return by_file


def test_what_may_be_missing_is_found_with_line_and_occasion(problems: dict[str, Any]) -> None:
    fault = problems["slack/video.failed.jinja"]
    assert (fault["line"], fault["event"]) == (2, "video.failed (video.error null)")


def test_a_fault_in_a_file_of_macros_is_found_there(problems: dict[str, Any]) -> None:
    fault = problems["slack/_mine.jinja"]
    assert (fault["line"], fault["reason"]) == (2, "'nothing' is undefined")
    assert "slack/video.completed.jinja" not in problems


def test_what_cannot_be_read_as_a_template_is_a_fault(problems: dict[str, Any]) -> None:
    assert problems["email-webhook/default.jinja"]["line"] == 1


def test_a_message_that_slack_would_refuse_is_a_fault(problems: dict[str, Any]) -> None:
    fault = problems["slack/watch.lost.jinja"]
    assert (fault["line"], fault["event"]) == (None, "watch.lost")
    assert "150" in fault["reason"]


@pytest.mark.parametrize("name", ["slack/video.complete.jinja", "slack/more/video.failed.jinja"])
def test_a_file_that_no_event_is_told_by_is_a_fault(problems: dict[str, Any], name: str) -> None:
    assert "event types are video.completed, " in problems[name]["reason"]


def test_a_file_where_nothing_looks_for_it_is_a_fault(problems: dict[str, Any]) -> None:
    assert "folders of templates are slack, email-webhook" in problems["mail/default.jinja"]["reason"]


def test_a_good_template_for_a_destination_is_good(folder: Path) -> None:
    result = run("check", write(folder / "mine.jinja", '{"text": "{{ video.id }}"}'), "--kind", "callback")
    assert (result.exit_code, result.stderr) == (0, "The template is good.\n")


def test_a_template_is_checked_for_the_events_its_destination_is_told(folder: Path) -> None:
    file = write(folder / "mine.jinja", '{"text": "{{ video.status.upper() }}"}')
    assert run("check", file, "--kind", "slack", "--event", "video.failed").exit_code == 0
    result = run("check", file, "--kind", "slack", "--event", "video.failed", "--event", "watch.lost")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {file}, line 1: ")
    assert "(watch.lost (video.status null))" in result.stderr


def test_a_template_that_only_the_receiver_would_refuse_is_found(folder: Path) -> None:
    result = run("check", write(folder / "mine.jinja", LONG_HEADER), "--kind", "slack")
    assert result.exit_code == 2
    assert "150" in result.stderr


@pytest.mark.parametrize(("name", "content"), [("missing.jinja", None), ("latin.jinja", b"\xff")])
def test_a_file_that_cannot_be_read_is_said(folder: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    result = run("check", name, "--kind", "slack")
    assert (result.exit_code, result.stderr.split()[:2]) == (2, ["Error:", name])


@pytest.mark.parametrize("arguments", [("mine.jinja",), ("--kind", "slack")])
def test_a_file_and_its_kind_belong_together(arguments: tuple[str, ...]) -> None:
    assert run("check", *arguments).exit_code == 2


@pytest.mark.parametrize("told", SAMPLES.values(), ids=SAMPLES)
def test_what_is_checked_holds_every_sample(told: Told) -> None:
    assert told in [variant.told for variant in variants(told.event_type)]
