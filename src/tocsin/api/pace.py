"""How often may one name ask? A bucket for each, in this process alone; old ones are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic


class Pace:
    """`most` at once for each name, and as many again in a minute."""

    def __init__(
        self, most: int, *, names: int = 10_000, clock: Callable[[], float] = monotonic
    ) -> None:  # fmt: skip
        self._most, self._names, self._clock = most, names, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, name: str) -> bool:
        """True when it may ask now; that counts."""
        now = self._clock()
        left, at = self._left.pop(name, (float(self._most), now))
        left = min(self._most, left + (now - at) * self._most / 60)
        self._left[name] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > self._names:
            self._left.popitem(last=False)
        return left >= 1
