"""Whether a destination's own template may be registered: rendered, apart, for everything it can meet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.models import EventType
from bridge.rendering import FORMS, Sandbox, TemplateError, Templates, check_template


class TemplateJudge:
    """Checks templates in a sandbox.

    :param sandbox: not the one that messages are rendered in, so that nobody's checks hold up deliveries.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def judge(
        self, kind: str, template: Templates, events: Collection[EventType], metadata: Mapping[str, str] | None
    ) -> None:
        """Return when the template renders samples of every event type, with each optional field null once.

        :raises ValueError: it does not; names event type, line and reason.
        """
        try:
            await check_template(self._sandbox, template, FORMS[kind], events, metadata)
        except TemplateError as error:
            raise ValueError(f"The template cannot be used: {error}") from error
