"""How do the simulated vendors' webhooks reach their receiver: in order, with retries, with the ordered trouble?

One lane per (subscription, resource): what waits behind a failing delivery goes out only after it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace  # noqa: TID251 - it knows nothing of the core
from typing import Any

import aiohttp

from tocsin.sandbox.clock import Clock, iso_millis
from tocsin.sandbox.faults import WEBHOOK_KINDS, Fault, Faults

_LATE_SECONDS = 300.0
_OUT_OF_ORDER_SECONDS = 5.0
KEPT = 5000
DISTRUSTED = "the receiver's certificate is not trusted; such a delivery is lost at once"


@dataclass(frozen=True)
class Manners:
    """How a vendor delivers: seconds it waits for an answer, seconds between tries, for how long, what it gives up on."""

    timeout: float
    retry_after: tuple[float, ...]
    last_retry_repeats_for: float
    drops_on_4xx: bool
    strikes: int | None


@dataclass(frozen=True)
class Parcel:
    """One delivery: the same id, bytes and headers at every try."""

    id: str
    vendor: str
    subscription: str
    resource: str
    event: str
    operation: str
    url: str
    headers: dict[str, str]
    bad_headers: dict[str, str]
    body: bytes


@dataclass
class Lane:
    waiting: deque[Parcel] = field(default_factory=deque)
    tries: int = 0
    spent: float = 0.0
    busy: bool = False


class Postman:
    """Sends parcels. `delivered` and `dropped` tell the vendor how it went (three-strike rules are its own)."""

    def __init__(self, clock: Clock, faults: Faults, manners: Manners) -> None:
        self._clock = clock
        self._faults = faults
        self._manners = manners
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._held: dict[tuple[str, str], list[Parcel]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.attempts: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.delivered: Callable[[str], None] = lambda _: None
        self.dropped: Callable[[str], None] = lambda _: None

    def post(self, parcel: Parcel) -> None:
        """Take a parcel; an ordered webhook fault may drop, double, delay, reorder or spoil it."""
        fault = self._faults.strike(parcel.vendor, "webhook", parcel.operation, parcel.url, WEBHOOK_KINDS)
        lane = (parcel.subscription, parcel.resource)
        if fault is None:
            self._queue(lane, parcel)
            self._release(lane)
        else:
            self._post_with_fault(lane, parcel, fault)

    def _post_with_fault(self, lane: tuple[str, str], parcel: Parcel, fault: Fault) -> None:
        if fault.kind == "webhook_drop":
            self._write(parcel, None, "dropped by an ordered fault")
        elif fault.kind == "webhook_bad_signature":
            self._queue(lane, replace(parcel, headers=parcel.bad_headers))
        elif fault.kind == "webhook_double":
            self._queue(lane, parcel)
            self._queue(lane, parcel)
        elif fault.kind == "webhook_late":
            self._clock.call_later(fault.seconds or _LATE_SECONDS, lambda: self._queue(lane, parcel))
        else:
            self._held.setdefault(lane, []).append(parcel)
            self._clock.call_later(fault.seconds or _OUT_OF_ORDER_SECONDS, lambda: self._release(lane))

    def purge(self, subscription: str) -> None:
        """Forget everything that waits for a subscription."""
        for key in [key for key in self._lanes if key[0] == subscription]:
            self._lanes.pop(key).waiting.clear()

    def forget(self) -> None:
        for lane in self._lanes.values():
            lane.waiting.clear()
        self._lanes.clear()
        self._held.clear()
        self.attempts.clear()

    async def settle(self) -> None:
        """Wait until no attempt is under way (retries that wait for their time do not count)."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        self.forget()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _release(self, key: tuple[str, str]) -> None:
        for parcel in self._held.pop(key, []):
            self._queue(key, parcel)

    def _queue(self, key: tuple[str, str], parcel: Parcel) -> None:
        lane = self._lanes.setdefault(key, Lane())
        lane.waiting.append(parcel)
        if not lane.busy:
            self._go(lane)

    def _go(self, lane: Lane) -> None:
        lane.busy = True
        task = asyncio.get_running_loop().create_task(self._drive(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drive(self, lane: Lane) -> None:
        while lane.waiting:
            parcel = lane.waiting[0]
            status, problem = await self._attempt(parcel)
            again = None if problem == DISTRUSTED else self._worth_another(lane, status)
            self._write(parcel, status, problem, "retry" if again is not None else None)
            if again is not None:
                self._clock.call_later(again, lambda: self._go(lane))
                return
            lane.tries, lane.spent = 0, 0.0
            if lane.waiting and lane.waiting[0] is parcel:
                lane.waiting.popleft()
            (self.delivered if status is not None and status < 300 else self.dropped)(parcel.subscription)
        lane.busy = False

    def _worth_another(self, lane: Lane, status: int | None) -> float | None:
        """Seconds until the next try; None when delivered or given up."""
        manners = self._manners
        if not lane.waiting or (status is not None and status < 300):
            return None
        if manners.drops_on_4xx and status is not None and 300 <= status < 500 and status != 429:
            return None
        steps = manners.retry_after
        if lane.tries >= len(steps) and lane.spent >= manners.last_retry_repeats_for:
            return None
        wait = steps[min(lane.tries, len(steps) - 1)]
        lane.tries += 1
        lane.spent += wait
        return wait

    async def _attempt(self, parcel: Parcel) -> tuple[int | None, str | None]:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        timeout = aiohttp.ClientTimeout(total=self._manners.timeout)
        try:
            async with self._session.post(
                parcel.url, data=parcel.body, headers=parcel.headers, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status, None
        except aiohttp.ClientSSLError:
            return None, DISTRUSTED
        except TimeoutError:
            return None, f"no answer within {self._manners.timeout:g} s"
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return None, f"{type(error).__name__}: {error}"

    def _write(
        self, parcel: Parcel, status: int | None, problem: str | None, then: str | None = None
    ) -> None:
        self.attempts.append(
            {
                "at": iso_millis(self._clock.now()),
                "vendor": parcel.vendor,
                "delivery": parcel.id,
                "subscription": parcel.subscription,
                "resource": parcel.resource,
                "event": parcel.event,
                "status": status,
                "problem": problem,
                "then": then,
            }
        )
