"""One page's shell blocks, run in order by one real bash in an empty folder.

The page becomes a script in which every command stands on the line it has in the page, so bash itself says which
line failed. What cannot exist here is replaced twice: addresses in the text, programs by those of ``shims.py``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.docs.blocks import ROOT, Block, blocks_of
from tests.ports import free_port

SHIMMED = ("make", "pip", "python3", "python3.11", "curl", "video-bridge", "shown-python")
_PATIENCE = 170
_SETTINGS = ("BRIDGE_", "OPENAI_")


class Session:
    """A folder, ports, and what is put in the place of the world outside.

    :param urls: of the servers around the page.
    """

    def __init__(self, folder: Path, urls: Mapping[str, str]) -> None:
        self.home = folder
        self.work, self.state, self._shims = folder / "work", folder / "state", folder / "shims"
        for each in (self.work, self.state, self._shims):
            each.mkdir()
        self.bridge = f"http://127.0.0.1:{free_port()}"
        self.simulator = f"http://127.0.0.1:{free_port()}"
        self.receiver = urls["receiver"]
        self.database: str | None = None
        self._urls = urls
        for name in SHIMMED:
            shim = self._shims / name
            shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tests.docs.shims {name} "$@"\n')
            shim.chmod(0o755)
        (self.work / "url.txt").write_text(f"{urls['slack']}/services/T000/B000/XXXX\n")
        (self.work / "key.txt").write_text("re_your_key\n")
        (self.work / "ids.txt").write_text("video_one\nvideo_two\n")

    def run(self, page: Path) -> None:
        """Run a page; any command that fails is an AssertionError that names page and line."""
        script = self.home / page.name
        script.write_text(self._script(page))
        code: int | str
        with (self.home / "output").open("wb") as output:
            try:
                code = subprocess.run(
                    ["bash", script], cwd=self.work, env=self.environ(), stdout=output, stderr=output, timeout=_PATIENCE
                ).returncode
            except subprocess.TimeoutExpired:
                code = f"not done after {_PATIENCE} s"
        failed = [f"{' '.join(done['words'])}: exit code {done['code']}" for done in self.journal() if done["code"]]
        assert (code, failed) == (0, []), f"{page}: {self.output}"

    def call(self, *words: str) -> None:
        """Run one of the replaced programs beside the page."""
        subprocess.run([self._shims / words[0], *words[1:]], cwd=self.work, env=self.environ(), check=True)

    @property
    def output(self) -> str:
        """Everything that the page's commands printed."""
        return (self.home / "output").read_text()

    def journal(self) -> list[dict[str, Any]]:
        """What was asked of the replaced programs and how it ended, in order."""
        path = self.state / "journal"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def close(self) -> None:
        """End the servers that the page left running."""
        for path in self.state.glob("*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGKILL)

    def environ(self) -> dict[str, str]:
        """The variables of a person at a terminal, and what the shims want to know."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
        return plain | {
            "HOME": str(self.home),
            "PATH": f"{self._shims}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "BRIDGE_URL": self.bridge,
            "BRIDGE_PORT": str(urlsplit(self.bridge).port),
            "DOCS_STATE": str(self.state),
            "DOCS_SIMULATOR_PORT": str(urlsplit(self.simulator).port),
            "DOCS_PROVIDER": f"{self._urls['provider']}/v1",
            "DOCS_MAIL": self._urls["mail"],
        }

    def text(self, block: Block) -> str:
        """The code of a block with addresses that can be reached here."""
        replaced = {
            "http://127.0.0.1:8080": self.bridge,
            "http://127.0.0.1:8090": self.simulator,
            "http://127.0.0.1:9000": self.receiver,
            "https://example.com": self.receiver,
            "https://hooks.slack.com": self._urls["slack"],
            "python3 receiver.py": f"shown-python receiver.py {urlsplit(self.receiver).port}",
            "/var/lib/video-bridge": str(self.home),
            "postgresql://bridge:secret@db.example.com/bridge": self.database or "",
        }
        return re.sub("|".join(map(re.escape, replaced)), lambda found: replaced[found[0]], block.code)

    def _script(self, page: Path) -> str:
        lines = [""] * (page.read_text().count("\n") + 2)
        lines[0] = f"set -eE -o pipefail; trap 'echo \"{page.name}:$LINENO: $BASH_COMMAND\" >&2' ERR"
        for block in blocks_of(page):
            if block.language == "sh":
                lines[block.line - 1 : block.after - 1] = self.text(block).splitlines()
                lines[block.after - 1] = "wait"  # what went to the background is up before a person reads on
            elif block.language == "console":
                for number, line in enumerate(self.text(block).splitlines()):
                    if line.startswith("$ "):
                        lines[block.line - 1 + number] = line[2:]
            elif block.language == "python" and page.name == "tutorial.md":
                (self.work / "receiver.py").write_text(self._with_ports(block))  # saved as the page says
        return "\n".join(lines)

    def _with_ports(self, block: Block) -> str:
        return block.code.replace("9000", str(urlsplit(self.receiver).port))
