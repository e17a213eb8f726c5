"""The registry: the service that registers, lists and cancels watches, and shows and retries deliveries."""

from bridge.registry.bodies import Batch, Registration, RetryFilter
from bridge.registry.service import Bells, Counts, Registered, Registry
from bridge.store.reports import DeliveryFilter
from bridge.store.watches import WatchFilter

__all__ = [
    "Batch",
    "Bells",
    "Counts",
    "DeliveryFilter",
    "Registered",
    "Registration",
    "Registry",
    "RetryFilter",
    "WatchFilter",
]
