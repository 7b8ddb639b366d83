"""What is an address told that was wrong too often? Tokens and one-time codes cannot be tried out without end (TR-5)."""

from __future__ import annotations

from datetime import datetime

from tocsin.core.errors import Later
from tocsin.core.throttle import Throttle


class TooMany(Later):
    """This address was wrong too often."""

    code = "too_many_attempts"


def refuse(throttle: Throttle, what: str, address: str, now: datetime) -> None:
    """Raises TooMany while the address was wrong too often."""
    wait = throttle.waits(address, now)
    if wait:
        raise TooMany(
            f"Too many wrong {what} came from {address or 'this address'}; this one was not looked at",
            retry_after_seconds=wait,
            hint=f"come again in {wait} s with a right one; behind a proxy TOCSIN_TRUSTED_PROXIES tells callers apart",
        )
