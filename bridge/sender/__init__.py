"""The sender: sends due deliveries and writes down what became of each attempt."""

from bridge.sender.loop import Doors, Sender

__all__ = ["Doors", "Sender"]
