"""Providers that speak the OpenAI Videos API: ``GET {base_url}/videos/{video_id}``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    RetryError,
    retry_if_result,
    stop_after_attempt,
    wait_exponential_jitter,
)

from bridge.clock import Clock
from bridge.egress import MAX_REPLY, Door, OutgoingRequest, Reply
from bridge.errors import EgressError
from bridge.models import BadKey, Look, LostReason, Missing, Observed, Reason, SlowDown, Trouble, Video
from bridge.providers.budget import Budget, Kind
from bridge.providers.complaints import Mask, read_complaint
from bridge.providers.limits import hold_of
from bridge.providers.pages import MAX_PAGE, PAGE_SIZE, Listed, ListRefused, PageAnswer, read_page
from bridge.providers.reading import Unreadable, read_video
from bridge.retry import date_of, parse_retry_after
from bridge.settings import ProviderSettings

_TRIES = 3
_LONGEST_WAIT = 5.0
_LONGEST_POLL_AFTER = 3600.0
# The network mends itself; a request we cannot or may not send does not.
_NOT_WORTH_A_TRY = frozenset({Reason.BLOCKED_ADDRESS, Reason.RENDER})
# What a video says of its end goes to everybody; a shorter header of ours is no secret but a word it may well need.
_SHORTEST_TOLD = 12
_TRANSIENT = frozenset({408, 409, 425})


@dataclass(frozen=True, slots=True)
class _Again:
    """One try that another may better. ``retry_after`` in seconds, as the provider asked."""

    detail: str
    retry_after: float | None = None


class OpenAIProvider:
    """One provider of this kind, with its key and its quirks.

    :param config: where it is and what every request carries.
    :param door: how requests leave; closing it is its maker's business.
    :param budget: asked before every try.
    :param timeout: one deadline for each try, seconds.
    :param on_request: told ``"retrieve"`` or ``"list"`` for every request sent.
    :param on_date: told what a reply's ``Date`` says, Unix seconds, and how long the reply took, seconds.
    """

    def __init__(
        self,
        config: ProviderSettings,
        door: Door,
        budget: Budget,
        clock: Clock,
        *,
        timeout: float = 30.0,
        on_request: Callable[[str], None] | None = None,
        on_date: Callable[[float, float], None] | None = None,
    ) -> None:
        self.name = config.name
        self.base_url = config.base_url
        self._query = urlencode(config.query)
        self._headers = request_headers(config)
        key = config.api_key.get_secret_value() if config.api_key else ""
        carried = [*config.headers.values(), *config.query.values()]
        self._mask = Mask([key, *carried])
        self._mask_told = Mask([key, *(value for value in carried if len(value) >= _SHORTEST_TOLD)])
        self._door = door
        self.budget = budget
        self._clock = clock
        self._timeout = timeout
        self._on_request = on_request
        self._on_date = on_date
        self._looks = 0
        # The last 401 or 429, and the last look that had begun when it came.
        self._refusal: BadKey | SlowDown | None = None
        self._refused_upto = 0

    async def look(self, video_id: str) -> Look:
        """Ask how the video is doing, in at most three tries. Never raises; what goes wrong is one of the answers.

        A 401 or 429 concerns every video: looks that wait for their turn when it comes are given the same answer
        without a request. Looks begun later do ask.
        """
        self._looks += 1
        number = self._looks
        first = await self._try(video_id, number)
        if not isinstance(first, _Again):  # as nearly always; what retries costs more than all else of a look
            return first
        result = await self._try_again(first, video_id, number)
        return Trouble(result.detail) if isinstance(result, _Again) else result

    async def list_page(self, after: str | None = None, limit: int = PAGE_SIZE) -> PageAnswer:
        """Ask once for a page of the list, the newest videos first. Never raises.

        A 401 or 403 is a refusal of the list and not of our key: some keys may look and not list, and of the others
        single looks tell.
        """
        self._looks += 1
        number = self._looks
        await self.budget.acquire("list")
        if self._refusal is not None and number <= self._refused_upto:
            return self._refusal if isinstance(self._refusal, SlowDown) else Trouble(self._refusal.detail)
        reply = await self._fetch("list", self._list_url(after, limit), MAX_PAGE)
        if isinstance(reply, EgressError):
            return Trouble(f"no answer ({reply.reason})")
        if 200 <= reply.status < 300:
            return _read_page(reply, limit, self._without_ours)
        if reply.status == 429:
            refusal = SlowDown(self._retry_after(reply))
            self._refusal, self._refused_upto = refusal, self._looks
            return refusal
        lasting = reply.status < 500 or reply.status == 501
        answer = ListRefused if lasting and reply.status not in _TRANSIENT else Trouble
        return answer(self._mask(f"HTTP {reply.status}"))

    async def aclose(self) -> None:
        """Nothing to let go of: the connections are the door's."""

    async def _try_again(self, first: _Again, video_id: str, number: int) -> Look | _Again:
        """Up to two more tries after one that another may better."""
        tried = [first]

        async def attempt() -> Look | _Again:
            return tried.pop() if tried else await self._try(video_id, number)

        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            stop=stop_after_attempt(_TRIES),
            wait=_wait,
            retry=retry_if_result(lambda result: isinstance(result, _Again)),
        )
        try:
            return await retrying(attempt)
        except RetryError as error:
            last: _Again = error.last_attempt.result()
            return last

    async def _try(self, video_id: str, number: int) -> Look | _Again:
        await self.budget.acquire()
        if self._refusal is not None and number <= self._refused_upto:
            return self._refusal
        result = await self._ask(video_id)
        if isinstance(result, BadKey | SlowDown):
            self._refusal, self._refused_upto = result, self._looks
        elif isinstance(result, Observed):
            self._refusal = None
        return result

    async def _ask(self, video_id: str) -> Look | _Again:
        reply = await self._fetch("retrieve", self._url(video_id), MAX_REPLY)
        if isinstance(reply, EgressError):
            # Its detail may name addresses, and ours is shown to whoever may use the API.
            detail = f"no answer ({reply.reason})"
            return Trouble(detail) if reply.reason in _NOT_WORTH_A_TRY else _Again(detail)
        if 200 <= reply.status < 300:
            look = _read(video_id, reply)
            return replace(look, video=self._without_ours(look.video)) if isinstance(look, Observed) else look
        return self._judge(reply)

    async def _fetch(self, kind: Kind, url: str, max_reply: int) -> Reply | EgressError:
        """Send one GET, and take from its reply what concerns all of them: the clock and the limits."""
        if self._on_request is not None:
            self._on_request(kind)
        request = OutgoingRequest("GET", url, self._headers, b"")
        asked = self._clock.monotonic()
        try:
            reply = await self._door.send(request, timeout=self._timeout, max_reply=max_reply)
        except EgressError as error:
            return error
        date = date_of(reply.headers)
        if date is not None and self._on_date is not None:
            self._on_date(date, self._clock.monotonic() - asked)
        if hold := hold_of(reply.headers):
            self.budget.hold(hold)
        return reply

    def _list_url(self, after: str | None, limit: int) -> str:
        query = urlencode({"limit": str(limit), "order": "desc"} | ({} if after is None else {"after": after}))
        return f"{self.base_url}/videos?{self._query}{'&' if self._query else ''}{query}"

    def _without_ours(self, video: Video) -> Video:
        """The same, with the error of a failed one telling nobody the key that the provider repeats in it."""
        if video.error is None or video.error.message is None:
            return video
        return replace(video, error=replace(video.error, message=self._mask_told.hide(video.error.message)))

    def _url(self, video_id: str) -> str:
        # One segment, whatever the id holds: LiteLLM's ids end in "=" and may hold "/" and "+", others a colon.
        url = f"{self.base_url}/videos/{quote(video_id, safe='')}"
        return f"{url}?{self._query}" if self._query else url

    def _judge(self, reply: Reply) -> Look | _Again:
        """What a status outside 2xx means."""
        complaint = read_complaint(reply.body)
        said = ": ".join(part for part in (complaint.code, complaint.message) if part)
        detail = self._mask(f"HTTP {reply.status} {said}")
        match reply.status:
            case 401:
                return BadKey(detail)
            case 403:
                return Missing(LostReason.FORBIDDEN, detail)
            case 404 | 410:
                return Missing(LostReason.NOT_FOUND, detail)
            # How the new-api family of servers says 404: https://github.com/QuantumNous/new-api
            case 400 if (complaint.code or "").lower() == "task_not_exist":
                return Missing(LostReason.NOT_FOUND, detail)
            case 429:
                return SlowDown(self._retry_after(reply))
            case status if status in _TRANSIENT or status >= 500:
                return _Again(detail, self._retry_after(reply))
        return Trouble(detail)

    def _retry_after(self, reply: Reply) -> float | None:
        return parse_retry_after(reply.headers, self._clock.now())


def request_headers(config: ProviderSettings) -> dict[str, str]:
    """What every request carries. A configured header wins over ours of the same name."""
    headers = {"accept": "application/json"}
    if config.api_key is not None and config.auth == "bearer":
        headers["authorization"] = f"Bearer {config.api_key.get_secret_value()}"
    # https://learn.microsoft.com/azure/foundry/reference/rest/video-generation-get-video
    if config.api_key is not None and config.auth == "api-key":
        headers["api-key"] = config.api_key.get_secret_value()
    return headers | {name.lower(): value for name, value in config.headers.items()}


def _read(video_id: str, reply: Reply) -> Look | _Again:
    """What a 2xx means. A reply that broke off may have said everything before."""
    try:
        return Observed(read_video(video_id, reply.body), _poll_after(reply))
    except Unreadable as error:
        if reply.body_error is not None:
            return _Again(f"HTTP {reply.status} with a reply that broke off ({reply.body_error})")
        if reply.truncated:
            return Trouble(f"HTTP {reply.status} with a reply that is too large")
        return _Again(f"HTTP {reply.status}, but {error}")


def _read_page(reply: Reply, limit: int, clean: Callable[[Video], Video]) -> PageAnswer:
    """What a 2xx to a list means: trouble when it broke off or is too large, a refusal when it is whole and no page."""
    if reply.body_error is not None or reply.truncated:
        return Trouble(f"HTTP {reply.status} with a page that is too large or broke off")
    try:
        rows, cursor = read_page(reply.body, limit, clean)
    except Unreadable as error:
        return ListRefused(f"HTTP {reply.status}, but {error}")
    return Listed(rows, cursor, _poll_after(reply))


def _poll_after(reply: Reply) -> float | None:
    """The provider's wish for the time to the next look, seconds; OpenAI's SDK follows the same header."""
    try:
        seconds = float(reply.headers.get("openai-poll-after-ms", "")) / 1000
    except ValueError:
        return None
    return min(seconds, _LONGEST_POLL_AFTER) if math.isfinite(seconds) and seconds > 0 else None


def _wait(state: RetryCallState) -> float:
    """Seconds before the next try: growing and jittered, not below what the provider asked for, never above five."""
    result = state.outcome.result() if state.outcome else None
    asked = (result.retry_after if isinstance(result, _Again) else None) or 0.0
    return min(max(_BACKOFF(state), asked), _LONGEST_WAIT)


_BACKOFF = wait_exponential_jitter(max=_LONGEST_WAIT)
