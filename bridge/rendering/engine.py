"""From a compiled template and plain data to a message; the same for a destination's template and a packaged one."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Never

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context

from bridge.rendering.context import build_context
from bridge.rendering.errors import LimitError, OutOfTime, TemplateError
from bridge.rendering.messages import Form, Message, Part
from bridge.rendering.slots import Slot, clean, shorten, without_controls
from bridge.rendering.values import MAX_OUTPUT

MAX_LINE = 250
"""Most characters of a part that is one line."""

MAX_VALUES = 10_000
"""Most values (objects, lists and what is in them) of a part that is JSON, so that reading it holds nobody up."""

_MAX_REASON = 500


class Output:
    """Collects what is rendered, and stops it where it becomes too much: while it is made, not after.

    :param most: most bytes of UTF-8, over all parts of a message.
    """

    def __init__(self, most: int = MAX_OUTPUT) -> None:
        self._most = most
        self._left = most

    def collect(self, chunks: Iterator[str]) -> str:
        """All chunks as one text.

        :raises LimitError: that is too long.
        """
        texts = []
        for chunk in chunks:
            try:
                self._left -= len(chunk.encode())
                if self._left < 0:
                    raise LimitError(f"what it renders to is larger than {self._most:,} bytes")
            except (LimitError, UnicodeEncodeError) as error:
                if isinstance(chunks, Generator):
                    chunks.throw(error)  # where the template is, so that its line is known
                raise
            texts.append(chunk)
        return "".join(texts)


def render_message(compiled: Callable[[Slot], Template], form: Form, told: Mapping[str, Any]) -> Message:
    """Render all parts of a message that the template gives.

    :param compiled: the template, compiled in the environment of a slot.
    :param told: plain data, see :meth:`bridge.rendering.told.Told.as_dict`.
    :raises TemplateError: it cannot be rendered with these values.
    """
    with template_errors():
        output = Output()
        blocks = compiled(form.parts[form.body[0]].slot).blocks
        named = [name for name in form.parts if name in blocks] if len(form.parts) > 1 else []
        parts = {}
        for name in named or form.body:
            part = form.parts[name]
            template = compiled(part.slot)
            context = template.new_context(build_context(told, part.slot))
            text = _block(template, context, name, output) if named else _whole(template, context, output)
            parts[name] = _finished(text, part)
        return Message(parts, bool(named))


@contextmanager
def template_errors() -> Iterator[None]:
    """Whatever a template does wrong, as a :class:`TemplateError` that names the line where it is known."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise TemplateError(_reason(error.message or "it cannot be read"), error.lineno, error.name or "") from error
    except RecursionError as error:
        raise TemplateError("it is nested too deeply, or calls itself without end", *_place(error)) from error
    except MemoryError as error:
        raise TemplateError("it needs more memory than it may have", *_place(error)) from error
    except OutOfTime as error:
        raise TemplateError(str(error), *_place(error)) from error
    except TemplateError:
        raise
    except Exception as error:  # a template is a program: what it can raise has no bounds
        raise TemplateError(_reason(str(error) or type(error).__name__), *_place(error)) from error


def _whole(template: Template, context: Context, output: Output) -> str:
    return output.collect(template.root_render_func(context))


def _block(template: Template, context: Context, name: str, output: Output) -> str:
    """One block alone, after what stands outside of all blocks has run, so that its macros and variables are known."""
    blocks = context.blocks
    context.blocks = {each: [_nothing] for each in blocks}
    output.collect(template.root_render_func(context))
    context.blocks = blocks
    return output.collect(template.blocks[name](context))


def _nothing(context: Context) -> Iterator[str]:
    return iter(())


def _finished(text: str, part: Part) -> str:
    """The part as it is sent."""
    if part.slot is Slot.LINE:
        return shorten(clean(text, Slot.LINE).strip(), MAX_LINE)
    if not part.json:
        return without_controls(text).strip()
    try:
        value = json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        raise TemplateError(f"what it renders to is not JSON: {_reason(str(error))}") from error
    if _has_more_values(value, MAX_VALUES):
        raise LimitError(f"what it renders to is JSON of more than {MAX_VALUES:,} values")
    return text.strip()


def _has_more_values(value: Any, most: int) -> bool:
    waiting, seen = [value], 0
    while waiting and seen <= most:
        one = waiting.pop()
        seen += 1
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return seen > most


def _no_number(word: str) -> Never:
    raise ValueError(f"{word} is no number")


def _place(error: BaseException) -> tuple[int | None, str]:
    """The line that was being read or rendered when the error came up, and the template's name if it has one."""
    line, name = None, ""
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            line, name = template.get_corresponding_lineno(_code_line(trace)), template.name or ""
        else:
            line = _compiling(trace.tb_frame.f_locals) or line
        trace = trace.tb_next
    return line, name


def _code_line(trace: TracebackType) -> int:
    """The line of the compiled template; the end of a loop has none of its own, and can be interrupted all the same."""
    code = trace.tb_frame.f_code
    lines = [line for start, _, line in code.co_lines() if start <= trace.tb_lasti and line is not None]
    return lines[-1] if lines else code.co_firstlineno


def _compiling(names: Mapping[str, Any]) -> int | None:
    """The line that a function of Jinja's compiler is at, by what it works on."""
    parser, node = names.get("self"), names.get("node", names.get("self"))
    if isinstance(parser, Parser):
        return parser.stream.current.lineno
    return node.lineno if isinstance(node, nodes.Node) else None


def _reason(message: str) -> str:
    return shorten(clean(message[: 4 * _MAX_REASON], Slot.LINE).strip(), _MAX_REASON)
