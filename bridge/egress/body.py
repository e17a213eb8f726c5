"""Reading a reply's body with a bound on what it inflates to."""

from __future__ import annotations

import zlib

from bridge.errors import EgressError
from bridge.models import Reason

_GZIP = zlib.MAX_WBITS | 16
_WRAPPED = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


class BoundedBody:
    """Collects a body's bytes, decoded, up to a limit that neither the decoded nor the received size may pass.

    We ask for ``identity``; a server that compresses all the same is understood for gzip and deflate. Any other coding
    is kept as it came.

    :param encoding: the reply's ``Content-Encoding``.
    :param limit: the most bytes to keep.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self._coding = encoding.strip().lower()
        self._inflater: zlib._Decompress | None = None
        self._held = b""
        self._limit = limit
        self._received = 0
        self._kept = bytearray()
        self.truncated = False

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes from the wire; whether more are wanted.

        :raises EgressError: they are not what their encoding says (``bad_reply``).
        """
        self._received += len(chunk)
        room = self._limit - len(self._kept)
        try:
            # One byte more than there is room for tells "just fits" from "too much"; zlib stops there.
            data = self._inflate(chunk, room + 1) if self._coding in _CODINGS else chunk
        except zlib.error as error:
            raise EgressError(Reason.BAD_REPLY, f"the reply is not {self._coding}: {error}") from error
        self._kept += data[:room]
        self.truncated = len(data) > room or self._received > self._limit
        return not self.truncated

    def finish(self) -> None:
        """Say that the body has ended.

        :raises EgressError: its compressed form has not (``bad_reply``).
        """
        cut = self._inflater is None or not self._inflater.eof
        if self._coding in _CODINGS and self._received and cut:
            raise EgressError(Reason.BAD_REPLY, f"the {self._coding} reply breaks off")

    @property
    def content(self) -> bytes:
        """What was read so far."""
        return bytes(self._kept)

    def _inflate(self, chunk: bytes, most: int) -> bytes:
        if self._inflater is None:
            self._held += chunk
            if len(self._held) < 2:
                return b""
            chunk, self._held = self._held, b""
            self._inflater = zlib.decompressobj(_window(self._coding, chunk))
        # What follows the end of the compressed form is no part of the body.
        return b"" if self._inflater.eof else self._inflater.decompress(chunk, most)


def _window(coding: str, start: bytes) -> int:
    """zlib's word for the format that begins like this."""
    if coding != "deflate":
        return _GZIP
    # "deflate" means zlib's wrapper, but some servers send the bare stream (RFC 9110, section 8.4.1.2). The wrapper's
    # first two bytes are recognizable (RFC 1950, section 2.2).
    wrapped = start[0] & 0x0F == 8 and int.from_bytes(start[:2]) % 31 == 0
    return _WRAPPED if wrapped else _RAW
