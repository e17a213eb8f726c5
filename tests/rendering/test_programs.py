"""The sandbox in programs other than this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

import bridge
from bridge.rendering import Case, Slot, TemplateError
from tests.rendering.helpers import COMPLETED, open_sandbox, plain
from tests.rendering.hostile import ENDLESS

TEXT = plain(Slot.TEXT)
SCRIPT = """
import asyncio
from bridge.rendering import FORMS, SAMPLES, Sandbox

async def main():
    sandbox = Sandbox(seconds=20)
    message = await sandbox.render('["{{ video.size }}"]', FORMS["callback"], SAMPLES["video.completed"])
    await sandbox.aclose()
    print(message.parts["body"])

asyncio.run(main())
"""


def test_it_works_on_uvloop() -> None:
    async def main() -> str:
        async with open_sandbox(check_seconds=1) as sandbox:
            with pytest.raises(TemplateError, match="takes longer"):
                await sandbox.check(TEXT, [Case(ENDLESS["empty loops"], COMPLETED)])
            return (await sandbox.render("{{ video.size }}", TEXT, COMPLETED)).parts["body"]

    assert uvloop.run(main()) == "1280x720"


def test_it_works_in_a_program_that_is_one_file(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(SCRIPT)
    variables = {"PYTHONPATH": str(Path(bridge.__file__).parents[1]), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-W", "error", str(script)]
    run = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=30, check=False)
    assert (run.stdout, run.stderr) == ('["1280x720"]\n', "")
