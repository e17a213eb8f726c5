from __future__ import annotations

import pytest

from bridge.models import Reason
from bridge.reasons import SENTENCES, because


def test_every_reason_has_a_sentence_that_says_more_than_its_word() -> None:
    assert set(SENTENCES) == set(Reason)
    assert [reason for reason, sentence in SENTENCES.items() if len(sentence.split()) < 4] == []


@pytest.mark.parametrize("reason", [Reason.DNS, Reason.CONNECT, Reason.BLOCKED_ADDRESS])
def test_what_is_true_of_a_host_names_it_and_no_more_of_the_url(reason: Reason) -> None:
    said = because(reason, "https://hooks.example:8443/services/T0")
    assert said == f"hooks.example:8443: {SENTENCES[reason]}"


def test_what_a_receiver_answered_names_none() -> None:
    assert because(Reason.GONE, "https://example.com/hook") == because(Reason.GONE)
