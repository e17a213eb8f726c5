"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the API's own object on standard output.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
All = Annotated[bool, typer.Option("--all", help="All there are, instead of the newest.")]
After = Annotated[str | None, typer.Option(metavar="ID", help="Go on after this one, the last of the page before.")]
Metadata = Annotated[list[str] | None, typer.Option("--metadata", "-m", metavar="KEY=VALUE", help="May be repeated.")]


def parse_metadata(pairs: list[str] | None) -> dict[str, str]:
    """``KEY=VALUE`` options as a mapping.

    :raises typer.BadParameter: for a pair without ``=`` or a key given twice.
    """
    metadata: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE.", param_hint="--metadata")
        if key in metadata:
            raise typer.BadParameter(f"{key!r} is given twice.", param_hint="--metadata")
        metadata[key] = value
    return metadata
