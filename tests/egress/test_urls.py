"""Which URLs may be registered, and how much of one is shown."""

from __future__ import annotations

from ipaddress import ip_network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, check_url, http_host, shown_url
from bridge.egress.urls import literal_address

PUBLIC_ONLY = AddressPolicy()
LOOPBACK = AddressPolicy(LOOPBACK_NETWORKS)
INTRANET = AddressPolicy([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
ANYWHERE = AddressPolicy(anywhere=True)

NOT_PUBLIC = [
    # Addresses as they are
    *("127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("255.255.255.255", "224.0.0.1", "198.18.0.1", "192.0.2.1", "168.63.129.16", "240.0.0.1"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001::1]", "[fe80::1]"),
    *("[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]"),
    # Other spellings of addresses
    *("2130706433", "3232235521", "0", "1", "017700000001", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0X7F.1", "0x"),
    *("127.1", "127.0.1", "10.1", "127.0.0.1.", "127.1.", "2130706433.", "0177.0.0.1", "0177.1", "127.0.0.01"),
    *("127.0.0.0x1", "256.0.0.1", "1.2.3.4.5", "999999999999", "127.0.0.1.0", "127.00.00.01", "8.8.8", "08.8.8.8"),
    *("[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%251]", "[2606:4700::1%25eth0]", "[::1", "::1]", "[::1]]", "[]"),
    *("[127.0.0.1]", "[v1.fe80::1]", "[::ffff:127.1]", "[:::1]", "[12345::]", "::1", "fe80::1"),
    *("１２７.0.0.1", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.⓪.⓪.①", "١٢٧.0.0.1"),
    *("%31%32%37.0.0.1", "127%2e0.0.1", "%6cocalhost", "localhos%74", "exam%70le.com", "%5b::1%5d"),
    # Names for this machine
    *("localhost", "LOCALHOST", "ｌocalhost", "app.localhost", "localhost.localdomain", "ip6-localhost"),
    # No host names
    *("localhost.", "example.com.", "example..com", ".example.com", "exa$mple.com", "exa!mple.com", "a" * 64 + ".com"),
    *("a." * 127 + "com", "exam*ple.com", "[example.com]", "exa,mple.com", "a|b.com", '"example.com"'),
]
ODD = {
    "": "starts with https://",
    "example.com/hook": "starts with https://",
    "//example.com/hook": "starts with https://",
    "https:example.com": "starts with https://",
    "https:/example.com": "starts with https://",
    "ftp://example.com/": "starts with https://",
    "file:///etc/passwd": "starts with https://",
    "gopher://example.com/": "starts with https://",
    "javascript:alert(1)": "starts with https://",
    "data:text/plain,x": "starts with https://",
    "ws://example.com/": "starts with https://",
    "httpss://example.com/": "starts with https://",
    "https://": "names no host",
    "https:///hook": "names no host",
    "https://:443/": "names no host",
    "https://?x": "names no host",
    "https://user@example.com/": "user name or password",
    "https://user:pw@example.com/": "user name or password",
    "https://:pw@example.com/": "user name or password",
    "https://@example.com/": "user name or password",
    "https://example.com@127.0.0.1/": "user name or password",
    "https://127.0.0.1@example.com/": "user name or password",
    "https://example.com/#top": "fragment",
    "https://example.com/#": "fragment",
    "https://example.com#@127.0.0.1/": "fragment",
    "https://example.com:0/": "between 1 and 65535",
    "https://example.com:65536/": "between 1 and 65535",
    "https://example.com:999999/": "between 1 and 65535",
    "https://example.com:000443/": "between 1 and 65535",
    "https://example.com:-1/": "cannot read",
    "https://example.com:+80/": "cannot read",
    "https://example.com:8_0/": "cannot read",
    "https://example.com:４４３/": "cannot read",
    "https://example.com:80:80/": "cannot read",
    "https://example.com:http/": "cannot read",
    "https://[::1]example.com/": "cannot read",
    " https://example.com/": "no spaces",
    "https://example.com/ ": "no spaces",
    "https://exam ple.com/": "no spaces",
    "https://example.com/a b": "no spaces",
    "https://example.com/\r\nX-Evil: 1": "no spaces",
    "https://example.com/\t": "no spaces",
    "https://example.com/\x00": "no spaces",
    "https://example.com/\x7f": "no spaces",
    "https://example.com/\u00a0": "no spaces",
    "https://exam\u200bple.com/": "no spaces",
    "https://exam\u00adple.com/": "no spaces",
    "https://example.com/\u202e": "no spaces",
    "https://example.com/\ud800": "no spaces",
    "\ufeffhttps://example.com/": "no spaces",
    "https://example.com\\@127.0.0.1/": "no backslash",
    "https://127.0.0.1\\.example.com/": "no backslash",
    "https:\\\\example.com": "no backslash",
    "https://example.com/" + "a" * 2029: "2048 characters, this one has 2049",
    "https://example.com/" + "ü" * 1000: "2048 characters, this one is longer",
}
FINE = [
    "https://example.com",
    "https://example.com/",
    "https://example.com/hook",
    "https://example.com/hook?token=a%2Fb+c&x=1",
    "https://example.com/?",
    "https://example.com:8443/hook",
    "https://example.com:1/",
    "https://example.com:65535/",
    "https://hooks.slack.com/services/T000/B000/XXXX",
    "https://hooks.zapier.com/hooks/catch/1/abc/",
    "https://prod-1.westeurope.logic.azure.com:8443/workflows/abc/triggers?api-version=2016-06-01&sp=%2Ftriggers&sig=a_-b",
    "https://hook.eu1.make.com/abcdef",
    "https://n8n.example.com/webhook/1b2c",
    "https://a.b.c.d.e.example.co.uk/",
    "https://xn--mnchen-3ya.de/",
    "https://under_score.example.com/",
    "https://-odd-.example.com/",
    "https://intranet/hook",
    "https://metadata.google.internal/",
    "https://localhost.example.com/",
    "https://notlocalhost/",
    "https://127.0.0.1.nip.io/",
    "https://1.1.1.1/dns",
    "https://8.8.8.8:8443/",
    "https://[2606:4700:4700::1111]/",
    "https://[2001:4860:4860::8888]:8443/x",
    "https://[64:ff9b::808:808]/",
    "https://123.example.com/",
    "https://0x7f.example.com/",
    "https://1e100.net/",
    "https://example.com/a@b",
    "https://example.com/?user@host:80",
    "https://example.com//double//slashes",
    "https://example.com/a;b=c/d,e!$&'()*+",
    "https://example.com/%C3%BC?q=%20",
    "https://example.com/" + "a" * 2028,
]


@pytest.mark.parametrize("host", NOT_PUBLIC)
def test_hosts_that_may_not_be_reached_are_refused_with_the_remedy(host: str) -> None:
    with pytest.raises(ValueError, match="BRIDGE_ALLOWED_NETWORKS"):
        check_url(f"https://{host}/hook", PUBLIC_ONLY)


def test_a_refused_address_is_explained() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1 is in 10\.0\.0\.0/8 \(private\); BRIDGE_ALLOWED_NETWORKS can"):
        check_url("https://10.0.0.1/hook", PUBLIC_ONLY)


@pytest.mark.parametrize(("url", "complaint"), ODD.items())
def test_odd_urls_are_refused_with_the_reason(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_url(url, PUBLIC_ONLY)


@pytest.mark.parametrize("url", ODD)
def test_odd_urls_are_refused_to_the_operator_too(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_url(url, ANYWHERE)


@pytest.mark.parametrize("url", FINE)
def test_ordinary_urls_are_stored_as_they_are(url: str) -> None:
    assert check_url(url, PUBLIC_ONLY) == url


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
