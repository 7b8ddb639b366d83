"""How many calls does a simulated vendor still take in this minute?"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Verdict:
    """Whether the call passes, and what the headers say: limit and remaining in calls, reset in whole seconds."""

    passes: bool
    limit: int
    remaining: int
    reset: int


@dataclass
class Limits:
    """Rolling 60 s limits, one per name and key. `per_minute` holds the numbers; a missing name is unlimited.

    PagerDuty: REST 960 a minute and 120 events a minute for one integration key are documented
    (developer.pagerduty.com, rate limits, researched 2026-11-20). That writes to /incidents and /oncalls have a smaller
    limit is documented without numbers; the Opsgenie figures depend on the plan and are not published: those three are ours.
    """

    now: Callable[[], datetime]
    enabled: bool = True
    per_minute: dict[str, int] = field(
        default_factory=lambda: {
            "pagerduty_rest": 960,
            "pagerduty_incident_writes": 240,
            "pagerduty_oncalls": 120,
            "pagerduty_events": 120,
            "opsgenie_alert": 600,
            "opsgenie_heartbeat": 600,
            "opsgenie_configuration": 300,
        }
    )
    _taken: dict[tuple[str, str], deque[datetime]] = field(default_factory=dict)

    def take(self, name: str, key: str) -> Verdict | None:
        """Count one call; None when limits are off. A refused call is not counted."""
        limit = self.per_minute.get(name)
        if not self.enabled or limit is None:
            return None
        now = self.now()
        taken = self._taken.setdefault((name, key), deque())
        while taken and now - taken[0] >= timedelta(seconds=WINDOW_SECONDS):
            taken.popleft()
        passes = len(taken) < limit
        if passes:
            taken.append(now)
        oldest = taken[0] if taken else now
        reset = math.ceil(WINDOW_SECONDS - (now - oldest).total_seconds())
        return Verdict(passes, limit, max(limit - len(taken), 0), max(reset, 1))

    def shown(self) -> dict[str, object]:
        return {"enabled": self.enabled, "per_minute": dict(self.per_minute)}

    def forget(self) -> None:
        self._taken.clear()
