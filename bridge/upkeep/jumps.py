"""What a difference between a replica's clock and the server's means: pure, decided from what others have seen."""

from __future__ import annotations

from enum import StrEnum

JUMP = 2.0
"""A difference of the clocks from which on one of them has jumped; below, it is drift and followed, seconds."""
RECENT = 10.0
"""The last time that others saw is so old at most while others live: they look twice as often, seconds."""


class Jump(StrEnum):
    """Whose clock jumped."""

    NOBODYS = "nobodys"
    OURS = "ours"
    SERVERS = "servers"


def judge(ahead: float, present: float, seen_at: float) -> Jump:
    """Whose clock jumped. Only when it was the server's are waits moved.

    :param ahead: by how much the server's clock is ahead of ours, seconds.
    :param present: what ours shows, Unix seconds.
    :param seen_at: the last time of the server at which any replica lived and agreed with it, Unix seconds.
    """
    if abs(ahead) < JUMP:
        return Jump.NOBODYS
    if ahead > 0:
        # Others lived through what we missed: we were frozen. When the server is set, nobody has been there yet.
        return Jump.OURS if seen_at > present + JUMP else Jump.SERVERS
    # Where others have just agreed with the server it is right, however far back: we followed what we had followed
    # already by starting in between, or the server is back at an older state with all its rows.
    agreed = abs(present + ahead - seen_at) <= RECENT
    return Jump.OURS if agreed and ahead < -2 * RECENT else Jump.SERVERS
