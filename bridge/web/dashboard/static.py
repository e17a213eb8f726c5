"""Style, scripts and icon of the dashboard, under names that hold a digest of what is in them: kept for a year."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response

from bridge.errors import NotFoundError

FOLDER = "web/static"
_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is served."""

    content: bytes
    media_type: str


class StaticFiles:
    """All files of the first folder that has them; read once.

    :param folders: where they are looked for; earlier ones win, file by file.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._served: dict[str, StaticFile] = {}
        self.urls: dict[str, str] = {}
        """Below the dashboard's root, by the plain name of a file."""
        for folder in reversed(folders):
            for path in sorted((folder / FOLDER).glob("*")):
                if path.suffix in _TYPES:
                    self._add(path)

    def _add(self, path: Path) -> None:
        content = path.read_bytes()
        name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
        self._served[name] = StaticFile(content, _TYPES[path.suffix])
        self.urls[path.name] = f"static/{name}"

    def response(self, name: str) -> Response:
        """The file of this name.

        :raises NotFoundError: there is none.
        """
        found = self._served.get(name)
        if found is None:
            raise NotFoundError("There is no such file.", param="name")
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(found.content, headers=headers, media_type=found.media_type)
