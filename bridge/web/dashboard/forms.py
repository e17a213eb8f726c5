"""Forms of the dashboard: read within bounds, and only when they come from a page of ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from bridge.errors import InvalidRequestError, PermissionDeniedError, UnsupportedMediaTypeError
from bridge.web.bodies import MAX_BODY, read_bytes
from bridge.web.dashboard.session import Sessions, Visitor
from bridge.web.strictjson import check_text

TOKEN = "form_token"  # noqa: S105 - the name of a field
_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 2000


class Form:
    """The fields of a form; one that was not sent is empty text."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """A field without the space around it."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """A field as it was typed; browsers send lines with CR and LF."""
        return (self._fields.get(name) or [""])[0].replace("\r\n", "\n")

    def all(self, name: str) -> Sequence[str]:
        """Every choice that was ticked."""
        return self._fields.get(name, [])

    def lines(self, name: str) -> list[str]:
        """The lines of a field that say something."""
        return [line.strip() for line in self.raw(name).splitlines() if line.strip()]


NO_FORM = Form({})


async def read_form(request: Request) -> Form:
    """The form that a request carries.

    :raises TooLargeError: it is over 1 MiB; :raises UnsupportedMediaTypeError: it is no form;
    :raises InvalidRequestError: it is no text, or has very many fields.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await read_bytes(request, MAX_BODY)
    if raw and media_type != _MEDIA_TYPE:
        raise UnsupportedMediaTypeError(f"Send a form, as {_MEDIA_TYPE}.", code="unsupported_media_type")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequestError("The form is not valid UTF-8 text.", code="invalid_text") from error
    fields: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        fields[name].append(value)
    check_text(fields)
    return Form(fields)


def check_origin(request: Request, public_url: str | None) -> None:
    """Refuse what a page of another origin makes a browser send. A request that names no origin is no browser's.

    Behind TLS the scheme here is not the browser's, so hosts are compared.

    :raises PermissionDeniedError: it is one.
    """
    ours = {request.headers.get("host", "").lower(), urlsplit(public_url or "").netloc.lower()} - {""}
    origins = request.headers.getlist("origin")
    foreign = any(urlsplit(origin).netloc.lower() not in ours for origin in origins)
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDeniedError("This form was sent by a page of another site.", code="foreign_origin")


def check_token(sessions: Sessions, visitor: Visitor, form: Form) -> None:
    """Refuse a form that is not of this session.

    :raises PermissionDeniedError: it is not.
    """
    if not sessions.is_token(visitor, form.text(TOKEN)):
        raise PermissionDeniedError(
            "This page is too old to send its form. Go back, load it again, and repeat what you did.",
            code="stale_form",
        )
