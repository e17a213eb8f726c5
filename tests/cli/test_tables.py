from __future__ import annotations

import io

import pytest
from rich.console import Console

from bridge.cli.client import JsonObject
from bridge.cli.tables import (
    DELIVERY_COLUMNS,
    DESTINATION_COLUMNS,
    PROVIDER_COLUMNS,
    WATCH_COLUMNS,
    Column,
    build_table,
    destination_label,
)
from tests.cli.samples import (
    DELIVERY_ID,
    NOW,
    WATCH_ID,
    completed,
    make_delivery,
    make_destination,
    make_provider,
    make_stored,
    make_video,
    make_watch,
)

LONG_ID = "video_68d7512d07848190b3e45da0ecbebcde004da08e1e0678d5"


def rendered(columns: tuple[Column, ...], rows: list[JsonObject], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(build_table(columns, rows, now=NOW + 200, width=width))
    return [line.rstrip() for line in capture.get().splitlines()]


def watch_row(width: int = 200, **changes: object) -> dict[str, str]:
    """One watch as the table shows it, by column."""
    head, row = rendered(WATCH_COLUMNS, [make_watch(**changes)], width)
    starts = [head.index(title) for title in head.split()]
    ends = [*starts[1:], None]
    return {title: row[a:b].strip() for title, a, b in zip(head.split(), starts, ends, strict=True)}


def test_a_watch_in_a_wide_table() -> None:
    row = watch_row(metadata={"campaign": "spring", "n": "1"}, **completed())
    assert row == {
        "WATCH": WATCH_ID,
        "STATUS": "completed",
        "TOLD": "–",
        "AGE": "3m",
        "PROVIDER": "openai",
        "VIDEO": "video_abc",
        "METADATA": "campaign=spring n=1",
    }


@pytest.mark.parametrize("width", [80, 100, 120, 160])
@pytest.mark.parametrize("columns", [WATCH_COLUMNS, DELIVERY_COLUMNS, DESTINATION_COLUMNS, PROVIDER_COLUMNS])
def test_no_line_is_wider_than_the_terminal(columns: tuple[Column, ...], width: int) -> None:
    url = f"https://example.com/{'x' * 100}"
    rows = {
        WATCH_COLUMNS: make_watch(video_id=LONG_ID, video=make_video(), metadata={"k" * 60: "v" * 300}),
        DELIVERY_COLUMNS: make_delivery(destination=make_destination(url=url)),
        DESTINATION_COLUMNS: make_stored(url=url, enabled=False, disabled_reason="not_configured"),
        PROVIDER_COLUMNS: make_provider(base_url=url, state="suspect", since=1, reason="r" * 100),
    }
    lines = rendered(columns, [rows[columns]], width)
    assert len(lines) == 2
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [20, 80, 120])
def test_ids_to_copy_are_never_cut(width: int) -> None:
    assert WATCH_ID in "".join(rendered(WATCH_COLUMNS, [make_watch(video_id=LONG_ID)], max(width, 80)))
    assert DELIVERY_ID in "".join(rendered(DELIVERY_COLUMNS, [make_delivery()], max(width, 80)))


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert watch_row(80, video_id=LONG_ID)["VIDEO"].endswith("…")
    assert watch_row(200, video_id=LONG_ID)["VIDEO"] == LONG_ID


def test_a_narrow_terminal_leaves_columns_out() -> None:
    assert list(watch_row(80)) == ["WATCH", "STATUS", "TOLD", "AGE", "VIDEO"]


def test_a_watch_that_goes_on_shows_how_far_the_video_is() -> None:
    assert watch_row(video=make_video(progress=45))["STATUS"] == "watching 45%"
    assert watch_row(video=make_video(progress=None))["STATUS"] == "watching"
    assert watch_row(status="lost", video=make_video(progress=45))["STATUS"] == "lost"


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({}, "–"),
        ({"delivered": 2}, "2 of 2"),
        ({"delivered": 1, "pending": 1}, "1 of 2"),
        ({"delivered": 1, "failed": 1, "pending": 1, "cancelled": 1}, "1 of 4"),
    ],
)
def test_told_counts_what_is_delivered(counts: dict[str, int], shown: str) -> None:
    assert watch_row(deliveries=counts)["TOLD"] == shown


def test_a_delivery_in_a_wide_table() -> None:
    _, row = rendered(DELIVERY_COLUMNS, [make_delivery()], 200)
    assert row.split() == [
        *(DELIVERY_ID, "failed", "client_error", "3m", "1", "video.completed", "https://example.com/hook", WATCH_ID)
    ]


def test_a_destination_goes_by_its_name() -> None:
    assert destination_label(make_destination(name="team")) == "team"
    assert destination_label(make_destination()) == "https://example.com/hook"


def test_cells_cannot_drive_the_terminal() -> None:
    assert "\x1b" not in "".join(rendered(WATCH_COLUMNS, [make_watch(video_id="\x1b[2J", metadata={"a": "\x9b"})], 200))
