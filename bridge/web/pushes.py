"""Whether a provider's webhook is genuine, and new."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from bridge.clock import Clock
from bridge.errors import AuthenticationError
from bridge.signing import TOLERANCE, BadSignatureError, provider_keys, verify

_REMEMBERED = 10_000


class ProviderWebhooks:
    """Judges whether a webhook is genuine, and remembers those that came.

    :param secret: what the provider signs with, as it shows it.
    """

    def __init__(self, secret: str, clock: Clock) -> None:
        self._keys = provider_keys(secret)
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_new(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether this webhook has not come before.

        :raises AuthenticationError: it is not the provider's, or older than five minutes.
        """
        now = self._clock.now()
        try:
            message_id = verify(self._keys, headers, body, now)
        except BadSignatureError as error:
            raise AuthenticationError(f"This webhook is not accepted: {error}.", code="invalid_signature") from error
        while self._seen and next(iter(self._seen.values())) < now - 2 * TOLERANCE:
            self._seen.popitem(last=False)
        if message_id in self._seen:
            return False
        self._seen[message_id] = now
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def forget(self, headers: Mapping[str, str]) -> None:
        """It could not be followed: let it be sent again."""
        self._seen.pop(headers.get("webhook-id", ""), None)
