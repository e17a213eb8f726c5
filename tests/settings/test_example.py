from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.settings import describe, load_settings
from bridge.settings.variables import PROVIDER_DETAILS, PROVIDER_PREFIX, VARIABLES

EXAMPLE = Path(__file__).parents[2] / ".env.example"
ASSIGNMENT = re.compile(r"^#([A-Z_]+)=", re.MULTILINE)


@pytest.fixture
def uncommented(tmp_path: Path) -> Path:
    """The example with every variable in force."""
    path = tmp_path / ".env"
    path.write_text(ASSIGNMENT.sub(r"\1=", EXAMPLE.read_text()))
    return path


def test_the_example_names_every_variable_once() -> None:
    written = ASSIGNMENT.findall(EXAMPLE.read_text())
    of_a_provider = [f"{PROVIDER_PREFIX}AZURE__{detail}" for detail in PROVIDER_DETAILS]
    assert sorted(written) == sorted((*VARIABLES, *of_a_provider))


def test_every_variable_has_a_meaning_above_it() -> None:
    for block in re.split(r"\n\n+", EXAMPLE.read_text()):
        if ASSIGNMENT.search(block):
            assert block.startswith("# ")


def test_the_example_as_it_is_changes_nothing() -> None:
    assert load_settings({}, EXAMPLE) == load_settings({}, None)


def test_the_values_in_the_example_are_the_defaults(uncommented: Path) -> None:
    shown = {line.variable: line.value for line in describe(load_settings({}, uncommented))}
    assert shown == {line.variable: line.value for line in describe(load_settings({}, None))}
    assert load_settings({}, uncommented).warnings == load_settings({}, None).warnings
