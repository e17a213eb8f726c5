"""The poller: looks at due videos and writes down what that means, in one transaction a turn."""

from bridge.poller.loop import Lane, Poller
from bridge.poller.sweeper import Sweeper

__all__ = ["Lane", "Poller", "Sweeper"]
