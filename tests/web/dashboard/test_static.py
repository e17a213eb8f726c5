from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.errors import NotFoundError
from bridge.resources import templates_dir
from bridge.web.dashboard.static import FOLDER, StaticFiles
from tests.web.dashboard.conftest import Visit

BUDGET = 150_000


async def test_a_page_names_files_that_may_be_kept_for_a_year(visit: Visit) -> None:
    names = re.findall(r"static/[\w.-]+", visit.html)
    assert len(set(names)) == 4
    for name in names:
        answer = await visit.client.get(f"/{name}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


async def test_the_first_page_with_all_it_needs_is_small(visit: Visit) -> None:
    names = set(re.findall(r"static/[\w.-]+", visit.html))
    sizes = [len((await visit.client.get(f"/{name}")).content) for name in names]
    assert sum(sizes) + len(visit.html.encode()) <= BUDGET / 2
    assert max(sizes) <= 25_000


@pytest.mark.parametrize("name", ["dashboard.css", "idiomorph-LICENSE.txt", "%2e%2e", "nothing.js"])
async def test_nothing_else_is_served(visit: Visit, name: str) -> None:
    assert (await visit.client.get(f"/static/{name}")).status_code == 404


def test_a_changed_file_has_another_name(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "dashboard.css").write_text("body { color: red }")
    ours, theirs = StaticFiles([templates_dir()]), StaticFiles([tmp_path, templates_dir()])
    assert ours.urls["live.js"] == theirs.urls["live.js"]
    assert ours.urls["dashboard.css"] != theirs.urls["dashboard.css"]
    assert b"red" in theirs.response(theirs.urls["dashboard.css"].removeprefix("static/")).body
    with pytest.raises(NotFoundError):
        ours.response(theirs.urls["dashboard.css"].removeprefix("static/"))
