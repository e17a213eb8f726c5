"""The one place where Jinja environments are made: what checks a template is what sends it later."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Never

from jinja2 import BaseLoader, StrictUndefined, TemplateAssertionError, TemplateSyntaxError, Undefined, nodes
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, LoopContext, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from bridge.rendering.errors import LimitError
from bridge.rendering.filters import FILTERS, TESTS
from bridge.rendering.operators import OPERATORS, compute
from bridge.rendering.slots import Slot
from bridge.rendering.values import Fields, joined, on_raw, printed

MAX_RANGE = 1_000
"""Most numbers of one ``range``."""

_TEXT_METHODS = frozenset(
    {"capitalize", "count", "endswith", "find", "isdigit", "lower", "lstrip", "removeprefix", "removesuffix"}
    | {"replace", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"}
)
_DICT_METHODS = frozenset({"get", "items", "keys", "values"})
_LOOP_FIELDS = frozenset(
    {"changed", "cycle", "depth", "depth0", "first", "index", "index0", "last", "length"}
    | {"nextitem", "previtem", "revindex", "revindex0"}
)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox in which a template reaches its variables, its own words and a closed list of filters, nothing else.

    :param slot: where what is rendered lands.
    :param loader: where templates may import macros from; None for the template of a destination, which is alone.
    """

    # What macros, blocks and `set` blocks hand on is joined like everything else, so that it stays a safe value.
    concat = staticmethod(joined)
    intercepted_binops = OPERATORS

    def __init__(self, slot: Slot, loader: BaseLoader | None = None) -> None:
        super().__init__(loader=loader, undefined=StrictUndefined, finalize=printed, auto_reload=False)
        self.slot = slot
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)
        self.globals = {"range": limited_range, "namespace": Namespace, "joiner": Joiner}

    def compile(self, source: str | nodes.Template, *args: Any, **options: Any) -> Any:
        """Compile a template after looking at what it asks for.

        :raises TemplateSyntaxError: it cannot be read, or asks for what is not there.
        """
        name, filename, *_ = (*args, None, None)
        tree = self.parse(source, name, filename) if isinstance(source, str) else source
        return super().compile(_Guard(self).visit(tree), *args, **options)

    def _compile(self, source: str, filename: str) -> Any:
        """Python's own compiler on what Jinja made of the template."""
        try:
            return super()._compile(source, filename)
        except SyntaxError as error:  # such as blocks nested too deeply; it names a line of what Jinja made
            raise TemplateSyntaxError(error.msg, _template_line(source, error.lineno or 0)) from error

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What ``obj.attribute`` is in a template."""
        if isinstance(obj, (Undefined, Namespace, TemplateModule)) or (
            isinstance(obj, LoopContext) and attribute in _LOOP_FIELDS
        ):
            return super().getattr(obj, attribute)
        if isinstance(obj, str) and attribute in _TEXT_METHODS:
            return partial(on_raw, getattr(str, attribute), obj)
        if isinstance(obj, dict) and attribute in _DICT_METHODS and attribute not in obj:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What ``obj[argument]`` is in a template."""
        try:
            if isinstance(obj, Fields):
                return obj.lookup(argument)
            if isinstance(obj, (str, dict, list, tuple, TemplateReference)):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(_hint(obj, argument), obj=obj, name=str(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """What an arithmetic operator comes to in a template."""
        for side in (left, right):
            if isinstance(side, Undefined):
                str(side)  # says what is not there
        return compute(operator, left, right)


class Joiner:
    """Nothing at the first call, the separator at every further one."""

    def __init__(self, separator: str = ", ") -> None:
        self._separator = separator
        self._used = False

    def __call__(self) -> str:
        """What stands before the next item."""
        if self._used:
            return self._separator
        self._used = True
        return ""


def limited_range(*bounds: int) -> range:
    """Like ``range``, up to :data:`MAX_RANGE` numbers.

    :raises LimitError: there are more.
    """
    numbers = range(*bounds)
    if numbers[MAX_RANGE:]:
        raise LimitError(f"range has more than {MAX_RANGE:,} numbers")
    return numbers


def _template_line(source: str, code_line: int) -> int:
    """The template's line that a line of the compiled source belongs to; that source ends with a list of both."""
    pairs = re.findall(r"(\d+)=(\d+)", source.rpartition("debug_info = ")[2])
    return max((int(line) for line, code in pairs if int(code) <= code_line), default=1)


def _hint(obj: Any, name: Any) -> str:
    if obj is None:
        return f"{name!s} is asked of null; test first whether there is anything, or use the filter default"
    if isinstance(obj, Fields):
        return f"{obj.name} has no field {name!s}; for one that need not be there, use the filter default"
    return f"there is no {name!s} here"


class _Guard(NodeTransformer):
    """Refuses what a template may not ask for, and lets ``~`` join values without losing that they are values."""

    def __init__(self, environment: TemplateEnvironment) -> None:
        self._environment = environment

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 - the visitor calls it so
        self._known(node, "filter", self._environment.filters)
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802 - as above
        self._known(node, "test", self._environment.tests)
        return self.generic_visit(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - as above
        pieces = nodes.Tuple(node.nodes, "load", lineno=node.lineno)
        joining = nodes.Filter(pieces, "join", [], [], None, None, lineno=node.lineno)
        joining.set_environment(self._environment)
        return self.generic_visit(joining)

    def visit_ScopedEvalContextModifier(self, node: nodes.Node) -> Never:  # noqa: N802 - as above
        _refuse(node, "values are made safe for where they land; that cannot be switched off")

    def visit_Extends(self, node: nodes.Node) -> Never:  # noqa: N802 - as above
        _refuse(node, "a template cannot extend another one")

    def visit_Include(self, node: nodes.Node) -> nodes.Node:  # noqa: N802 - as above
        if self._environment.loader is None:
            _refuse(node, "the template of a destination cannot include or import another one")
        return self.generic_visit(node)

    visit_Import = visit_FromImport = visit_Include  # noqa: N815 - as above

    def _known(self, node: nodes.Filter | nodes.Test, kind: str, names: Iterable[str]) -> None:
        if node.name not in names:
            known = ", ".join(sorted(name for name in names if name.isalpha()))
            _refuse(node, f"there is no {kind} {node.name!r}; there are: {known}")


def _refuse(node: nodes.Node, reason: str) -> Never:
    raise TemplateAssertionError(reason, node.lineno)
