"""Where the server is and which key opens it: BRIDGE_URL and BRIDGE_API_KEY."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bridge.errors import ConfigurationError
from bridge.settings.sources import Reading, read_variables
from bridge.settings.urls import server_url
from bridge.settings.values import header_secret, is_loopback
from bridge.settings.variables import CLIENT_VARIABLES, file_variable, is_known

DEFAULT_URL = "http://127.0.0.1:8080"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Connection:
    """How client commands reach a running server. ``url`` has no trailing slash."""

    url: str = DEFAULT_URL
    api_key: str | None = field(default=None, repr=False)

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine, so that no proxy can be meant."""
        return is_loopback(urlsplit(self.url).hostname or "")


def read_connection(environ: Mapping[str, str], dotenv: Path) -> Connection:
    """The connection that the environment, and then the file ``dotenv``, describe.

    What is wrong with the server's own variables is no business of a client.

    :raises ConfigurationError: naming every variable that cannot be used.
    """
    reading = read_variables(environ, dotenv)
    problems = [problem for problem in reading.problems if _concerns_clients(problem)]
    url = _value(reading, "BRIDGE_URL", server_url, problems)
    api_key = _value(reading, "BRIDGE_API_KEY", header_secret, problems)
    if problems:
        raise ConfigurationError(*problems)
    return Connection(url or DEFAULT_URL, None if api_key is None else api_key.get_secret_value())


def _value(reading: Reading, variable: str, parse: Callable[[str], Value], problems: list[str]) -> Value | None:
    found = reading.found.get(variable)
    if found is None:
        return None
    try:
        return parse(found.value)
    except ValueError as error:
        problems.append(f"{variable} {error}.")
        return None


def _concerns_clients(problem: str) -> bool:
    """Whether a problem is about a client's variable, or about no single variable (an unreadable `.env`)."""
    name = problem.split(" ")[0]
    variable = file_variable(name) or name
    return variable in CLIENT_VARIABLES or not is_known(variable)
