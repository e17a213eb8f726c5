"""Query parameters as pydantic models: what a list may be asked for, and how strictly it is read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request

from bridge.errors import InvalidRequestError
from bridge.models import DeliveryStatus, PageRequest, WatchStatus
from bridge.web.problems import validate
from bridge.web.strictjson import check_text, path_text

_MAP = re.compile(r"(?P<name>[a-z_]+)\[(?P<key>.+)\]", re.DOTALL)


def _digits(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError("it must be a whole number")
    return int(text)


WholeNumber = Annotated[int, BeforeValidator(_digits)]
WatchId = Annotated[str, Field(pattern="^watch_[0-9A-Za-z_-]{1,64}$")]
DestinationId = Annotated[str, Field(pattern="^dest_[0-9A-Za-z_-]{1,64}$")]
DeliveryId = Annotated[str, Field(pattern="^dlv_[0-9A-Za-z_-]{1,64}$")]


class NoQuery(BaseModel):
    """A route that takes no query parameters."""

    # Built when a request first asks for it, as all bodies and answers are: a start should not wait for that.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class WaitQuery(NoQuery):
    """How long to hold a request for one watch."""

    wait: WholeNumber = Field(0, ge=0, le=60, description="Hold until the watch has ended, at most so many seconds.")


class PageQuery(NoQuery):
    """Which part of a list to show."""

    limit: WholeNumber = Field(20, ge=1, le=100, description="How many to show at most.")
    order: Literal["desc", "asc"] = Field("desc", description="Newest first (`desc`) or oldest first (`asc`).")
    after: str | None = None

    @property
    def page(self) -> PageRequest:
        """The page as the registry is asked for it."""
        return PageRequest(self.limit, self.after, descending=self.order == "desc")


class WatchQuery(PageQuery):
    """Which watches to list."""

    after: WatchId | None = Field(None, description="Go on after this id: the `last_id` of the page before.")
    status: WatchStatus | None = Field(None, description="Only watches that stand so.")
    video_id: str | None = Field(None, min_length=1, max_length=512, description="Only watches of this video.")
    provider: str | None = Field(None, min_length=1, max_length=64, description="Only watches of this provider.")
    metadata: dict[str, str] = Field(
        default={}, max_length=16, description="Only watches with these pairs: `metadata[campaign]=spring`."
    )


class DeliveryQuery(PageQuery):
    """Which deliveries to list."""

    after: DeliveryId | None = Field(None, description="Go on after this id: the `last_id` of the page before.")
    status: DeliveryStatus | None = Field(None, description="Only deliveries that stand so.")
    watch_id: str | None = Field(None, min_length=1, max_length=128, description="Only deliveries of this watch.")
    destination: str | None = Field(
        None, min_length=1, max_length=128, description="Only deliveries to the destination of this name or id."
    )


class DestinationQuery(PageQuery):
    """Which destinations to list."""

    after: DestinationId | None = Field(None, description="Go on after this id: the `last_id` of the page before.")


class ProviderQuery(PageQuery):
    """Which providers to list. They are few: mostly one page holds them all."""

    limit: WholeNumber = Field(100, ge=1, le=100, description="How many to show at most.")
    order: Literal["desc", "asc"] = Field(
        "desc", description="As they are configured (`desc`), or the other way round (`asc`)."
    )
    after: str | None = Field(
        None, min_length=1, max_length=64, description="Go on after this name: the `last_id` of the page before."
    )


class ForceQuery(NoQuery):
    """Whether to do it although something stands against it."""

    force: Literal["true", "false"] = Field("false", description="Although something needs it.")


Query = TypeVar("Query", bound=NoQuery)


def read_query(request: Request, model: type[Query]) -> Query:
    """The query parameters as a model.

    :raises InvalidRequestError: one is unknown, given twice, not text, or cannot be used; ``param`` names it.
    """
    values: dict[str, Any] = {}
    maps = {name for name, field in model.model_fields.items() if field.annotation == dict[str, str]}
    for name, value in _pairs(request.scope["query_string"]):
        entry = _MAP.fullmatch(name)
        if entry and entry["name"] in maps:
            _put(values.setdefault(entry["name"], {}), entry["key"], value, name)
        elif name in maps:
            raise InvalidRequestError(f"`{name}` is given as `{name}[KEY]=VALUE`.", param=name, code="invalid_value")
        else:
            _put(values, name, value, name)
    check_text(values)
    return validate(model, values, "query parameter")


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequestError("The query string is not valid UTF-8.", code="invalid_text") from error


def _put(values: dict[str, Any], name: str, value: str, param: str) -> None:
    if name in values:
        shown = path_text((param,))
        raise InvalidRequestError(f"`{shown}` is given twice; keep one.", param=shown, code="duplicate_field")
    values[name] = value
