"""The one outgoing HTTP door: which addresses may be dialled, one deadline, bounded replies, our own error words.

Nothing outside this package needs httpx: requests and replies are values of ours, and every failure is an
:class:`~bridge.errors.EgressError` with a reason of the closed set.
"""

from bridge.egress.addresses import LOOPBACK_NETWORKS, AddressPolicy, IPAddress, IPNetwork
from bridge.egress.door import MAX_PAUSE, MAX_REPLY, Door
from bridge.egress.messages import OutgoingRequest, Reply, StreamedReply
from bridge.egress.resolver import Resolver, SystemResolver
from bridge.egress.urls import MAX_URL_LENGTH, check_url, http_host, shown_url

__all__ = [
    "LOOPBACK_NETWORKS",
    "MAX_PAUSE",
    "MAX_REPLY",
    "MAX_URL_LENGTH",
    "AddressPolicy",
    "Door",
    "IPAddress",
    "IPNetwork",
    "OutgoingRequest",
    "Reply",
    "Resolver",
    "StreamedReply",
    "SystemResolver",
    "check_url",
    "http_host",
    "shown_url",
]
