"""Around each page: a provider that knows every video, and receivers of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.docs import WANTED
from tests.docs.session import Session
from tests.docs.surroundings import Surroundings
from tests.servers import running_server

collect_ignore_glob = [] if WANTED else ["test_*.py"]


@pytest.fixture
def around() -> Iterator[Surroundings]:
    made = Surroundings()
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        for name, app in made.apps.items():
            made.urls[name] = stack.enter_context(portal.wrap_async_context_manager(running_server(app)))
        yield made


@pytest.fixture
def session(around: Surroundings, tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path, around.urls)
    yield made
    made.close()
