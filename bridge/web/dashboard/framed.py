"""The HTML of a mail in a frame of its own, where it can do nothing but be looked at.

Its styles are allowed one by one, by their digests; scripts, pictures and links are not. It has an origin of its own.
https://www.w3.org/TR/CSP3/#unsafe-hashes-usage
"""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from starlette.responses import Response

_SOURCE = re.compile(r"(<img\b[^>]*?)\ssrc=", re.IGNORECASE)


class _Styles(HTMLParser):
    """Collects style sheets and style attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "style"
        self.found |= {value for name, value in attrs if name == "style" and value}

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.add(data)


def framed(html: str) -> Response:
    """A mail as a page that only a page of ours may show, in a frame."""
    styles = _Styles()
    styles.feed(html)
    digests = sorted(base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in styles.found)
    allowed = " ".join(["'unsafe-hashes'", *(f"'sha256-{each}'" for each in digests)]) if digests else "'none'"
    policy = ("default-src 'none'", f"style-src {allowed}", "base-uri 'none'", "form-action 'none'", "sandbox")
    headers = {
        "content-security-policy": "; ".join((*policy, "frame-ancestors 'self'")),
        "x-frame-options": "SAMEORIGIN",
        "cache-control": "no-store",
    }
    # Pictures of other hosts would be refused, each with a complaint in the browser's console.
    return Response(_SOURCE.sub(r"\1 data-src=", html), headers=headers, media_type="text/html")
