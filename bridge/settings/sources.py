"""Where values come from: the environment, then ``.env``, each of them directly or out of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, DotEnvSettingsSource

from bridge.settings.variables import file_variable, is_known, is_stray, suggestion

Source = Literal["environment", ".env", "file"]

# The one list where "nothing" is a value of its own: no further attempts.
_MAY_BE_EMPTY = "BRIDGE_DELIVERY_RETRIES"


@dataclass(frozen=True, slots=True)
class Found:
    """The text of one variable, and where it stood."""

    value: str = field(repr=False)
    source: Source


@dataclass(frozen=True, slots=True)
class Reading:
    """Every variable that has a value, and what is wrong or odd about how they were given.

    ``broken`` are the variables that are set but whose value cannot be had; they are not among ``found``.
    """

    found: Mapping[str, Found]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    broken: frozenset[str] = frozenset()


def read_variables(environ: Mapping[str, str], dotenv: Path | None) -> Reading:
    """Collect the variables we know.

    The environment wins over ``.env``, also with an empty value. An empty value counts as unset. ``NAME_FILE`` gives
    the value of ``NAME`` as the content of a file, without one trailing newline.
    """
    from_dotenv, problems = _read_dotenv(dotenv)
    given = {name: Found(value, ".env") for name, value in from_dotenv.items()}
    given |= {name: Found(value, "environment") for name, value in environ.items()}
    found = {name: one for name, one in given.items() if is_known(name) and (one.value or name == _MAY_BE_EMPTY)}
    broken = {name: f"{name} must be UTF-8 text." for name, one in found.items() if not _is_utf8(one.value)}
    for name, pointer in given.items():
        variable = file_variable(name)
        if variable is None or not pointer.value:
            continue
        if variable in found and found[variable].value:
            problems.append(f"{variable} and {name} are both set: keep one of them.")
            continue
        try:
            found[variable] = Found(_content(Path(pointer.value)), "file")
        except (OSError, ValueError) as error:
            broken[variable] = f"{name} must name a readable text file that is not empty: {_why(error)}."
    usable = {name: one for name, one in found.items() if name not in broken}
    warnings = tuple(_stray_warning(name) for name in sorted(given) if is_stray(name))
    return Reading(usable, (*problems, *broken.values()), warnings, frozenset(broken))


def _is_utf8(text: str) -> bool:
    """Whether a value can be written again: bytes that are no UTF-8 come out of the environment as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_dotenv(path: Path | None) -> tuple[dict[str, str], list[str]]:
    if path is None:
        return {}, []
    try:
        # Byte order marks are what Windows editors put in front of UTF-8.
        source = DotEnvSettingsSource(BaseSettings, env_file=path, env_file_encoding="utf-8-sig", case_sensitive=True)
    except (OSError, ValueError) as error:
        return {}, [f"{path} cannot be read: {_why(error)}."]
    return {name: value for name, value in source.env_vars.items() if value is not None}, []


def _content(path: Path) -> str:
    text = path.read_bytes().decode()
    value = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    if not value:
        raise ValueError("it is empty")
    return value


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    # A decoding error would quote bytes of the file, which may be a secret.
    return "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)


def _stray_warning(name: str) -> str:
    meant = suggestion(name)
    return f"{name} is not a known setting" + (f"; did you mean {meant}?" if meant else ".")
