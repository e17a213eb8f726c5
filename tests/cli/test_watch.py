from __future__ import annotations

import json

import pytest

from bridge.cli import telling
from bridge.ids import new_id
from tests.cli.conftest import Cli, Environ
from tests.cli.samples import SECRET, at_progress, completed, failed, lost, make_watch, timed_out
from tests.cli.stub import StubBridge, refusal


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_watch_is_registered_and_shown_with_its_secret(cli: Cli, stub: StubBridge) -> None:
    result = cli("watch", "video_abc")
    (watch_id,) = stub.watches
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        f"{watch_id}  video_abc  watching  → callback https://example.com/hook",
        "Signing secret of https://example.com/hook:",
    ]
    assert SECRET in result.stdout
    assert result.stderr == ""


def test_only_what_was_given_is_sent(cli: Cli, stub: StubBridge) -> None:
    cli("watch", "video_abc")
    assert (stub.asked[0].path, stub.asked[0].body) == ("/v1/watches", {"video_id": "video_abc"})


def test_every_option_arrives_in_the_body(cli: Cli, stub: StubBridge) -> None:
    where = ["--callback-url", "https://example.com/x", "--destination", "team", "--destination", "mail"]
    cli("watch", "v", *where, "--provider", "p", "-m", "a=1", "--metadata", "b=x=y", "--key", "k", "--timeout", "60")
    assert stub.asked[0].body == {
        "video_id": "v",
        "callback_url": "https://example.com/x",
        "destinations": ["team", "mail"],
        "provider": "p",
        "metadata": {"a": "1", "b": "x=y"},
        "key": "k",
        "timeout": 60,
    }


def test_slack_and_mail_go_in_full_beside_names(cli: Cli, stub: StubBridge) -> None:
    people = ("--email", "a@example.com", "--email", "b@example.com")
    cli("watch", "v", "--slack", "https://hooks.slack.com/services/x", *people, "--destination", "team")
    assert stub.asked[0].body["destinations"] == [
        "team",
        {"kind": "slack", "url": "https://hooks.slack.com/services/x"},
        {"kind": "email-webhook", "to": ["a@example.com", "b@example.com"]},
    ]


def test_registering_again_is_said_and_is_no_failure(cli: Cli) -> None:
    cli("watch", "video_abc")
    again = cli("watch", "video_abc")
    assert (again.exit_code, again.stderr) == (0, "Registered already: this is the existing watch.\n")


def test_json_is_the_watch_of_the_api(cli: Cli, stub: StubBridge) -> None:
    result = cli("watch", "video_abc", "--json")
    watch = json.loads(result.stdout)
    assert watch["id"] in stub.watches
    assert watch["destinations"][0]["signing_secret"] == SECRET


def test_several_ids_go_as_one_batch(cli: Cli, stub: StubBridge) -> None:
    result = cli("watch", "a", "b", "--provider", "p", "--json")
    assert stub.asked[0].path == "/v1/watches/batch"
    assert stub.asked[0].body == {"watches": [{"video_id": "a", "provider": "p"}, {"video_id": "b", "provider": "p"}]}
    answer = json.loads(result.stdout)
    assert (answer["object"], [one["video_id"] for one in answer["data"]]) == ("list", ["a", "b"])


def test_each_refused_id_is_reported_and_decides_the_exit_code(cli: Cli, stub: StubBridge) -> None:
    result = cli("watch", "a", "bad1", "bad2")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: bad1: VIDEO_ID: it cannot be a video id.\nError: bad2: VIDEO_ID: it cannot be a video id.\n"
    )
    assert result.stdout.count("watching") == len(stub.watches) == 1


def test_ids_come_from_stdin_one_per_line(cli: Cli, stub: StubBridge) -> None:
    result = cli("watch", "-", input="\ufeffa\n\n# a comment\n  b  \r\nc")
    assert result.exit_code == 0
    assert [body["video_id"] for body in stub.asked[0].body["watches"]] == ["a", "b", "c"]


def test_one_id_from_stdin_is_a_batch_too(cli: Cli) -> None:
    assert json.loads(cli("watch", "-", "--json", input="a\n").stdout)["object"] == "list"


def test_stdin_can_stand_beside_ids(cli: Cli, stub: StubBridge) -> None:
    cli("watch", "a", "-", "z", input="b\nc\n")
    assert [body["video_id"] for body in stub.asked[0].body["watches"]] == ["a", "b", "c", "z"]


def test_more_than_a_thousand_ids_are_sent_in_batches(cli: Cli, stub: StubBridge) -> None:
    result = cli("watch", "-", "--json", input="\n".join(f"v{number}" for number in range(2001)))
    assert [len(asked.body["watches"]) for asked in stub.asked] == [1000, 1000, 1]
    assert len(json.loads(result.stdout)["data"]) == 2001


def test_a_batch_that_fails_does_not_hide_those_before(cli: Cli, stub: StubBridge) -> None:
    stub.watches = {"x": make_watch(id=new_id("watch"), video_id="v0")}
    stub.fail_after(1, refusal(503, "The database is away."))
    result = cli("watch", "-", input="\n".join(f"v{number}" for number in range(1500)))
    assert result.exit_code == 1
    assert "Error: The database is away.\n1000 of 1500 ids were sent before that" in result.stderr
    assert result.stdout.count("watching") == 1000


def test_no_id_on_stdin_is_bad_usage(cli: Cli, stub: StubBridge) -> None:
    result = cli("watch", "-", input="# nothing\n")
    assert (result.exit_code, result.stderr) == (2, "Error: There is no video id on standard input.\n")
    assert stub.asked == []


@pytest.mark.parametrize("ids", [("a", "b"), ("-",)])
def test_one_key_cannot_stand_for_several_videos(cli: Cli, stub: StubBridge, ids: tuple[str, ...]) -> None:
    result = cli("watch", *ids, "--key", "k", input="a\n")
    assert result.exit_code == 2
    assert "a key belongs to one registration" in result.stderr
    assert stub.asked == []


@pytest.mark.parametrize(
    "options",
    [("-m", "novalue"), ("-m", "=x"), ("-m", "a=1", "-m", "a=2"), ("--timeout", "0"), ("--timeout", "2592001")],
)
def test_bad_options_are_refused_without_asking_the_server(
    cli: Cli, stub: StubBridge, options: tuple[str, ...]
) -> None:
    assert cli("watch", "v", *options).exit_code == 2
    assert stub.asked == []


def test_following_a_completed_video_is_success(cli: Cli, stub: StubBridge) -> None:
    stub.course("video_abc", at_progress(20), at_progress(70), completed())
    result = cli("watch", "video_abc", "--follow")
    (watch_id,) = stub.watches
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"✓ video_abc completed after 2m 5s  {watch_id}"
    assert result.stderr.splitlines() == [f"video_abc  {shown}" for shown in _steps("not seen yet", 20, 70)]


def _steps(first: str, *progress: int) -> list[str]:
    return [first, *(f"in_progress {percent}%" for percent in progress)]


@pytest.mark.parametrize("end", [failed(), lost(), timed_out(), {"status": "cancelled", "ended_at": 1}])
def test_following_any_other_end_is_failure(cli: Cli, stub: StubBridge, end: dict[str, object]) -> None:
    stub.course("video_abc", end)
    result = cli("watch", "video_abc", "--follow")
    assert result.exit_code == 1
    assert any(line.startswith("✗ video_abc ") for line in result.stdout.splitlines()[-2:])


def still(**counts: int) -> dict[str, object]:
    return completed() | {"deliveries": {"pending": 0, "delivered": 0, "failed": 0, "cancelled": 0} | counts}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "GRACE", 0.0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"pending": 1}, "1 delivery is still pending: `video-bridge show {}` says when it is tried next.\n"),
        ({"failed": 2}, "2 deliveries have failed: `video-bridge show {}` says why.\n"),
        ({"delivered": 1}, ""),
    ],
)
def test_what_was_not_delivered_is_said_and_the_exit_code_is_of_the_video(
    cli: Cli, stub: StubBridge, counts: dict[str, int], said: str
) -> None:
    stub.course("video_abc", still(**counts))
    result = cli("watch", "video_abc", "--follow")
    (watch_id,) = stub.watches
    assert result.exit_code == 0
    assert result.stderr.endswith(said.format(watch_id))
    assert ("deliver" in result.stderr) is bool(said)


@pytest.mark.usefixtures("at_once")
def test_what_arrived_in_the_meantime_is_not_said_to_be_pending(cli: Cli, stub: StubBridge) -> None:
    stub.course("video_abc", still(pending=1), still(delivered=1))
    assert "pending" not in cli("watch", "video_abc", "--follow").stderr


@pytest.mark.usefixtures("at_once")
def test_of_several_the_list_is_named_and_json_stays_alone_on_its_stream(cli: Cli, stub: StubBridge) -> None:
    for video_id in ("a", "b"):
        stub.course(video_id, still(pending=1))
    result = cli("watch", "a", "b", "--follow", "--json")
    assert "2 deliveries are still pending: `video-bridge deliveries --status pending` lists them." in result.stderr
    assert "still pending" not in result.stdout


@pytest.mark.usefixtures("at_once")
def test_a_server_that_goes_before_it_was_asked_leaves_what_was_known(cli: Cli, stub: StubBridge) -> None:
    stub.course("video_abc", still(pending=1))
    stub.fail_after(2, refusal(503))
    result = cli("watch", "video_abc", "--follow")
    assert (result.exit_code, "1 delivery is still pending" in result.stderr) == (0, True)


def test_following_as_json_prints_a_line_per_change(cli: Cli, stub: StubBridge) -> None:
    stub.course("video_abc", at_progress(20), at_progress(20), completed())
    result = cli("watch", "video_abc", "--follow", "--json")
    lines = objects(result.stdout)
    assert [line["status"] for line in lines] == ["watching", "watching", "completed"]
    assert lines[-1] == next(iter(stub.watches.values()))
    assert result.stderr == ""


def test_following_several_reports_each_end(cli: Cli, stub: StubBridge) -> None:
    stub.course("a", completed())
    stub.course("b", at_progress(5), failed())
    result = cli("watch", "a", "b", "--follow")
    assert result.exit_code == 1
    assert [line.split()[:3] for line in result.stdout.splitlines()[-2:]] == [
        ["✓", "a", "completed"],
        ["✗", "b", "failed:"],
    ]


def test_following_the_same_video_twice_follows_it_once(cli: Cli, stub: StubBridge) -> None:
    stub.course("a", completed())
    result = cli("watch", "a", "a", "--follow", "--json")
    assert [line["status"] for line in objects(result.stdout)] == ["watching", "completed"]


def test_a_refused_id_makes_following_the_others_no_success(cli: Cli, stub: StubBridge) -> None:
    stub.course("a", completed())
    result = cli("watch", "a", "bad", "--follow")
    assert result.exit_code == 2
    assert "✓ a completed" in result.stdout


def test_when_all_ids_are_refused_nothing_is_followed(cli: Cli) -> None:
    result = cli("watch", "bad1", "bad2", "--follow", "--json")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_watch_that_vanishes_while_followed_is_reported(cli: Cli, stub: StubBridge) -> None:
    stub.next_answers += [None, refusal(404), refusal(404, "There is no such watch.")]
    result = cli("watch", "a", "--follow")
    assert result.exit_code == 1
    assert "Error: There is no such watch.\nFollowing ended early; the watches go on at the server." in result.stderr


def test_a_server_that_is_not_there_is_its_own_exit_code(cli: Cli, environ: Environ) -> None:
    environ["BRIDGE_URL"] = "http://127.0.0.1:9"
    result = cli("watch", "a", "--follow")
    assert result.exit_code == 3
    assert "Is `video-bridge serve` running? BRIDGE_URL is http://127.0.0.1:9" in result.stderr
