"""Destination kinds: each turns an event into one request and judges the answer.

A further kind is one module beside ``callback.py``, named in :func:`create_notifiers`, with its body model in
``bridge.registry.bodies.Destination`` and its packaged templates under ``templates/<kind>/``.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.notifiers.base import Notifier
from bridge.notifiers.callback import CallbackNotifier
from bridge.notifiers.email_webhook import EmailDefaults, EmailWebhookNotifier
from bridge.notifiers.slack import SlackNotifier
from bridge.secrets import SecretBox

__all__ = ["Notifier", "create_notifiers", "gaps_of"]


def create_notifiers(
    box: SecretBox, callback_secret: str | None, email: EmailDefaults | None = None
) -> Mapping[str, Notifier]:
    """All notifiers by their kind.

    :param callback_secret: signs callbacks that have no secret of their own.
    :param email: the operator's own mail service.
    """
    callback = CallbackNotifier(callback_secret, box.callback_secrets)
    notifiers: tuple[Notifier, ...] = (callback, SlackNotifier(), EmailWebhookNotifier(email))
    return {each.kind: each for each in notifiers}


def gaps_of(notifiers: Mapping[str, Notifier]) -> Mapping[str, float]:
    """By kind, the least time between two messages to one target, seconds; kinds without such a rule are left out."""
    return {kind: each.seconds_per_message for kind, each in notifiers.items() if each.seconds_per_message}
