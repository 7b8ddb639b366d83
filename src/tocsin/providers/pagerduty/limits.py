"""What do PagerDuty's answers say of its rate limit?

Headers `ratelimit-limit`, `-remaining`, `-reset` (seconds), of whichever limit is closest; a 429 may come without them:
https://developer.pagerduty.com/docs/rest-api-rate-limits (2026-11-20).
"""

from __future__ import annotations

from datetime import timedelta

from tocsin.core.allowance import Allowance, number
from tocsin.core.ports import Response


def allowance(answer: Response) -> Allowance | None:
    """The figures of the headers."""
    limit, remaining, reset = (
        number(answer.headers.get(f"ratelimit-{name}", "")) for name in ("limit", "remaining", "reset")
    )
    if limit is None and remaining is None and answer.status != 429:
        return None
    return Allowance(
        limit=limit, remaining=remaining, resets_in=None if reset is None else timedelta(seconds=min(reset, 86_400)),
        throttled=answer.status == 429,
    )  # fmt: skip
