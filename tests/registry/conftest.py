"""The parts of a bridge and the servers around them."""

from tests.parts import hook, kind, logs, parts, provider, receiver, simulator

__all__ = ["hook", "kind", "logs", "parts", "provider", "receiver", "simulator"]
