"""What clients may ask for: the request bodies of the registry, as pydantic models.

They are built when they are first wanted, for building all of them is part of nobody's start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StrictBool,
    StrictInt,
)

from bridge.models import EventType, PresetName
from bridge.notifiers.base import Events, Headers
from bridge.notifiers.callback import CallbackDestination
from bridge.notifiers.email_addresses import Recipients, Sender
from bridge.notifiers.email_webhook import EmailWebhookDestination
from bridge.notifiers.slack import SlackDestination, TemplateText

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

# A further kind joins in these three places with its own body.
Kind = Literal["callback", "slack", "email-webhook"]
AnyDestination = CallbackDestination | SlackDestination | EmailWebhookDestination
BODIES: Mapping[str, type[AnyDestination]] = {
    "callback": CallbackDestination,
    "slack": SlackDestination,
    "email-webhook": EmailWebhookDestination,
}


class _OfSomeKind(BaseModel):
    model_config = ConfigDict(defer_build=True)

    kind: Kind


def _check_kind(value: Any) -> Any:
    """Find fault with the field ``kind`` itself: a union would find it with the whole object."""
    if isinstance(value, Mapping):
        _OfSomeKind.model_validate(value)
    return value


# A stored destination's name, or a whole destination.
Destination = Annotated[
    DestinationName | Annotated[AnyDestination, Field(discriminator="kind")], BeforeValidator(_check_kind)
]


class _Kept(BaseModel):
    """What a stored destination has beside what its kind asks for."""

    model_config = ConfigDict(defer_build=True)

    name: DestinationName = Field(description="What watches call it: lower-case letters, digits, `_` and `-`.")
    default: StrictBool = Field(False, description="Whether watches that name no destination use it.")
    fallback: DestinationName | None = Field(None, description="Name of another stored destination that stands in.")


class StoredCallback(_Kept, CallbackDestination):
    """A callback under a name."""


class StoredSlack(_Kept, SlackDestination):
    """A Slack channel under a name."""


class StoredEmailWebhook(_Kept, EmailWebhookDestination):
    """Recipients of mail under a name."""


class NewDestination(
    RootModel[
        Annotated[
            Annotated[StoredCallback | StoredSlack | StoredEmailWebhook, Field(discriminator="kind")],
            BeforeValidator(_check_kind),
        ]
    ]
):
    """A destination to store under a name, of one of the kinds."""

    model_config = ConfigDict(frozen=True, defer_build=True)


def _drop_defaults(schema: dict[str, Any]) -> None:
    """A field that is left out stays as it is: that is no default."""
    for described in schema["properties"].values():
        described.pop("default", None)


class DestinationChange(BaseModel):
    """Fields of a destination to change; a kind takes those it has. What is left out stays as it is.

    These are only read here; what each may be is judged by the body of the destination's kind.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, serialize_by_alias=True, json_schema_extra=_drop_defaults
    )

    enabled: StrictBool = Field(True, description="True sends again, also after the receiver was given up.")
    default: StrictBool = Field(False, description="Whether watches that name no destination use it.")
    fallback: DestinationName | None = Field(None, description="Name of another stored destination that stands in.")
    events: Events = Field([], description="Event types this destination is told.")
    url: str | None = Field(None, repr=False, max_length=2048, description="Where it sends to.")
    headers: Headers = Field({}, repr=False, description="Further request headers; not for Slack.")
    template: TemplateText | dict[EventType, TemplateText] | None = Field(
        None, repr=False, description="Jinja template: one, or one per event type; null for the packaged one."
    )
    secret: str | None = Field(
        None, repr=False, max_length=128, description="Signs what a callback gets; null for the derived one."
    )
    preset: PresetName | None = Field(None, description="The mail service behind the URL.")
    api_key: str | None = Field(None, repr=False, min_length=1, max_length=1024, description="The mail service's key.")
    from_: Sender | None = Field(None, alias="from", description="Whom a mail comes from.")
    to: Recipients = Field([], description="Whom a mail goes to: 1 to 50 e-mail addresses.")

    def given(self) -> dict[str, Any]:
        """The fields that were given, by their names in JSON."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Registration(BaseModel):
    """Tell these destinations when this video ends."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

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

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    watches: list[Registration] = Field(min_length=1, max_length=MAX_BATCH)


class RetryFilter(BaseModel):
    """Which ended deliveries to send again."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    status: str = Field("failed", pattern="^failed$", description="Only `failed` deliveries can be retried in bulk.")
    since: StrictInt | None = Field(None, ge=0, le=2**53, description="Only those created at or after this Unix time.")
    destination: str | None = Field(None, min_length=1, max_length=64, description="Name or id of a destination.")
