"""Which URLs may be registered, and how much of one is shown."""

from __future__ import annotations

import re
from ipaddress import ip_network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, check_url, http_host, shown_url
from bridge.egress.urls import literal_address
from tests.egress.corpus import GOOD_URLS, HOSTILE_URLS

PUBLIC_ONLY = AddressPolicy()
LOOPBACK = AddressPolicy(LOOPBACK_NETWORKS)
INTRANET = AddressPolicy([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
ANYWHERE = AddressPolicy(anywhere=True)

LONG = {
    "https://example.com/" + "a" * 2029: "2048 characters, this one has 2049",
    "https://example.com/" + "ü" * 1000: "2048 characters, this one is longer",
    "https://" + "a." * 127 + "com/": "is no host name",
    "https://example.com/\ud800": "no spaces",  # half a character, which no data file can hold
}
# Not a matter of where they lead.
ODD_TO_ANYBODY = {
    *("an IPv4 address in one number", "an IPv4 address in odd parts", "dots where none belong", "no host names"),
    *("percent-encoded hosts", "user names and passwords", "fragments", "backslashes", "odd ports", "no host"),
    *("spaces, controls and what is not seen", "other schemes, or none"),
}


def refusal(url: str, policy: AddressPolicy = PUBLIC_ONLY) -> str:
    """What whoever registers this is told; nothing when it is taken."""
    try:
        check_url(url, policy)
    except ValueError as error:
        return str(error)
    return ""


def test_the_corpora_are_as_large_as_they_claim_and_name_nothing_twice() -> None:
    for entries, least in ((HOSTILE_URLS, 300), (GOOD_URLS, 50)):
        assert len({each.text for each in entries}) == len(entries) >= least
        assert all(each.why for each in entries)


def test_every_hostile_url_is_refused_with_the_reason() -> None:
    told = {each: refusal(each.text) for each in HOSTILE_URLS}
    assert {each: text for each, text in told.items() if not re.search(each.says, text)} == {}


def test_what_two_readers_read_differently_is_refused_to_the_operator_too() -> None:
    odd = [each for each in HOSTILE_URLS if each.kind in ODD_TO_ANYBODY]
    assert [each for each in odd if not refusal(each.text, ANYWHERE)] == []


@pytest.mark.parametrize(("url", "says"), LONG.items())
def test_what_is_too_long_or_half_a_character_is_refused_with_the_reason(url: str, says: str) -> None:
    assert says in refusal(url)


def test_every_good_url_is_stored_as_it_is() -> None:
    good = [*(each.text for each in GOOD_URLS), "https://example.com/" + "a" * 2028]
    assert [check_url(url, PUBLIC_ONLY) for url in good] == good


@pytest.mark.parametrize("policy", [LOOPBACK, INTRANET, ANYWHERE])
def test_without_a_scheme_it_is_told_of_http_where_that_is_taken(policy: AddressPolicy) -> None:
    assert refusal("127.0.0.1:9000/x") == "a URL starts with https://"
    assert refusal("127.0.0.1:9000/x", policy) == "a URL starts with https://, or within allowed networks with http://"


def test_a_refused_address_is_explained() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1 is in 10\.0\.0\.0/8 \(private\); BRIDGE_ALLOWED_NETWORKS can"):
        check_url("https://10.0.0.1/hook", PUBLIC_ONLY)


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("HTTPS://Example.COM/Hook", "https://example.com/Hook"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:/", "https://example.com/"),
        ("https://example.com/a/../b/./c", "https://example.com/b/c"),
        ("https://münchen.de/ü?ä=ö", "https://xn--mnchen-3ya.de/%C3%BC?%C3%A4=%C3%B6"),
        ('https://example.com/<a>?"b"', "https://example.com/%3Ca%3E?%22b%22"),
    ],
)
def test_what_is_stored_is_what_will_be_dialled(url: str, stored: str) -> None:
    assert check_url(url, PUBLIC_ONLY) == stored


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("http://localhost:8000/hook", LOOPBACK),
        ("http://app.localhost/hook", LOOPBACK),
        ("https://localhost/", LOOPBACK),
        ("http://127.0.0.1:8000/", LOOPBACK),
        ("http://[::1]:8000/", LOOPBACK),
        ("https://127.0.0.1/", LOOPBACK),
        ("https://example.com/", LOOPBACK),
        ("http://10.1.2.3/", INTRANET),
        ("http://[fd00::1]/", INTRANET),
        ("http://[::ffff:10.1.2.3]/", INTRANET),
        ("http://receiver.internal/hook", INTRANET),
        ("https://10.1.2.3/", INTRANET),
        ("http://anything.example.com/", ANYWHERE),
        ("http://169.254.169.254/", ANYWHERE),
        ("http://8.8.8.8/", ANYWHERE),
        ("http://localhost/", ANYWHERE),
    ],
)
def test_what_allowed_networks_make_possible(url: str, policy: AddressPolicy) -> None:
    assert check_url(url, policy) == url


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("http://example.com/", PUBLIC_ONLY),
        ("http://8.8.8.8/", PUBLIC_ONLY),
        ("http://[2606:4700::1]/", PUBLIC_ONLY),
        ("http://example.com/", LOOPBACK),
        ("http://8.8.8.8/", LOOPBACK),
        ("http://8.8.8.8/", INTRANET),
        ("http://10.1.2.3/", LOOPBACK),
        ("http://127.0.0.1/", INTRANET),
        ("http://localhost/", INTRANET),
        ("https://11.0.0.1.:1/", INTRANET),
        ("http://2130706433/", LOOPBACK),
        ("http://127.1/", LOOPBACK),
        ("http://127.0.0.1./", ANYWHERE),
        ("http://[::1%251]/", ANYWHERE),
    ],
)
def test_what_allowed_networks_do_not_cover(url: str, policy: AddressPolicy) -> None:
    with pytest.raises(ValueError, match="BRIDGE_ALLOWED_NETWORKS"):
        check_url(url, policy)


HOSTISH = st.text(alphabet="0123456789abxX.:[]%@/\\?#_-１。①l ", max_size=24)


@given(host=HOSTISH)
def test_what_passes_is_read_alike_by_the_client_and_names_nothing_private(host: str) -> None:
    try:
        stored = check_url(f"https://{host}/", PUBLIC_ONLY)
    except ValueError:
        return
    dialled = httpx.URL(stored)
    address = literal_address(dialled.raw_host.decode())
    assert str(dialled) == check_url(stored, PUBLIC_ONLY) == stored
    assert not dialled.userinfo
    assert address is None or PUBLIC_ONLY.refusal(address) is None


@given(url=st.text(max_size=60))
def test_text_that_is_no_url_is_refused_and_never_raises_anything_else(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_url(url, PUBLIC_ONLY)
    assert isinstance(shown_url(url), str)
    assert isinstance(http_host(url), str)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/hook?token=secret", "https://example.com/hook"),
        ("https://user:secret@example.com/hook#secret", "https://example.com/hook"),
        ("https://user:secret@example.com:8443/?secret", "https://example.com:8443/"),
        ("https://example.com:443/hook", "https://example.com/hook"),
        ("https://example.com", "https://example.com"),
        ("http://[2606:4700::1]:81/x?secret", "http://[2606:4700::1]:81/x"),
        ("secret", "(unreadable URL)"),
        ("https://example.com:secret/", "(unreadable URL)"),
        ("//secret@x", "(unreadable URL)"),
    ],
)
def test_a_shown_url_ends_with_its_path(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:pw@Example.com/x?y", "example.com"),
        ("https://example.com:443/", "example.com"),
        ("http://example.com:8080/", "example.com:8080"),
        ("https://[2606:4700::1]:81/", "[2606:4700::1]:81"),
        ("nonsense", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert http_host(url) == host


def test_plain_http_to_a_name_is_taken_once_a_network_is_configured_and_not_before() -> None:
    configured = AddressPolicy(LOOPBACK_NETWORKS, plain_names=True)
    assert check_url("http://receiver.internal:9000/hook", configured) == "http://receiver.internal:9000/hook"
    with pytest.raises(ValueError, match="BRIDGE_ALLOWED_NETWORKS"):
        check_url("http://receiver.internal:9000/hook", AddressPolicy(LOOPBACK_NETWORKS))
