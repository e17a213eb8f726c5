"""A process that dies at a chosen step: wrappers around its store and its door, given to it from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.egress import Door, OutgoingRequest, Reply
from bridge.store import Database, Transaction


class Died(BaseException):
    """The process is gone. Nothing in it may catch this, and nothing it does afterwards has an effect."""


class Life:
    """Counts the steps of a process and ends it at one of them.

    :param steps: how many it lives to take; None for as many as there are.
    """

    def __init__(self, steps: int | None = None) -> None:
        self.left = steps
        self.taken: list[str] = []

    def step(self, name: str) -> None:
        """Take a step, or die of it."""
        if self.left is not None:
            if self.left == 0:
                raise Died(name)
            self.left -= 1
        self.taken.append(name)


def mortal(life: Life) -> tuple[type[Database], type[Door]]:
    """A store and a door whose every step is one of this life."""

    class MortalDatabase(Database):
        @asynccontextmanager
        async def read(self, *, brief: bool = False) -> AsyncIterator[Transaction]:
            life.step("before a read")
            async with super().read(brief=brief) as tx:
                yield tx

        @asynccontextmanager
        async def write(self, *, ahead: bool = False, brief: bool = False) -> AsyncIterator[Transaction]:
            life.step("before a write")
            async with super().write(ahead=ahead, brief=brief) as tx:
                yield tx
                life.step("before a commit")
            life.step("after a commit")

    class MortalDoor(Door):
        async def send(self, request: OutgoingRequest, **options: Any) -> Reply:
            life.step("before a request")
            reply = await super().send(request, **options)
            life.step("after a request")
            return reply

    return MortalDatabase, MortalDoor
