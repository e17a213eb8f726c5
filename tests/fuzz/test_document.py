"""Requests made from the API's own document, to a real server: all answers must be as it says, too.

`tests/web/test_conformance.py` does the same in small and without a database.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth

from bridge.web.api import OPERATIONS
from tests.fuzz.driving import fuzzed_server
from tests.ports import free_port
from tests.web.conftest import WRITER
from tests.web.test_conformance import hold_against_document

MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)

# Whoever shows wrong keys is answered ever later, up to 0.8 s, and this shows one beside every right request: five
# minutes of waiting for what the small form holds against the document, too.
WAITED_FOR = [ignored_auth]

# A trial of a destination waits for its receiver; a stream has an end only with its watch.
_WAITING = {"test_destination", "stream_watch"}


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_answers_are_as_documented(tmp_path: Path) -> None:
    key = WRITER.key.get_secret_value()
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "BRIDGE_API_KEYS": f"ci:{key}"}
    with fuzzed_server(tmp_path, free_port(), environ) as server:
        for operation in OPERATIONS:
            modes = GenerationMode if operation.keyed else [GenerationMode.POSITIVE]
            for mode in modes if operation.name not in _WAITING else ():
                hold_against_document(server.url, operation.method, operation.path, mode, MANY, WAITED_FOR)
        assert server.errors() == []
