"""The exceptions of video-bridge.

::

    BridgeError
    ├── ConfigurationError      settings that cannot work; carries every problem found (exit code 2)
    ├── RequestError            what a client of the API asked for was refused
    │   ├── InvalidRequestError     400, with the field in ``param``
    │   ├── AuthenticationError     401
    │   ├── PermissionDeniedError   403
    │   ├── NotFoundError           404
    │   ├── ConflictError           409
    │   ├── TooLargeError           413
    │   ├── UnsupportedMediaTypeError   415
    │   └── RateLimitedError        429, with ``retry_after``
    ├── StoreError              the database
    │   ├── StoreUnavailableError   it is away for now; 503, and the loops wait
    │   ├── StoreConflictError      somebody else was first; decide anew
    │   └── SecretsError            a stored secret cannot be decrypted with the keys at hand
    │       └── MissingKeyError         its key is not among them; 503 until the server is started with it
    ├── EgressError             one outgoing request had no (usable) answer; see ``reason``
    │   └── BlockedAddressError     the address is not one we may send to
    ├── FileUnavailableError    a video's file cannot be had now, or any more; see ``why``
    ├── RenderingError          there is no message (`bridge.rendering.errors`)
    │   ├── TemplateError           a template cannot be rendered; with line and reason
    │   └── SandboxError            the processes that render strangers' templates do not work
    └── UnrenderableError       not even the packaged template makes a message (`bridge.sender.composing`)

Errors of other libraries are translated where they enter: SQLAlchemy's in ``bridge.store``, httpx's in
``bridge.egress``, pydantic's in ``bridge.settings`` and ``bridge.web``.
"""

from __future__ import annotations

from enum import StrEnum

from bridge.models import Reason


class Away(StrEnum):
    """Why the database cannot be used just now."""

    LOCKED = "locked"
    FULL = "full"
    READ_ONLY = "read_only"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"


class NoFile(StrEnum):
    """Why a video's file cannot be had."""

    UNKNOWN = "unknown"  # no such link
    EXPIRED = "expired"  # the link, or the provider's file, is too old
    MISSING = "missing"  # the provider has no such file
    REFUSED = "refused"  # the provider does not give it to us
    TROUBLE = "trouble"  # no usable answer: later, perhaps
    BUSY = "busy"  # too many are being sent at once


class BridgeError(Exception):
    """Root of all errors raised on purpose."""


class ConfigurationError(BridgeError):
    """Settings that cannot work, all problems at once.

    :param problems: one sentence each, naming the variable it is about.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RequestError(BridgeError):
    """What a client of the API asked for was refused.

    :param message: what is wrong and, where there is one, the fix.
    :param param: the field it is about, for example ``destinations[0].url``.
    :param code: a machine-readable word for the case, or None.
    """

    status = 400
    type = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class InvalidRequestError(RequestError):
    """The request is malformed or names something that cannot be used (400)."""


class AuthenticationError(RequestError):
    """No valid API key came with the request (401)."""

    status = 401
    type = "authentication_error"


class PermissionDeniedError(RequestError):
    """The key, the Host or the Origin does not allow this (403)."""

    status = 403
    type = "permission_error"


class NotFoundError(RequestError):
    """There is no such thing (404)."""

    status = 404
    type = "not_found_error"


class ConflictError(RequestError):
    """It stands against the present state (409)."""

    status = 409
    type = "conflict_error"


class TooLargeError(RequestError):
    """The body is larger than the route takes (413)."""

    status = 413


class UnsupportedMediaTypeError(RequestError):
    """The body is of a kind the API does not read (415)."""

    status = 415


class RateLimitedError(RequestError):
    """The client asks for more than it may just now (429).

    :param retry_after: when it may ask again, seconds from now.
    """

    status = 429
    type = "rate_limit_error"

    def __init__(self, message: str, *, retry_after: float, code: str = "rate_limited") -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class StoreError(BridgeError):
    """The database could not do what was asked."""


class StoreUnavailableError(StoreError):
    """The database is away for now: locked, full, unreachable. Trying again later makes sense.

    :param away: why, in one word of a closed set.
    """

    def __init__(self, message: str, away: Away = Away.BROKEN) -> None:
        super().__init__(message)
        self.away = away


class StoreConflictError(StoreError):
    """What was decided from does not hold any more: somebody else took the same key meanwhile. Decide anew."""


class SecretsError(StoreError):
    """A stored secret cannot be decrypted with the keys at hand."""


class MissingKeyError(SecretsError):
    """A stored secret was encrypted with a key that is not among those at hand."""


class EgressError(BridgeError):
    """An outgoing request had no usable answer.

    :param reason: the word of the closed set that attempts, logs and metrics show.
    :param detail: for the operator's log; it may name addresses and must not reach a registrant.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class BlockedAddressError(EgressError):
    """The destination's address is not one we may send to."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.BLOCKED_ADDRESS, detail)


class FileUnavailableError(BridgeError):
    """A video's file cannot be had.

    :param why: what is in the way.
    :param detail: more, for the operator's log alone.
    :param watch_id: the watch whose page may say more, None where the link names none.
    """

    def __init__(self, why: NoFile, detail: str = "", *, watch_id: str | None = None) -> None:
        super().__init__(f"{why.value}: {detail}" if detail else why.value)
        self.why = why
        self.detail = detail
        self.watch_id = watch_id
