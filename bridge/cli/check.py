"""The command `check`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from bridge.app.keys import key_problems
from bridge.cli.exits import ExitCode
from bridge.cli.options import AsJson
from bridge.cli.output import complain, plain, say, show, show_json
from bridge.clock import SystemClock
from bridge.egress import AddressPolicy, Door
from bridge.errors import ConfigurationError
from bridge.providers.checking import Checked, ask
from bridge.registry.environment import destination_problems
from bridge.settings import Line, ProviderSettings, Settings, describe, load_settings
from bridge.store import inspect

# How long a provider may take, seconds.
_PATIENCE = 3.0

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Findings:
    """What `serve` would start with, and what would stop it."""

    variables: tuple[Line, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    providers: tuple[Checked, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of `check --json`."""
        return {
            "ok": not self.problems,
            "variables": [line._asdict() for line in self.variables],
            "warnings": list(self.warnings),
            "problems": list(self.problems),
            "providers": [asdict(each) for each in self.providers],
        }


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check the configuration that `serve` would start with, without changing anything.

    It tries whether the key opens what the database holds. Each provider is asked once; what is wrong there is a
    warning.
    """
    findings = _find()
    if as_json:
        show_json(findings.as_dict())
    else:
        _show(findings)
    if findings.problems:
        raise typer.Exit(ExitCode.USAGE)


def _find() -> Findings:
    try:
        settings = load_settings(further=destination_problems)
    except ConfigurationError as error:
        return Findings(problems=error.problems)
    return Findings(
        tuple(describe(settings)),
        settings.warnings,
        (*(inspect(settings.database_url) or key_problems(settings)), *destination_problems(settings)),
        tuple(asyncio.run(_ask_providers(settings))),
    )


async def _ask_providers(settings: Settings) -> list[Checked]:
    """What each provider says, all asked at once and none for long."""
    clock = SystemClock()

    async def ask_one(config: ProviderSettings) -> Checked:
        door = Door(
            AddressPolicy(anywhere=True),
            ca_file=config.ca_file or settings.ca_file,
            client_cert=config.client_cert,
        )
        try:
            return await ask(config, door, clock, _PATIENCE)
        finally:
            await door.aclose()

    return await asyncio.gather(*(ask_one(config) for config in settings.providers.values()))


def _show(findings: Findings) -> None:
    if findings.variables:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("VARIABLE", no_wrap=True)
        table.add_column("VALUE", overflow="fold")
        table.add_column("SOURCE", no_wrap=True)
        for line in findings.variables:
            style = "dim" if line.source == "default" else ""
            table.add_row(line.variable, plain(line.value), line.source, style=style)
        show(table)
    for warning in findings.warnings:
        say(Text.assemble(("Warning: ", "yellow"), plain(warning)))
    for each in findings.providers:
        if each.problem is not None:
            say(Text.assemble(("Warning: ", "yellow"), plain(f"provider {each.name}: {each.problem}.")))
    for problem in findings.problems:
        complain(problem)
    if not findings.problems:
        say("The configuration is good.")
