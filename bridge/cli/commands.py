"""Which commands there are, and how an error of one becomes a message and an exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group

from bridge.cli.exits import CommandError, ExitCode
from bridge.cli.output import complain
from bridge.errors import BridgeError, ConfigurationError

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


class _OnDemand(Mapping[str, Any]):
    """The commands by name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return get_group(import_module(MODULES[name]).app).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class Commands(TyperGroup):
    """The commands of this program, which end with an exit code and a sentence instead of a traceback."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("dict[str, Any]", _OnDemand())

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and say in one place what went wrong with it."""
        try:
            return super().invoke(ctx)
        except CommandError as error:
            complain(str(error))
            raise typer.Exit(error.code) from error
        except ConfigurationError as error:
            for problem in error.problems:
                complain(problem)
            raise typer.Exit(ExitCode.USAGE) from error
        except BrokenPipeError:
            raise
        except (BridgeError, OSError) as error:
            complain(str(error))
            raise typer.Exit(ExitCode.FAILED) from error
