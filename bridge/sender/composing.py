"""From a claimed delivery to the bytes that are sent: by the destination's own template, else by the packaged one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bridge.errors import BridgeError
from bridge.logs import get_logger
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address
from bridge.notifiers.fitting import Unfit
from bridge.rendering import FORMS, PackagedTemplates, RenderingError, Sandbox, Told, template_for
from bridge.store.deliveries import Rendered

_log = get_logger("bridge.sender")

# An event is sent to a callback as it is.
_WITHOUT_TEMPLATE = frozenset({"callback"})


class UnrenderableError(BridgeError):
    """Not even the packaged template makes a message of this event."""


class Composer:
    """Makes bodies.

    :param packaged: the templates that came with video-bridge, or the operator's in their place.
    :param sandbox: where templates that came with a destination are rendered.
    """

    def __init__(self, notifiers: Mapping[str, Notifier], packaged: PackagedTemplates, sandbox: Sandbox) -> None:
        self._notifiers = notifiers
        self._packaged = packaged
        self._sandbox = sandbox

    def at_once(self, kind: str, told: Told, address: Address) -> Rendered | None:
        """The body of a kind that needs no template, for a destination that has none of its own; else None.

        :raises UnrenderableError: there is no message at all.
        """
        if kind not in _WITHOUT_TEMPLATE or template_for(address.settings.get("template"), told.event_type):
            return None
        return self._by_packaged(kind, told, address)

    async def compose(self, kind: str, told: Told, address: Address) -> Rendered:
        """The body for one destination. A template of its own that fails costs its form, not the message.

        :raises UnrenderableError: there is no message at all.
        """
        own = template_for(address.settings.get("template"), told.event_type)
        if own is not None:
            try:
                return Rendered(await self._by_own(kind, own, told, address))
            except (RenderingError, Unfit) as error:
                _log.warning("template_failed", event_id=told.event_id, kind=kind, error=str(error))
        return self._by_packaged(kind, told, address, degraded=own is not None)

    def _by_packaged(self, kind: str, told: Told, address: Address, *, degraded: bool = False) -> Rendered:
        try:
            parts = self._packaged_parts(kind, told)
            return Rendered(self._notifiers[kind].compose(parts, told, address), degraded)
        except (RenderingError, Unfit) as error:
            raise UnrenderableError(str(error)) from error

    async def _by_own(self, kind: str, template: str, told: Told, address: Address) -> bytes:
        form = FORMS[kind]
        message = await self._sandbox.render(template, form, told)
        parts = dict(message.parts)
        if any(name not in parts for name in form.parts):
            parts = {**self._packaged_parts(kind, told), **parts}
        # A quarter of a megabyte of whatever strangers like is read, escaped and written again: not in the event loop.
        return await asyncio.to_thread(self._notifiers[kind].compose, parts, told, address)

    def _packaged_parts(self, kind: str, told: Told) -> Mapping[str, str]:
        """What the packaged template gives; nothing for a callback, whose event is sent as it is."""
        return {} if kind in _WITHOUT_TEMPLATE else self._packaged.render(kind, FORMS[kind], told).parts
