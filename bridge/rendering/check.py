"""Whether a destination's template can render every event it will meet; asked before the destination is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.models import EventType
from bridge.rendering.messages import Form, Templates, template_for
from bridge.rendering.samples import variants
from bridge.rendering.sandbox import Case, Sandbox


async def check_template(
    sandbox: Sandbox,
    templates: Templates,
    form: Form,
    events: Iterable[EventType],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Render the template for every event type it can meet, with each optional field null once.

    An event type without a template of its own is not looked at: the packaged one will be sent.

    :param events: the event types the destination is told.
    :param metadata: the metadata of the only watch it is for; None when it may be any watch's.
    :raises TemplateError: it cannot be rendered; names the event type, what was null, the line and the reason.
    :raises SandboxError: nothing can be rendered now.
    """
    cases = [
        Case(template, variant.told, variant.label)
        for event_type in events
        if (template := template_for(templates, event_type)) is not None
        for variant in variants(event_type, metadata)
    ]
    if cases:
        await sandbox.check(form, cases)
