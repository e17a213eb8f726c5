"""What has to be done now and then: the clock is kept right, what is old is forgotten."""

from bridge.upkeep.loop import DAY, Upkeep
from bridge.upkeep.offsets import Offsets
from bridge.upkeep.starting import heal_at_start

__all__ = ["DAY", "Offsets", "Upkeep", "heal_at_start"]
