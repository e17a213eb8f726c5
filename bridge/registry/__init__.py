"""The registry: registers, lists and cancels watches and destinations, shows and retries deliveries."""

from bridge.registry.bells import Bells
from bridge.registry.bodies import Batch, DestinationChange, NewDestination, Registration, RetryFilter
from bridge.registry.service import Counts, Registered, Registry
from bridge.registry.stored import DestinationService
from bridge.store.reports import DeliveryFilter
from bridge.store.watches import WatchFilter

__all__ = [
    "Batch",
    "Bells",
    "Counts",
    "DeliveryFilter",
    "DestinationChange",
    "DestinationService",
    "NewDestination",
    "Registered",
    "Registration",
    "Registry",
    "RetryFilter",
    "WatchFilter",
]
