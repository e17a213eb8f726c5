"""The variables of a template: every text shortened for its slot and made safe before the template sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.rendering.slots import Slot, clean, fit, shorten
from bridge.rendering.values import Fields, SafeText

# Most characters of a text, by slot. A subject wants a few words; Slack refuses a section over 3,000 characters and a
# message somewhere above 13,000 (https://github.com/slackapi/bolt-js/issues/2509); a program wants everything.
_LONG = {Slot.TEXT: 4_000, Slot.LINE: 80, Slot.HTML: 4_000, Slot.JSON: 32_000, Slot.SLACK: 1_000}
_PAIR = {Slot.TEXT: 512, Slot.LINE: 60, Slot.HTML: 512, Slot.JSON: 512, Slot.SLACK: 200}
_WORD = {Slot.TEXT: 512, Slot.LINE: 100, Slot.HTML: 512, Slot.JSON: 1_024, Slot.SLACK: 128}
LIMITS: Mapping[str, Mapping[Slot, int]] = {
    "video.prompt": _LONG,
    "video.error.message": _LONG,
    "watch.metadata": _PAIR,
}
# Half a link leads nowhere: one that is longer is left out.
MAX_LINK = 2_048
_LINKS = ("links", "watch.url")


def build_context(told: Mapping[str, Any], slot: Slot) -> dict[str, Any]:
    """The variables of a template for one slot.

    :param told: plain data, see :meth:`bridge.rendering.told.Told.as_dict`.
    """
    return {name: _seen(name, value, slot) for name, value in told.items()}


def _seen(path: str, value: Any, slot: Slot) -> Any:
    if isinstance(value, Mapping):
        # Metadata is one thing with one limit: its keys are the user's, and none of them is a field of ours.
        inner = {key: _seen(path if path in LIMITS else f"{path}.{key}", each, slot) for key, each in value.items()}
        return Fields(path, inner, slot)
    if not isinstance(value, str):
        return value
    if path.startswith(_LINKS):
        return SafeText.of(value, slot) if len(value) <= MAX_LINK else None
    limit = LIMITS.get(path, _WORD)[slot]
    most = 2 * limit  # what is far too long is not even cleaned, so that its length costs nothing
    text = clean(value[:most], slot) + ("…" if len(value) > most else "")
    return SafeText.of(fit(text, limit, slot) if slot is Slot.SLACK else shorten(text, limit), slot)
