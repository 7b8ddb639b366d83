"""May this connector be called now, and what does an answer do to that? (S33, PR-4)

closed --5 failures in a row--> open --wait--> half-open: ONE real queued write --ok--> closed
                                  ^----------------------------failed----------------'
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.values import replace

FAILURES_TO_OPEN = 5
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=30)
PROBE_LEASE = timedelta(seconds=15)
"""A probe whose node died is given up after this long."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    SLOW = "slow"  # takes pages and notifies nobody in time: open for pages alone (S30); stored as slow_until
    PAUSED = "paused"  # people paused the connector: it is asked for nothing; said by the configuration, never stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """State of one connector's breaker. `failures` counts in a row; `trips` how often it opened without
    a success between; `probe_at` when the next (or the running) probe may go."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    trips: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None


class Leave(StrEnum):
    """Whether a write may be sent."""

    SEND = "send"
    PROBE = "probe"  # exactly one
    WAIT = "wait"


def leave(breaker: Breaker, now: datetime) -> Leave:
    """May a queued write be sent now?"""
    if breaker.state is BreakerState.CLOSED:
        return Leave.SEND
    if breaker.probe_at is None or now >= breaker.probe_at:
        return Leave.PROBE
    return Leave.WAIT


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """A probe goes out now; nobody else may until it is answered or its node is given up."""
    return replace(breaker, state=BreakerState.HALF_OPEN, probe_at=now + PROBE_LEASE)


def after_success(breaker: Breaker) -> Breaker:
    """An answer that proves the connector works (2xx, or a 4xx about one incident)."""
    if breaker == Breaker():
        return breaker
    return Breaker()


def after_failure(breaker: Breaker, now: datetime) -> Breaker:
    """A failure that counts (5xx, time-out, connection fault, 401, 403). 429 never comes here."""
    failures = breaker.failures + 1
    if breaker.state is BreakerState.CLOSED and failures < FAILURES_TO_OPEN:
        return replace(breaker, failures=failures)
    if breaker.state is BreakerState.OPEN:
        # an answer to a call sent before it opened: no second trip
        return replace(breaker, failures=failures)
    trips = breaker.trips + 1
    wait = min(FIRST_WAIT * 2 ** min(trips - 1, 10), LONGEST_WAIT)
    return Breaker(
        state=BreakerState.OPEN,
        failures=failures,
        trips=trips,
        opened_at=breaker.opened_at or now,
        probe_at=now + wait,
    )


def backoff(attempt: int, jitter: float) -> timedelta:
    """Wait before attempt + 1: 1 s, 2 s, 4 s … at most 60 s, times 0.8 to 1.2 by `jitter` in [0, 1)."""
    seconds = min(2 ** min(max(attempt, 1) - 1, 10), 60)
    return timedelta(seconds=seconds * (0.8 + 0.4 * jitter))
