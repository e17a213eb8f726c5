"""The sender: sends due deliveries and writes down what became of each attempt."""

from bridge.sender.attempting import Attempter, Doors
from bridge.sender.composing import Composer
from bridge.sender.loop import ROOM, Sender
from bridge.sender.trial import Trial

__all__ = ["ROOM", "Attempter", "Composer", "Doors", "Sender", "Trial"]
