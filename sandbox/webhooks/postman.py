"""Sends webhooks over HTTP: some at a time, with a time limit each, and again when they were not taken."""

import asyncio
import contextlib
from collections.abc import Sequence

import aiohttp

from sandbox.webhooks.dispatch import Dispatch, Webhooks

_AT_ONCE = 32
_SECONDS = 10.0  # how long an endpoint may take
_EARLY_SECONDS = 5.0  # how long an API call waits for a webhook that is to come before its answer


class Postman:
    """Started and stopped by the app's lifespan. What was not delivered stays in the events (`pending_webhooks`)."""

    def __init__(self, webhooks: Webhooks, retry_delays: Sequence[float]) -> None:
        self._webhooks = webhooks
        self._retry_delays = retry_delays
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[asyncio.Event] = set()  # reordered ones, until another was sent
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        self._webhooks.on_waiting = self._collect
        self._collect()

    async def stop(self) -> None:
        self._webhooks.on_waiting = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def deliver_now(self, dispatches: Sequence[Dispatch]) -> None:
        """Send these at once and wait for the first attempt; the rest goes on without the caller."""
        tasks = [self._begin(dispatch) for dispatch in dispatches]
        if tasks:
            await asyncio.wait(tasks, timeout=_EARLY_SECONDS)

    async def idle(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._tasks or self._webhooks.outbox:
            await asyncio.sleep(0)
            if self._tasks:
                await asyncio.wait(set(self._tasks))

    def _collect(self) -> None:
        while self._webhooks.outbox:
            self._begin(self._webhooks.outbox.popleft())

    def _begin(self, dispatch: Dispatch) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._deliver(dispatch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, dispatch: Dispatch) -> None:
        fault = dispatch.fault
        if dispatch.suffers("dropped"):
            self._webhooks.note(dispatch, 1, None, "dropped by a fault")
            return
        if fault is not None and fault.kind == "delayed":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "reordered":
            await self._await_the_next(fault.seconds)
        copies = fault.copies if fault is not None and fault.kind == "duplicate" else 1
        await asyncio.gather(*(self._attempts(dispatch) for _ in range(copies)))

    async def _await_the_next(self, seconds: float) -> None:
        another_sent = asyncio.Event()
        self._held.add(another_sent)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(another_sent.wait(), seconds)
        self._held.discard(another_sent)

    async def _attempts(self, dispatch: Dispatch) -> None:
        for attempt, delay in enumerate((*self._retry_delays, None), start=1):
            corrupted = attempt == 1 and dispatch.suffers("corrupted")
            status, error = await self._post(dispatch, corrupted=corrupted)
            delivered = self._webhooks.note(dispatch, attempt, status, error)
            for held in self._held:
                held.set()
            if delivered or delay is None:
                return
            await asyncio.sleep(delay)

    async def _post(self, dispatch: Dispatch, *, corrupted: bool) -> tuple[int | None, str | None]:
        if self._session is None or not self._webhooks.has(dispatch.endpoint):
            return None, "no endpoint"
        async with self._slots:
            signed = self._webhooks.prepared(dispatch, corrupted=corrupted)
            headers = {
                "Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": signed.signature,
                "User-Agent": "Stripe/1.0 (sandbox)",
            }
            try:
                post = self._session.post(
                    dispatch.endpoint.url, data=signed.body, headers=headers, allow_redirects=False
                )
                async with post as response:
                    return response.status, None
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                return None, type(error).__name__
