from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.settings.helpers import load, problem


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def test_certificates_to_trust_are_a_pem_file(authority: trustme.CA, tmp_path: Path) -> None:
    path = write(tmp_path / "ca.pem", authority.cert_pem.bytes())
    settings = load(BRIDGE_CA_FILE=path, BRIDGE_PROVIDERS__OPENAI__CA_FILE=path)
    assert settings.ca_file == settings.providers["openai"].ca_file == Path(path)


def test_a_client_certificate_comes_with_its_key(authority: trustme.CA, tmp_path: Path) -> None:
    both = authority.issue_cert("client.example").private_key_and_cert_chain_pem.bytes()
    path = write(tmp_path / "client.pem", both)
    assert load(BRIDGE_PROVIDERS__OPENAI__CLIENT_CERT=path).providers["openai"].client_cert == Path(path)


@pytest.mark.parametrize("variable", ["BRIDGE_CA_FILE", "BRIDGE_PROVIDERS__OPENAI__CLIENT_CERT"])
@pytest.mark.parametrize("content", [b"", b"not a certificate", b"\x30\x82\xff\x00"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, variable: str, content: bytes) -> None:
    sentence = problem(**{variable: write(tmp_path / "x.pem", content)})
    assert sentence.startswith(f"{variable} must name a")
    assert "x.pem" in sentence


def test_a_client_certificate_without_its_key_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    path = write(tmp_path / "client.pem", authority.issue_cert("client.example").cert_chain_pems[0].bytes())
    assert "a certificate and its key" in problem(BRIDGE_PROVIDERS__OPENAI__CLIENT_CERT=path)


def test_a_key_with_a_passphrase_is_refused_instead_of_asking_for_it(authority: trustme.CA, tmp_path: Path) -> None:
    leaf = authority.issue_cert("client.example")
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))
    path = write(tmp_path / "client.pem", locked + leaf.cert_chain_pems[0].bytes())
    assert "without a passphrase" in problem(BRIDGE_PROVIDERS__OPENAI__CLIENT_CERT=path)


@pytest.mark.parametrize(
    ("name", "why"), [("missing.pem", "No such file"), (".", "Is a directory"), ("a\0b", "null byte")]
)
def test_a_file_must_be_readable(tmp_path: Path, name: str, why: str) -> None:
    sentence = problem(BRIDGE_CA_FILE=f"{tmp_path}/{name}")
    assert sentence.startswith("BRIDGE_CA_FILE must name a file that can be read")
    assert why in sentence


def test_the_folder_of_templates_must_be_there(tmp_path: Path) -> None:
    assert load(BRIDGE_TEMPLATES_DIR=str(tmp_path)).templates_dir == tmp_path
    assert problem(BRIDGE_TEMPLATES_DIR=f"{tmp_path}/none").startswith(
        "BRIDGE_TEMPLATES_DIR must name an existing folder"
    )
