"""The archive's tests run on both databases, with a provider on the test's clock."""

from tests.parts import hook, kind, logs, parts, provider, receiver, simulator

__all__ = ["hook", "kind", "logs", "parts", "provider", "receiver", "simulator"]
