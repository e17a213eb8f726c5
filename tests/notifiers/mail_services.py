"""Mail services on loopback: each takes a mail in its own form and with its own key only, and answers as it does."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

EVENT_HEADER = "X-Video-Bridge-Event"


@dataclass(frozen=True)
class Seen:
    """A mail as a service understood it."""

    sender: str
    to: list[str]
    subject: str
    text: str
    html: str
    event: str | None


def _flat(body: bytes) -> Seen:
    data = _exactly(json.loads(body), "to from subject text html event video_id watch_id status")
    assert all(isinstance(value, str) for value in data.values())
    to = data["to"].split(", ")
    return Seen(data["from"], to, data["subject"], data["text"], data["html"], None)


def _resend(body: bytes) -> Seen:
    data = _exactly(json.loads(body), "from to subject text html headers")
    return Seen(data["from"], data["to"], data["subject"], data["text"], data["html"], data["headers"][EVENT_HEADER])


def _postmark(body: bytes) -> Seen:
    data = _exactly(json.loads(body), "From To Subject TextBody HtmlBody Headers")
    (header,) = data["Headers"]
    assert header["Name"] == EVENT_HEADER
    to = data["To"].split(", ")
    return Seen(data["From"], to, data["Subject"], data["TextBody"], data["HtmlBody"], header["Value"])


def _sendgrid(body: bytes) -> Seen:
    data = _exactly(json.loads(body), "from personalizations subject content headers")
    (personalization,) = data["personalizations"]
    text, html = data["content"]
    assert (text["type"], html["type"]) == ("text/plain", "text/html")
    to, event = [each["email"] for each in personalization["to"]], data["headers"][EVENT_HEADER]
    return Seen(_named(data["from"]), to, data["subject"], text["value"], html["value"], event)


def _mailgun(body: bytes) -> Seen:
    fields = parse_qs(body.decode(), strict_parsing=True)
    data = {name: value for name, (value,) in fields.items()}
    _exactly(data, f"from to subject text html h:{EVENT_HEADER}")
    to = data["to"].split(", ")
    return Seen(data["from"], to, data["subject"], data["text"], data["html"], data[f"h:{EVENT_HEADER}"])


def _brevo(body: bytes) -> Seen:
    data = _exactly(json.loads(body), "sender to subject textContent htmlContent headers")
    assert UUID(data["headers"]["idempotencyKey"]).version == 5
    to, event = [each["email"] for each in data["to"]], data["headers"][EVENT_HEADER]
    return Seen(_named(data["sender"]), to, data["subject"], data["textContent"], data["htmlContent"], event)


def _mailpit(body: bytes) -> Seen:
    data = _exactly(json.loads(body), "From To Subject Text HTML Headers")
    sender = _named({name.lower(): value for name, value in data["From"].items()})
    to, event = [each["Email"] for each in data["To"]], data["Headers"][EVENT_HEADER]
    return Seen(sender, to, data["Subject"], data["Text"], data["HTML"], event)


def _exactly(data: Any, names: str) -> Any:
    assert sorted(data) == sorted(names.split())
    return data


def _named(sender: Mapping[str, str]) -> str:
    return f"{sender['name']} <{sender['email']}>" if "name" in sender else sender["email"]


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@dataclass(frozen=True)
class Manner:
    """How a service reads, whom it lets in, and what it answers."""

    reads: Callable[[bytes], Seen]
    header: str
    wants: Callable[[str], str]
    accepted: tuple[int, Any]
    refused: tuple[int, Any]
    media_type: str = "application/json"


def _bearer(key: str) -> str:
    return f"Bearer {key}"


MANNERS: Mapping[str, Manner] = {
    "flat": Manner(_flat, "authorization", _bearer, (200, {"status": "success"}), (401, {})),
    "resend": Manner(_resend, "authorization", _bearer, (200, {"id": "49a3"}), (403, {"name": "invalid_api_key"})),
    "postmark": Manner(
        _postmark,
        "x-postmark-server-token",
        str,
        (200, {"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc"}),
        (401, {"ErrorCode": 10, "Message": "Bad or missing API token"}),
    ),
    "sendgrid": Manner(_sendgrid, "authorization", _bearer, (202, None), (401, {"errors": []})),
    "mailgun": Manner(
        _mailgun,
        "authorization",
        lambda key: _basic(f"api:{key}"),
        (200, {"id": "<1@mg.example.com>", "message": "Queued. Thank you."}),
        (401, "Forbidden"),
        media_type="application/x-www-form-urlencoded",
    ),
    "brevo": Manner(_brevo, "api-key", str, (201, {"messageId": "<1@smtp>"}), (401, {"code": "unauthorized"})),
    "mailpit": Manner(_mailpit, "authorization", _basic, (200, {"ID": "d6TW"}), (401, "Unauthorized")),
}


class MailService:
    """One of these services.

    :param key: the only key it takes.
    """

    def __init__(self, preset: str, key: str) -> None:
        self._manner = MANNERS[preset]
        self._key = key
        self.sent: list[Seen] = []
        self._idempotency: dict[str, bytes] = {}
        self.app = Starlette(routes=[Route("/send", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        manner, body = self._manner, await request.body()
        if request.headers.get(manner.header) != manner.wants(self._key):
            return _response(*manner.refused)
        if request.headers["content-type"] != manner.media_type or request.headers["accept"] != "application/json":
            return _response(406, {})
        mail, key = manner.reads(body), _idempotency_key(request, body)
        if key is not None and key in self._idempotency:
            return self._known(key, body)
        self.sent.append(mail)
        if key is not None:
            self._idempotency[key] = body
        return _response(*manner.accepted)

    def _known(self, key: str, body: bytes) -> Response:
        if self._manner is MANNERS["brevo"]:
            return _response(400, {"code": "duplicate_request"})
        if self._idempotency[key] != body:
            return _response(409, {"name": "invalid_idempotent_request"})
        return _response(*self._manner.accepted)


def _idempotency_key(request: Request, body: bytes) -> str | None:
    if b"idempotencyKey" in body:
        return str(json.loads(body)["headers"]["idempotencyKey"])
    return request.headers.get("idempotency-key")


def _response(status: int, content: Any) -> Response:
    if content is None:
        return Response(status_code=status)
    return PlainTextResponse(content, status) if isinstance(content, str) else JSONResponse(content, status)


class Catcher:
    """A mail catcher with the API of Mailpit, as far as it is documented: it takes mails and shows them.

    Every mail becomes a real message on the way in and is parsed on the way out, as by a mail program.
    https://mailpit.axllent.org/docs/api-v1/

    :param most: largest request, bytes.
    """

    def __init__(self, most: int = 1_000_000) -> None:
        self._most = most
        self._kept: list[bytes] = []
        routes = [Route("/api/v1/send", self._send, methods=["POST"]), Route("/api/v1/messages", self._messages)]
        self.app = Starlette(routes=[*routes, Route("/api/v1/message/{number:int}", self._message)])

    async def _send(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > self._most:
            return JSONResponse({"Error": "http: request body too large"}, 413)
        try:
            self._kept.append(_built(json.loads(body)))
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"Error": str(error)}, 400)
        return JSONResponse({"ID": str(len(self._kept) - 1)})

    async def _messages(self, request: Request) -> Response:
        parsed = [_parsed(kept) for kept in self._kept]
        listed = [{"ID": str(number), "Subject": each["Subject"]} for number, each in enumerate(parsed)]
        return JSONResponse({"total": len(listed), "messages": listed[::-1]})

    async def _message(self, request: Request) -> Response:
        return JSONResponse(_parsed(self._kept[request.path_params["number"]]))


_RESTRICTED = {"to", "from", "cc", "bcc", "reply-to", "date", "subject", "content-type", "mime-version"}


def _built(data: Mapping[str, Any]) -> bytes:
    message = EmailMessage(email.policy.SMTP)
    message["From"] = _mailbox(data["From"])
    message["To"] = ", ".join(_mailbox(each) for each in data["To"])
    message["Subject"] = data["Subject"]
    for name, value in data.get("Headers", {}).items():
        if name.lower() in _RESTRICTED:
            raise ValueError(f'cannot overwrite header: "{name}"')
        message[name] = value
    message.set_content(data["Text"])
    message.add_alternative(data["HTML"], subtype="html")
    return message.as_bytes()


def _mailbox(data: Mapping[str, str]) -> str:
    if not set(data) <= {"Email", "Name"} or parseaddr(data["Email"])[1] != data["Email"]:
        raise ValueError(f"invalid address: {data}")
    return f'"{data["Name"]}" <{data["Email"]}>' if "Name" in data else data["Email"]


def _parsed(kept: bytes) -> dict[str, Any]:
    message = email.message_from_bytes(kept, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return {
        "From": str(message["From"]),
        "To": [address.addr_spec for address in message["To"].addresses],
        "Subject": str(message["Subject"]),
        "Headers": message.keys(),
        "Event": message[EVENT_HEADER],
        "Text": text.get_content().replace("\r\n", "\n").strip(),
        "HTML": html.get_content().replace("\r\n", "\n").strip(),
    }
