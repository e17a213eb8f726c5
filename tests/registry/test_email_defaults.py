"""What an e-mail destination may leave to the environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.errors import InvalidRequestError
from bridge.notifiers.email_webhook import EmailDefaults
from bridge.registry import DestinationChange, NewDestination, Registered, Registration, Registry
from tests.parts import Parts
from tests.registry.storing import registry_with, settings_of

DEFAULTS = EmailDefaults(
    url="https://mail.example/send",
    to=("ops@example.com",),
    sender="bridge@example.com",
    preset="flat",
    api_key="operators-key",
)


async def register(registry: Registry, key: str = "k", **email: Any) -> Registered:
    mail = {"kind": "email-webhook", "to": ["a@example.com"], **email}
    body = Registration.model_validate({"video_id": "video_1", "key": key, "destinations": [mail]})
    return await registry.register(body, created_by=None)


async def kept(parts: Parts, registered: Registered) -> dict[str, Any]:
    """What is stored of the only destination, without what is empty."""
    settings = await settings_of(parts, registered.watch.destinations[0].id)
    return {name: value for name, value in settings.items() if value}


async def test_one_that_names_only_its_recipients_takes_all_but_the_key_from_the_environment(parts: Parts) -> None:
    registered = await register(registry_with(parts, email=DEFAULTS))
    assert await kept(parts, registered) == {
        "preset": "flat",
        "url": "https://mail.example/send",
        "from": "bridge@example.com",
        "to": ["a@example.com"],
    }


async def test_the_operators_url_is_known_in_any_spelling(parts: Parts) -> None:
    registered = await register(registry_with(parts, email=DEFAULTS), url="HTTPS://Mail.Example:443/send")
    assert (await kept(parts, registered))["url"] == DEFAULTS.url


async def test_the_operators_mail_service_may_be_anywhere(parts: Parts) -> None:
    private = replace(DEFAULTS, url="http://10.0.0.5/send")
    registered = await register(registry_with(parts, email=private))
    assert registered.watch.destinations[0].url == "http://10.0.0.5/send"
    with pytest.raises(InvalidRequestError, match="not a public address"):
        await register(registry_with(parts, email=private), url="http://10.0.0.6/send")


@pytest.mark.parametrize(
    ("defaults", "email", "param"),
    [
        (EmailDefaults(), {}, "destinations[0].url"),
        (EmailDefaults(), {"preset": "mailgun"}, "destinations[0].url"),
        (EmailDefaults(), {"preset": "resend"}, "destinations[0].from"),
        (EmailDefaults(sender="b@example.com"), {"preset": "resend"}, "destinations[0].api_key"),
        (EmailDefaults(preset="pigeon"), {}, "destinations[0]"),
        (DEFAULTS, {"url": "ftp://mail.example/"}, "destinations[0].url"),
    ],
)
async def test_what_is_missing_still_is_named(
    parts: Parts, defaults: EmailDefaults, email: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await register(registry_with(parts, email=defaults), **email)
    assert caught.value.param == param


async def test_another_key_in_the_environment_makes_no_other_content(parts: Parts) -> None:
    before = await register(registry_with(parts, email=DEFAULTS))
    renewed = registry_with(parts, email=replace(DEFAULTS, api_key="new-key"))
    again = await register(renewed)
    assert (again.created, again.watch.id) == (False, before.watch.id)


async def test_two_that_come_to_the_same_are_one(parts: Parts) -> None:
    short = {"kind": "email-webhook", "to": ["a@example.com"]}
    full = {**short, "url": DEFAULTS.url, "preset": "flat", "from": DEFAULTS.sender}
    body = Registration.model_validate({"video_id": "video_1", "destinations": [short, full]})
    registered = await registry_with(parts, email=DEFAULTS).register(body, created_by=None)
    assert len(registered.watch.destinations) == 1


async def test_stored_ones_are_completed_too_and_stay_so(parts: Parts) -> None:
    stored = registry_with(parts, email=DEFAULTS).destinations
    new = {"kind": "email-webhook", "name": "mail", "to": ["a@example.com"]}
    made = await stored.create(NewDestination.model_validate(new), created_by=None)
    bare = registry_with(parts).destinations
    await bare.patch("mail", DestinationChange.model_validate({"to": ["b@example.com"]}))
    settings = await settings_of(parts, made.id)
    assert (settings["url"], settings["api_key"], settings["to"]) == (DEFAULTS.url, None, ["b@example.com"])


async def test_what_leans_on_the_operators_service_may_move_but_takes_no_key_along(parts: Parts) -> None:
    stored = registry_with(parts, email=DEFAULTS).destinations
    new = {"kind": "email-webhook", "name": "mail", "to": ["a@example.com"]}
    made = await stored.create(NewDestination.model_validate(new), created_by=None)
    await stored.patch("mail", DestinationChange.model_validate({"url": "https://elsewhere.example/"}))
    settings = await settings_of(parts, made.id)
    assert (settings["url"], settings["api_key"]) == ("https://elsewhere.example/", None)
