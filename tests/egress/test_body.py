"""A body is read up to a bound, whatever it inflates to."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.egress.body import BoundedBody
from bridge.errors import EgressError
from bridge.models import Reason


def raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "": bytes,
    "br": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    " GZip ": gzip.compress,
    "deflate": zlib.compress,
}


def read(encoding: str, data: bytes, *, limit: int = 1000, size: int = 7) -> BoundedBody:
    """A body fed in pieces of ``size`` bytes, as far as it wants them."""
    body = BoundedBody(encoding, limit)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    if all(body.feed(piece) for piece in pieces):
        body.finish()
    return body


@pytest.mark.parametrize("encoding", PACKERS)
@given(data=st.binary(max_size=200), size=st.integers(min_value=1, max_value=50))
def test_a_body_comes_out_as_it_went_in(encoding: str, data: bytes, size: int) -> None:
    body = read(encoding, PACKERS[encoding](data), size=size)
    assert (body.content, body.truncated) == (data, False)


@given(data=st.binary(max_size=200), size=st.integers(min_value=1, max_value=50))
def test_deflate_without_its_wrapper_is_understood(data: bytes, size: int) -> None:
    assert read("deflate", raw_deflate(data), size=size).content == data


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
@pytest.mark.parametrize(("length", "truncated"), [(99, False), (100, False), (101, True), (500, True)])
def test_the_limit_is_exact(encoding: str, length: int, truncated: bool) -> None:
    body = read(encoding, PACKERS[encoding](b"a" * length), limit=100)
    assert (body.content, body.truncated) == (b"a" * min(length, 100), truncated)


def test_what_inflates_to_nothing_is_bounded_too() -> None:
    empty_blocks = zlib.compressobj().flush(zlib.Z_SYNC_FLUSH) + b"\x00\x00\x00\xff\xff" * 1000
    body = read("deflate", empty_blocks, limit=100)
    assert (body.content, body.truncated) == (b"", True)


def test_a_bomb_is_never_inflated_beyond_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    tracemalloc.start()
    body = read("gzip", bomb, limit=65_536, size=len(bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(body.content), body.truncated) == (65_536, True)
    assert peak < 1_000_000


def test_what_follows_the_compressed_form_is_no_part_of_the_body() -> None:
    assert read("gzip", gzip.compress(b"ok") + b"rubbish" * 5).content == b"ok"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_compressed_is_a_bad_reply(encoding: str) -> None:
    with pytest.raises(EgressError, match=f"not {encoding}") as refused:
        read(encoding, b"<html>plain</html>")
    assert refused.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize("length", [1, 12, 25])
def test_a_compressed_form_that_breaks_off_is_a_bad_reply_and_its_start_is_kept(length: int) -> None:
    packed = gzip.compress(b"incompressible: 4b825dc642cb6eb9", mtime=0)
    body = BoundedBody("gzip", 100)
    assert body.feed(packed[:length])
    with pytest.raises(EgressError, match="breaks off"):
        body.finish()
    assert b"incompressible".startswith(body.content[:14])


def test_an_empty_body_needs_no_compressed_form() -> None:
    assert read("gzip", b"").content == b""
