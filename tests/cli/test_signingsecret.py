from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.exits import CommandError, ExitCode
from bridge.cli.signingsecret import find_secret
from bridge.secrets import SecretBox, create_key_file
from bridge.settings import Settings, load_settings
from bridge.signing import new_secret

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
