"""Destination kinds: each turns an event into one request and judges the answer.

A further kind is one module beside ``callback.py``, named in :func:`create_notifiers`, with its body model in
``bridge.registry.bodies.Destination`` and its packaged templates under ``templates/<kind>/``.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.notifiers.base import Notifier
from bridge.notifiers.callback import CallbackNotifier
from bridge.secrets import SecretBox

__all__ = ["Notifier", "create_notifiers"]


def create_notifiers(box: SecretBox, callback_secret: str | None) -> Mapping[str, Notifier]:
    """All notifiers by their kind."""
    return {CallbackNotifier.kind: CallbackNotifier(callback_secret, box.callback_secrets)}
