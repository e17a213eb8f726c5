"""The command `check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from bridge.cli.exits import ExitCode
from bridge.cli.options import AsJson
from bridge.cli.output import complain, plain, say, show, show_json
from bridge.errors import ConfigurationError
from bridge.settings import Line, describe, load_settings
from bridge.store import inspect

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Findings:
    """What `serve` would start with, and what would stop it."""

    variables: tuple[Line, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of `check --json`."""
        return {
            "ok": not self.problems,
            "variables": [line._asdict() for line in self.variables],
            "warnings": list(self.warnings),
            "problems": list(self.problems),
        }


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check the configuration that `serve` would start with, without changing anything."""
    findings = _find()
    if as_json:
        show_json(findings.as_dict())
    else:
        _show(findings)
    if findings.problems:
        raise typer.Exit(ExitCode.USAGE)


def _find() -> Findings:
    try:
        settings = load_settings()
    except ConfigurationError as error:
        return Findings(problems=error.problems)
    return Findings(tuple(describe(settings)), settings.warnings, tuple(inspect(settings.database_url)))


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
    for problem in findings.problems:
        complain(problem)
    if not findings.problems:
        say("The configuration is good.")
