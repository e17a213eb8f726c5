"""What a registration may say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bridge.registry import Batch, Registration, RetryFilter

SECRET = "whsec_" + "A" * 32  # 24 bytes
CALLBACK = {"kind": "callback", "url": "https://example.com/hook"}


def refused(**body: Any) -> set[Any]:
    """The names and numbers on the ways to this body's faults."""
    with pytest.raises(ValidationError) as caught:
        Registration.model_validate({"video_id": "video_1", **body})
    return {step for error in caught.value.errors() for step in error["loc"]}


def test_only_the_video_id_is_required() -> None:
    body = Registration.model_validate({"video_id": "video_1"})
    assert (body.provider, body.key, body.callback_url, body.destinations, body.timeout) == (None,) * 5
    assert body.metadata == {}
    with pytest.raises(ValidationError, match="video_id"):
        Registration.model_validate({"callback_url": "https://example.com/hook"})


@pytest.mark.parametrize(
    "video_id",
    ["v", "x" * 512, "sora-2:task_01k7", "bGl0ZWxsbTo/YQ+b==", "a/b", "Größe 1", "..."],
)
def test_any_printable_video_id_is_kept_as_given(video_id: str) -> None:
    assert Registration(video_id=video_id).video_id == video_id


@pytest.mark.parametrize(
    "video_id", ["", "x" * 513, ".", "..", "edits", "extensions", "characters", "a\nb", "a\0b", "a\u202eb", "\ud800"]
)
def test_a_video_id_that_is_a_path_of_its_own_or_not_printable_is_refused(video_id: str) -> None:
    assert refused(video_id=video_id) == {"video_id"}


@pytest.mark.parametrize(
    "metadata",
    [
        {f"key{number}": "" for number in range(17)},
        {"k" * 65: ""},
        {"": "no name"},
        {"k": "v" * 513},
        {"k": 1},
        {"k": None},
        None,
    ],
)
def test_metadata_beyond_its_limits_is_refused(metadata: object) -> None:
    assert "metadata" in refused(metadata=metadata)


def test_metadata_may_go_up_to_its_limits() -> None:
    metadata = {f"{number:064}": "v" * 512 for number in range(16)}
    assert Registration(video_id="video_1", metadata=metadata).metadata == metadata


@pytest.mark.parametrize("timeout", [0, -1, 2_592_001, 1.5, "60", True])
def test_a_timeout_is_a_whole_number_of_seconds_up_to_thirty_days(timeout: object) -> None:
    assert refused(timeout=timeout) == {"timeout"}
    assert Registration(video_id="video_1", timeout=2_592_000).timeout == 2_592_000


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_1_to_255_characters(key: str) -> None:
    assert refused(key=key) == {"key"}


@pytest.mark.parametrize("name", ["", "Team", "-team", "team slack", "t" * 65, "tëam"])
def test_a_destination_name_is_lower_case_letters_digits_underscores_and_hyphens(name: str) -> None:
    assert {"destinations", 0} <= refused(destinations=[name])


@pytest.mark.parametrize(
    "secret", ["A" * 32, "whsec_", "whsec_" + "A" * 28, "whsec_" + "A" * 88, "whsec_not base64 at all, really not"]
)
def test_a_secret_is_whsec_and_base64_of_24_to_64_bytes(secret: str) -> None:
    assert "secret" in refused(destinations=[{**CALLBACK, "secret": secret}])


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"callbackUrl": "https://example.com"}, "callbackUrl"),
        ({"destinations": [{**CALLBACK, "colour": "red"}]}, "colour"),
        ({"destinations": [{**CALLBACK, "kind": "pigeon"}]}, "kind"),
        ({"destinations": [{**CALLBACK, "events": ["video.exploded"]}]}, "events"),
        ({"destinations": [{**CALLBACK, "events": []}]}, "events"),
        ({"destinations": [{**CALLBACK, "headers": {"Webhook-Id": "mine"}}]}, "headers"),
    ],
)
def test_what_is_unknown_is_refused_at_every_level(body: dict[str, Any], where: str) -> None:
    assert where in refused(**body)


def test_no_repr_shows_a_secret_or_a_header() -> None:
    given = {**CALLBACK, "secret": SECRET, "headers": {"X-Token": "t0p-s3cr3t"}}
    body = Registration.model_validate({"video_id": "video_1", "destinations": [given]})
    assert SECRET not in repr(body)
    assert "t0p-s3cr3t" not in repr(body)


def test_a_batch_holds_1_to_1000_registrations() -> None:
    registration = Registration(video_id="video_1")
    assert len(Batch(watches=[registration] * 1000).watches) == 1000
    for wrong in ([], [registration] * 1001):
        with pytest.raises(ValidationError):
            Batch(watches=wrong)


def test_only_failed_deliveries_can_be_retried_in_bulk() -> None:
    assert RetryFilter.model_validate({}).status == "failed"
    with pytest.raises(ValidationError):
        RetryFilter.model_validate({"status": "delivered"})
