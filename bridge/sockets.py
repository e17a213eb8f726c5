"""Sockets that servers listen on, and what to do where they cannot."""

from __future__ import annotations

import errno
import os
import socket

from bridge.errors import ConfigurationError

_BACKLOG = 1024
# Errors that another port mends; all others are about the address.
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)


def listening_socket(host: str, port: int, *, prefix: str = "Cannot", by_host: str, by_port: str) -> socket.socket:
    """A socket that listens; the caller closes it.

    :param port: 0 takes any free one.
    :param prefix: how the message of the error begins, up to "listen on …".
    :param by_host, by_port: what sets each of them, to be named as the remedy.
    :raises ConfigurationError: the address is in use, not this machine's, or not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        remedy = f"Choose another address with {by_host}."
        if error.errno in _OF_THE_PORT:
            stop = "Stop what uses it, or choose" if error.errno == errno.EADDRINUSE else "Choose"
            remedy = f"{stop} another port with {by_port}."
        raise ConfigurationError(f"{prefix} listen on {host}, port {port}: {_reason(error)}. {remedy}") from error
    # Inherited by what is accepted. asyncio does not see that these sockets are TCP (their protocol number is 0), and
    # an answer's body would wait 40 ms for the acknowledgement of its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _reason(error: OSError) -> str:
    """In the system's words: those of the error repeat the address. Errors of names have numbers below zero."""
    return os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error.strerror or str(error)
