"""A provider with a whole fleet of jobs, in a process of its own and quick enough not to be what is measured."""

from __future__ import annotations

import asyncio
import bisect
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import httpx


@dataclass(frozen=True)
class Plan:
    """A fleet in a steady state: jobs end as others begin. Times are seconds.

    :param jobs: how many are in flight on average; :param median: of their durations, log-normal with ``sigma``.
    :param begins: Unix seconds; the first ones are under way by then, as if it had always gone on.
    :param lasts: for how long others begin.
    :param past: whether the list shows those, too, that had ended by then.
    """

    jobs: int
    median: float = 60.0
    sigma: float = 0.5
    begins: float = 0.0
    lasts: float = 60.0
    seed: int = 1
    past: bool = False

    @property
    def mean(self) -> float:
        """The mean duration."""
        return self.median * math.exp(self.sigma**2 / 2)

    def all(self) -> list[tuple[str, float, float]]:
        """Every job to be watched: its id, when it is made and when it ends, the oldest first."""
        return [each for each in self.listed() if each[2] > self.begins]

    def listed(self) -> list[tuple[str, float, float]]:
        """Every job that the list shows sooner or later."""
        chance = random.Random(self.seed)
        reach = self.median * math.exp(4 * self.sigma)
        gap = self.mean / self.jobs
        number, at, found = 0, self.begins - reach, []
        while at < self.begins + self.lasts:
            at += chance.expovariate(1 / gap)
            ends = at + chance.lognormvariate(math.log(self.median), self.sigma)
            if self.past or ends > self.begins:
                found.append((f"video_{number:07d}", at, ends))
            number += 1
        return found


class Farm:
    """Answers from a plan, and counts."""

    def __init__(self, plan: Plan) -> None:
        self.jobs = plan.listed()
        self.created = [at for _, at, _ in self.jobs]
        self.places = {name: place for place, (name, _, _) in enumerate(self.jobs)}
        self.asked: Counter[str] = Counter()

    def answer(self, target: str) -> bytes:
        """The JSON for a GET."""
        now = time.time()
        url = urlsplit(target)
        if url.path == "/v1/videos":
            self.asked["list"] += 1
            return self._page({name: values[0] for name, values in parse_qs(url.query).items()}, now)
        if url.path.startswith("/v1/videos/"):
            self.asked["retrieve"] += 1
            place = self.places.get(unquote(url.path.removeprefix("/v1/videos/")))
            return b"{}" if place is None else self._row(place, now).encode()
        return json.dumps({"list": self.asked["list"], "retrieve": self.asked["retrieve"]}).encode()

    def _page(self, query: dict[str, str], now: float) -> bytes:
        limit = int(query.get("limit", "20"))
        made = bisect.bisect_right(self.created, now)
        end = self.places[query["after"]] if "after" in query else made
        start = max(0, end - limit)
        rows = [self._row(place, now) for place in range(end - 1, start - 1, -1)]
        first, last = self.jobs[end - 1][0], self.jobs[start][0]
        more = "true" if start else "false"
        listed = ",".join(rows)
        return (
            f'{{"object":"list","data":[{listed}],"first_id":"{first}","last_id":"{last}","has_more":{more}}}'.encode()
        )

    def _row(self, place: int, now: float) -> str:
        name, created, ends = self.jobs[place]
        done = now >= ends
        status = "completed" if done else "in_progress"
        progress = 100 if done else int(99 * (now - created) / (ends - created))
        completed, expires = (int(ends), int(ends) + 3600) if done else ("null", "null")
        return (
            f'{{"id":"{name}","object":"video","model":"sora-2","status":"{status}","progress":{progress},'
            f'"created_at":{int(created)},"completed_at":{completed},"expires_at":{expires},'
            f'"prompt":"A calico cat playing a piano on stage","remixed_from_video_id":null,"seconds":"4",'
            f'"size":"720x1280","error":null}}'
        )


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as it takes: requests without a body, and bodies of callbacks that are not looked at."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while True:
            head, found, rest = self._waiting.partition(b"\r\n\r\n")
            if not found:
                return
            _, named, length = head.lower().partition(b"content-length: ")
            size = int(length.split(b"\r\n")[0]) if named else 0
            if len(rest) < size:
                return
            self._waiting = rest[size:]
            method, target, _ = head.split(b"\r\n")[0].split(b" ")
            if method == b"POST":
                self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                continue
            body = self._farm.answer(target.decode())
            lead = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(lead.encode() + body)


@asynccontextmanager
async def running_farm(plan: Plan) -> AsyncIterator[str]:
    """A farm in a process of its own, and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.farm", json.dumps(asdict(plan)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def asked(url: str) -> Counter[str]:
    """How often each kind of request came so far."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return Counter((await client.get(f"{url}/asked")).json())


async def _main() -> None:
    farm = Farm(Plan(**json.loads(sys.argv[1])))
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(farm), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
