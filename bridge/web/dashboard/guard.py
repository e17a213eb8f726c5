"""Before every page: who asks, may they, and is the form ours; and what they see when something is wrong."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.errors import (
    AuthenticationError,
    MissingKeyError,
    PermissionDeniedError,
    RateLimitedError,
    RequestError,
    StoreUnavailableError,
)
from bridge.logs import get_logger
from bridge.web.dashboard.desk import Desk
from bridge.web.dashboard.forms import NO_FORM, Form, check_origin, check_token, read_form
from bridge.web.dashboard.pages import Seen, path_of, redirect
from bridge.web.errors import KEY_MISSING, RETRY_AFTER_SECONDS
from bridge.web.requestlog import caller

_log = get_logger("bridge.web")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a page, admitted."""

    desk: Desk
    request: Request
    seen: Seen
    form: Form

    def page(self, name: str, status: int = 200, /, **values: object) -> Response:
        """One page; see :meth:`bridge.web.dashboard.pages.Pages.page`."""
        return self.desk.pages.page(self.seen, name, status, **values)

    def go_to(self, path: str) -> Response:
        """Go on to a page below the root."""
        return redirect(self.request, path)


Endpoint = Callable[[Ask], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page or the action of a form.

    :param open: nobody need have signed in.
    :param changes: it does something that a key which may only read must not.
    """

    method: str
    path: str
    endpoint: Endpoint
    open: bool = False
    changes: bool = False


def page_routes(pages: list[Page], desk: Desk) -> list[BaseRoute]:
    """One route per path, so that a refused method learns of all the others."""
    by_path: dict[str, dict[str, Page]] = {}
    for page in pages:
        by_path.setdefault(page.path, {})[page.method] = page
    return [Route(path, _dispatch(methods, desk), methods=list(methods)) for path, methods in by_path.items()]


def _dispatch(methods: dict[str, Page], desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        page = methods["GET" if request.method == "HEAD" else request.method]
        seen = Seen(request, desk.sessions.visitor(request))
        try:
            seen = Seen(request, await desk.sessions.lasting(seen.visitor))
            caller(request.scope).key_name = None if seen.visitor.key is None else seen.visitor.key.name
            caller(request.scope).key_id = seen.visitor.key_id
            response = await _answer(page, Ask(desk, request, seen, NO_FORM))
        except RequestError as error:
            response = _refused(desk, seen, error)
        except StoreUnavailableError as error:
            _log.warning("database_away", error=str(error))
            response = desk.pages.page(seen, "away", 503)
            response.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        except MissingKeyError as error:
            _log.error("key_missing", error=str(error))
            response = desk.pages.page(seen, "refused", 503, status=503, message=KEY_MISSING)
        if seen.visitor.cookie is not None and "set-cookie" not in response.headers:
            desk.sessions.set_cookie(response, seen.visitor)
        return response

    return endpoint


async def _answer(page: Page, ask: Ask) -> Response:
    visitor = ask.seen.visitor
    if visitor.key is not None:
        ask.desk.rate.take(visitor.key_id)
    if page.method == "GET":
        if not (page.open or visitor.admitted):
            return _sign_in_first(ask)
        return await page.endpoint(ask)
    check_origin(ask.request, ask.desk.public_url)
    form = await read_form(ask.request)
    check_token(ask.desk.sessions, visitor, form)
    if not (page.open or visitor.admitted):
        raise AuthenticationError("Sign in first; what you sent was not done.", code="missing_api_key")
    if page.changes and not visitor.may_change:
        raise PermissionDeniedError("The key you signed in with may only read.", code="read_only_key")
    return await page.endpoint(Ask(ask.desk, ask.request, ask.seen, form))


def _sign_in_first(ask: Ask) -> Response:
    path = path_of(ask.request).lstrip("/")
    if not path:
        return ask.page("sign-in", back="", wrong=False)
    query = ask.request.url.query
    return ask.go_to(f"sign-in?back={quote(path + (f'?{query}' if query else ''), safe='')}")


def _refused(desk: Desk, seen: Seen, error: RequestError) -> Response:
    response = desk.pages.page(seen, "refused", error.status, status=error.status, message=error.message)
    if isinstance(error, RateLimitedError):
        response.headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    return response
