"""The server against its own document: schemathesis makes up requests, right ones and wrong ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.applications import Starlette

from bridge.web.api import OPERATIONS
from bridge.web.openapi import document
from bridge.web.operations import Operation
from tests.servers import running_server
from tests.web.conftest import WRITER
from tests.web.fakes import ENDED, WATCH_ID, FakeRegistry

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

# What is a URL, a header or a secret is said in words, not in the schema: right by the schema may still be refused.
NOT_PROMISED = [positive_data_acceptance]
# What is wrong may be too large, too, and then that is said: schemathesis does not count 413 among refusals by itself.
TOO_LARGE_IS_REFUSED = SchemathesisConfig.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415, 429]}}}
)
# A batch is taken although an entry is wrong: that entry is answered with its error.
NOT_PROMISED_OF = {"/v1/watches/batch": [negative_data_rejection]}

# Spelled so: schemathesis leaves this header out when it tries without a key.
HEADERS = {"Authorization": f"Bearer {WRITER.key.get_secret_value()}"}

# Few here; `make fuzz` sends thousands to a real server.
BOUNDED = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SCHEMA = schemathesis.openapi.from_dict(dict(document()), config=TOO_LARGE_IS_REFUSED)


def hold_against_document(
    url: str, method: str, path: str, mode: GenerationMode, bounds: settings = BOUNDED, but: Sequence[Any] = ()
) -> None:
    """Send made-up requests to one operation; every answer must be as the document says.

    :param but: checks that are left out.
    """
    operation = SCHEMA[path][method]
    excluded: list[Any] = [*but, *NOT_PROMISED, *NOT_PROMISED_OF.get(path, [])]

    @bounds
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case[Any]) -> None:
        left_out = [*excluded, negative_data_rejection] if _cannot_be_seen(case) else excluded
        case.call_and_validate(base_url=url, headers=HEADERS, excluded_checks=left_out, timeout=10)

    check()


def _cannot_be_seen(case: schemathesis.Case[Any]) -> bool:
    """Whether what is wrong is lost on the way: `{"a": {"b": 1}}` is sent as `metadata[a][b]=1`, of `[]` nothing is."""
    return any(
        value == [] or (name.startswith("metadata[") and ("][" in name or not isinstance(value, str)))
        for name, value in (case.query or {}).items()
    )


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
async def test_answers_are_as_documented(keyed_app: Starlette, registry: FakeRegistry, operation: Operation) -> None:
    registry.changed.set()  # nobody waits here,
    registry.known[WATCH_ID] = ENDED  # and every stream has its end
    modes = GenerationMode if operation.keyed else [GenerationMode.POSITIVE]  # the open ones take nothing to get wrong
    async with running_server(keyed_app) as url:
        for mode in modes:
            await asyncio.to_thread(hold_against_document, url, operation.method, operation.path, mode)
