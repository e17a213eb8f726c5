"""What a claimed delivery needs before it is sent: its destination opened, its body rendered."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence

from bridge.errors import BridgeError
from bridge.models import EventType, Video
from bridge.notifiers.base import Address
from bridge.rendering import Links, Told
from bridge.secrets import SecretBox
from bridge.sender.composing import Composer
from bridge.store.deliveries import ClaimedDelivery, Rendered

_REMEMBERED = 1024


class Preparer:
    """Opens destinations, the latest of them only once, and renders.

    :param links: where people find a watch and its video's files, by the watch's id, event type and time of the event.
    """

    def __init__(self, box: SecretBox, composer: Composer, links: Callable[[str, EventType, float], Links]) -> None:
        self._box = box
        self._composer = composer
        self._links = links
        self._opened: OrderedDict[bytes, Address] = OrderedDict()

    def address(self, claim: ClaimedDelivery) -> Address:
        """The destination's own settings.

        :raises SecretsError: they cannot be decrypted with the keys at hand.
        """
        # By what is encrypted, which is different whenever it is encrypted anew; it can be read for its row only.
        known = self._opened.pop(claim.config, None)
        if known is None:
            settings = json.loads(self._box.decrypt(claim.config, f"destinations.{claim.destination_id}"))
            known = Address(settings["url"], settings)
        self._opened[claim.config] = known
        if len(self._opened) > _REMEMBERED:
            self._opened.popitem(last=False)
        return known

    def at_once(self, claims: Sequence[ClaimedDelivery]) -> dict[str, Rendered]:
        """The bodies, by delivery, of those that were never rendered and need no template. The rest takes its time."""
        bodies = {}
        for claim in claims:
            rendered = self._at_once(claim) if claim.body is None else None
            if rendered is not None:
                bodies[claim.id] = rendered
        return bodies

    def _at_once(self, claim: ClaimedDelivery) -> Rendered | None:
        try:
            return self._composer.at_once(claim.kind, _told(claim, self._links), self.address(claim))
        except (BridgeError, LookupError, TypeError, ValueError):  # whoever works on this one finds out, and says so
            return None

    async def compose(self, claim: ClaimedDelivery, address: Address) -> Rendered:
        """The body of a delivery.

        :raises UnrenderableError: there is no message at all.
        """
        return await self._composer.compose(claim.kind, _told(claim, self._links), address)


def _told(claim: ClaimedDelivery, links: Callable[[str, EventType, float], Links]) -> Told:
    found = links(claim.watch_id, claim.event_type, claim.event_at)
    return Told(
        event_id=claim.event_id,
        event_type=claim.event_type,
        created_at=claim.event_at,
        video=Video.from_dict(claim.video),
        watch_id=claim.watch_id,
        watch_created_at=claim.watch_created_at,
        watch_url=found.watch,
        content_url=found.content,
        thumbnail_url=found.thumbnail,
        provider=claim.provider,
        metadata=claim.watch_metadata,
    )
