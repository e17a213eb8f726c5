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

    def id_of(self, headers: Mapping[str, str], body: bytes) -> str:
        """The id of a genuine webhook.

        :raises AuthenticationError: it is not the provider's, or older than five minutes.
        """
        try:
            return verify(self._keys, headers, body, self._clock.now())
        except BadSignatureError as error:
            raise AuthenticationError(f"This webhook is not accepted: {error}.", code="invalid_signature") from error

    def is_new(self, message_id: str) -> bool:
        """Whether this webhook has not been followed before."""
        return message_id not in self._seen

    def followed(self, message_id: str) -> None:
        """Remember it for as long as it would be accepted."""
        now = self._clock.now()
        while self._seen and (len(self._seen) >= _REMEMBERED or next(iter(self._seen.values())) < now - 2 * TOLERANCE):
            self._seen.popitem(last=False)
        self._seen[message_id] = now
