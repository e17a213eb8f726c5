"""Looking up names without letting a stranger's broken name server stall anything else."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Protocol

from bridge.egress.addresses import IPAddress
from bridge.errors import EgressError
from bridge.models import Reason

LookUp = Callable[[str, int], list[IPAddress]]
"""A blocking look-up: host and port to addresses, in the order to try them. Raises OSError or ValueError."""

# Out of descriptors or threads: nothing the name's owner did.
_OWN_ERRNOS = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN})


class Resolver(Protocol):
    """Turns a host name into addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[IPAddress]:
        """All addresses of ``host``, in the order to try them.

        :raises EgressError: with reason ``dns``, or ``own_fault`` when the look-up could not be made.
        """
        ...


def system_look_up(host: str, port: int) -> list[IPAddress]:
    """Ask the system (hosts file, then DNS); blocks.

    :raises OSError: the name has no address, or nobody could be asked.
    :raises ValueError: the text cannot be a host name.
    """
    addresses = []
    for _, _, _, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        zone = f"%{where[3]}" if len(where) == 4 and where[3] else ""
        addresses.append(ip_address(f"{where[0]}{zone}"))
    return list(dict.fromkeys(addresses))


class SystemResolver:
    """A :class:`Resolver` on threads of its own, at most ``most`` at once.

    The event loop's shared threads are left alone: a few names whose servers never answer would fill them. The threads
    are daemons because a look-up cannot be interrupted, and the process must not wait for one when it ends. Requests
    for a name that is being looked up already share that look-up.

    :param patience: how long to wait for a free thread, and then for the answer, seconds.
    """

    def __init__(self, *, look_up: LookUp = system_look_up, most: int = 32, patience: float = 10.0) -> None:
        self._look_up = look_up
        self._patience = patience
        self._slots = asyncio.Semaphore(most)
        self._running: dict[tuple[str, int], asyncio.Task[list[IPAddress]]] = {}
        self._threads: set[asyncio.Future[list[IPAddress]]] = set()

    async def resolve(self, host: str, port: int) -> Sequence[IPAddress]:
        """All addresses of ``host``, in the order to try them.

        :raises EgressError: with reason ``dns``, or ``own_fault`` when the look-up could not be made.
        """
        key = (host, port)
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.create_task(self._resolve(host, port))
            running.add_done_callback(lambda done: self._forget(key, done))
        # Shielded: whoever gives up must not take the answer from the others.
        return await asyncio.shield(running)

    async def aclose(self) -> None:
        """Stop waiting for look-ups; threads that still hang end by themselves."""
        for waiting in (*self._running.values(), *self._threads):
            waiting.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _resolve(self, host: str, port: int) -> list[IPAddress]:
        try:
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        except TimeoutError as error:
            raise EgressError(Reason.OWN_FAULT, f"no thread was free to look up {host}") from error
        answer = self._start(host, port)
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(answer)
        except TimeoutError as error:
            raise EgressError(Reason.DNS, f"looking up {host} took over {self._patience:g} s") from error
        except (OSError, ValueError) as error:
            reason = Reason.OWN_FAULT if getattr(error, "errno", None) in _OWN_ERRNOS else Reason.DNS
            raise EgressError(reason, f"cannot look up {host}: {error}") from error

    def _start(self, host: str, port: int) -> asyncio.Future[list[IPAddress]]:
        """Begin a look-up in a thread; the thread, not whoever waits for it, gives the slot back."""
        work: concurrent.futures.Future[list[IPAddress]] = concurrent.futures.Future()
        work.set_running_or_notify_cancel()
        answer = asyncio.wrap_future(work)
        self._threads.add(answer)
        answer.add_done_callback(self._free)
        try:
            threading.Thread(target=_work, args=(work, self._look_up, host, port), name="look-up", daemon=True).start()
        except RuntimeError as error:
            work.set_exception(OSError(errno.EAGAIN, str(error)))
        return answer

    def _free(self, answer: asyncio.Future[list[IPAddress]]) -> None:
        self._threads.discard(answer)
        self._slots.release()

    def _forget(self, key: tuple[str, int], done: asyncio.Task[list[IPAddress]]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # looked at, so that asyncio does not complain when everybody has given up waiting


def _work(work: concurrent.futures.Future[list[IPAddress]], look_up: LookUp, host: str, port: int) -> None:
    try:
        addresses = look_up(host, port)
    except Exception as error:  # a thread's boundary: whoever waits gets whatever went wrong
        work.set_exception(error)
    else:
        work.set_result(addresses)
