"""Whose clock jumped, by what others have seen."""

from __future__ import annotations

import pytest

from bridge.upkeep.jumps import Jump, judge

# No database has a part in it.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

NOW = 1_763_870_000.0
HOUR = 3600.0


@pytest.mark.parametrize(
    ("ahead", "seen_at", "whose"),
    [
        (1.9, NOW, Jump.NOBODYS),
        (-1.9, NOW, Jump.NOBODYS),
        (HOUR, NOW - 5, Jump.SERVERS),
        (HOUR, NOW + 1, Jump.SERVERS),  # another clock is a little ahead of ours
        (HOUR, NOW + HOUR - 5, Jump.OURS),
        (HOUR, 0.0, Jump.SERVERS),  # there is nobody else
        (3.0, NOW - 5, Jump.SERVERS),
        (-HOUR, NOW - 5, Jump.SERVERS),
        (-HOUR, NOW - HOUR - 5, Jump.OURS),
        (-8.0, NOW - 5, Jump.SERVERS),
        (-19.0, NOW - 10, Jump.SERVERS),
    ],
)
def test_only_the_servers_jumps_move_waits(ahead: float, seen_at: float, whose: Jump) -> None:
    assert judge(ahead, NOW, seen_at) is whose
