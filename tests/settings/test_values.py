from __future__ import annotations

import base64
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.settings import values
from tests.settings.helpers import KEY, load, problem, problems

keys = st.from_regex(r"[A-Za-z0-9_-]{16,40}", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,20}", fullmatch=True)


@given(st.floats(0, 100, allow_nan=False))
def test_every_number_in_range_is_read(value: float) -> None:
    text = f"{value:.6f}"
    assert values.number(0, 100)(text) == float(text)


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-1", "1e2", "1e999", "1_0", "", " ", "0x1", "١", "101", "9" * 500, "1,5"]
)
def test_other_texts_are_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number from 0 to 100"):
        values.number(0, 100)(text)


def test_a_number_may_have_spaces_around_and_no_digit_before_the_point() -> None:
    assert [values.number(0, 1)(text) for text in (" 1 ", ".5", "1.")] == [1, 0.5, 1]


@pytest.mark.parametrize(
    ("variable", "value", "limits"),
    [
        ("BRIDGE_POLL_RATE", "0", "above 0 and at most 10000"),
        ("BRIDGE_POLL_RATE", "10000.1", "above 0 and at most 10000"),
        ("BRIDGE_POLL_MIN_INTERVAL", "0", "above 0"),
        ("BRIDGE_POLL_MAX_INTERVAL", "nan", "above 0"),
        ("BRIDGE_WATCH_TIMEOUT", "0", "from 1 to 2592000"),
        ("BRIDGE_WATCH_TIMEOUT", "2592001", "from 1 to 2592000"),
        ("BRIDGE_WATCH_TIMEOUT", "1.5", "whole number"),
        ("BRIDGE_LOST_GRACE", "-1", "from 0"),
        ("BRIDGE_DELIVERY_TIMEOUT", "0", "at most 300"),
        ("BRIDGE_DELIVERY_TIMEOUT", "301", "at most 300"),
        ("BRIDGE_PORT", "65536", "from 0 to 65535"),
        ("BRIDGE_PORT", "80 80", "from 0 to 65535"),
        ("BRIDGE_PORT", "٨٠", "from 0 to 65535"),
    ],
)
def test_numbers_have_limits(variable: str, value: str, limits: str) -> None:
    sentence = problem(**{variable: value})
    assert sentence.startswith(f"{variable} must be a ")
    assert limits in sentence
    assert repr(value) in sentence


def test_numbers_reach_their_limits() -> None:
    settings = load(
        BRIDGE_POLL_RATE="10000", BRIDGE_WATCH_TIMEOUT="2592000", BRIDGE_LOST_GRACE="0", BRIDGE_DELIVERY_TIMEOUT="300"
    )
    assert (settings.poll_rate, settings.watch_timeout) == (10_000, 2_592_000)
    assert (settings.lost_grace, settings.delivery_timeout) == (0, 300)


def test_what_kubernetes_injects_as_the_port_is_explained() -> None:
    sentence = problem(BRIDGE_PORT="tcp://10.0.0.1:8080")
    assert sentence.startswith("BRIDGE_PORT ")
    assert "Kubernetes" in sentence
    assert "video-bridge" in sentence


def test_a_long_value_is_quoted_in_part() -> None:
    assert values.quoted("x" * 61) == repr("x" * 59 + "…")
    assert values.quoted("x" * 60) == repr("x" * 60)


@pytest.mark.parametrize("variable", ["BRIDGE_LOG_FORMAT", "BRIDGE_LOG_LEVEL"])
def test_a_word_that_is_no_choice_is_refused_with_the_choices(variable: str) -> None:
    assert problem(**{variable: "xml"}).startswith(f"{variable} must be one of ")
    assert load(BRIDGE_LOG_LEVEL="WARNING").log_level == "warning"


@pytest.mark.parametrize("host", ["http://x", "a b", "-x", "x:80", "[]", "*"])
def test_a_host_is_an_address_or_a_name(host: str) -> None:
    assert problem(BRIDGE_HOST=host).startswith("BRIDGE_HOST must be an IP address or a host name")


@given(st.lists(st.tuples(st.none() | names, keys, st.booleans()), min_size=1, unique_by=lambda entry: entry[1]))
def test_api_keys_are_read_as_they_are_written(entries: list[tuple[str | None, str, bool]]) -> None:
    text = ", ".join((f"{name}:" if name else "") + key + (":read" if read else "") for name, key, read in entries)
    read = [(one.name, one.key.get_secret_value(), one.read_only) for one in values.api_keys(text)]
    assert read == entries


def test_a_key_may_be_called_read() -> None:
    (key,) = values.api_keys(f"read:{KEY}")
    assert (key.name, key.read_only) == ("read", False)


def test_one_name_may_have_two_keys() -> None:
    assert [key.name for key in values.api_keys(f"ci:{KEY},ci:{KEY}2")] == ["ci", "ci"]


def test_the_same_key_twice_is_refused() -> None:
    assert problem(BRIDGE_API_KEYS=f"a:{KEY},b:{KEY}:read").startswith("BRIDGE_API_KEYS has the same key twice")


@pytest.mark.parametrize(
    "text",
    [
        "short",
        f"{KEY}!",
        f"a:b:{KEY}",
        f"a:{KEY}:write",
        f"{KEY}:a",
        ":read",
        f":{KEY}:x",
        f"a:{KEY}:read:read",
        f"{KEY}:Read",
    ],
)
def test_what_is_no_key_is_refused_by_position(text: str) -> None:
    sentence = problem(BRIDGE_API_KEYS=f"{'g' * 16},{text}")
    assert "entry 2" in sentence
    assert KEY not in sentence


@pytest.mark.parametrize("name", ["", "a b", "é", "n" * 65])
def test_a_name_of_a_key_is_a_plain_word(name: str) -> None:
    assert "has a name in entry 1" in problem(BRIDGE_API_KEYS=f"{name}:{KEY}")


@pytest.mark.parametrize(
    "variable", ["BRIDGE_API_KEYS", "BRIDGE_SECRET_KEY", "BRIDGE_EMAIL_TO", "BRIDGE_ALLOWED_NETWORKS"]
)
@pytest.mark.parametrize("text", [",", " , ", "x,,y", "x,"])
def test_lists_have_no_empty_entries(variable: str, text: str) -> None:
    assert problem(**{variable: text}).startswith(f"{variable} has an empty entry")


def test_a_secret_key_is_long() -> None:
    sentence = problem(BRIDGE_SECRET_KEY=f"{'s' * 32},{'t' * 31}")
    assert "32 characters, and entry 2 is shorter" in sentence


@pytest.mark.parametrize(
    "url", ["sqlite:///bridge.db", "sqlite:////var/b.db", "sqlite:///C:/b.db", "sqlite:///data/my file.db"]
)
def test_a_database_can_be_a_file(url: str) -> None:
    assert values.database_url(url) == url


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@h:5432/d?sslmode=require", "postgres://h/d", "postgresql:///d?host=/run/postgresql"]
)
def test_a_database_can_be_a_server(url: str) -> None:
    assert values.database_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory",
        "sqlite:///b.db?mode=memory",
        "sqlite:///data/",
        "sqlite:bridge.db",
        "sqlite://bridge.db",
        "sqlite+aiosqlite:///b.db",
        "postgresql+asyncpg://h/d",
        "postgresql://",
        "postgresql://h:x/d",
        "postgresql://[h/d",
        "mysql://h/d",
        "bridge.db",
    ],
)
def test_other_databases_are_refused_with_the_forms_that_work(url: str) -> None:
    sentence = problem(BRIDGE_DATABASE_URL=url)
    assert sentence.startswith("BRIDGE_DATABASE_URL must ")
    assert "sqlite:///" in sentence


@given(st.binary(min_size=24, max_size=64))
def test_a_signing_secret_has_24_to_64_bytes(key: bytes) -> None:
    text = "whsec_" + base64.b64encode(key).decode()
    assert values.signing_secret(text).get_secret_value() == text


@pytest.mark.parametrize("key", [b"", b"x" * 23, b"x" * 65])
def test_a_shorter_or_longer_one_is_refused(key: bytes) -> None:
    assert "24 to 64 bytes" in problem(BRIDGE_CALLBACK_SECRET="whsec_" + base64.b64encode(key).decode())


@pytest.mark.parametrize(
    "text", ["A" * 32, "whsec_" + "é" * 32, "whsec_" + "A" * 31, "whsec_" + "_-" * 16, "WHSEC_" + "A" * 32]
)
def test_a_signing_secret_is_base64_after_its_prefix(text: str) -> None:
    assert problem(BRIDGE_CALLBACK_SECRET=text).startswith("BRIDGE_CALLBACK_SECRET must be `whsec_`")


def test_a_providers_webhook_secret_may_be_any_text_without_the_prefix() -> None:
    assert values.provider_webhook_secret("plain text").get_secret_value() == "plain text"
    assert values.provider_webhook_secret("whsec_QUJD").get_secret_value() == "whsec_QUJD"
    assert problem(OPENAI_WEBHOOK_SECRET="whsec_!").startswith("OPENAI_WEBHOOK_SECRET starts with `whsec_`")


def test_networks_are_read_in_both_families() -> None:
    expected = tuple(ip_network(text) for text in ("10.0.0.0/8", "fd00::/8", "127.0.0.1/32"))
    assert values.networks("10.0.0.0/8, fd00::/8,127.0.0.1") == expected


def test_a_network_with_an_address_inside_is_refused_with_the_fix() -> None:
    assert problem(BRIDGE_ALLOWED_NETWORKS="10.1.2.3/8").endswith("write 10.0.0.0/8.")
    assert "'intranet' is not one" in problem(BRIDGE_ALLOWED_NETWORKS="intranet")


def test_delays_are_read_in_order() -> None:
    assert values.retries("5,0, 2.5") == (5, 0, 2.5)
    assert values.retries("1" + ",1" * 49) == (1,) * 50


@pytest.mark.parametrize("text", ["5,,5", "5;6", "-1", "nan", "1" + ",1" * 50, "2592001"])
def test_other_delays_are_refused(text: str) -> None:
    assert problem(BRIDGE_DELIVERY_RETRIES=text).startswith("BRIDGE_DELIVERY_RETRIES ")


@pytest.mark.parametrize("address", ["a", "a@", "@b", "a@b c", "A <a@b.example>", "a@b@c", "a\x00@b"])
def test_recipients_are_plain_addresses(address: str) -> None:
    assert problem(BRIDGE_EMAIL_TO=f"ok@example.com,{address}").startswith("BRIDGE_EMAIL_TO must be e-mail addresses")


@pytest.mark.parametrize("sender", ["a@example.com", "Video Bridge <a@example.com>", "<a@example.com>"])
def test_a_sender_may_have_a_name(sender: str) -> None:
    assert values.email_sender(sender) == sender


@pytest.mark.parametrize(
    "sender", ["Bridge", "a@b.example, c@d.example", "A <a@b.example> x", "A\r\nBcc: x <a@b.example>"]
)
def test_a_sender_is_one_address(sender: str) -> None:
    assert problem(BRIDGE_EMAIL_FROM=sender).startswith("BRIDGE_EMAIL_FROM must be one e-mail address")


def test_a_preset_is_one_of_those_there_are() -> None:
    assert load(BRIDGE_EMAIL_PRESET=" Resend ").email_preset == "resend"
    for unknown in ("pigeon", "a b"):
        assert problem(BRIDGE_EMAIL_PRESET=unknown).startswith("BRIDGE_EMAIL_PRESET must be one of flat, resend,")


def test_a_mail_needs_somebody_to_go_to_and_that_is_reported_with_all_else() -> None:
    port, to = problems(BRIDGE_EMAIL_WEBHOOK_URL="https://mail.example/", BRIDGE_PORT="x")
    assert port.startswith("BRIDGE_PORT ")
    assert to.startswith("BRIDGE_EMAIL_TO must be set because BRIDGE_EMAIL_WEBHOOK_URL is")


@pytest.mark.parametrize("key", ["two words", "tab\t", "é", "line\n"])
def test_a_key_must_fit_into_a_header(key: str) -> None:
    assert problem(OPENAI_API_KEY=key).startswith("OPENAI_API_KEY must be printable ASCII")
    assert problem(BRIDGE_EMAIL_API_KEY=key).startswith("BRIDGE_EMAIL_API_KEY must be printable ASCII")
