"""The commands that read and cancel watches: `list`, `show`, `cancel`."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.client import BridgeClient, JsonObject
from bridge.cli.completing import watch_ids
from bridge.cli.details import watch_details
from bridge.cli.exits import CommandError
from bridge.cli.lines import watch_line
from bridge.cli.options import After, All, AsJson, Limit, Metadata, parse_metadata
from bridge.cli.output import say, show, show_json, stdout
from bridge.cli.running import open_client, run
from bridge.cli.tables import WATCH_COLUMNS, build_table
from bridge.clock import SystemClock
from bridge.models import WatchStatus

app = typer.Typer()

WatchId = Annotated[str, typer.Argument(metavar="WATCH_ID", autocompletion=watch_ids)]


@app.command("list")
def list_watches(
    status: Annotated[WatchStatus | None, typer.Option(help="Only watches of this status.")] = None,
    video_id: Annotated[str | None, typer.Option(metavar="ID", help="Only watches of this video.")] = None,
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="Only watches at this provider.")] = None,
    metadata: Metadata = None,
    limit: Limit = 20,
    after: After = None,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """List watches, newest first."""
    filters = {"status": status and status.value, "video_id": video_id, "provider": provider, "after": after}
    filters |= {f"metadata[{key}]": value for key, value in parse_metadata(metadata).items()}
    run(
        _list({name: value for name, value in filters.items() if value}, None if everything else limit, as_json=as_json)
    )


@app.command("show")
def show_watch(watch_id: WatchId, as_json: AsJson = False) -> None:
    """Show a watch: its video, its destinations, and what became of each delivery."""
    run(_show(watch_id, as_json=as_json))


@app.command("cancel")
def cancel_watch(watch_id: WatchId, as_json: AsJson = False) -> None:
    """Cancel a watch; of an ended one, the deliveries that are still pending."""
    run(_cancel(watch_id, as_json=as_json))


async def _list(filters: dict[str, str], limit: int | None, *, as_json: bool) -> None:
    async with open_client() as client:
        page = await client.watches(filters, limit=limit)
    if as_json:
        show_json(page)
    elif not page["data"]:
        say("No watches.")
    else:
        show(build_table(WATCH_COLUMNS, page["data"], now=SystemClock().now(), width=stdout().width))
        if page["has_more"]:
            say(f"There are more: --after {page['last_id']} goes on, --all shows all.")


async def _show(watch_id: str, *, as_json: bool) -> None:
    async with open_client() as client:
        watch = await client.watch(watch_id)
        deliveries = [] if as_json else await _deliveries_of(client, watch["id"])
        waits = watch["status"] == WatchStatus.WATCHING and not as_json
        outlook = await _outlook_of(client, watch["id"]) if waits else None
    if as_json:
        show_json(watch)
    else:
        show(watch_details(watch, deliveries, outlook))


async def _deliveries_of(client: BridgeClient, watch_id: str) -> list[JsonObject]:
    page = await client.deliveries({"watch_id": watch_id})
    return list(page["data"])


async def _outlook_of(client: BridgeClient, watch_id: str) -> JsonObject | None:
    """When the video is looked at next; None at an older server, which does not say."""
    try:
        return await client.outlook(watch_id)
    except CommandError:
        return None  # the watch itself was shown, and this is only beside it


async def _cancel(watch_id: str, *, as_json: bool) -> None:
    async with open_client() as client:
        watch = await client.cancel(watch_id)
    if as_json:
        show_json(watch)
    else:
        show(watch_line(watch))
        if watch["status"] != "cancelled":
            say("The watch had ended before; the deliveries that were still pending are cancelled.")
