from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.app.opening import open_database
from bridge.cli.exits import CommandError, ExitCode
from bridge.cli.signingsecret import find_secret
from bridge.clock import SystemClock
from bridge.notifiers.callback import CallbackDestination
from bridge.registry.destinations import make_row
from bridge.secrets import SecretBox, create_key_file
from bridge.settings import Settings, load_settings
from bridge.signing import new_secret
from bridge.store import destinations

URL = "https://example.com/hook"
OLD, NEW = "o" * 32, "n" * 32


def settings(**environ: str) -> Settings:
    return load_settings(environ, None)


def test_the_common_secret_comes_first() -> None:
    common = new_secret()
    found = find_secret(URL, settings(BRIDGE_CALLBACK_SECRET=common, BRIDGE_SECRET_KEY=OLD))
    assert (found.secret, common in repr(found)) == (common, False)
    assert found.origin == "BRIDGE_CALLBACK_SECRET is the same for every URL."


def test_the_newest_key_derives_it() -> None:
    found = find_secret(URL, settings(BRIDGE_SECRET_KEY=f"{NEW},{OLD}"))
    assert found.secret == SecretBox([NEW]).callback_secrets(URL)[0]
    assert found.origin == "Derived from BRIDGE_SECRET_KEY and the URL."


def test_the_key_file_lies_beside_the_database(tmp_path: Path) -> None:
    key = create_key_file(tmp_path / "bridge.db.key")
    found = find_secret(URL, settings(BRIDGE_DATABASE_URL=f"sqlite:///{tmp_path}/bridge.db"))
    assert found.secret == SecretBox([key]).callback_secrets(URL)[0]
    assert str(tmp_path) in found.origin


def test_every_spelling_of_a_url_has_one_secret() -> None:
    here = settings(BRIDGE_SECRET_KEY=OLD)
    spellings = ("https://EXAMPLE.com/hook", "https://example.com:443/hook", "HTTPS://example.com/hook")
    assert {find_secret(each, here).secret for each in spellings} == {find_secret(URL, here).secret}


def test_a_private_url_has_one_too() -> None:
    assert find_secret("http://127.0.0.1:8000/hook", settings(BRIDGE_SECRET_KEY=OLD)).secret.startswith("whsec_")


@pytest.mark.parametrize("content", [None, "short"])
def test_without_a_usable_key_it_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "bridge.db.key").write_text(content)
    with pytest.raises(CommandError, match=r"bridge\.db\.key") as caught:
        find_secret(URL, settings(BRIDGE_DATABASE_URL=f"sqlite:///{tmp_path}/bridge.db"))
    assert caught.value.code is ExitCode.USAGE


def test_what_is_no_url_has_none() -> None:
    with pytest.raises(CommandError, match="URL: a URL starts with https://") as caught:
        find_secret("example.com", settings(BRIDGE_SECRET_KEY=OLD))
    assert caught.value.code is ExitCode.USAGE


def here(folder: Path) -> Settings:
    return settings(BRIDGE_DATABASE_URL=f"sqlite:///{folder}/bridge.db", BRIDGE_SECRET_KEY=OLD)


async def stored(folder: Path, name: str, url: str = URL, secret: str | None = None) -> None:
    """A callback in the database of these settings."""
    async with AsyncExitStack() as stack:
        opened = await open_database(here(folder), SystemClock(), stack)
        body = CallbackDestination(kind="callback", url=url, secret=secret)
        async with opened.database.write() as tx:
            await destinations.add(tx, make_row(opened.box, body, origin="stored", created_by=None, now=1.0, name=name))


async def test_where_a_destination_has_a_secret_of_its_own_it_says_so(tmp_path: Path) -> None:
    await stored(tmp_path, "own", secret=new_secret())
    found = await asyncio.to_thread(find_secret, URL, here(tmp_path))
    assert found.secret == SecretBox([OLD]).callback_secrets(URL)[0]  # which signs all others
    assert "What goes to own is signed with a secret of its own" in found.caution[0]
    assert (await asyncio.to_thread(find_secret, f"{URL}/2", here(tmp_path))).caution == ()


async def test_a_destination_without_one_is_no_cause_for_caution(tmp_path: Path) -> None:
    await stored(tmp_path, "plain")
    assert (await asyncio.to_thread(find_secret, URL, here(tmp_path))).caution == ()


async def test_a_name_stands_for_the_whole_url(tmp_path: Path) -> None:
    await stored(tmp_path, "plain", f"{URL}?token=t")
    found = await asyncio.to_thread(find_secret, "plain", here(tmp_path))
    assert found.secret == SecretBox([OLD]).callback_secrets(f"{URL}?token=t")[0]


async def test_of_a_name_with_a_secret_of_its_own_none_is_printed(tmp_path: Path) -> None:
    await stored(tmp_path, "own", secret=new_secret())
    with pytest.raises(CommandError, match="`video-bridge destinations rotate own` makes a new one") as caught:
        await asyncio.to_thread(find_secret, "own", here(tmp_path))
    assert caught.value.code is ExitCode.FAILED


def test_an_unknown_name_is_told_what_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"holds no callback 'team'\. Give the URL"):
        find_secret("team", here(tmp_path))


def test_a_database_that_cannot_be_read_is_a_cause_for_caution(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_text("no database, but a text of some length" * 30)
    assert "could not be looked up" in find_secret(URL, here(tmp_path)).caution[0]
    with pytest.raises(CommandError, match="team cannot be looked up: BRIDGE_DATABASE_URL"):
        find_secret("team", here(tmp_path))
