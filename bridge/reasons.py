"""Why something did not arrive, in sentences: the reasons of attempts are words for machines.

Of a blocked address nothing more is said than that it is one: where it lies is for the operator's log alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from bridge.models import Reason

SENTENCES: Mapping[Reason, str] = {
    Reason.TIMEOUT: "no answer in time",
    Reason.CONNECT: "nothing takes connections there",
    Reason.DNS: "no address is known for this name",
    Reason.TLS: "the server cannot prove who it is, or speaks no TLS",
    Reason.RESET: "the connection broke off",
    Reason.BLOCKED_ADDRESS: "this server may not send there; its log says why",
    Reason.REDIRECT: "the receiver answers with a redirect, and none is followed",
    Reason.CLIENT_ERROR: "the receiver refuses what it is sent; its answer may say why",
    Reason.AUTH: "the receiver does not let us in",
    Reason.GONE: "the receiver wants nothing any more",
    Reason.RATE_LIMITED: "the receiver asks us to slow down",
    Reason.SERVER_ERROR: "the receiver is in trouble itself",
    Reason.BAD_REPLY: "what came back is no answer that can be read",
    Reason.TOO_LARGE: "the message is larger than the receiver takes",
    Reason.RENDER: "no message could be made that can be sent; see the template and the headers",
    Reason.DISABLED: "the destination is disabled; enable it, then retry",
    Reason.BREAKER_OPEN: "it failed often in a row and is left alone for a while",
    Reason.OWN_FAULT: "the trouble is on this server’s side, such as its network or its proxy",
}

OF_THE_HOST = frozenset({Reason.TIMEOUT, Reason.CONNECT, Reason.DNS, Reason.TLS, Reason.RESET, Reason.BLOCKED_ADDRESS})
"""What is said of a host, and not of what it answered."""


def because(reason: Reason, url: str | None = None) -> str:
    """A reason as a sentence.

    :param url: where it went, as far as that is shown; it says of which host this is true.
    """
    host = urlsplit(url).netloc if url is not None and reason in OF_THE_HOST else ""
    return f"{host}: {SENTENCES[reason]}" if host else SENTENCES[reason]
