from __future__ import annotations

import pytest
from pydantic import SecretStr
from starlette.requests import Request

from bridge.settings import ApiKey
from bridge.web.auth import KeyRing
from bridge.web.dashboard.session import COOKIE, LIFETIME, Sessions, Visitor
from tests.clock import ManualClock
from tests.web.conftest import READER, WRITER
from tests.web.dashboard.conftest import SIGNING, FakeEnded

NEW, OLD = SIGNING


def sessions(
    clock: ManualClock, *keys: ApiKey, signing: tuple[bytes, ...] = (NEW,), ended: FakeEnded | None = None
) -> Sessions:
    return Sessions(signing, KeyRing(keys), clock, ended or FakeEnded(), secure=True)


def bringing(cookie: str | None) -> Request:
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


def kept(visitor: Visitor) -> Request:
    return bringing(visitor.cookie)


def test_a_session_names_its_key_and_does_not_hold_it(clock: ManualClock) -> None:
    made = sessions(clock, WRITER)
    visitor = made.new(WRITER)
    assert made.visitor(kept(visitor)).key == WRITER
    assert WRITER.key.get_secret_value() not in (visitor.cookie or "")


def test_it_ends_after_its_time(clock: ManualClock) -> None:
    cookie = kept(sessions(clock, WRITER).new(WRITER))
    later = ManualClock(clock.now() + LIFETIME)
    assert sessions(later, WRITER).visitor(cookie).key is None


def test_it_ends_with_its_key(clock: ManualClock) -> None:
    cookie = kept(sessions(clock, WRITER, READER).new(WRITER))
    assert sessions(clock, READER).visitor(cookie).admitted is False


async def test_who_signed_out_took_it_from_everybody_who_copied_its_cookie(clock: ManualClock) -> None:
    made = sessions(clock, WRITER)
    mine, other = made.new(WRITER), made.new(WRITER)
    await made.end(mine)
    assert (await made.lasting(made.visitor(kept(mine)))).admitted is False
    assert await made.lasting(other) == other


async def test_an_ended_session_is_remembered_for_as_long_as_its_cookie_may_last(clock: ManualClock) -> None:
    ended = FakeEnded()
    made = sessions(clock, WRITER, ended=ended)
    mine = made.new(WRITER)
    await made.end(mine)
    assert ended.until == {mine.session: clock.now() + LIFETIME}


async def test_a_session_without_a_key_leaves_nothing_to_remember(clock: ManualClock) -> None:
    ended = FakeEnded()
    made = sessions(clock, WRITER, ended=ended)
    nobody = made.new(None)
    await made.end(nobody)
    assert ended.until == {}
    assert await made.lasting(nobody) == nobody


def test_another_key_of_the_same_beginning_does_not_inherit_it(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyRing, "id_of", lambda self, key: "0badc0de")
    cookie = kept(sessions(clock, WRITER).new(WRITER))
    successor = ApiKey("ci", SecretStr("another-key-0123456789"))
    assert sessions(clock, successor).visitor(cookie).key is None


@pytest.mark.parametrize("place", range(5))
def test_a_changed_cookie_is_nobodys(clock: ManualClock, place: int) -> None:
    made = sessions(clock, WRITER)
    parts = (made.new(WRITER).cookie or "").split(".")
    parts[place] = parts[place][:-1] + ("0" if parts[place][-1] != "0" else "1")
    assert made.visitor(bringing(".".join(parts))).key is None


@pytest.mark.parametrize("cookie", ["", ".", "v1", "v1.-.999999999999999999999.x.y", "v1.\xb2.\xb2.\xb2.\xb2", "....."])
def test_a_cookie_that_is_none_of_ours_is_nobodys(clock: ManualClock, cookie: str) -> None:
    assert sessions(clock, WRITER).visitor(bringing(cookie)).cookie is not None


def test_nobody_is_admitted_where_there_are_keys_and_everybody_where_there_are_none(clock: ManualClock) -> None:
    assert not sessions(clock, WRITER).new(None).admitted
    assert sessions(clock).new(None).may_change


def test_a_session_of_a_server_without_keys_opens_none_with_keys(clock: ManualClock) -> None:
    cookie = kept(sessions(clock).new(None))
    assert not sessions(clock, WRITER).visitor(cookie).admitted


def test_a_key_that_may_only_read_changes_nothing(clock: ManualClock) -> None:
    visitor = sessions(clock, READER).new(READER)
    assert visitor.admitted
    assert not visitor.may_change


def test_after_a_rotation_of_the_secret_key_the_old_one_is_still_believed(clock: ManualClock) -> None:
    visitor = sessions(clock, WRITER, signing=(OLD,)).new(WRITER)
    rotated = sessions(clock, WRITER, signing=(NEW, OLD))
    assert rotated.visitor(kept(visitor)).key == WRITER
    assert rotated.is_token(visitor, sessions(clock, WRITER, signing=(OLD,)).token(visitor))
    assert sessions(clock, WRITER, signing=(NEW,)).visitor(kept(visitor)).key is None


def test_a_form_belongs_to_one_session(clock: ManualClock) -> None:
    made = sessions(clock)
    mine, other = made.new(None), made.new(None)
    assert made.is_token(mine, made.token(mine))
    assert not made.is_token(mine, made.token(other))
    assert not made.is_token(mine, "\udce9")
