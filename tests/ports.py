"""Ports for servers that run outside the test's own process."""

from __future__ import annotations

import socket
import time
from random import SystemRandom

# Below the ports that systems give to whoever asks for any (Linux from 32768, others from 49152): another server of
# another test, or a connection, cannot take one of these between two starts of the server it is meant for.
_PORTS = range(20_000, 32_768)
_chance = SystemRandom()


def free_port() -> int:
    """A port of loopback that is free and is given to nobody who does not ask for this very one."""
    while True:
        port = _chance.choice(_PORTS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def wait_for_port(port: int, timeout: float = 60.0) -> None:
    """Return when something listens there."""
    until = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
