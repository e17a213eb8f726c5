"""One log for everything: ours, uvicorn's, SQLAlchemy's; for people or as one JSON object per line; on stderr.

Every record goes through the same two steps whoever wrote it: what may be a secret is taken out, then it is rendered.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from functools import lru_cache, partial
from typing import Any, Literal, TextIO, cast
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

LogFormat = Literal["console", "json"]

MASK = "[redacted]"

# Shorter values are words that turn up by themselves (`test`, `EMPTY`), and masking those would blank the log.
_SHORTEST_SECRET = 8
_DEEPEST = 6

_SECRET_NAME = re.compile(
    r"(^|_)(authorization|api_?keys?|secrets?|secret_keys?|tokens?|passwords?|passwd|credentials?|cookies?|signatures?)(_|$)"
)
# What marks itself as a secret: Standard Webhooks secrets, bearer tokens, the path of Slack's incoming webhooks.
_TELLTALES = re.compile(
    r"(whsec_|\bBearer\s+|://hooks\.slack(?:-gov)?\.com/|\b(?:api[_-]?key|password|secret|token)=)[^\s\"'<>&]+",
    re.IGNORECASE,
)
# One word without the characters that all of these need but the first.
_WORD_ALONE = re.compile(r"[A-Za-z0-9_.+-]{0,64}")
_USER_INFO = re.compile(r"(://)[^\s/?#@\"']+@")
_WORD = re.compile(r"[^\s\"'<>]+")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in b"\t\n"}

_ENCODER = json.JSONEncoder()
_FIRST = ("timestamp", "level", "event", "logger")

# These write whole URLs at `info`, or every statement at `debug`.
_CHATTY = ("httpx", "httpcore", "aiosqlite", "asyncio", "alembic", "uvicorn.error")
_ADOPTED = ("uvicorn", "uvicorn.error", "uvicorn.access")


class Redactor:
    """Takes secrets out of log records.

    Masked are values under telling names (``authorization``, ``api_key``, …), what looks like a secret, queries and
    user names in URLs, and every value it was told, wherever it stands.

    :param secrets: values that must not be shown, such as the configured keys.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self.add(*secrets)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._secrets)} secrets)"

    def add(self, *secrets: str) -> None:
        """Mask these values too, from now on. Very short ones are ignored."""
        usable = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        self._secrets |= usable | {quote(secret, safe="") for secret in usable}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if _WORD_ALONE.fullmatch(text) and "whsec_" not in text.lower():
            return text  # one word: an id, a number, a name
        text = _TELLTALES.sub(rf"\1{MASK}", text)
        text = _USER_INFO.sub(r"\1", text)
        return _WORD.sub(_without_query, text) if "?" in text else text

    def value(self, value: Any, depth: int = 0) -> Any:
        """``value`` without secrets, built of what JSON knows; anything else becomes its repr."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, Mapping) and depth < _DEEPEST:
            return {self.text(str(name)): self._named(str(name), one, depth) for name, one in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)) and depth < _DEEPEST:
            return [self.value(one, depth + 1) for one in value]
        return self.text(repr(value))

    def __call__(self, logger: Any, method: str, event: EventDict) -> EventDict:
        """Be a processor of structlog."""
        return {name: self._named(name, value, 0) for name, value in event.items()}

    def _named(self, name: str, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        return MASK if _is_telling(name) else self.value(value, depth + 1)


@lru_cache(maxsize=1024)
def _is_telling(name: str) -> bool:
    return _SECRET_NAME.search(name.lower().replace("-", "_")) is not None


def _without_query(word: re.Match[str]) -> str:
    address, _, query = word[0].partition("?")
    is_url = "://" in address or address.startswith("/")
    return f"{address}?…" if query and is_url else word[0]


class _Handler(logging.StreamHandler[TextIO]):
    """The one handler of ours; a class of its own so that it is found again when the log is configured anew."""

    def write(self, line: str) -> None:
        """Write a line that is rendered. Where that fails there is nobody to tell."""
        with self.lock or nullcontext(), suppress(OSError, ValueError):  # a broken pipe, a full disk; a closed file
            self.stream.write(line + self.terminator)
            self.flush()


class _Lines:
    """What structlog takes for a logger: asks the library's own of this name for the level, and writes lines.

    Records of ours are rendered already. As those of :mod:`logging` they would be made, passed on and rendered again,
    for as much as it takes to render them; under load that is a twentieth of all a delivery takes.
    """

    def __init__(self, handler: _Handler, name: str) -> None:
        self.name = name
        self.disabled = False
        self.getEffectiveLevel = logging.getLogger(name).getEffectiveLevel
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = handler.write


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose records say ``name``. It may be made before the log is configured."""
    return cast(FilteringBoundLogger, structlog.get_logger(name))


def choose_format(wanted: LogFormat | None, stream: TextIO | None = None) -> LogFormat:
    """The format that is wanted, else the one that fits: ``console`` on a terminal, ``json`` anywhere else."""
    return wanted or ("console" if (stream or sys.stderr).isatty() else "json")


def configure_logs(
    format: LogFormat, level: str = "info", redactor: Redactor | None = None, stream: TextIO | None = None
) -> None:
    """Send all records of this process to one place. To be called by the program, once, before it does anything.

    :param format: ``json`` for one object per line with ``timestamp`` (UTC), ``level``, ``event`` and ``logger``.
    :param level: the lowest level that is shown, for example ``info``.
    :param redactor: takes secrets out; without one only what looks like a secret is.
    :param stream: where to write, standard error when left out.
    """
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[Processor] = [
        # As text, before the redactor sees it: messages of exceptions quote URLs and headers.
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redactor or Redactor(),
        *_renderers(format, target),
    ]
    handler = _Handler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *rendering,
        ],
        logger_factory=partial(_Lines, handler),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _take_over(handler, logging.getLevelNamesMapping()[level.upper()])


def _renderers(format: LogFormat, target: TextIO) -> list[Processor]:
    if format == "json":
        return [_as_json]
    console = structlog.dev.ConsoleRenderer(
        colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
    return [_printable, console]


def _as_json(logger: Any, method: str, event: EventDict) -> str:
    """One object; the redactor has left nothing in it that JSON does not know."""
    return _ENCODER.encode({**{name: event.get(name) for name in _FIRST}, **event})


def _printable(logger: Any, method: str, event: EventDict) -> EventDict:
    """Keep what others wrote from steering the terminal."""
    return {name: one.translate(_CONTROLS) if isinstance(one, str) else one for name, one in event.items()}


def _take_over(handler: logging.Handler, level: int) -> None:
    # What no record of ours shows is not looked up (https://docs.python.org/3/howto/logging.html#optimization).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    for former in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _ADOPTED:
        adopted = logging.getLogger(name)
        adopted.handlers.clear()
        adopted.propagate = True
