"""Stands in for the programs that pages call: ``python -m tests.docs.shims NAME ARGUMENT…``.

Servers are the real ones, started beside the page and waited for; what would change the machine is checked for what it
is asked. Everything is noted in a journal, with its exit code.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.docs.blocks import ROOT
from tests.ports import wait_for_port

STATE = Path(os.environ["DOCS_STATE"])
PLACEHOLDER = "video_abc"
_OURS = (sys.executable, "-m", "bridge")


def make(words: Sequence[str]) -> int:
    """What the real Makefile would do; it must know the target."""
    return subprocess.run([_real("make"), "-n", "-C", ROOT, *words], stdout=subprocess.DEVNULL).returncode


def pip(words: Sequence[str]) -> int:
    """Nothing is installed: it must be this project, with an extra that it has."""
    found = re.fullmatch(r"install \.(?:\[(\w+)\])?", " ".join(words))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return 0 if found and (found[1] is None or found[1] in extras) else 1


def python(words: Sequence[str]) -> int:
    """This Python; environments are made without pip, so that it stays replaced in them."""
    if words[:2] != ["-m", "venv"]:
        return subprocess.run([sys.executable, *words]).returncode
    venv.create(words[2], symlinks=True, with_pip=False)
    return 0


def curl(words: Sequence[str]) -> int:
    """The real one. The id in its answer, when it orders a video, is what the page means from then on."""
    done = subprocess.run([_real("curl"), "--fail-with-body", *_meant(words)], stdout=subprocess.PIPE)
    sys.stdout.buffer.write(done.stdout)
    if any(word.endswith("/v1/videos") for word in words):
        (STATE / "video").write_text(json.loads(done.stdout)["id"])
    return done.returncode


def video_bridge(words: Sequence[str]) -> int:
    """The real one; `serve` and `simulate` return once they are ready."""
    words = _meant(words)
    if words[0] == "simulate":
        port = os.environ["DOCS_SIMULATOR_PORT"]
        return _start("simulate", [*_OURS, *words, "--port", port], int(port))
    if words[0] == "serve":
        _stop("serve")
        environ = {"OPENAI_BASE_URL": os.environ["DOCS_PROVIDER"], **os.environ}
        return _start("serve", [*_OURS, *words], int(environ["BRIDGE_PORT"]), environ)
    if words[:2] == ["secrets", "rotate"]:
        _stop("serve")  # as the page says
    if words[:2] == ["destinations", "add"] and "--preset" in words and "--url" not in words:
        words = [*words, "--url", f"{os.environ['DOCS_MAIL']}/emails"]
    return subprocess.run([*_OURS, *words]).returncode


def shown_python(words: Sequence[str]) -> int:
    """A server that a page shows: its file and its port. What it prints goes to ``printed``."""
    return _start("printed", [sys.executable, words[0]], int(words[1]))


PROGRAMS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "make": make,
    "pip": pip,
    "python3": python,
    "python3.11": python,
    "curl": curl,
    "video-bridge": video_bridge,
    "shown-python": shown_python,
}


def _real(program: str) -> str:
    """Where the program of this name is that is not one of us."""
    found = shutil.which(program, path="/usr/local/bin:/usr/bin:/bin")
    if found is None:
        raise SystemExit(f"This test needs {program}.")
    return found


def _meant(words: Sequence[str]) -> list[str]:
    """The words with the ids of this session in the place of the page's."""
    if (STATE / "video").exists():
        words = [word.replace(PLACEHOLDER, (STATE / "video").read_text()) for word in words]
    return [_newest_watch() if re.fullmatch(r"watch_\w+…", word) else word for word in words]


def _newest_watch() -> str:
    with urllib.request.urlopen(f"{os.environ['BRIDGE_URL']}/v1/watches?limit=1") as answer:
        found: str = json.load(answer)["first_id"]
    return found


def _start(name: str, command: Sequence[str], port: int, environ: Mapping[str, str] | None = None) -> int:
    with (STATE / name).open("ab") as output:
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=output, start_new_session=True)
    (STATE / f"{name}.pid").write_text(str(process.pid))
    wait_for_port(port, 20)
    return process.poll() or 0


def _stop(name: str) -> None:
    """End a server that runs, as its operator would."""
    path = STATE / f"{name}.pid"
    if not path.exists():
        return
    pid = int(path.read_text())
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 30  # it is no child of ours, whose end could be waited for
    while _runs(pid):
        if time.monotonic() > until:
            raise SystemExit(f"{name} does not end")
        time.sleep(0.05)
    path.unlink()


def _runs(pid: int) -> bool:
    """Whether a process goes on; in a container nobody may have buried one that ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def main(name: str, *words: str) -> int:
    """Run one program; its exit code."""
    began = time.monotonic()
    code = PROGRAMS[name](list(words))
    with (STATE / "journal").open("a") as journal:
        journal.write(
            json.dumps({"words": [name, *words], "code": code, "seconds": round(time.monotonic() - began, 1)}) + "\n"
        )
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
