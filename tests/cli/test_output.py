from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from bridge.cli.output import as_json, complain, plain, say, show, show_json, stdout
from tests.cli.conftest import Environ


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_screen(action: Callable[[], None]) -> str:
    """What an action prints when stdout and stderr are a terminal."""
    screen = Screen()
    with redirect_stdout(screen), redirect_stderr(screen):
        action()
    return screen.getvalue()


def wide_table() -> Table:
    table = Table(box=None)
    table.add_column("ID", no_wrap=True)
    table.add_row("x" * 300)
    return table


@given(st.text())
def test_plain_text_can_neither_drive_a_terminal_nor_break_the_line(text: str) -> None:
    made = plain(text)
    assert made.isprintable() or all(char.isprintable() or char not in "\x1b\n\r\x9b\u202e" for char in made)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in made)
    made.encode()


def test_plain_text_shows_what_it_made_harmless() -> None:
    assert plain("a\x1b[31mb\nc\u202ed") == "a\\x1b[31mb c\\x202ed"


@given(st.recursive(st.none() | st.text() | st.integers() | st.booleans(), lambda inner: st.lists(inner)))
def test_json_reads_back_as_it_was(value: object) -> None:
    assert json.loads(as_json(value)) == value


@given(st.dictionaries(st.text(), st.text()))
def test_json_holds_no_character_that_drives_a_terminal(value: dict[str, str]) -> None:
    assert "\n" not in as_json(value)
    assert not any(0x7F <= ord(char) < 0xA0 or char in "\u2028\u202e" for char in as_json(value, indent=2))


def test_json_is_one_line_for_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"a": [1, 2], "b": "é"})
    assert capsys.readouterr().out == '{"a": [1, 2], "b": "é"}\n'


def test_json_is_spread_out_at_a_terminal() -> None:
    assert on_screen(lambda: show_json({"a": 1})) == '{\n  "a": 1\n}\n'


def test_json_is_ascii_where_the_stream_knows_no_more() -> None:
    raw = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(raw, encoding="latin-1")):
        show_json("→😀")
        assert json.loads(raw.getvalue()) == "→😀"


def test_messages_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("a message")
    complain("a problem")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "a message\nError: a problem\n")


def test_brackets_in_a_message_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    say("[red]destinations[0].url :smile:")
    assert capsys.readouterr().err == "[red]destinations[0].url :smile:\n"


def test_nothing_is_cut_off_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    show(wide_table())
    assert "x" * 300 in capsys.readouterr().out


def test_columns_sets_the_width_also_without_a_terminal(environ: Environ) -> None:
    environ["COLUMNS"] = "90"
    assert stdout().width == 90


def test_messages_are_coloured_at_a_terminal() -> None:
    assert "\x1b[1;31mError: \x1b[0m" in on_screen(lambda: complain("no"))


def test_no_color_takes_every_style_away(environ: Environ) -> None:
    environ["NO_COLOR"] = "1"
    assert on_screen(lambda: complain("no")) == "Error: no\n"


def test_long_messages_are_left_to_the_terminal_to_wrap(environ: Environ) -> None:
    environ["COLUMNS"] = "40"
    assert on_screen(lambda: say("word " * 30)).count("\n") == 1
