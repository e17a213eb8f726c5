"""Sessions of the dashboard: a signed, expiring cookie that names an API key and never holds it.

The signature covers the key itself, so a key that is removed or changed ends its sessions. Whoever has not signed in
has a session, too, without a key: forms need something to be tied to. On a server without keys that is all there is.

A session that was signed out of is remembered in the database until its cookie would have ended: whoever copied that
has nothing any more, whichever replica is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from bridge.clock import Clock
from bridge.settings import ApiKey
from bridge.web.auth import KeyRing

COOKIE = "bridge_session"
LIFETIME = 12 * 3600
"""Seconds until one has to sign in again."""

_NOBODY = "-"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the dashboard.

    :param session: a random word; what forms are tied to.
    :param key: with which they signed in; None when they did not, or need not.
    :param key_id: the beginning of the key's digest; empty without a key.
    :param cookie: to be set with the answer; None when the browser has it.
    :param admitted: whether they may see anything but the form to sign in.
    """

    session: str
    key: ApiKey | None
    key_id: str
    cookie: str | None
    admitted: bool

    @property
    def may_change(self) -> bool:
        """Whether they may do more than look."""
        return self.admitted and not (self.key is not None and self.key.read_only)


class SignedOut(Protocol):
    """What is asked of :class:`bridge.registry.sessions.EndedSessions`; its methods are described there."""

    async def add(self, session: str, until: float, now: float, /) -> None:
        """Remember that somebody signed out."""
        ...

    async def has(self, session: str, /) -> bool:
        """Whether somebody signed out of this session."""
        ...


class Sessions:
    """Makes and reads the cookie.

    :param signing: keys, the first signs, the others are still believed.
    :param clock: the machine's clock.
    :param ended: the sessions that somebody signed out of.
    :param secure: browsers reach the server by TLS and must send the cookie by nothing else.
    """

    def __init__(
        self, signing: Sequence[bytes], keys: KeyRing, clock: Clock, ended: SignedOut, *, secure: bool
    ) -> None:
        self._signing = tuple(signing)
        self._keys = keys
        self._clock = clock
        self._secure = secure
        self._ended = ended

    def visitor(self, request: Request) -> Visitor:
        """Whom the cookie of this request names, signed out or not. Without one that holds, somebody new."""
        cookie = request.cookies.get(COOKIE, "")
        version, key_id, expires, session, signature = [*cookie.split("."), *[""] * 5][:5]
        if version != "v1" or not expires.isdecimal() or int(expires[:12]) <= self._clock.now():
            return self.new(None)
        holders: list[ApiKey | None] = [None] if key_id == _NOBODY else [*self._keys.of_id(key_id)]
        for key in holders:
            stated = self._stated(key, int(expires), session)
            if any(hmac.compare_digest(self._sign(each, stated, key), signature) for each in self._signing):
                return self._visitor(key, session, None)
        return self.new(None)

    def new(self, key: ApiKey | None) -> Visitor:
        """A session that begins now, of somebody who showed this key, or none."""
        session = secrets.token_hex(16)
        stated = self._stated(key, int(self._clock.now()) + LIFETIME, session)
        return self._visitor(key, session, f"{stated}.{self._sign(self._signing[0], stated, key)}")

    async def end(self, visitor: Visitor) -> None:
        """Believe the cookie of this session no more. One without a key opens nothing and is let be."""
        if visitor.key is not None:
            now = self._clock.now()
            await self._ended.add(visitor.session, now + LIFETIME, now)

    async def lasting(self, visitor: Visitor) -> Visitor:
        """The visitor; somebody new when this session was signed out of."""
        if visitor.key is None or not await self._ended.has(visitor.session):
            return visitor
        return self.new(None)

    def set_cookie(self, response: Response, visitor: Visitor) -> None:
        """Let the browser keep a session that it has not."""
        if visitor.cookie is not None:
            response.set_cookie(
                COOKIE, visitor.cookie, max_age=LIFETIME, path="/", secure=self._secure, httponly=True, samesite="lax"
            )

    def token(self, visitor: Visitor) -> str:
        """What every form of this session sends along, and nobody else can know."""
        return self._mac(self._signing[0], f"form.{visitor.session}")

    def is_token(self, visitor: Visitor, shown: str) -> bool:
        """Whether a form comes from a page of this session."""
        wanted = [self._mac(each, f"form.{visitor.session}") for each in self._signing]
        return any(hmac.compare_digest(each.encode(), shown.encode("utf-8", "replace")) for each in wanted)

    def _visitor(self, key: ApiKey | None, session: str, cookie: str | None) -> Visitor:
        key_id = "" if key is None else self._keys.id_of(key)
        return Visitor(session, key, key_id, cookie, admitted=key is not None or not self._keys)

    def _stated(self, key: ApiKey | None, expires: int, session: str) -> str:
        return f"v1.{_NOBODY if key is None else self._keys.id_of(key)}.{expires}.{session}"

    def _sign(self, signing: bytes, stated: str, key: ApiKey | None) -> str:
        proof = "" if key is None else hashlib.sha256(key.key.get_secret_value().encode()).hexdigest()
        return self._mac(signing, f"session.{stated}.{proof}")

    @staticmethod
    def _mac(signing: bytes, text: str) -> str:
        return hmac.new(signing, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
