"""What has to be done now and then: the clock is kept right, what is old is forgotten."""

from bridge.upkeep.loop import DAY, Upkeep
from bridge.upkeep.offsets import Offsets

__all__ = ["DAY", "Offsets", "Upkeep"]
