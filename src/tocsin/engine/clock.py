"""What time is it for every node? The database's clock, followed between looks by the monotonic one (S49).

A node whose own clock is an hour off decides as the others do, and a clock that is set does not make an hour
pass: what was to happen in ten minutes happens in ten minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

JUMP = timedelta(seconds=60)
"""The database's clock moved so much further than time did: it was set."""

SKEW = timedelta(seconds=2)
"""More between the node's own clock and the database's is told."""

SLEW = timedelta(milliseconds=50)
"""At most so much is corrected at one look, so that time never runs backwards or stands still."""


def _steady() -> float:
    """Seconds that count on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the database's clock showed: how far the node's own clock is ahead of it, and by how much
    the database's was set (None = it was not). `again` = the look before had shown that it was set, too."""

    skew: timedelta
    jump: timedelta | None = None
    again: bool = False


class HubClock:
    """Called, it gives the time. `wall` is the node's own clock, `steady` counts seconds and is never set."""

    def __init__(self, wall: Callable[[], datetime], steady: Callable[[], float] = _steady) -> None:
        self._wall, self._steady = wall, steady
        self._base, self._at = wall(), steady()
        self._met = False
        self._set: tuple[datetime, float] | None = None
        self.owing: timedelta | None = None
        """By so much what is due is still to be moved."""

    def __call__(self) -> datetime:
        return self._base + timedelta(seconds=self._steady() - self._at)

    def steady(self) -> float:
        return self._steady()

    def observe(self, there: datetime, asked: float, answered: float) -> Seen:
        """The database said `there` between these two readings of the steady clock. That it was set is seen, and
        followed when it is told to: `adopt`."""
        middle = (asked + answered) / 2
        ours = self._base + timedelta(seconds=middle - self._at)
        skew = self._wall() - timedelta(seconds=self._steady() - middle) - there
        ahead = there - ours
        first, self._met = not self._met, True
        again, self._set = self._set is not None, None
        if first:
            self._base, self._at = there, middle
            return Seen(skew)
        if abs(ahead) > JUMP:
            self._set = there, middle
            return Seen(skew, ahead, again)
        self._base += min(max(ahead, -SLEW), SLEW)
        return Seen(skew)

    def adopt(self) -> None:
        """From now on it is the time that was last seen."""
        if self._set is not None:
            (self._base, self._at), self._set = self._set, None


def moved_by(seen: Seen, since_last: timedelta) -> timedelta | None:
    """By how much the database's clock was set, when this node is the one to move what is due; else None.

    `since_last` is how long, by that clock, no node had looked in. The first to look after a jump finds it in
    there; the others follow the new time. A node that slept, while others did not, finds nothing.
    """
    if seen.jump is not None and abs(since_last) > JUMP:
        return seen.jump
    return since_last if since_last < -JUMP else None
