"""Limits a process gives itself. What cannot be undone is looked at from outside, in test_sandbox.py."""

from __future__ import annotations

import sys

import pytest

from bridge.rendering.confinement import allow_cpu

if sys.platform != "win32":
    import resource

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")


def test_processor_time_is_allowed_from_now_on() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        allow_cpu(1_000_000)
        soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)
    assert 1_000_000 < soft < 2_000_000
    assert hard == before[1]
