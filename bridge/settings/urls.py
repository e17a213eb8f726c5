"""URLs in variables. They may hold secrets, so no message quotes one."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from bridge.settings.values import is_loopback

MAX_LENGTH = 2048


def _split(text: str, example: str) -> SplitResult:
    broken = ValueError(f"must be an http or https URL with a host, for example {example}")
    if not text.isprintable() or " " in text or "\\" in text:
        raise broken
    try:
        url = urlsplit(text)
        # Reading the port is what checks it.
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
            raise broken
    except ValueError:
        raise broken from None
    if len(text) > MAX_LENGTH:
        raise ValueError(f"must have at most {MAX_LENGTH:,} characters, not {len(text):,}")
    return url


def server_url(text: str) -> str:
    """The root of a server, such as a provider's base URL, without the trailing slash."""
    url = _split(text.strip(), "https://example.com/v1")
    if url.username is not None or url.password is not None:
        raise ValueError("must not have a user name or password in it")
    if url.query or url.fragment or "?" in text or "#" in text:
        raise ValueError("must end with the path, without `?` and `#`")
    return text.strip().rstrip("/")


def destination_url(text: str) -> str:
    """Where a notification is sent."""
    url = _split(text.strip(), "https://example.com/hook")
    if url.username is not None or url.password is not None:
        raise ValueError("must not have a user name or password in it")
    if url.fragment:
        raise ValueError("must not have a `#` part, because that is never sent")
    return text.strip()


def slack_url(text: str) -> SecretStr:
    """A Slack incoming webhook. The whole path is its secret."""
    address = destination_url(text)
    url = urlsplit(address)
    if url.scheme != "https" and not is_loopback(url.hostname or ""):
        raise ValueError("must be an https URL")
    if url.path.startswith(("/triggers/", "/workflows/")):
        # https://docs.slack.dev/tools/slack-github-action/sending-techniques/sending-data-webhook-slack-workflow
        raise ValueError(
            "is the URL of a workflow, which takes fixed fields and no messages: make an incoming webhook instead, "
            "its URL has /services/ in it"
        )
    return SecretStr(address)


def proxy_url(text: str) -> str:
    """An HTTP proxy, with user name and password if it asks for them."""
    url = _split(text.strip(), "http://proxy.example.com:3128")
    if url.path.strip("/") or url.query or url.fragment:
        raise ValueError("must end with the port, without a path")
    return text.strip().rstrip("/")


def shown(url: str) -> str:
    """A URL as people may see it: scheme, host and path."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
