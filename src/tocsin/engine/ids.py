"""New names: ids that sort by time, and secrets nobody guesses."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

_pool = b""


def _random_bytes(count: int) -> bytes:
    """Random bytes from a block asked of the kernel at once: an id for every event adds up."""
    global _pool
    if len(_pool) < count:
        _pool = secrets.token_bytes(2048)
    taken, _pool = _pool[:count], _pool[count:]
    return taken


def new_id(now: datetime) -> UUID:
    """A UUID version 7 (RFC 9562): the first 48 bits are the milliseconds of `now`."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    tail = int.from_bytes(_random_bytes(10), "big")
    value = milliseconds << 80 | tail
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def new_token() -> str:
    """An API token: "tsn_" and 43 url-safe characters (256 bits)."""
    return "tsn_" + secrets.token_urlsafe(32)


def jitter() -> float:
    """A number in [0, 1) that keeps retries of many from falling together."""
    return secrets.randbelow(1 << 24) / (1 << 24)
