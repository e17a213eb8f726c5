"""From values to HTML: the templates of the dashboard, what they can say, and the headers around them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from bridge import __version__
from bridge.clock import Clock
from bridge.reasons import because
from bridge.web.dashboard.session import Sessions, Visitor
from bridge.web.dashboard.static import StaticFiles

THEME = "bridge_theme"
"""The cookie that remembers light or dark."""
THEMES = ("light", "dark")

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self'",
    "connect-src 'self'",
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": "; ".join(_POLICY),
    # With no-referrer a browser would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every page."""

_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Seen:
    """Who sees a page, and from where."""

    request: Request
    visitor: Visitor


class Pages:
    """Renders the dashboard's templates.

    :param folders: where templates and static files are looked for; earlier ones win.
    :param clock: by which ages are told.
    """

    def __init__(self, folders: Sequence[Path], sessions: Sessions, static: StaticFiles, clock: Clock) -> None:
        self._environment = _environment(tuple(folders))
        self._sessions = sessions
        self._static = static
        self._clock = clock

    def page(self, seen: Seen, name: str, status: int = 200, /, **values: Any) -> Response:
        """One page.

        :param name: of the template, without its suffix.
        """
        root = root_of(seen.request)
        html = self._environment.get_template(f"{name}.html").render(
            root=root,
            static={file: root + url for file, url in self._static.urls.items()},
            visitor=seen.visitor,
            form_token=self._sessions.token(seen.visitor),
            theme=theme_of(seen.request),
            here=_here(seen.request),
            now=self._clock.now(),
            page=name,
            **values,
        )
        return Response(html, status, dict(HEADERS), media_type="text/html")


@cache
def _environment(folders: tuple[Path, ...]) -> Environment:
    """The compiled templates of these folders; a process needs them once."""
    made = Environment(
        loader=FileSystemLoader([folder / "web" / "dashboard" for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"iso": iso, "utc": utc, "span": span, "rough": rough, "short": short, "middle": middle}
    made.filters |= {"because": because}
    made.globals |= {"version": __version__}
    return made


def root_of(request: Request) -> str:
    """The way from this page up to the dashboard's root: pages work below any prefix that a proxy takes away."""
    return "../" * (path_of(request).count("/") - 1) or "./"


def path_of(request: Request) -> str:
    """The path of this page, without the prefix that the application may be mounted under."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def redirect(request: Request, path: str) -> Response:
    """Go on to a page below the root."""
    return Response(status_code=303, headers={**HEADERS, "location": root_of(request) + path})


def local_path(wanted: str) -> str:
    """A path below the root that a form may lead back to; what leads elsewhere is the root itself."""
    plain = wanted.isprintable() and not wanted.startswith("/") and "//" not in wanted and "\\" not in wanted
    return wanted if plain and ":" not in wanted.partition("?")[0] and ".." not in wanted else ""


def theme_of(request: Request) -> str | None:
    """Light or dark, when somebody chose."""
    chosen = request.cookies.get(THEME)
    return chosen if chosen in THEMES else None


def _here(request: Request) -> str:
    """Where this page is, below the root: what a form names to be led back to."""
    query = request.url.query
    return path_of(request).lstrip("/") + (f"?{query}" if query else "")


def iso(at: float) -> str:
    """A moment for machines."""
    return _moment(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(at: float) -> str:
    """A moment for people, absolute."""
    return _moment(at).strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = max(0, round(seconds))
    for index, (size, name) in enumerate(_STEPS):
        if whole >= size:
            rest = whole % size
            below, word = _STEPS[index + 1] if index + 1 < len(_STEPS) else (1, "s")
            return f"{whole // size} {name}" + (f" {rest // below} {word}" if rest // below else "")
    return f"{whole} s" if whole or seconds < 0.05 else f"{math.ceil(seconds * 1000)} ms"


def rough(seconds: float) -> str:
    """A length of time in its largest unit, for where there is little room."""
    return " ".join(span(seconds).split(" ")[:2])


def short(text: str, most: int = 80) -> str:
    """The beginning of a text, for where there is little room."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def middle(text: str, most: int = 40) -> str:
    """Both ends of an id, for where there is little room: that is where ids differ."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


def _moment(at: float) -> datetime:
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):  # a provider may state any number
        return datetime.fromtimestamp(0, UTC)
