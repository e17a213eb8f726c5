"""Which commands there are, and how an error of one becomes a message and an exit code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from bridge.cli.exits import CommandError, ExitCode
from bridge.errors import BridgeError, ConfigurationError
from bridge.loading import load, starting

# In the order the help shows them. A module is imported when one of its commands is wanted: those that run a server
# pull in the whole application, and a client command in a script should not wait for that.
MODULES: Mapping[str, str] = {
    "serve": "bridge.cli.server",
    "demo": "bridge.cli.demo",
    "simulate": "bridge.cli.simulate",
    "watch": "bridge.cli.watch",
    "list": "bridge.cli.watches",
    "show": "bridge.cli.watches",
    "cancel": "bridge.cli.watches",
    "deliveries": "bridge.cli.deliveries",
    "retry": "bridge.cli.deliveries",
    "destinations": "bridge.cli.destinations",
    "providers": "bridge.cli.providers",
    "templates": "bridge.cli.templates",
    "check": "bridge.cli.check",
    "migrate": "bridge.cli.upkeep",
    "secrets": "bridge.cli.secrets",
    "openapi": "bridge.cli.upkeep",
}


# What each does, as the shell shows it beside the name. It stands here so that the tab key imports none of them.
ABOUT: Mapping[str, str] = {
    "serve": "Run the server: it watches videos, tells destinations and answers the API.",
    "demo": "See it work in ten seconds: a simulated provider, the bridge and receivers, all on this machine.",
    "simulate": "Run a local server that speaks the Videos API, for trials without a paid key.",
    "watch": "Register videos, so that destinations are told when they end.",
    "list": "List watches, newest first.",
    "show": "Show a watch: its video, its destinations, and what became of each delivery.",
    "cancel": "Cancel a watch; of an ended one, the deliveries that are still pending.",
    "deliveries": "List deliveries, newest first.",
    "retry": "Send one delivery again, or with --failed all that failed.",
    "destinations": "List, store, try out, disable and remove destinations.",
    "providers": "List the providers of the server, and how they stand.",
    "templates": "List, render and check the templates of messages.",
    "check": "Check the configuration that `serve` would start with, without changing anything.",
    "migrate": "Bring the database of BRIDGE_DATABASE_URL to the newest schema.",
    "secrets": "Change the key that secrets in the database are encrypted with.",
    "openapi": "Print the OpenAPI document of the HTTP API.",
}


# What httpx and structlog bring along for people at a terminal: a command line of httpx's, and tracebacks in colours.
# That is 70 modules, and 120 with the rest of rich, which only this server never needs: no command uses the former, and
# the log of a server is written without the latter.
_UNUSED = ("httpx._main", "rich.traceback")
_UNUSED_BY: Mapping[str, Sequence[str]] = {"serve": ("rich",)}


class _OnDemand(Mapping[str, Any]):
    """The commands by name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        with starting(*_UNUSED, *_UNUSED_BY.get(name, ())):
            app = load(f"{MODULES[name]}:app")
        return get_group(app).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class Commands(TyperGroup):
    """The commands of this program, which end with an exit code and a sentence instead of a traceback."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("dict[str, Any]", _OnDemand())

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What the shell may propose in place of the first word."""
        whole = self.commands
        self.commands = cast("dict[str, Any]", {name: TyperCommand(name, help=ABOUT[name]) for name in whole})
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self.commands = whole

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and say in one place what went wrong with it."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _in_our_words(error.message)
            raise
        except CommandError as error:
            _complain(str(error))
            raise typer.Exit(error.code) from error
        except ConfigurationError as error:
            _complain(*error.problems)
            raise typer.Exit(ExitCode.USAGE) from error
        except BrokenPipeError:
            raise
        except (BridgeError, OSError) as error:
            _complain(str(error))
            raise typer.Exit(ExitCode.FAILED) from error


# What pydantic, which reads the values of options, puts around what is wrong with one.
_PYDANTICS = (("Value error, ", ""), ("Input should be ", "must be "))
_UNPARSED = re.compile(r", unable to parse string as an? \w+$")


def _in_our_words(message: str) -> str:
    for theirs, ours in _PYDANTICS:
        message = message.replace(theirs, ours, 1) if message.startswith(theirs) else message
    return _UNPARSED.sub("", message)


def _complain(*problems: str) -> None:
    complain = load("bridge.cli.output:complain")
    for problem in problems:
        complain(problem)
