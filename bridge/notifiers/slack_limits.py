"""What Slack takes in a message, as data, and the check of a message against it.

Slack answers a message that is over one of these limits with 400 ``invalid_blocks`` and nothing else, so it is better
said here, with the place and the figure. Types of blocks that are not named here pass unchecked: Slack adds new ones.
The limits are those of https://docs.slack.dev/reference/block-kit/blocks unless a line says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.notifiers.fitting import Unfit

MAX_BLOCKS = 50
MAX_ATTACHMENTS = 100
MAX_TEXT = 40_000
"""Most characters of the top-level ``text``; Slack advises 4,000 and cuts beyond this."""
MAX_BLOCKS_SIZE = 13_000
"""Most characters of all blocks together, as JSON. Not documented; measured at about 13,200, with
``msg_blocks_too_long``: https://github.com/slackapi/bolt-js/issues/2509."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Most characters of a text, or most items of a list, at a path within an object; neither may be empty.

    The path ``text.text`` leads to the text of a text object, ``fields[].text`` to that of each in a list.
    """

    path: str
    most: int
    kind: type[str] | type[list[Any]] = str


_ANY = (Limit("block_id", 255), Limit("action_id", 255))
_BY_TYPE: Mapping[str, Sequence[Limit]] = {
    "actions": (Limit("elements", 25, list),),
    "button": (Limit("text.text", 75), Limit("url", 3_000), Limit("value", 2_000)),
    "card": (Limit("title.text", 150), Limit("subtitle.text", 150), Limit("body.text", 200)),
    "carousel": (Limit("elements", 10, list),),
    "container": (Limit("title.text", 150), Limit("subtitle.text", 150), Limit("child_blocks", 10, list)),
    "context": (Limit("elements", 10, list),),
    "context_actions": (Limit("elements", 5, list),),
    "header": (Limit("text.text", 150),),
    "image": (Limit("image_url", 3_000), Limit("alt_text", 2_000), Limit("title.text", 2_000)),
    "markdown": (Limit("text", 12_000),),
    "mrkdwn": (Limit("text", 3_000),),
    "plain_text": (Limit("text", 3_000),),
    "section": (Limit("text.text", 3_000), Limit("fields", 10, list), Limit("fields[].text", 2_000)),
    "table": (Limit("rows", 100, list),),
    "video": (Limit("title.text", 199), Limit("author_name", 49), Limit("alt_text", 2_000)),
}
# Of each group one must be there.
_NEEDED: Mapping[str, Sequence[Sequence[str]]] = {
    "actions": (("elements",),),
    "button": (("text",),),
    "context": (("elements",),),
    "header": (("text",),),
    "image": (("image_url", "slack_file"), ("alt_text",)),
    "markdown": (("text",),),
    "mrkdwn": (("text",),),
    "plain_text": (("text",),),
    "section": (("text", "fields"),),
}
# Where Slack shows plain text only.
_PLAIN: Mapping[str, str] = {"button": "text", "header": "text", "image": "title"}

_TOP_LEVEL = frozenset(
    {
        "attachments",
        "blocks",
        "metadata",
        "mrkdwn",
        "reply_broadcast",
        "text",
        "thread_ts",
        "unfurl_links",
        "unfurl_media",
    }
)
_MENTIONING = "it would turn names in a prompt into mentions"
_FIXED = "a webhook posts to its own channel, under its own name"
_REFUSED: Mapping[str, str] = {
    "link_names": _MENTIONING,
    "parse": _MENTIONING,
    "channel": _FIXED,
    "username": _FIXED,
    "icon_emoji": _FIXED,
    "icon_url": _FIXED,
}


def check_message(message: Mapping[str, Any]) -> None:
    """Judge a whole message.

    :raises Unfit: Slack would not take it, or it asks for what a notification may not do.
    """
    for name in message:
        if name not in _TOP_LEVEL:
            reason = _REFUSED.get(name, f"there are {', '.join(sorted(_TOP_LEVEL))}")
            raise Unfit(f"a message may not have {name!r}: {reason}")
    text, blocks, attachments = (message.get(name) for name in ("text", "blocks", "attachments"))
    if not (text or blocks or attachments):
        raise Unfit("the message says nothing: it needs text or blocks")
    if text:
        _check_size("text", text, str, MAX_TEXT)
    if blocks:
        _check_blocks("blocks", blocks)
    if attachments:
        _check_size("attachments", attachments, list, MAX_ATTACHMENTS)
        for index, attachment in enumerate(attachments):
            where = f"attachments[{index}]"
            _check_blocks(f"{where}.blocks", _object(where, attachment).get("blocks") or [])


def _check_blocks(where: str, blocks: Any) -> None:
    if blocks:
        _check_size(where, blocks, list, MAX_BLOCKS)
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        place = f"{where}[{index}]"
        if not isinstance(_object(place, block).get("type"), str):
            raise Unfit(f"{place} has no type")
        _check_tree(place, block)
        name = block.get("block_id")
        if name in seen:
            raise Unfit(f"{place}.block_id is that of another block")
        if name is not None:
            seen.add(name)
    size = len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))
    if size > MAX_BLOCKS_SIZE:
        raise Unfit(f"{where} has {size:,} characters altogether, Slack takes {MAX_BLOCKS_SIZE:,}")


def _check_tree(where: str, value: Any) -> None:
    """Check an object and everything in it."""
    if isinstance(value, dict):
        _check_object(where, value)
        for name, inner in value.items():
            _check_tree(f"{where}.{name}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_tree(f"{where}[{index}]", inner)


def _check_object(where: str, value: Mapping[str, Any]) -> None:
    kind = str(value.get("type"))
    for group in _NEEDED.get(kind, ()):
        if not any(value.get(name) for name in group):
            raise Unfit(f"{where} is of type {kind} and has no {' or '.join(group)}")
    for limit in (*_ANY, *_BY_TYPE.get(kind, ())):
        for place, found in _reach(where, value, limit.path.split(".")):
            _check_size(place, found, limit.kind, limit.most)
    plain = _PLAIN.get(kind)
    if plain and value.get(plain) and value[plain]["type"] != "plain_text":
        raise Unfit(f"{where}.{plain} must be of type plain_text")


def _reach(where: str, value: Mapping[str, Any], path: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What stands at a path, with its place; nothing where the path leads to nothing."""
    step, *rest = path
    name = step.removesuffix("[]")
    found, place = value.get(name), f"{where}.{name}"
    if found is None:
        return
    if not rest:
        yield place, found
    elif name == step:
        yield from _reach(place, _text_object(place, found), rest)
    else:
        for index, each in enumerate(found):
            yield from _reach(f"{place}[{index}]", _text_object(f"{place}[{index}]", each), rest)


def _check_size(where: str, value: Any, kind: type[str] | type[list[Any]], most: int) -> None:
    if not isinstance(value, kind):
        raise Unfit(f"{where} is not {'text' if kind is str else 'a list'}")
    if not value:
        raise Unfit(f"{where} is empty")
    if len(value) > most:
        raise Unfit(f"{where} has {len(value):,} {'characters' if kind is str else 'items'}, Slack takes {most:,}")


def _text_object(where: str, value: Any) -> Mapping[str, Any]:
    found = _object(where, value)
    if found.get("type") not in ("mrkdwn", "plain_text"):
        raise Unfit(f"{where}.type must be mrkdwn or plain_text")
    return found


def _object(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unfit(f"{where} is not an object")
    return value
