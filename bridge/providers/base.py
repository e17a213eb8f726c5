"""What every provider kind must be able to do."""

from __future__ import annotations

from typing import Protocol

from bridge.models import Look
from bridge.providers.budget import Budget
from bridge.providers.pages import PAGE_SIZE, PageAnswer


class Provider(Protocol):
    """A server that knows videos.

    ``name`` is how watches call it, ``base_url`` where it is; what was learned about a provider (its health) belongs to
    the pair, because another server may be put behind the same name.
    """

    @property
    def name(self) -> str:
        """How watches call it."""
        ...

    @property
    def base_url(self) -> str:
        """Where it is, without a slash at the end."""
        ...

    @property
    def budget(self) -> Budget:
        """What spaces all requests to it."""
        ...

    async def look(self, video_id: str) -> Look:
        """Ask once how the video is doing. Never raises: what goes wrong is one of the answers."""
        ...

    async def list_page(self, after: str | None = None, limit: int = PAGE_SIZE) -> PageAnswer:
        """Ask once for a page of the list, the newest videos first. Never raises, as with looks.

        :param after: the id (or cursor) whose followers are wanted; None for the newest.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
