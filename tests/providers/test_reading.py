"""Replies read as videos, whatever dialect they are in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import Video, VideoError, VideoStatus
from bridge.providers.reading import Unreadable, read_error, read_video

T = 1_763_870_000


def reading(**fields: object) -> Video:
    return read_video("video_1", json.dumps({"status": "in_progress", **fields}).encode())


def test_a_reply_in_openais_own_words_is_read_whole() -> None:
    reply = {
        "id": "video_1",
        "object": "video",
        "model": "sora-2",
        "status": "completed",
        "progress": 100,
        "created_at": T,
        "completed_at": T + 60,
        "expires_at": T + 3_660,
        "prompt": "A cat on a sofa",
        "remixed_from_video_id": "video_0",
        "seconds": "8",
        "size": "1280x720",
        "error": None,
    }
    assert read_video("video_1", json.dumps(reply).encode()).as_dict() == reply


def test_a_status_is_all_it_takes() -> None:
    assert read_video("video_1", b'{"status": "queued"}') == Video(id="video_1", status=VideoStatus.QUEUED)


def test_one_entry_of_a_list_is_read_as_it_lies() -> None:
    assert read_video("video_1", {"status": "queued", "progress": 10**400}).progress is None


@pytest.mark.parametrize("reply", [b"[]", b'"completed"', b"null", b"1", b"{}", b'{"status": null}', b'{"status": 3}'])
def test_anything_but_an_object_with_a_string_status_is_unreadable(reply: bytes) -> None:
    with pytest.raises(Unreadable, match=r"object|status"):
        read_video("video_1", reply)


def test_unreadable_is_a_value_error_like_any_other_bad_value() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        read_video("video_1", b"<html>Bad Gateway</html>")


def test_the_id_is_the_registered_one_whatever_the_reply_says() -> None:
    assert reading(id="video_other").id == "video_1"


@pytest.mark.parametrize("word", ["completed", "succeeded", "success", "done", "COMPLETED", " Completed "])
def test_words_of_success_mean_completed(word: str) -> None:
    assert reading(status=word).status is VideoStatus.COMPLETED


@pytest.mark.parametrize(
    "word", ["queued", "pending", "submitted", "NOT_START", "not-started", "Not Started", "not_start"]
)
def test_words_of_waiting_mean_queued(word: str) -> None:
    assert reading(status=word).status is VideoStatus.QUEUED


@pytest.mark.parametrize(
    "word", ["in_progress", "processing", "IN-PROGRESS", "unknown", "", "\x00", "almost done", "x" * 9_999]
)
def test_any_unknown_word_means_in_progress(word: str) -> None:
    assert reading(status=word).status is VideoStatus.IN_PROGRESS


@pytest.mark.parametrize("word", ["error", "cancelled", "canceled", "expired", "deleted", "rejected", "EXPIRED"])
def test_a_failing_word_without_an_error_becomes_the_error(word: str) -> None:
    video = reading(status=word)
    assert video.status is VideoStatus.FAILED
    assert video.error == VideoError(word.lower(), f"The provider reported the status '{word.lower()}'.")


def test_a_plain_failure_without_an_error_still_has_a_code_and_a_sentence() -> None:
    assert reading(status="failed").error == VideoError(
        "failed", "The provider reported the video as failed without saying why."
    )


@pytest.mark.parametrize("empty", [None, "", {}, {"code": None, "message": ""}, [], 7, True])
def test_an_error_that_says_nothing_is_no_error(empty: object) -> None:
    error = reading(status="cancelled", error=empty).error
    assert error is not None
    assert error.code == "cancelled"


def test_an_error_beside_a_failing_word_is_the_providers_own() -> None:
    assert reading(status="expired", error={"message": "too old"}).error == VideoError(None, "too old")


@pytest.mark.parametrize("word", ["queued", "in_progress", "completed"])
def test_a_video_that_did_not_fail_has_no_error(word: str) -> None:
    assert reading(status=word, error={"code": "x", "message": "y"}).error is None


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": "moderation_blocked", "message": "no"}, "moderation_blocked", "no"),
        ({"code": 500, "message": "boom"}, "500", "boom"),
        ({"message": "no code"}, None, "no code"),
        ({"code": "no_message"}, "no_message", None),
        ({"code": "x", "message": None}, "x", None),
        ({"code": ["x"], "message": 3}, None, None),
        ("boom", None, "boom"),
        ({"error": {"code": "inner", "message": "nested"}}, "inner", "nested"),
        ({"code": 500, "error": {"code": "inner"}}, "inner", None),
        ({"code": "outer", "message": {"text": "?", "detail": "deep"}}, "outer", "deep"),
        ([{"loc": ["path"], "msg": "not a uuid"}], None, "not a uuid"),
        ({"error": {"error": {"error": {"error": "too deep"}}}}, None, None),
    ],
)
def test_errors_come_in_many_shapes(error: object, code: str | None, message: str | None) -> None:
    assert (read_error(error) or VideoError()) == VideoError(code, message)


def test_a_very_long_error_message_is_cut() -> None:
    error = read_error({"message": "x" * 100_000})
    assert error is not None
    assert error.message == "x" * 4_095 + "…"


@pytest.mark.parametrize(
    ("given", "percent"),
    [(0, 0), (33, 33), (33.9, 33), ("33", 33), ("33%", 33), (" 33.3 % ", 33), (100, 100), (150, 100), (-5, 0)],
)
def test_progress_becomes_a_whole_percentage(given: object, percent: int) -> None:
    assert reading(progress=given).progress == percent


@pytest.mark.parametrize("given", [None, True, "half", "", "%", [], {}, "nan", "inf"])
def test_progress_that_is_no_number_is_unknown(given: object) -> None:
    assert reading(progress=given).progress is None


def test_the_progress_of_a_completed_video_is_not_made_up() -> None:
    assert reading(status="completed", progress=None).progress is None
    assert reading(status="completed", progress=99).progress == 99


@pytest.mark.parametrize(("given", "seconds"), [("8", "8"), (8, "8"), (8.0, "8"), (4.5, "4.5"), ("8s", "8s"), (0, "0")])
def test_seconds_are_a_string(given: object, seconds: str) -> None:
    assert reading(seconds=given).seconds == seconds


@pytest.mark.parametrize("given", [None, True, -1, [], {}, ""])
def test_seconds_that_make_no_sense_are_unknown(given: object) -> None:
    assert reading(seconds=given).seconds is None


@pytest.mark.parametrize(
    "given",
    [
        T,
        T + 0.9,
        T * 1000,
        T * 1000 + 999,
        str(T),
        str(T * 1000),
        "2025-11-23T03:53:20Z",
        "2025-11-23T03:53:20.123456789Z",
        "2025-11-23T05:53:20+02:00",
        "2025-11-23T03:53:20",
        "2025-11-23 03:53:20",
    ],
)
def test_timestamps_come_in_many_shapes(given: object) -> None:
    assert reading(created_at=given).created_at == T


@pytest.mark.parametrize(
    "given", [None, 0, 0.5, -1, True, "", "soon", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 1e15, "nan", [T], {}]
)
def test_timestamps_that_make_no_sense_are_unknown(given: object) -> None:
    assert reading(completed_at=given).completed_at is None


def test_beyond_a_hundred_billion_a_timestamp_is_in_milliseconds() -> None:
    assert reading(created_at=100_000_000_000).created_at == 100_000_000_000
    assert reading(created_at=100_000_001_000).created_at == 100_000_001


def test_created_stands_in_for_created_at() -> None:
    assert reading(created=T).created_at == T
    assert reading(created=T, created_at=0).created_at == T
    assert reading(created=T, created_at=T + 1).created_at == T + 1


def test_a_long_prompt_is_kept_and_an_absurd_one_cut() -> None:
    assert reading(prompt="p" * 32_000).prompt == "p" * 32_000
    assert len(reading(prompt="p" * 40_000).prompt or "") == 32_000


def test_other_texts_are_cut_at_512_characters() -> None:
    video = reading(model="m" * 600, size="s" * 600, remixed_from_video_id="r" * 600, seconds="8" * 600)
    assert {len(text or "") for text in (video.model, video.size, video.remixed_from_video_id, video.seconds)} == {512}


@pytest.mark.parametrize("field", ["model", "prompt", "size", "remixed_from_video_id"])
def test_a_text_of_another_type_is_unknown(field: str) -> None:
    assert reading(**{field: {"width": 1}}).as_dict()[field] is None


def test_surrogates_and_nul_are_replaced() -> None:
    video = read_video("video_1", rb'{"status": "failed", "prompt": "a\ud800\u0000b", "error": "\udfff"}')
    assert video.prompt == "a\ufffd\ufffdb"
    assert video.error == VideoError(None, "\ufffd")


def test_a_completed_video_ends_even_with_an_absurdly_nested_extra() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    reply = b'{"extra": ' + deep + b', "status": "completed", "progress": 1e999, "created_at": ' + b"9" * 5_000 + b"}"
    assert read_video("video_1", reply) == Video(id="video_1", status=VideoStatus.COMPLETED)


ODD_TEXT = st.text(alphabet=st.characters()) | st.sampled_from(
    ["33%", "2025-11-23T03:53:20Z", "\x00", "1e999", "completed"]
)
ODD_NUMBER = st.integers() | st.floats() | st.integers(10**15, 10**40)
ODD = st.recursive(
    st.none() | st.booleans() | ODD_NUMBER | ODD_TEXT | st.text(alphabet=st.characters(categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["code", "message", "error", "detail", "x"]), inner)
    ),
)
FIELDS = st.sampled_from([*Video("x").as_dict(), "created"])
STATUS = ODD_TEXT | st.sampled_from(["failed", "expired", "done", "queued"])
HOSTILE = st.builds(
    lambda fields, status: {**fields, "status": status}, st.dictionaries(FIELDS, ODD, max_size=6), STATUS
)
TYPES: dict[str, tuple[type, ...]] = {
    "progress": (int, type(None)),
    "created_at": (int, type(None)),
    "completed_at": (int, type(None)),
    "expires_at": (int, type(None)),
    "error": (dict, type(None)),
}


def assert_harmless(emitted: dict[str, Any]) -> None:
    assert len(emitted) == 13
    assert (emitted["id"], emitted["object"]) == ("video_1", "video")
    assert emitted["status"] in {"queued", "in_progress", "completed", "failed"}
    assert all(isinstance(value, TYPES.get(name, (str, type(None)))) for name, value in emitted.items())
    assert (emitted["error"] is not None) == (emitted["status"] == "failed")
    assert "\x00" not in json.dumps(emitted, ensure_ascii=False).encode().decode()
    assert "\\u0000" not in json.dumps(emitted)


@given(HOSTILE)
def test_no_field_however_odd_makes_a_reply_unreadable(reply: dict[str, Any]) -> None:
    assert_harmless(read_video("video_1", json.dumps(reply).encode()).as_dict())


@given(HOSTILE)
def test_an_entry_that_is_parsed_already_is_made_just_as_harmless(reply: dict[str, Any]) -> None:
    assert_harmless(read_video("video_1", reply).as_dict())


@given(ODD | st.binary())
def test_whatever_the_reply_only_a_video_or_unreadable_comes_out(reply: object) -> None:
    try:
        video = read_video("video_1", reply)
    except Unreadable:
        return
    assert_harmless(video.as_dict())
