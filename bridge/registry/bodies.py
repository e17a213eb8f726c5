"""What clients may ask for: the request bodies of the registry, as pydantic models."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from bridge.notifiers.callback import CallbackDestination

MAX_TIMEOUT = 2_592_000
MAX_BATCH = 1000

# Words that are routes of their own beside `/videos/{video_id}`, and path segments a client library folds away.
_NOT_VIDEO_IDS = frozenset({".", "..", "edits", "extensions", "characters"})


def _check_video_id(video_id: str) -> str:
    if not video_id.isprintable():
        raise ValueError("a video id has only printable characters")
    if video_id in _NOT_VIDEO_IDS:
        raise ValueError(f"{video_id!r} cannot be a video id")
    return video_id


def _check_metadata(metadata: dict[str, str]) -> dict[str, str]:
    for name, value in metadata.items():
        if not 1 <= len(name) <= 64:
            raise ValueError("a key has 1 to 64 characters")
        if len(value) > 512:
            raise ValueError(f"the value of {name!r} has more than 512 characters")
    return metadata


VideoId = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_check_video_id)]
Metadata = Annotated[dict[str, str], Field(max_length=16), AfterValidator(_check_metadata)]
DestinationName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")]

# A stored destination's name, or a whole destination. A further kind joins here with its own body.
Destination = DestinationName | CallbackDestination


class Registration(BaseModel):
    """Tell these destinations when this video ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    video_id: VideoId = Field(description="The provider's id of the video, kept as given.")
    provider: str | None = Field(None, max_length=64, description="Name of a configured provider.")
    key: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Registering again with the same key and content answers with the existing watch.",
    )
    callback_url: str | None = Field(None, max_length=2048, description="Short for an inline callback destination.")
    destinations: list[Destination] | None = Field(
        None, max_length=32, description="Names of stored destinations, or destinations in full."
    )
    metadata: Metadata = Field(default={}, description="Up to 16 strings that come back in every message.")
    timeout: StrictInt | None = Field(
        None, ge=1, le=MAX_TIMEOUT, description="Seconds until the watch gives up with `watch.timed_out`."
    )


class Batch(BaseModel):
    """Up to 1,000 registrations at once; each is answered on its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    watches: list[Registration] = Field(min_length=1, max_length=MAX_BATCH)


class RetryFilter(BaseModel):
    """Which ended deliveries to send again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: str = Field("failed", pattern="^failed$", description="Only `failed` deliveries can be retried in bulk.")
    since: StrictInt | None = Field(None, ge=0, le=2**53, description="Only those created at or after this Unix time.")
    destination: str | None = Field(None, min_length=1, max_length=64, description="Name or id of a destination.")
