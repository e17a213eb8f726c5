"""Every exception httpx has stands for a reason of ours."""

from __future__ import annotations

import httpx
import pytest

from bridge.egress.failures import REASONS, reason_of, translated
from bridge.errors import EgressError
from bridge.models import Reason

ALL = [kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, Exception)]


def test_the_table_holds_exactly_the_exceptions_httpx_has() -> None:
    # Fails when httpx grows a new one: decide what it means and add it.
    assert set(REASONS) == set(ALL)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (httpx.ConnectTimeout, Reason.TIMEOUT),
        (httpx.ReadTimeout, Reason.TIMEOUT),
        (httpx.PoolTimeout, Reason.OWN_FAULT),
        (httpx.ConnectError, Reason.CONNECT),
        (httpx.ReadError, Reason.RESET),
        (httpx.ProxyError, Reason.OWN_FAULT),
        (httpx.RemoteProtocolError, Reason.BAD_REPLY),
        (httpx.LocalProtocolError, Reason.RENDER),
        (httpx.InvalidURL, Reason.RENDER),
    ],
)
def test_errors_become_ours(kind: type[Exception], reason: Reason) -> None:
    with pytest.raises(EgressError, match=kind.__name__) as raised, translated():
        raise kind("what happened")
    assert raised.value.reason is reason
    assert isinstance(raised.value.__cause__, kind)


def test_an_unknown_kind_counts_as_what_it_derives_from() -> None:
    class NewTimeoutError(httpx.ReadTimeout):
        pass

    assert reason_of(NewTimeoutError("")) is Reason.TIMEOUT


def test_what_could_not_be_sent_is_not_quoted() -> None:
    with pytest.raises(EgressError) as raised, translated():
        raise httpx.LocalProtocolError("Illegal header value b'Bearer secret\\n'")
    assert "secret" not in str(raised.value)


def test_a_long_story_is_cut() -> None:
    with pytest.raises(EgressError) as raised, translated():
        raise httpx.RemoteProtocolError("x" * 10_000)
    assert len(raised.value.detail) == 200


def test_errors_that_are_not_httpxs_pass_through() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError
