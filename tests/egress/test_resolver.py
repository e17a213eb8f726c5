"""Looking up names on threads of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

import pytest

from bridge.egress import IPAddress, SystemResolver
from bridge.egress.resolver import system_look_up
from bridge.errors import EgressError
from bridge.models import Reason

ANSWER: list[IPAddress] = [ip_address("192.0.2.1")]


class Names:
    """A name service whose ``hang…`` names never answer before :meth:`release`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.release = threading.Event()

    def look_up(self, host: str, port: int) -> list[IPAddress]:
        self.asked.append(host)
        if host.startswith("hang"):
            self.release.wait(20)
        return ANSWER


@asynccontextmanager
async def resolving(
    look_up: Callable[[str, int], list[IPAddress]], most: int = 2, patience: float = 20.0
) -> AsyncIterator[SystemResolver]:
    resolver = SystemResolver(look_up=look_up, most=most, patience=patience)
    try:
        yield resolver
    finally:
        await resolver.aclose()


async def reason_for(resolver: SystemResolver, host: str) -> Reason:
    with pytest.raises(EgressError) as raised:
        await resolver.resolve(host, 443)
    return raised.value.reason


async def test_the_system_knows_this_machine() -> None:
    async with resolving(system_look_up) as resolver:
        addresses = await resolver.resolve("localhost", 80)
    assert addresses
    assert all(address.is_loopback for address in addresses)


def test_each_address_is_listed_once() -> None:
    assert system_look_up("127.0.0.1", 80) == [ip_address("127.0.0.1")]


def test_an_address_keeps_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 443, 0, 2))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    assert system_look_up("router", 443) == [ip_address("fe80::1%2")]


async def test_a_name_nobody_knows_is_a_dns_failure() -> None:
    async with resolving(system_look_up) as resolver:
        assert await reason_for(resolver, "nobody.invalid") is Reason.DNS


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ".example", "a\0b", ""])
async def test_what_cannot_be_a_name_is_a_dns_failure(host: str) -> None:
    async with resolving(system_look_up) as resolver:
        assert await reason_for(resolver, host) is Reason.DNS


async def test_names_that_hang_leave_the_event_loops_threads_and_each_other_alone() -> None:
    names = Names()
    async with resolving(names.look_up, most=3) as resolver:
        hanging = [asyncio.create_task(resolver.resolve(f"hang{number}", 443)) for number in range(2)]
        assert await resolver.resolve("good", 443) == ANSWER
        assert await asyncio.to_thread(lambda: "free") == "free"
        names.release.set()
        assert await asyncio.gather(*hanging) == [ANSWER, ANSWER]


async def test_more_look_ups_than_threads_wait_their_turn() -> None:
    names = Names()
    async with resolving(names.look_up, most=1) as resolver:
        tasks = [asyncio.create_task(resolver.resolve(host, 443)) for host in ("hang", "next")]
        await resolver_asked(names, 1)
        assert names.asked == ["hang"]
        names.release.set()
        await asyncio.gather(*tasks)
    assert names.asked == ["hang", "next"]


async def resolver_asked(names: Names, count: int) -> None:
    while len(names.asked) < count:
        await asyncio.sleep(0)


async def test_when_all_threads_hang_it_is_our_own_fault() -> None:
    names = Names()
    async with resolving(names.look_up, most=1, patience=0.05) as resolver:
        assert await reason_for(resolver, "hang") is Reason.DNS
        assert await reason_for(resolver, "good") is Reason.OWN_FAULT
        names.release.set()


async def test_a_thread_that_comes_back_late_is_used_again() -> None:
    names = Names()
    async with resolving(names.look_up, most=1, patience=0.05) as resolver:
        assert await reason_for(resolver, "hang") is Reason.DNS
        names.release.set()
        assert await answered(resolver, "good") == ANSWER


async def answered(resolver: SystemResolver, host: str) -> Sequence[IPAddress]:
    """The addresses of a host, asked for until a thread was let run in time, which on a busy machine takes longer."""
    async with asyncio.timeout(20):
        while True:
            with suppress(EgressError):
                return await resolver.resolve(host, 443)


async def test_one_look_up_serves_all_who_ask_meanwhile() -> None:
    names = Names()
    async with resolving(names.look_up) as resolver:
        tasks = [asyncio.create_task(resolver.resolve("hang", 443)) for _ in range(5)]
        await resolver_asked(names, 1)
        names.release.set()
        assert await asyncio.gather(*tasks) == [ANSWER] * 5
        assert names.asked == ["hang"]
        await resolver.resolve("hang", 443)
    assert names.asked == ["hang", "hang"]


async def test_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    names = Names()
    async with resolving(names.look_up) as resolver:
        first, second = (asyncio.create_task(resolver.resolve("hang", 443)) for _ in range(2))
        await resolver_asked(names, 1)
        first.cancel()
        names.release.set()
        assert await second == ANSWER
    assert first.cancelled()


async def test_a_failure_nobody_waits_for_any_more_is_forgotten() -> None:
    names = Names()

    def fail(host: str, port: int) -> list[IPAddress]:
        names.look_up(host, port)
        raise OSError("no such name")

    async with resolving(fail) as resolver:
        task = asyncio.create_task(resolver.resolve("hang", 443))
        await resolver_asked(names, 1)
        task.cancel()
        names.release.set()
        assert await reason_for(resolver, "hang") is Reason.DNS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Reason.DNS),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Reason.DNS),
        (OSError(errno.EMFILE, "no descriptors"), Reason.OWN_FAULT),
        (UnicodeError("label too long"), Reason.DNS),
    ],
)
async def test_whose_fault_a_failed_look_up_is(error: Exception, reason: Reason) -> None:
    def fail(host: str, port: int) -> list[IPAddress]:
        raise error

    async with resolving(fail) as resolver:
        assert await reason_for(resolver, "name") is reason


async def test_a_fault_in_our_own_code_is_not_hidden() -> None:
    def fail(host: str, port: int) -> list[IPAddress]:
        raise KeyError(host)

    async with resolving(fail) as resolver:
        with pytest.raises(KeyError):
            await resolver.resolve("name", 443)


async def test_a_machine_without_threads_is_our_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = Names()
    async with resolving(names.look_up, most=1) as resolver:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            assert await reason_for(resolver, "good") is Reason.OWN_FAULT
        assert await resolver.resolve("good", 443) == ANSWER


async def test_closing_does_not_wait_for_look_ups_that_hang() -> None:
    names = Names()
    async with resolving(names.look_up) as resolver:
        task = asyncio.create_task(resolver.resolve("hang", 443))
        await resolver_asked(names, 1)
    with pytest.raises(asyncio.CancelledError):
        await task
    names.release.set()
