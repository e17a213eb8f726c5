"""How jobs and answers go through a pipe: JSON with its length before it.

Not pickles: those of a process that a template has taken over would take over the one that reads them.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
"""The length of what follows, bytes."""


def frame(data: Any) -> bytes:
    """Plain data as it goes through the pipe."""
    body = json.dumps(data).encode()
    return LENGTH.pack(len(body)) + body


def read_frame(stream: BinaryIO) -> Any:
    """The next data from the pipe, or None when the other side has hung up."""
    head = stream.read(LENGTH.size)
    return json.loads(stream.read(*LENGTH.unpack(head))) if len(head) == LENGTH.size else None
