"""The templates that come with video-bridge, or in their place those of ``BRIDGE_TEMPLATES_DIR``, file by file.

They are the operator's own: trusted, compiled once, rendered in this process. ``<kind>/<event type>.jinja`` is used
where there is one, else ``<kind>/default.jinja``; a file whose name begins with ``_`` holds macros for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import FileSystemLoader

from bridge.rendering.engine import render_message
from bridge.rendering.environment import TemplateEnvironment
from bridge.rendering.errors import TemplateError
from bridge.rendering.messages import Form, Message
from bridge.rendering.slots import Slot
from bridge.rendering.told import Told

SUFFIX = ".jinja"


class PackagedTemplates:
    """Renders the packaged templates.

    :param packaged: the folder that came with video-bridge.
    :param override: a folder whose files win over those of the same name.
    """

    def __init__(self, packaged: Path, override: Path | None = None) -> None:
        folders = [packaged] if override is None else [override, packaged]
        loader = FileSystemLoader(folders)
        self._environments = {slot: TemplateEnvironment(slot, loader) for slot in Slot}

    def render(self, kind: str, form: Form, told: Told) -> Message:
        """The message of this kind for an event, with all its parts.

        :raises TemplateError: there is no such template, or it does not fit; ``where`` names it.
        """
        wanted = [f"{kind}/{told.event_type}{SUFFIX}", f"{kind}/default{SUFFIX}"]
        try:
            message = render_message(
                lambda slot: self._environments[slot].select_template(wanted), form, told.as_dict()
            )
            missing = [name for name in form.parts if name not in message.parts]
            if missing:
                raise TemplateError(f"it has no block {', '.join(missing)}")
        except TemplateError as error:
            where = error.where or f"{kind} for {told.event_type}"
            raise TemplateError(error.reason, error.line, where) from error
        return message

    def names(self) -> Sequence[str]:
        """All templates there are, such as ``slack/default``, in alphabetical order."""
        names = self._environments[Slot.TEXT].list_templates(filter_func=lambda name: name.endswith(SUFFIX))
        return [name.removesuffix(SUFFIX) for name in names if not name.rpartition("/")[2].startswith("_")]
