"""Turns an event into a message by a template: the packaged ones, and those strangers send with their destinations.

Two ideas keep strangers out of each other's messages and out of this process. Every value is made safe for the *slot*
it lands in before a template sees it (:mod:`bridge.rendering.slots`, :mod:`bridge.rendering.values`). A destination's
own template runs in the :class:`Sandbox`, a process that can be killed; packaged templates run here.
"""

from bridge.rendering.check import check_template
from bridge.rendering.errors import RenderingError, SandboxError, TemplateError
from bridge.rendering.messages import FORMS, Form, Message, Part, Templates, template_for
from bridge.rendering.packaged import PackagedTemplates
from bridge.rendering.samples import SAMPLES, trial_event
from bridge.rendering.sandbox import Case, Sandbox
from bridge.rendering.slots import Slot, make_safe, shorten
from bridge.rendering.told import Links, Told

__all__ = [
    "FORMS",
    "SAMPLES",
    "Case",
    "Form",
    "Links",
    "Message",
    "PackagedTemplates",
    "Part",
    "RenderingError",
    "Sandbox",
    "SandboxError",
    "Slot",
    "TemplateError",
    "Templates",
    "Told",
    "check_template",
    "make_safe",
    "shorten",
    "template_for",
    "trial_event",
]
