"""Which id does the next simulated thing get? The same seed gives the same ids in the same order."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Ids:
    """Ids by kind, derived from a seed and a counter per kind."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def number(self, kind: str) -> int:
        """1, 2, 3 ... for that kind."""
        self._counts[kind] += 1
        return self._counts[kind]

    def letters(self, kind: str, prefix: str, length: int) -> str:
        """Capitals and digits, as PagerDuty's ids (`Q` and 14 characters for an incident)."""
        digest = self._digest(kind)
        return prefix + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[: length - len(prefix)])

    def hexadecimal(self, kind: str, length: int) -> str:
        return self._digest(kind).hex()[:length]

    def uuid(self, kind: str) -> str:
        return str(uuid.UUID(bytes=self._digest(kind)[:16], version=4))

    def secret(self, kind: str, length: int = 64) -> str:
        """A signing secret. It is predictable on purpose: it protects nothing but a rehearsal."""
        first, second = self._digest(kind), self._digest(kind)
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in first + second)[:length]

    def _digest(self, kind: str) -> bytes:
        return hashlib.sha256(f"{self._seed}/{kind}/{self.number(kind)}".encode()).digest()

    def forget(self) -> None:
        """Start over: the next ids are the first ones again."""
        self._counts.clear()
