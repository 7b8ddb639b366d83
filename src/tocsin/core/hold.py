"""Which pages wait, and until when: after downtime (S46), and while an older copy of the database is held (S48)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.core.severity import Severity

BARRIER = timedelta(seconds=10)
"""After downtime pages wait so long for what came in it, the critical ones not at all."""

HOLD_FOR = timedelta(minutes=2)
"""So long an older copy of the database is held, unless somebody resumes."""

DOWN_FOR = timedelta(seconds=30)
"""Nobody looked in for longer: that was downtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What was there before `since` waits until `until`: it may be over elsewhere. What is new and critical
    does not wait."""

    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What may leave now: pages of at least this rank, and (None = whatever its age) made since then."""

    least: int = 0
    made_since: datetime | None = None

    @property
    def shut(self) -> bool:
        """True while anything waits at it."""
        return self.least > 0 or self.made_since is not None


def gate(hold: Hold | None, barrier_until: datetime | None, now: datetime) -> Gate:
    """The gate at `now`."""
    if hold is not None and now < hold.until:
        return Gate(Severity.CRITICAL.rank, hold.since)
    if barrier_until is not None and now < barrier_until:
        return Gate(Severity.CRITICAL.rank)
    return Gate()


def could_leave_since(
    awake_since: datetime | None, barrier_until: datetime | None, severity: Severity
) -> datetime | None:
    """Since when a page of this severity can leave at all, so that nobody's patience runs out while it is held here
    (None = since ever)."""
    if barrier_until is None or severity.rank >= Severity.CRITICAL.rank:
        return awake_since
    return max(awake_since or barrier_until, barrier_until)
