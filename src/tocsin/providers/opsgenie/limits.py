"""What do Opsgenie's answers say of its rate limit? A state, and how long a refusal lasts, but no figures.

`X-RateLimit-State` (OK, THROTTLED) and `X-RateLimit-Period-In-Sec`: https://docs.opsgenie.com/docs/api-rate-limiting
(2026-11-20). JSM answers 429 with `Retry-After`: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
(2026-10-20).
"""

from __future__ import annotations

from datetime import timedelta

from tocsin.core.allowance import Allowance, number
from tocsin.core.ports import Response


def allowance(answer: Response) -> Allowance | None:
    """Whether it refused for its limit, and for how long."""
    state = answer.headers.get("x-ratelimit-state", "").upper()
    throttled = state == "THROTTLED" or answer.status == 429
    if not state and not throttled:
        return None
    wait = number(
        answer.headers.get("x-ratelimit-period-in-sec", "") or answer.headers.get("retry-after", "")
    )
    return Allowance(
        throttled=throttled,
        resets_in=timedelta(seconds=min(wait, 86_400)) if throttled and wait is not None else None,
    )
