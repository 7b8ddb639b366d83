"""How often may an address be wrong? So many times at once, then so many a minute (TR-5)."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

BURST, PER_MINUTE = 20, 10
_MOST_ADDRESSES = 10_000


class Throttle:
    """Counts what was wrong, by address; of one process."""

    def __init__(self, *, burst: int = BURST, per_minute: int = PER_MINUTE) -> None:
        self._burst, self._per_minute = burst, per_minute
        self._spent: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def count(self, address: str, now: datetime) -> None:
        """It was wrong once more."""
        self._spent[address] = (self._left(address, now) + 1, now)
        self._spent.move_to_end(address)
        while len(self._spent) > _MOST_ADDRESSES:
            self._spent.popitem(last=False)

    def waits(self, address: str, now: datetime) -> int:
        """Seconds until this address may try again; 0 = it may."""
        over = self._left(address, now) - self._burst
        return max(1, round((over + 1) * 60 / self._per_minute)) if over > -1 else 0

    def _left(self, address: str, now: datetime) -> float:
        spent, at = self._spent.get(address, (0.0, now))
        passed = max((now - at).total_seconds(), 0.0)
        return max(spent - passed * self._per_minute / 60, 0.0)
