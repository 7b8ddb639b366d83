"""How many calls may go now: a token bucket as a value (PR-6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_minute` calls on the long run, at most `burst` at once; per_minute 0 = no limit. A burst below 1
    counts as 1: a bucket that never holds a whole call would send nothing for ever."""

    per_minute: float = 0
    burst: float = 0


def tokens_now(rate: Rate, tokens: float, since: datetime, now: datetime) -> float:
    """What the bucket holds: what was left, plus what has flowed in since, never above the burst."""
    if not rate.per_minute:
        return float("inf")
    elapsed = max((now - since).total_seconds(), 0)
    return min(tokens + elapsed * rate.per_minute / 60, max(rate.burst, 1.0))


def seconds_until_one(rate: Rate, tokens: float) -> float:
    """How long until one call may go; 0 when one may go now."""
    if not rate.per_minute or tokens >= 1:
        return 0
    return (1 - tokens) * 60 / rate.per_minute
