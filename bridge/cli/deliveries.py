"""The commands about deliveries: `deliveries`, `retry`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bridge.cli.completing import delivery_ids, destination_names, watch_ids
from bridge.cli.options import After, All, AsJson, Limit
from bridge.cli.output import say, show, show_json, stdout
from bridge.cli.running import open_client, run
from bridge.cli.tables import DELIVERY_COLUMNS, build_table, destination_label
from bridge.cli.times import parse_since
from bridge.clock import SystemClock
from bridge.models import DeliveryStatus

app = typer.Typer()

ToDestination = Annotated[
    str | None,
    typer.Option(
        "--destination",
        "-d",
        metavar="NAME",
        help="Only to this destination, by name or id.",
        autocompletion=destination_names,
    ),
]


@app.command("deliveries")
def list_deliveries(
    status: Annotated[DeliveryStatus | None, typer.Option(help="Only deliveries of this status.")] = None,
    watch: Annotated[
        str | None,
        typer.Option(metavar="WATCH_ID", help="Only deliveries of this watch.", autocompletion=watch_ids),
    ] = None,
    destination: ToDestination = None,
    limit: Limit = 20,
    after: After = None,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first."""
    given = {"status": status and status.value, "watch_id": watch, "destination": destination, "after": after}
    filters = {name: value for name, value in given.items() if value}
    run(_list(filters, None if everything else limit, as_json=as_json))


@app.command("retry")
def retry(
    delivery_id: Annotated[
        str | None,
        typer.Argument(metavar="DELIVERY_ID", help="The delivery to send again.", autocompletion=delivery_ids),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Send all failed deliveries again.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="With --failed: only those made since. Unix seconds, an ISO time, or 30m, 2h, 1d ago."
        ),
    ] = None,
    destination: ToDestination = None,
    as_json: AsJson = False,
) -> None:
    """Send one delivery again, or with --failed all that failed."""
    if failed == (delivery_id is not None):
        raise typer.BadParameter("give either the id of a delivery or --failed.", param_hint="DELIVERY_ID")
    if not failed and (since is not None or destination is not None):
        raise typer.BadParameter("--since and --destination go with --failed.", param_hint="DELIVERY_ID")
    given = {"since": _unix_seconds(since), "destination": destination}
    filters = {name: value for name, value in given.items() if value is not None}
    run(_retry_failed(filters, as_json=as_json) if delivery_id is None else _retry_one(delivery_id, as_json=as_json))


def _unix_seconds(since: str | None) -> int | None:
    if since is None:
        return None
    try:
        return parse_since(since, SystemClock().now())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error


async def _list(filters: dict[str, str], limit: int | None, *, as_json: bool) -> None:
    async with open_client() as client:
        page = await client.deliveries(filters, limit=limit)
    if as_json:
        show_json(page)
    elif not page["data"]:
        say("No deliveries.")
    else:
        show(build_table(DELIVERY_COLUMNS, page["data"], now=SystemClock().now(), width=stdout().width))
        if page["has_more"]:
            say(f"There are more: --after {page['last_id']} goes on, --all shows all.")


async def _retry_one(delivery_id: str, *, as_json: bool) -> None:
    async with open_client() as client:
        delivery = await client.retry(delivery_id)
    if as_json:
        show_json(delivery)
    else:
        say(f"{delivery['id']} is sent again now, to {destination_label(delivery['destination'])}.")


async def _retry_failed(filters: dict[str, Any], *, as_json: bool) -> None:
    async with open_client() as client:
        answer = await client.retry_failed(filters)
    if as_json:
        show_json(answer)
    else:
        number = answer["retried"]
        say(
            "1 failed delivery is sent again now." if number == 1 else f"{number} failed deliveries are sent again now."
        )
