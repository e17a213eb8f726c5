"""Whom a mail goes to and comes from: one line, one address, nothing a header could be made of."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bridge.notifiers.email_addresses import Mailbox, Recipients, Sender, check_address, parse_mailbox

RECIPIENTS = TypeAdapter[list[str]](Recipients)
SENDER = TypeAdapter[str](Sender)


@pytest.mark.parametrize(
    "address",
    ["a@example.com", "a.b+tag@mail.example.co.uk", "o'hara@example.com", "root@localhost", "x@xn--bcher-kva.example"],
)
def test_an_ordinary_address_is_kept_as_it_is(address: str) -> None:
    assert check_address(address) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@example.com",
        "a@",
        "a@b@example.com",
        "a b@example.com",
        "a@exa mple.com",
        " a@example.com",
        "a@example.com\r\nBcc: eve@example.com",
        "a@example.com\n",
        "a\0@example.com",
        ".a@example.com",
        "a..b@example.com",
        "a@-example.com",
        "a@example..com",
        "a@example.com.",
        "a@[127.0.0.1]",
        '"a b"@example.com',
        "a,b@example.com",
        "<a@example.com>",
        "Ann <a@example.com>",
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
    ],
)
def test_whatever_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address such as"):
        check_address(text)


def test_an_address_that_is_too_long_is_told_its_length() -> None:
    with pytest.raises(ValueError, match="may have 254 characters, this one has 263"):
        check_address("a@" + "b." * 129 + "com")


@pytest.mark.parametrize("text", ["ann@bücher.example", "jürgen@example.com"])
def test_an_address_that_is_not_ascii_is_told_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write the domain in its xn-- form"):
        check_address(text)


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("a@example.com", Mailbox("a@example.com")),
        (" a@example.com ", Mailbox("a@example.com")),
        ("<a@example.com>", Mailbox("a@example.com")),
        ("Video bridge <a@example.com>", Mailbox("a@example.com", "Video bridge")),
        ('"Bridge, Inc." <a@example.com>', Mailbox("a@example.com", "Bridge, Inc.")),
        (r'"The \"best\"" <a@example.com>', Mailbox("a@example.com", 'The "best"')),
        ("Brücke 🌉 <a@example.com>", Mailbox("a@example.com", "Brücke 🌉")),
    ],
)
def test_a_sender_may_have_a_name(text: str, mailbox: Mailbox) -> None:
    assert parse_mailbox(text) == mailbox


@pytest.mark.parametrize("text", ["A\r\nBcc: e@example.com <a@example.com>", "A\u2028B <a@example.com>", "\0 <a@b>"])
def test_a_sender_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="one line of printable characters"):
        parse_mailbox(text)


@pytest.mark.parametrize("text", ["A <a@example.com> B", "A <a@example.com", "A > <a@example.com>", "A", ""])
def test_a_sender_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        parse_mailbox(text)


def test_a_name_that_is_too_long_is_told_its_length() -> None:
    with pytest.raises(ValueError, match="may have 128 characters, this one has 129"):
        parse_mailbox("n" * 129 + " <a@example.com>")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Video bridge", "Video bridge <a@b.example>"),
        ("Brücke", "Brücke <a@b.example>"),
        ("Bridge, Inc.", '"Bridge, Inc." <a@b.example>'),
        ('The "best" \\o/', '"The \\"best\\" \\\\o/" <a@b.example>'),
    ],
)
def test_a_name_is_quoted_where_it_must_be(name: str, written: str) -> None:
    assert str(Mailbox("a@b.example", name)) == written


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="<>") | st.just(" "), max_size=128))
def test_any_name_is_read_back_as_it_was_written_by_us_and_by_others(name: str) -> None:
    mailbox = parse_mailbox(f"{name}<a@b.example>")
    assert parse_mailbox(str(mailbox)) == mailbox
    assert parseaddr(str(mailbox))[1] == "a@b.example"


@given(st.text(max_size=200))
def test_what_is_accepted_never_makes_a_second_header(text: str) -> None:
    try:
        sender = SENDER.validate_python(text)
    except ValidationError:
        return
    message = EmailMessage()
    message["From"] = sender
    assert message.keys() == ["From"]
    assert len(message["From"].addresses) == 1


def test_recipients_are_kept_once_each_in_their_order() -> None:
    assert RECIPIENTS.validate_python(["b@x.example", "a@x.example", "b@x.example"]) == ["b@x.example", "a@x.example"]


@pytest.mark.parametrize("given_recipients", [[], [f"a{n}@x.example" for n in range(51)], "a@x.example", [None], ["a"]])
def test_there_are_1_to_50_recipients_each_an_address(given_recipients: object) -> None:
    with pytest.raises(ValidationError):
        RECIPIENTS.validate_python(given_recipients)
