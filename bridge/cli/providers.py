"""The command `providers`."""

from __future__ import annotations

import typer

from bridge.cli.options import AsJson
from bridge.cli.output import show, show_json, stdout
from bridge.cli.running import open_client, run
from bridge.cli.tables import PROVIDER_COLUMNS, build_table
from bridge.clock import SystemClock

app = typer.Typer()


@app.command()
def providers(as_json: AsJson = False) -> None:
    """List the providers of the server, and how they stand."""
    run(_list(as_json=as_json))


async def _list(*, as_json: bool) -> None:
    async with open_client() as client:
        page = await client.providers()
    if as_json:
        show_json(page)
    else:
        show(build_table(PROVIDER_COLUMNS, page["data"], now=SystemClock().now(), width=stdout().width))
