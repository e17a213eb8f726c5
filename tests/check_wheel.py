"""Builds the wheel, installs it into an empty environment and uses it from another folder. Run by `make check`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path, environ: dict[str, str] | None = None) -> str:
    """The output of a command that must succeed."""
    finished = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    if finished.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexit code {finished.returncode}\n{finished.stdout}{finished.stderr}")
    return finished.stdout


def main() -> None:
    """Build, install, use."""
    with tempfile.TemporaryDirectory(prefix="video-bridge-wheel-") as folder:
        work = Path(folder)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", work / "dist", ROOT, cwd=work)
        (wheel,) = (work / "dist").glob("*.whl")
        venv.create(work / "venv", with_pip=True)
        python = work / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=work)
        elsewhere = work / "elsewhere"
        elsewhere.mkdir()
        clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        command = work / "venv" / "bin" / "video-bridge"
        version = run(command, "--version", cwd=elsewhere, environ=clean).strip()
        document = json.loads(run(command, "openapi", cwd=elsewhere, environ=clean))
        if document["info"]["version"] not in version:
            sys.exit(f"{version!r} is not the version of the document, {document['info']['version']!r}")
        told = run(command, "demo", cwd=elsewhere, environ=clean)
        if list(elsewhere.iterdir()):
            sys.exit(f"the demo left files behind: {list(elsewhere.iterdir())}")
        print(f"{wheel.name}: {version}, {len(document['paths'])} routes, demo: {told.strip().splitlines()[-1]}")


if __name__ == "__main__":
    main()
