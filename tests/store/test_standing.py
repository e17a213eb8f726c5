"""What outlives a restart beside the queue: the pepper, which proves the key, and the providers' standing."""

from __future__ import annotations

import pytest

from bridge.errors import SecretsError
from bridge.secrets import SecretBox
from bridge.store import Transaction, standing
from tests.store.rows import NOW

OLD, NEW = "an old key of at least thirty-two characters", "a new key of at least thirty-two characters"


async def test_the_pepper_is_made_once_and_read_ever_after(tx: Transaction) -> None:
    pepper = await standing.pepper(tx, SecretBox([OLD]))
    assert len(pepper) == 32
    assert await standing.pepper(tx, SecretBox([OLD])) == pepper


async def test_another_key_is_refused_and_makes_no_new_pepper(tx: Transaction) -> None:
    pepper = await standing.pepper(tx, SecretBox([OLD]))
    with pytest.raises(SecretsError):
        await standing.pepper(tx, SecretBox([NEW]))
    assert await standing.pepper(tx, SecretBox([OLD])) == pepper


async def test_a_new_key_beside_the_old_one_reads_the_pepper(tx: Transaction) -> None:
    pepper = await standing.pepper(tx, SecretBox([OLD]))
    assert await standing.pepper(tx, SecretBox([NEW, OLD])) == pepper


async def test_a_providers_standing_is_remembered_as_it_was_last(tx: Transaction) -> None:
    assert await standing.provider_health(tx) == {}
    await standing.keep_provider_health(tx, "openai", "https://a.example", {"state": "paused"}, NOW)
    await standing.keep_provider_health(tx, "openai", "https://b.example", {"state": "ok", "forbidden": ["v"]}, NOW)
    await standing.keep_provider_health(tx, "azure", "https://c.example", {}, NOW)
    assert await standing.provider_health(tx) == {
        "openai": ("https://b.example", {"state": "ok", "forbidden": ["v"]}),
        "azure": ("https://c.example", {}),
    }
