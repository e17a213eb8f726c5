"""The parts of a bridge and the servers around them."""

from tests.parts import hook, logs, parts, provider, receiver, simulator

__all__ = ["hook", "logs", "parts", "provider", "receiver", "simulator"]
