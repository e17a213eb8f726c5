"""Secrets at rest, and the key file that is made once."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import signing
from bridge.errors import SecretsError
from bridge.secrets import SecretBox, create_key_file, read_key_file

OLD, NEW = "an old key of at least thirty-two characters", "a new key of at least thirty-two characters"
URL = "https://example.com/hook"
BOX = SecretBox([OLD])
SEALED = BOX.encrypt(b"the secret", "row 1")


@given(plain=st.binary(max_size=200), context=st.text(max_size=20))
def test_what_was_encrypted_is_decrypted(plain: bytes, context: str) -> None:
    assert BOX.decrypt(BOX.encrypt(plain, context), context) == plain


def test_what_is_stored_shows_the_key_id_and_nothing_of_the_secret() -> None:
    assert SEALED.startswith(BOX.key_id.encode() + b":")
    assert b"the secret" not in SEALED
    assert BOX.key_id not in OLD


def test_the_same_secret_is_stored_differently_each_time() -> None:
    assert BOX.encrypt(b"the secret", "row 1") != SEALED


def test_another_key_does_not_open_it_and_the_message_names_the_variable() -> None:
    with pytest.raises(SecretsError, match="a key that BRIDGE_SECRET_KEY does not hold"):
        SecretBox([NEW]).decrypt(SEALED, "row 1")


def test_a_key_from_a_file_that_does_not_open_it_is_said_to_come_from_there() -> None:
    with pytest.raises(SecretsError, match=r"a key that the key file /srv/bridge\.db\.key does not hold"):
        SecretBox([NEW], "the key file /srv/bridge.db.key").decrypt(SEALED, "row 1")


def test_a_secret_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(SecretsError, match="the stored secret of row 2 does not decrypt"):
        BOX.decrypt(SEALED, "row 2")


@given(place=st.integers(min_value=0, max_value=len(SEALED) - 1), change=st.integers(min_value=1, max_value=255))
def test_a_changed_byte_anywhere_is_noticed(place: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= change
    with pytest.raises(SecretsError):
        BOX.decrypt(bytes(changed), "row 1")


@given(length=st.integers(min_value=0, max_value=len(SEALED) - 1))
def test_a_part_of_it_is_noticed(length: int) -> None:
    with pytest.raises(SecretsError):
        BOX.decrypt(SEALED[:length], "row 1")


def test_no_message_repeats_key_or_secret() -> None:
    with pytest.raises(SecretsError) as refused:
        BOX.decrypt(SEALED, "row 2")
    assert not any(word in str(refused.value) for word in (OLD, "the secret"))
    assert OLD not in repr(BOX)


def test_a_new_key_beside_the_old_one_reads_both_and_writes_the_new() -> None:
    both = SecretBox([NEW, OLD])
    assert both.decrypt(SEALED, "row 1") == b"the secret"
    assert SecretBox([NEW]).decrypt(both.encrypt(b"more", "row 2"), "row 2") == b"more"
    assert both.key_id == SecretBox([NEW]).key_id != BOX.key_id


def test_a_callback_without_a_secret_is_signed_with_one_of_its_urls_own() -> None:
    assert BOX.callback_secrets(URL) == [signing.derive_secret(OLD, URL)]
    assert BOX.callback_secrets(URL + "/") != BOX.callback_secrets(URL)


def test_while_there_are_two_keys_both_sign_the_newest_first() -> None:
    assert SecretBox([NEW, OLD]).callback_secrets(URL) == [
        signing.derive_secret(NEW, URL),
        signing.derive_secret(OLD, URL),
    ]


def test_a_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    key = create_key_file(tmp_path / "b.db.key")
    assert len(key) >= 32
    assert stat.S_IMODE((tmp_path / "b.db.key").stat().st_mode) == 0o600
    assert read_key_file(tmp_path / "b.db.key") == key


def test_nothing_else_is_left_beside_it(tmp_path: Path) -> None:
    create_key_file(tmp_path / "b.db.key")
    assert [file.name for file in tmp_path.iterdir()] == ["b.db.key"]


def test_a_key_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    key = create_key_file(tmp_path / "b.db.key")
    assert create_key_file(tmp_path / "b.db.key") == key
    assert [file.name for file in tmp_path.iterdir()] == ["b.db.key"]


def test_two_key_files_hold_two_keys(tmp_path: Path) -> None:
    assert create_key_file(tmp_path / "a.key") != create_key_file(tmp_path / "b.key")


def test_many_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(create_key_file, [tmp_path / "b.db.key"] * 64))
    assert keys == {read_key_file(tmp_path / "b.db.key")}


def test_processes_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    code = "import sys, pathlib, bridge.secrets as s; print(s.create_key_file(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path / "b.db.key")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {process.communicate()[0].strip() for process in running} == {read_key_file(tmp_path / "b.db.key")}


def test_a_key_may_be_written_by_hand_with_space_around_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"\n {OLD} \n")
    assert read_key_file(tmp_path / "key") == OLD


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 31 + b"\n", b" " * 40])
def test_a_key_file_with_too_little_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SecretsError, match=r"the key file .*/key does not hold a key of at least 32 characters"):
        read_key_file(tmp_path / "key")


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff" * 40)
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        with pytest.raises(SecretsError, match=f"the key file {path} cannot be read"):
            read_key_file(path)


def test_where_no_key_file_can_be_made_the_system_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        create_key_file(tmp_path / "missing" / "b.db.key")
