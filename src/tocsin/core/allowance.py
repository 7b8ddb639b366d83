"""How much of a provider's rate limit is left, by its own answer?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from tocsin.core.ports import Response

ABILITY = "allowance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What an answer says of the limit that is closest: `limit` calls, of which `remaining` are left until it begins
    anew in `resets_in`. None = it does not say. `throttled` = it has just refused for it."""

    limit: int | None = None
    remaining: int | None = None
    resets_in: timedelta | None = None
    throttled: bool = False


class Tells(Protocol):
    """A provider whose manifest has the ability `allowance`."""

    def allowance(self, answer: Response) -> Allowance | None:
        """What the answer says of the rate limit; None when it says nothing."""


def number(text: str, most: int = 10**9) -> int | None:
    """A header's whole number, not negative; None for anything else."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 12):
        return None
    return min(int(plain), most)
