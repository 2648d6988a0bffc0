"""A load generator: HTTP/1.1 over kept connections, in a process of its own. `python -m bench.load < jobs.json`."""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop


@dataclass
class Job:
    """`calls` are bodies, each with its headers; they are sent in order, anew from the start if `repeat`.

    `connections` callers send as fast as they are answered; with `per_second`, calls come at that pace however
    long the answers take. An answer counts as good when it is a 200 that contains `expect`.
    """

    port: int
    path: str
    calls: list[tuple[str, dict[str, str]]]
    seconds: float
    connections: int = 16
    per_second: float | None = None
    repeat: bool = False
    expect: str = ""


@dataclass
class Outcome:
    done: int = 0
    good: int = 0
    seconds: float = 0.0
    other: list[str] = field(default_factory=list)
    kinds: list[bool] = field(default_factory=list)  # whether good, one for each of `milliseconds`
    milliseconds: list[float] = field(default_factory=list)

    def quantile(self, part: float) -> float:
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds) if self.milliseconds else 0.0


class Connection(asyncio.Protocol):
    """One call at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._got = b""
        self.is_open = True

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._answer and not self._answer.done():
            self._answer.set_result((0, b""))

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, _, body = self._got.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if head and len(body) >= length and self._answer and not self._answer.done():
            self._got = b""
            self._answer.set_result((int(head[9:12]), body))

    async def call(self, request: bytes) -> tuple[int, bytes]:
        if self._transport.is_closing():  # the server ended it meanwhile: no answer would come
            return 0, b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()


def request_of(job: Job, body: str, headers: dict[str, str]) -> bytes:
    lines = [f"POST {job.path} HTTP/1.1", f"host: 127.0.0.1:{job.port}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Load:
    """One job at work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._expect = job.expect.encode()
        self._idle: list[Connection] = []
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        job = self._job
        requests = [request_of(job, *call) for call in job.calls]
        calls = itertools.cycle(requests) if job.repeat else iter(requests)
        began = time.perf_counter()
        if job.per_second is None:
            ends = began + job.seconds
            await asyncio.gather(*(self._caller(calls, ends) for _ in range(job.connections)))
        else:
            await self._at_pace(itertools.islice(calls, int(job.per_second * job.seconds)), job.per_second)
        self.outcome.seconds = time.perf_counter() - began
        return self.outcome

    async def _caller(self, calls: Iterator[bytes], ends: float) -> None:
        connection = await self._connect()
        for request in calls:
            await self._one(connection, request)
            if time.perf_counter() > ends:
                break
        connection.close()

    async def _at_pace(self, calls: Iterator[bytes], per_second: float) -> None:
        began = time.perf_counter()
        tasks = []
        for number, request in enumerate(calls):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            tasks.append(asyncio.create_task(self._on_any(request)))
        await asyncio.gather(*tasks)

    async def _on_any(self, request: bytes) -> None:
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connect()
        await self._one(connection, request)
        self._idle.append(connection)

    async def _one(self, connection: Connection, request: bytes) -> None:
        began = time.perf_counter()
        status, body = await connection.call(request)
        self.outcome.milliseconds.append((time.perf_counter() - began) * 1e3)
        self.outcome.done += 1
        good = status == 200 and self._expect in body
        self.outcome.kinds.append(good)
        self.outcome.good += good
        if not good:
            self.outcome.other.append(f"{status} {body[:300].decode(errors='replace')}")

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, "127.0.0.1", self._job.port))[1]


async def run(job: Job) -> Outcome:
    return await Load(job).run()


async def run_all(jobs: list[Job]) -> list[Outcome]:
    return await asyncio.gather(*map(run, jobs))


if __name__ == "__main__":
    outcomes = uvloop.run(run_all([Job(**each) for each in json.load(sys.stdin)]))
    json.dump([asdict(each) for each in outcomes], sys.stdout)
