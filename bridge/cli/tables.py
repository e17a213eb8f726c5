"""Lists as tables: which columns there are, and which a narrow terminal leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from bridge.cli.client import JsonObject
from bridge.cli.output import plain
from bridge.cli.times import show_age

STYLES = {
    "watching": "cyan",
    "completed": "green",
    "delivered": "green",
    "failed": "red",
    "lost": "red",
    "timed_out": "yellow",
    "pending": "yellow",
    "cancelled": "dim",
    "enabled": "green",
    "disabled": "red",
    "ok": "green",
    "paused": "red",
    "suspect": "yellow",
}

_GAP = 2
_NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list.

    :param from_width: it is left out on terminals narrower than so many characters.
    :param shrinks: it may be cut (with an ellipsis) where the others would not fit.
    """

    title: str
    cell: Callable[[JsonObject, float], Text]
    from_width: int = 0
    shrinks: bool = False


def build_table(columns: Sequence[Column], rows: Sequence[JsonObject], *, now: float, width: int) -> Table:
    """A table of API objects that fits ``width`` characters."""
    columns = [column for column in columns if column.from_width <= width]
    cells = [[column.cell(row, now) for column in columns] for row in rows]
    widths = [
        max([len(column.title), *(line[place].cell_len for line in cells)]) for place, column in enumerate(columns)
    ]
    rest = _rest(columns, widths, width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column, needed in zip(columns, widths, strict=True):
        table.add_column(
            column.title, no_wrap=True, overflow="ellipsis", width=min(needed, rest) if column.shrinks else needed
        )
    for line in cells:
        table.add_row(*line)
    return table


def _rest(columns: Sequence[Column], widths: Sequence[int], width: int) -> int:
    """How wide each column that shrinks may be when the others get what they need."""
    shrinking = sum(column.shrinks for column in columns)
    fixed = sum(needed for column, needed in zip(columns, widths, strict=True) if not column.shrinks)
    return max(_NARROWEST, (width - fixed - _GAP * len(columns)) // max(1, shrinking))


def status_text(status: str, more: str = "") -> Text:
    """A status in its colour."""
    return Text(plain(status) + more, style=STYLES.get(status, ""))


def destination_label(destination: JsonObject) -> str:
    """A destination's name, or its URL when it has none."""
    return plain(destination["name"] or destination["url"])


def _watch_status(watch: JsonObject, _: float) -> Text:
    progress = (watch["video"] or {}).get("progress")
    showing = watch["status"] == "watching" and progress is not None
    return status_text(watch["status"], f" {progress}%" if showing else "")


def _told(watch: JsonObject, _: float) -> Text:
    counts = watch["deliveries"]
    total = sum(counts.values())
    worst = next((status for status in ("failed", "pending", "cancelled") if counts.get(status)), "delivered")
    return Text(f"{counts.get('delivered', 0)} of {total}", style=STYLES[worst]) if total else Text("–", style="dim")


def _metadata(watch: JsonObject, _: float) -> Text:
    return Text(plain(" ".join(f"{name}={value}" for name, value in watch["metadata"].items())))


def _destination_state(destination: JsonObject, _: float) -> Text:
    if destination["enabled"]:
        return status_text("enabled")
    return status_text("disabled", f": {plain(destination['disabled_reason'] or 'no reason given')}")


def _since(provider: JsonObject, now: float) -> Text:
    return Text("–" if provider["since"] is None else show_age(provider["since"], now))


WATCH_COLUMNS = (
    Column("WATCH", lambda watch, _: Text(plain(watch["id"]))),
    Column("STATUS", _watch_status),
    Column("TOLD", _told),
    Column("AGE", lambda watch, now: Text(show_age(watch["created_at"], now))),
    Column("PROVIDER", lambda watch, _: Text(plain(watch["provider"])), from_width=100),
    Column("VIDEO", lambda watch, _: Text(plain(watch["video_id"])), shrinks=True),
    Column("METADATA", _metadata, from_width=160, shrinks=True),
)

DELIVERY_COLUMNS = (
    Column("DELIVERY", lambda delivery, _: Text(plain(delivery["id"]))),
    Column("STATUS", lambda delivery, _: status_text(delivery["status"])),
    Column("REASON", lambda delivery, _: Text(plain(delivery["reason"] or "–"))),
    Column("AGE", lambda delivery, now: Text(show_age(delivery["created_at"], now))),
    Column("TRIES", lambda delivery, _: Text(str(len(delivery["attempts"]))), from_width=100),
    Column("EVENT", lambda delivery, _: Text(plain(delivery["event_type"])), from_width=100),
    Column("DESTINATION", lambda delivery, _: Text(destination_label(delivery["destination"])), shrinks=True),
    Column("WATCH", lambda delivery, _: Text(plain(delivery["watch_id"])), from_width=160),
)

DESTINATION_COLUMNS = (
    Column("NAME", lambda destination, _: Text(plain(destination["name"]))),
    Column("KIND", lambda destination, _: Text(plain(destination["kind"]))),
    Column("STATE", _destination_state),
    Column("DEFAULT", lambda destination, _: Text("yes" if destination["default"] else "–")),
    Column("URL", lambda destination, _: Text(plain(destination["url"])), shrinks=True),
    Column("FALLBACK", lambda destination, _: Text(plain(destination["fallback"] or "–")), from_width=120),
    Column(
        "EVENTS", lambda destination, _: Text(plain(", ".join(destination["events"]))), from_width=120, shrinks=True
    ),
    Column("ID", lambda destination, _: Text(plain(destination["id"])), from_width=160),
)

PROVIDER_COLUMNS = (
    Column("PROVIDER", lambda provider, _: Text(plain(provider["name"]))),
    Column("STATE", lambda provider, _: status_text(provider["state"])),
    Column("SINCE", _since),
    Column("VIDEOS", lambda provider, _: Text(str(provider["videos_in_flight"]))),
    Column("RATE", lambda provider, _: Text(f"{provider['rate']:g}/s")),
    Column("URL", lambda provider, _: Text(plain(provider["base_url"])), shrinks=True),
    Column("REASON", lambda provider, _: Text(plain(provider["reason"] or "–")), shrinks=True),
)
