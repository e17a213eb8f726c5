"""Modules that are loaded by name, and those that a block does without."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from bridge.loading import load, starting

SPARED = ["alembic", "httpx._main", "mako", "pygments", "rich", "sqlalchemy.dialects.postgresql", "typer.rich_utils"]


def test_something_is_loaded_by_its_name() -> None:
    assert load("json:dumps") is json.dumps


@pytest.mark.parametrize(("path", "error"), [("bridge.nothing:x", ImportError), ("json:nothing", AttributeError)])
def test_what_is_not_there_is_an_error(path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        load(path)


def test_a_module_of_no_use_is_not_installed_in_the_block_and_is_again_afterwards() -> None:
    sys.modules.pop("this", None)
    with starting("this"), pytest.raises(ImportError):
        load("this:s")
    assert "this" not in sys.modules


def test_what_was_imported_before_stays() -> None:
    with starting("json"):
        assert load("json:dumps") is json.dumps
    assert sys.modules["json"] is json


def test_the_collector_pauses_for_the_block_alone() -> None:
    with starting():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()


def test_a_server_starts_without_what_only_other_runs_need() -> None:
    script = (
        "import sys; from bridge.cli.commands import Commands\n"
        "import bridge.cli\n"
        "Commands(name='x').commands['serve']\n"
        f"print([name for name in {SPARED} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
