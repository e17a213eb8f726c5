"""The reference pages say what the program is."""

from __future__ import annotations

import pytest

from tests.reference import FOLDER, pages

PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    """After a change that shows in it: `make docs`."""
    assert (FOLDER / name).read_text() == PAGES[name]


def test_there_is_no_page_of_what_is_gone() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)
