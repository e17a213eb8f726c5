from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import PAGES, ROOT, blocks, blocks_of
from tests.docs.session import Session
from tests.docs.surroundings import Surroundings
from tests.ports import free_port
from tests.postgres import new_database

pytestmark = pytest.mark.timeout(240)
DOCS = ROOT / "docs"
# Run here, in tests of their own (the receivers), or by the tests of templates and bodies.
RUN = {"sh", "console", "python", "js", "go", "json", "jinja", "yaml", "text", "{toctree}"}
# These begin with servers of their own.
BY_THEMSELVES = {"README.md", "postgresql.md"}
WITH_TESTS_OF_THEIR_OWN = {"tutorial.md", "from-polling.md", "pacing.md"}
SHELL_PAGES = [
    page
    for page in PAGES
    if page.name not in WITH_TESTS_OF_THEIR_OWN and {"sh", "console"} & {block.language for block in blocks_of(page)}
]


def named(asked: list[tuple[str, Any]], name: str) -> set[str]:
    return {body["data"][name] for _, body in asked}


def prepare(session: Session, page: Path) -> None:
    """What the page takes for granted: a running bridge, the destination it names, the file it names."""
    if page.name not in BY_THEMSELVES:
        session.call("video-bridge", "serve")
    if page.name == "chaining.md":
        session.call("video-bridge", "destinations", "add", "team-slack", "--callback-url", session.receiver)
    if page.name == "pacing.md":
        session.call("video-bridge", "watch", "video_slow", "--callback-url", session.receiver)
    if page.name == "postgresql.md":
        session.database = new_database("bridge_docs")
    if page.name == "templates.md":
        (shown,) = (block.code for block in blocks("jinja", "docs/templates.md") if "email-webhook" in block.code)
        (session.work / "done.jinja").write_text(shown)


@pytest.mark.parametrize("page", SHELL_PAGES, ids=lambda page: page.name)
def test_every_command_of_the_page_works(session: Session, page: Path) -> None:
    prepare(session, page)
    session.run(page)


def test_the_tutorial_ends_with_the_event_at_its_own_receiver(session: Session) -> None:
    session.receiver = f"http://127.0.0.1:{free_port()}"  # the page brings it along
    session.run(DOCS / "tutorial.md")
    printed, until = session.state / "printed", time.monotonic() + 10
    while '"video.completed"' not in printed.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    assert '"type":"video.completed"' in printed.read_text().replace('": "', '":"')
    assert "A paper boat" in printed.read_text()


def test_ids_from_a_file_are_all_told(session: Session, around: Surroundings) -> None:
    session.call("video-bridge", "serve")
    session.run(DOCS / "from-polling.md")
    until = time.monotonic() + 20
    while len(around.receiver.received) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert named(around.receiver.received, "id") == {"video_one", "video_two"}


def test_the_outlook_shown_is_what_is_printed(session: Session) -> None:
    page = DOCS / "pacing.md"
    prepare(session, page)
    session.run(page)
    assert re.search(r"^outlook +\S", session.output, re.MULTILINE)


def test_no_block_is_in_a_language_that_nobody_runs() -> None:
    assert {block.language for page in PAGES for block in blocks_of(page)} <= RUN
