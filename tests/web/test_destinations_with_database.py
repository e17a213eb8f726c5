"""Stored destinations over the API, on the real registry and a real SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.app import open_bridge
from bridge.settings import load_settings
from bridge.signing import new_secret
from bridge.web.application import create_web
from tests.parts import database_url
from tests.web.conftest import asking

CALLBACK = {"name": "queue", "kind": "callback", "url": "https://example.com/hook?token=private"}
SLACK = {"name": "team", "kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/s3cr3t"}
MAIL = {
    "name": "mail",
    "kind": "email-webhook",
    "preset": "resend",
    "api_key": "re_private",
    "from": "Bridge <bridge@example.com>",
    "to": ["a@example.com"],
}
ALL_EVENTS = ["video.completed", "video.failed", "watch.lost", "watch.timed_out"]


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    environ = {"BRIDGE_DATABASE_URL": database_url(tmp_path)}
    async with open_bridge(load_settings(environ, None)) as bridge, asking(bridge.web) as client:
        yield client


async def store(client: httpx.AsyncClient, body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await client.post("/v1/destinations", json={**body, **fields})
    assert answer.status_code == 201, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


async def register(client: httpx.AsyncClient, *destinations: Any, video_id: str = "video_abc") -> dict[str, Any]:
    answer = await client.post("/v1/watches", json={"video_id": video_id, "destinations": destinations or None})
    assert answer.status_code == 201, answer.text
    watch: dict[str, Any] = answer.json()
    return watch


async def change(client: httpx.AsyncClient, which: str, **fields: Any) -> dict[str, Any]:
    answer = await client.patch(f"/v1/destinations/{which}", json=fields)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def error(client: httpx.AsyncClient, method: str, path: str = "", **sent: Any) -> tuple[int, str | None]:
    answer = await client.request(method, f"/v1/destinations{path}", **sent)
    return answer.status_code, answer.json()["error"]["param"]


async def names(client: httpx.AsyncClient, **query: Any) -> list[str]:
    page = (await client.get("/v1/destinations", params=query)).json()
    return [each["name"] for each in page["data"]]


# Storing.


@pytest.mark.parametrize(
    ("body", "url"),
    [
        (CALLBACK, "https://example.com/hook"),
        (SLACK, "https://hooks.slack.com"),
        (MAIL, "https://api.resend.com/emails"),
    ],
)
async def test_a_stored_destination_is_shown_without_its_secrets(
    real: httpx.AsyncClient, body: dict[str, Any], url: str
) -> None:
    stored = await store(real, body)
    stored.pop("signing_secret", None)
    assert stored == (await real.get(f"/v1/destinations/{body['name']}")).json()
    created_at, id_ = stored.pop("created_at"), stored.pop("id")
    assert (id_[:5], created_at > 1_700_000_000) == ("dest_", True)
    assert stored == {
        "object": "destination",
        "name": body["name"],
        "kind": body["kind"],
        "url": url,
        "events": ALL_EVENTS,
        "default": False,
        "enabled": True,
        "disabled_reason": None,
        "fallback": None,
    }


async def test_only_a_callback_without_a_secret_shows_one_and_only_once(real: httpx.AsyncClient) -> None:
    stored = await store(real, CALLBACK)
    assert stored["signing_secret"].startswith("whsec_")
    for body in ({**CALLBACK, "name": "own", "secret": new_secret()}, SLACK, MAIL):
        assert "signing_secret" not in await store(real, body)
    for answer in (await real.get("/v1/destinations"), await real.get("/v1/destinations/queue")):
        assert "whsec_" not in answer.text


async def test_a_name_belongs_to_one_destination(real: httpx.AsyncClient) -> None:
    await store(real, SLACK)
    assert await error(real, "POST", json={**CALLBACK, "name": "team"}) == (409, "name")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "slack", "url": SLACK["url"]}, "name"),
    ({**SLACK, "name": "Team"}, "name"),
    ({**SLACK, "name": "dest_01kb3v8xj2q4n6s8t0v2x4z6a8"}, "name"),
    ({**SLACK, "kind": "pigeon"}, "kind"),
    ({"name": "team", "url": "https://example.com"}, "kind"),
    ({**SLACK, "url": "https://hooks.slack.com/triggers/T0/1/x"}, "url"),
    ({**SLACK, "url": "https://10.0.0.1/services/x"}, "url"),
    ({**SLACK, "headers": {}}, "headers"),
    ({**SLACK, "default": "yes"}, "default"),
    ({**SLACK, "fallback": "nobody"}, "fallback"),
    ({**SLACK, "fallback": "team"}, "fallback"),
    ({**CALLBACK, "secret": "s3cr3t"}, "secret"),
    ({**CALLBACK, "template": {"video.exploded": "x"}}, "template.video.exploded"),
    ({**MAIL, "to": ["a@example.com", "nobody"]}, "to[1]"),
    ({**MAIL, "api_key": None}, "api_key"),
    ({**MAIL, "from": None}, "from"),
    ({**MAIL, "preset": "mailgun"}, "url"),
    ({**MAIL, "url": "https://169.254.169.254/"}, "url"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
async def test_what_cannot_be_stored_is_refused_by_its_field(
    real: httpx.AsyncClient, body: dict[str, Any], param: str
) -> None:
    assert await error(real, "POST", json=body) == (400, param)
    assert await names(real) == []


async def test_an_unknown_kind_is_told_which_there_are(real: httpx.AsyncClient) -> None:
    pigeon = {"kind": "pigeon"}
    for path, body in (("destinations", pigeon), ("watches", {"video_id": "v", "destinations": [pigeon]})):
        message = (await real.post(f"/v1/{path}", json=body)).json()["error"]["message"]
        assert "must be 'callback', 'slack' or 'email-webhook'" in message


# Using.


async def test_a_watch_names_a_stored_destination(real: httpx.AsyncClient) -> None:
    stored = await store(real, SLACK, events=["video.failed"])
    (told,) = (await register(real, "team"))["destinations"]
    assert told == {
        "id": stored["id"],
        "name": "team",
        "kind": "slack",
        "url": "https://hooks.slack.com",
        "events": ["video.failed"],
        "enabled": True,
    }


async def test_a_watch_that_names_none_uses_the_default_ones(real: httpx.AsyncClient) -> None:
    await store(real, SLACK, default=True)
    await store(real, MAIL)
    await store(real, CALLBACK, default=True)
    assert {each["name"] for each in (await register(real))["destinations"]} == {"team", "queue"}
    await change(real, "queue", default=False)
    assert [each["name"] for each in (await register(real, video_id="v2"))["destinations"]] == ["team"]


async def test_inline_destinations_of_every_kind_are_registered(real: httpx.AsyncClient) -> None:
    given = [{name: value for name, value in body.items() if name != "name"} for body in (SLACK, MAIL, CALLBACK)]
    told = (await register(real, *given))["destinations"]
    assert [each["url"] for each in told] == [
        "https://hooks.slack.com",
        "https://api.resend.com/emails",
        "https://example.com/hook",
    ]
    assert ["signing_secret" in each for each in told] == [False, False, True]


@pytest.mark.parametrize(
    ("destination", "param"),
    [
        ({"kind": "slack", "url": "https://hooks.slack.com/workflows/x"}, "destinations[1].url"),
        ({"kind": "slack", "url": "https://127.0.0.1:99999/"}, "destinations[1].url"),
        ({"kind": "slack", "url": "https://10.0.0.1/"}, "destinations[1].url"),
        ({"kind": "email-webhook", "to": ["a@example.com"]}, "destinations[1].url"),
        ({"kind": "email-webhook", "preset": "postmark", "to": ["a@example.com"]}, "destinations[1].from"),
        ({"kind": "email-webhook", "to": "a@example.com"}, "destinations[1].to"),
        ({"kind": "slack", "url": "https://example.com/", "template": 5}, "destinations[1].template"),
        ({"url": "https://example.com/"}, "destinations[1].kind"),
    ],
)
async def test_an_inline_destination_that_cannot_be_used_is_refused_by_its_field(
    real: httpx.AsyncClient, destination: dict[str, Any], param: str
) -> None:
    body = {"video_id": "v", "destinations": [{"kind": "callback", "url": "https://example.com/"}, destination]}
    answer = await real.post("/v1/watches", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


# Listing and showing.


async def test_a_list_shows_those_with_a_name_newest_first(real: httpx.AsyncClient) -> None:
    for name in ("a", "b", "c"):
        await store(real, SLACK, name=name)
    await register(real, {"kind": "callback", "url": "https://example.com/inline"})
    assert await names(real) == ["c", "b", "a"]
    assert await names(real, order="asc") == ["a", "b", "c"]


async def test_pages_of_a_list_follow_each_other(real: httpx.AsyncClient) -> None:
    ids = [(await store(real, SLACK, name=f"n{number}"))["id"] for number in range(3)]
    first = (await real.get("/v1/destinations?limit=2")).json()
    assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[2], ids[1], True)
    await real.delete(f"/v1/destinations/{first['last_id']}")
    assert await names(real, limit=2, after=first["last_id"]) == ["n0"]
    assert await names(real, limit=2, after=ids[0], order="asc") == ["n2"]


async def test_a_destination_has_a_name_and_an_id(real: httpx.AsyncClient) -> None:
    stored = await store(real, SLACK)
    for which in ("team", stored["id"]):
        assert (await real.get(f"/v1/destinations/{which}")).json() == stored


async def test_an_inline_destination_is_reached_by_its_id(real: httpx.AsyncClient) -> None:
    (told,) = (await register(real, {"kind": "callback", "url": "https://example.com/inline"}))["destinations"]
    shown = (await real.get(f"/v1/destinations/{told['id']}")).json()
    assert (shown["name"], shown["url"], shown["default"]) == (None, "https://example.com/inline", False)
    assert "signing_secret" not in shown


@pytest.mark.parametrize(
    ("method", "tail"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate")]
)
@pytest.mark.parametrize("which", ["nobody", "dest_01kb3v8xj2q4n6s8t0v2x4z6a8", "No-Name", "a%2Fb", "n" * 65])
async def test_an_unknown_destination_is_not_found(real: httpx.AsyncClient, method: str, tail: str, which: str) -> None:
    sent: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
    answer = await real.request(method, f"/v1/destinations/{which}{tail}", **sent)
    assert answer.status_code == 404


# Changing.


async def test_what_is_given_changes_and_the_rest_stays(real: httpx.AsyncClient) -> None:
    stored = await store(real, SLACK)
    changed = await change(real, "team", events=["video.failed"], default=True)
    assert changed == {**stored, "events": ["video.failed"], "default": True}
    assert await change(real, stored["id"], url="https://example.com/slack/x") == {
        **changed,
        "url": "https://example.com",
    }
    assert await change(real, "team") == (await real.get("/v1/destinations/team")).json()


@pytest.mark.parametrize(
    ("body", "fields", "param"),
    [
        (SLACK, {"name": "other"}, "name"),
        (SLACK, {"kind": "callback"}, "kind"),
        (SLACK, {"colour": "red"}, "colour"),
        (SLACK, {"to": ["a@example.com"]}, "to"),
        (SLACK, {"url": None}, "url"),
        (SLACK, {"url": "https://hooks.slack.com/triggers/x"}, "url"),
        (SLACK, {"url": "https://10.0.0.1/"}, "url"),
        (SLACK, {"enabled": "no"}, "enabled"),
        (SLACK, {"events": []}, "events"),
        (SLACK, {"fallback": "nobody"}, "fallback"),
        (CALLBACK, {"secret": "s3cr3t"}, "secret"),
        (MAIL, {"to": ["a@example.com", "nobody"]}, "to[1]"),
        (MAIL, {"url": "https://example.com/mail"}, "api_key"),
        (MAIL, {"preset": "postmark"}, "api_key"),
        (MAIL, {"api_key": None}, "api_key"),
    ],
)
async def test_what_cannot_be_changed_is_refused_by_its_field(
    real: httpx.AsyncClient, body: dict[str, Any], fields: dict[str, Any], param: str
) -> None:
    await store(real, body)
    before = (await real.get(f"/v1/destinations/{body['name']}")).json()
    assert await error(real, "PATCH", f"/{body['name']}", json=fields) == (400, param)
    assert (await real.get(f"/v1/destinations/{body['name']}")).json() == before


async def test_another_mail_service_needs_its_own_key_and_has_its_own_url(real: httpx.AsyncClient) -> None:
    await store(real, MAIL)
    changed = await change(real, "mail", preset="postmark", api_key="another")
    assert changed["url"] == "https://api.postmarkapp.com/email"


async def test_headers_are_not_taken_along_to_another_server(real: httpx.AsyncClient) -> None:
    await store(real, CALLBACK, headers={"Authorization": "Bearer private"})
    assert await error(real, "PATCH", "/queue", json={"url": "https://example.net/"}) == (400, "headers")
    assert (await change(real, "queue", url="https://example.com/other"))["url"] == "https://example.com/other"
    assert (await change(real, "queue", url="https://example.net/", headers={}))["url"] == "https://example.net/"


async def test_a_change_shows_the_secret_that_signs_only_when_it_is_a_new_one_of_ours(real: httpx.AsyncClient) -> None:
    before = await store(real, CALLBACK)
    assert "signing_secret" not in await change(real, "queue", events=["video.failed"])
    moved = await change(real, "queue", url="https://example.com/other")
    assert moved["signing_secret"] != before["signing_secret"]
    assert "signing_secret" not in await change(real, "queue", secret=new_secret())
    assert (await change(real, "queue", secret=None))["signing_secret"] == moved["signing_secret"]


async def test_it_is_disabled_and_enabled_by_hand(real: httpx.AsyncClient) -> None:
    await store(real, SLACK)
    disabled = await change(real, "team", enabled=False)
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "manual")
    assert (await register(real, "team"))["destinations"][0]["enabled"] is False
    enabled = await change(real, "team", enabled=True)
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)


async def test_a_fallback_is_another_one_and_never_in_a_circle(real: httpx.AsyncClient) -> None:
    await store(real, MAIL)
    assert (await store(real, SLACK, fallback="mail"))["fallback"] == "mail"
    await store(real, CALLBACK, fallback="team")
    answer = await real.patch("/v1/destinations/mail", json={"fallback": "queue"})
    assert answer.json()["error"]["param"] == "fallback"
    assert "mail → queue → team → mail" in answer.json()["error"]["message"]
    assert (await change(real, "team", fallback=None))["fallback"] is None
    assert (await change(real, "mail", fallback="queue"))["fallback"] == "queue"


async def test_a_changed_inline_destination_is_not_the_one_of_later_registrations(real: httpx.AsyncClient) -> None:
    inline = {"kind": "callback", "url": "https://example.com/inline"}
    (first,) = (await register(real, inline, video_id="v1"))["destinations"]
    (equal,) = (await register(real, inline, video_id="v2"))["destinations"]
    await change(real, first["id"], events=["video.failed"])
    (later,) = (await register(real, inline, video_id="v3"))["destinations"]
    assert first["id"] == equal["id"] != later["id"]
    assert later["events"] == ALL_EVENTS


async def test_one_that_was_only_enabled_again_still_is(real: httpx.AsyncClient) -> None:
    inline = {"kind": "callback", "url": "https://example.com/inline"}
    (first,) = (await register(real, inline, video_id="v1"))["destinations"]
    await change(real, first["id"], enabled=True)
    (later,) = (await register(real, inline, video_id="v2"))["destinations"]
    assert first["id"] == later["id"]


async def test_an_inline_destination_cannot_be_a_default_one(real: httpx.AsyncClient) -> None:
    (told,) = (await register(real, {"kind": "callback", "url": "https://example.com/inline"}))["destinations"]
    assert await error(real, "PATCH", f"/{told['id']}", json={"default": True}) == (400, "default")


# Rotating.


async def test_a_rotation_shows_a_new_secret_once(real: httpx.AsyncClient) -> None:
    stored = await store(real, CALLBACK)
    rotated = (await real.post("/v1/destinations/queue/rotate")).json()
    assert rotated.pop("signing_secret") not in (None, stored.pop("signing_secret"))
    assert rotated == stored == (await real.get("/v1/destinations/queue")).json()


@pytest.mark.parametrize("body", [SLACK, MAIL])
async def test_only_what_is_signed_can_be_rotated(real: httpx.AsyncClient, body: dict[str, Any]) -> None:
    await store(real, body)
    answer = await real.post(f"/v1/destinations/{body['name']}/rotate")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_signed")


# Deleting.


async def test_one_that_nothing_uses_is_deleted_and_its_name_is_free(real: httpx.AsyncClient) -> None:
    stored = await store(real, SLACK, default=True)
    answer = await real.delete("/v1/destinations/team")
    assert (answer.status_code, answer.json()) == (200, {"id": stored["id"], "object": "destination", "deleted": True})
    assert await names(real) == []
    assert await error(real, "GET", f"/{stored['id']}") == (404, "destination")
    assert (await store(real, SLACK))["id"] != stored["id"]


async def test_one_that_a_live_watch_uses_is_deleted_by_force_only(real: httpx.AsyncClient) -> None:
    await store(real, SLACK)
    watch = await register(real, "team")
    refused = await real.delete("/v1/destinations/team")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "in_use")
    assert "1 live watch" in refused.json()["error"]["message"]
    assert (await real.delete("/v1/destinations/team?force=true")).status_code == 200
    (told,) = (await real.get(f"/v1/watches/{watch['id']}")).json()["destinations"]
    assert (told["name"], told["url"], told["enabled"]) == (None, "https://hooks.slack.com", False)


async def test_one_of_watches_that_are_over_is_deleted(real: httpx.AsyncClient) -> None:
    await store(real, SLACK)
    watch = await register(real, "team")
    await real.delete(f"/v1/watches/{watch['id']}")
    assert (await real.delete("/v1/destinations/team")).status_code == 200


async def test_one_that_stands_in_for_another_is_deleted_by_force_only(real: httpx.AsyncClient) -> None:
    await store(real, MAIL)
    await store(real, SLACK, fallback="mail")
    refused = await real.delete("/v1/destinations/mail?force=false")
    assert (refused.status_code, "team (it stands in" in refused.json()["error"]["message"]) == (409, True)
    await real.delete("/v1/destinations/mail?force=true")
    assert (await real.get("/v1/destinations/team")).json()["fallback"] is None


async def test_a_deleted_inline_destination_is_made_anew(real: httpx.AsyncClient) -> None:
    inline = {"kind": "callback", "url": "https://example.com/inline"}
    (first,) = (await register(real, inline, video_id="v1"))["destinations"]
    assert (await real.delete(f"/v1/destinations/{first['id']}?force=true")).status_code == 200
    (later,) = (await register(real, inline, video_id="v2"))["destinations"]
    assert (first["id"] != later["id"], later["enabled"]) == (True, True)


async def test_nothing_secret_stands_readable_in_the_database(real: httpx.AsyncClient, tmp_path: Path) -> None:
    await store(real, SLACK)
    await store(real, CALLBACK, headers={"X-Key": "t0k3n"})
    await real.post("/v1/destinations/queue/rotate")
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (b"s3cr3t", b"t0k3n", b"token=private", b"whsec_"):
        assert secret not in files


# Who may.


async def test_a_key_that_may_only_read_sees_destinations_and_changes_none(tmp_path: Path) -> None:
    keys = "ci:writer-key-0123456789,grafana:reader-key-0123456789:read"
    environ = {"BRIDGE_DATABASE_URL": database_url(tmp_path), "BRIDGE_API_KEYS": keys}
    async with open_bridge(load_settings(environ, None)) as bridge, asking(bridge.web) as client:
        client.headers["authorization"] = "Bearer writer-key-0123456789"
        await store(client, SLACK)
        client.headers["authorization"] = "Bearer reader-key-0123456789"
        assert await names(client) == ["team"]
        for method, path in (("PATCH", "/team"), ("DELETE", "/team"), ("POST", "/team/test"), ("POST", "/team/rotate")):
            assert (await error(client, method, path))[0] == 403


# Providers.


async def test_providers_are_listed_without_what_is_secret(tmp_path: Path) -> None:
    environ = {
        "BRIDGE_DATABASE_URL": database_url(tmp_path),
        "OPENAI_API_KEY": "sk-private",
        "BRIDGE_PROVIDERS__AZURE__BASE_URL": "https://azure.example/v1",
        "BRIDGE_PROVIDERS__AZURE__QUERY": '{"key": "private"}',
        "BRIDGE_PROVIDERS__AZURE__RATE": "5",
    }
    settings = load_settings(environ, None)
    async with open_bridge(settings) as bridge:
        web = create_web(bridge.registry, bridge.metrics, bridge.readiness, providers=settings.providers)
        async with asking(web) as client:
            await register(client, {"kind": "callback", "url": "https://example.com/"})
            answer = (await client.get("/v1/providers")).json()
    assert (answer["object"], answer["has_more"]) == ("list", False)
    assert {answer["first_id"], answer["last_id"]} == {"openai", "azure"}
    openai, azure = sorted(answer["data"], key=lambda each: each["name"], reverse=True)
    assert azure == {
        "name": "azure",
        "base_url": "https://azure.example/v1",
        "state": "ok",
        "since": None,
        "reason": None,
        "rate": 5.0,
        "videos_in_flight": 0,
    }
    assert (openai["base_url"], openai["videos_in_flight"]) == ("https://api.openai.com/v1", 1)
