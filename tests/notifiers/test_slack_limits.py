"""Slack's limits: what is just within them passes, one more is refused with the place and the figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.notifiers.fitting import Unfit
from bridge.notifiers.slack_limits import MAX_BLOCKS_SIZE, check_message
from tests.notifiers.slack_messages import PICTURE, mrkdwn, plain, section


def actions(*elements: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def button(label: str = "Open", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), **more}


def one(block: Any) -> dict[str, Any]:
    return {"blocks": [block]}


def long_url(length: int) -> str:
    return "https://x.example/".ljust(length, "x")


AT_MOST: list[tuple[str, int, Callable[[int], dict[str, Any]]]] = [
    ("text has", 40_000, lambda n: {"text": "x" * n}),
    ("blocks has", 50, lambda n: {"blocks": [{"type": "divider"}] * n}),
    ("attachments has", 100, lambda n: {"attachments": [{"text": "x"}] * n}),
    ("attachments[0].blocks has", 50, lambda n: {"attachments": [{"blocks": [{"type": "divider"}] * n}]}),
    ("blocks[0].text.text", 150, lambda n: one({"type": "header", "text": plain("x" * n)})),
    ("blocks[0].text.text", 3_000, lambda n: one(section("x" * n))),
    ("blocks[0].fields has", 10, lambda n: one({"type": "section", "fields": [mrkdwn("x")] * n})),
    ("blocks[0].fields[1].text", 2_000, lambda n: one({"type": "section", "fields": [mrkdwn("x"), mrkdwn("x" * n)]})),
    ("blocks[0].elements", 10, lambda n: one({"type": "context", "elements": [mrkdwn("x")] * n})),
    ("blocks[0].elements[0].text", 3_000, lambda n: one({"type": "context", "elements": [mrkdwn("x" * n)]})),
    ("blocks[0].elements", 25, lambda n: one(actions(*[button()] * n))),
    ("blocks[0].elements[0].text.text", 75, lambda n: one(actions(button("x" * n)))),
    ("blocks[0].elements[0].url", 3_000, lambda n: one(actions(button(url=long_url(n))))),
    ("blocks[0].accessory.action_id", 255, lambda n: one(section(accessory=button(action_id="x" * n)))),
    ("blocks[0].image_url", 3_000, lambda n: one(PICTURE | {"image_url": long_url(n)})),
    ("blocks[0].alt_text", 2_000, lambda n: one(PICTURE | {"alt_text": "x" * n})),
    ("blocks[0].title.text", 2_000, lambda n: one(PICTURE | {"title": plain("x" * n)})),
    ("blocks[0].block_id", 255, lambda n: one({"type": "divider", "block_id": "x" * n})),
    ("blocks[0].text", 12_000, lambda n: one({"type": "markdown", "text": "x" * n})),
    ("blocks[0].rows", 100, lambda n: one({"type": "table", "rows": [[]] * n})),
]


@pytest.mark.parametrize(("place", "most", "message"), AT_MOST, ids=[f"{place} {most}" for place, most, _ in AT_MOST])
def test_a_limit_can_be_reached_but_not_passed(place: str, most: int, message: Callable[[int], dict[str, Any]]) -> None:
    check_message(message(most))
    with pytest.raises(Unfit) as refusal:
        check_message(message(most + 1))
    assert str(refusal.value).startswith(place)
    assert f"has {most + 1:,} " in str(refusal.value)
    assert str(refusal.value).endswith(f"Slack takes {most:,}")


def test_all_blocks_together_have_a_limit_that_none_of_them_breaks_alone() -> None:
    check_message({"blocks": [section("x" * 3_000)] * 4})
    with pytest.raises(Unfit, match=f"blocks has 15,.* characters altogether, Slack takes {MAX_BLOCKS_SIZE:,}"):
        check_message({"blocks": [section("x" * 3_000)] * 5})


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({}, "says nothing"),
        ({"text": "", "blocks": [], "attachments": []}, "says nothing"),
        ({"text": 7}, "text is not text"),
        ({"blocks": {"type": "divider"}}, "blocks is not a list"),
        (one("divider"), r"blocks\[0\] is not an object"),
        (one({"text": mrkdwn("x")}), r"blocks\[0\] has no type"),
        (one({"type": "section"}), r"blocks\[0\] is of type section and has no text or fields"),
        (one({"type": "section", "text": "x"}), r"blocks\[0\].text is not an object"),
        (one({"type": "section", "text": {"text": "x"}}), r"blocks\[0\].text.type must be mrkdwn or plain_text"),
        (one({"type": "section", "fields": ["x"]}), r"blocks\[0\].fields\[0\] is not an object"),
        (one({"type": "section", "fields": "x"}), r"blocks\[0\].fields is not a list"),
        (one(section("")), r"blocks\[0\].text.text is empty"),
        (
            one(section() | {"text": mrkdwn("x") | {"text": None}}),
            r"blocks\[0\].text is of type mrkdwn and has no text",
        ),
        (one(section(block_id="")), r"blocks\[0\].block_id is empty"),
        (one({"type": "header", "text": mrkdwn("x")}), r"blocks\[0\].text must be of type plain_text"),
        (one(actions({"type": "button", "text": mrkdwn("x")})), r"elements\[0\].text must be of type plain_text"),
        (one(actions(button(url=""))), r"elements\[0\].url is empty"),
        (one(actions()), "has no elements"),
        (one({"type": "image", "alt_text": "x"}), "has no image_url or slack_file"),
        (one({"type": "image", "image_url": "https://x.example"}), "has no alt_text"),
        ({"blocks": [section(block_id="a"), section(block_id="a")]}, r"blocks\[1\].block_id is that of another block"),
        ({"attachments": ["x"]}, r"attachments\[0\] is not an object"),
        ({"attachments": [{"blocks": [section("")]}]}, r"attachments\[0\].blocks\[0\].text.text is empty"),
    ],
)
def test_what_slack_would_call_invalid_is_named_with_its_place(message: dict[str, Any], problem: str) -> None:
    with pytest.raises(Unfit, match=problem):
        check_message(message)


@pytest.mark.parametrize("name", ["channel", "username", "icon_emoji", "icon_url", "link_names", "parse", "as_user"])
def test_a_message_cannot_go_elsewhere_or_mention_people(name: str) -> None:
    with pytest.raises(Unfit, match=f"may not have '{name}'"):
        check_message({"text": "x", name: "full"})


def test_the_reason_says_why_names_may_not_be_linked() -> None:
    with pytest.raises(Unfit, match="turn names in a prompt into mentions"):
        check_message({"text": "x", "link_names": 1})


def test_a_block_of_a_type_that_is_not_known_here_passes() -> None:
    check_message({"blocks": [{"type": "hologram", "depth": [1, 2]}]})


def test_what_a_template_leaves_null_counts_as_absent() -> None:
    check_message({"text": "x", "blocks": None, "attachments": None, "thread_ts": None})
    check_message(one(section(block_id=None, fields=None)))
