"""What time is it for the simulated vendors, and what is due?

Sandbox time is the wall clock plus an offset that only grows. `advance` walks through everything that falls due on the
way, in order, so that a test sees an hour of escalations in a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_LOG = logging.getLogger(__name__)


@dataclass(order=True)
class Timer:
    """One thing due at `at`; `cancel` forgets it."""

    at: datetime
    order: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Sandbox time (UTC) and its timers. `wall` gives the real time; it is the only source of time here."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._offset = timedelta(0)
        self._timers: list[Timer] = []
        self._order = 0
        self._woken = asyncio.Event()
        self._walking = asyncio.Lock()
        self.settle: Callable[[], Awaitable[None]] = _nothing

    @property
    def offset_seconds(self) -> float:
        return self._offset.total_seconds()

    def now(self) -> datetime:
        return self._wall() + self._offset

    def call_at(self, at: datetime, action: Callable[[], None]) -> Timer:
        """Run `action` once sandbox time reaches `at`."""
        self._order += 1
        timer = Timer(at, self._order, action)
        heapq.heappush(self._timers, timer)
        self._woken.set()
        return timer

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        return self.call_at(self.now() + timedelta(seconds=seconds), action)

    async def advance(self, seconds: float) -> datetime:
        """Move on by `seconds` (>= 0), running what falls due in order; waits for the webhooks this sends."""
        async with self._walking:
            target = self.now() + timedelta(seconds=seconds)
            await self.settle()
            while (timer := self._take_due(target)) is not None:
                self._reach(timer.at)
                timer.action()
                await self.settle()
            self._reach(target)
            return self.now()

    def forget(self) -> None:
        """Drop every timer and return to the wall clock."""
        self._timers.clear()
        self._offset = timedelta(0)

    async def run(self) -> None:
        """Run timers as real time passes; ends when cancelled."""
        while True:
            self._woken.clear()
            async with self._walking:
                while (timer := self._take_due(self.now())) is not None:
                    _fire(timer)
            wait = (self._timers[0].at - self.now()).total_seconds() if self._timers else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if wait is None else max(wait, 0.001)):
                    await self._woken.wait()

    def _reach(self, at: datetime) -> None:
        behind = at - self.now()
        if behind > timedelta(0):
            self._offset += behind

    def _take_due(self, until: datetime) -> Timer | None:
        while self._timers and (self._timers[0].cancelled or self._timers[0].at <= until):
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                return timer
        return None


def _fire(timer: Timer) -> None:
    """Run one timer; a failing one must not stop the clock for all others."""
    try:
        timer.action()
    except Exception:  # noqa: BLE001 whatever a timer does, the clock must go on
        _LOG.exception("A sandbox timer due at %s failed; the others go on", timer.at)


async def _nothing() -> None:
    return


def iso_seconds(at: datetime) -> str:
    """2026-01-31T10:00:00Z, as PagerDuty's REST API writes times."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_millis(at: datetime) -> str:
    """2026-01-31T10:00:00.123Z, as webhooks and Opsgenie write times."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
