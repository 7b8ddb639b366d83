"""New names: ids that sort by time, and secrets nobody guesses."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from tocsin.store.database import uuid_of

_KEPT, _VERSION = ~(0xF << 76 | 0x3 << 62), 0x7 << 76 | 0x2 << 62
_pool, _used = b"", 0


def _random_bytes(count: int) -> bytes:
    """Random bytes from a block asked of the kernel at once: an id for every event adds up."""
    global _pool, _used
    if _used + count > len(_pool):
        _pool, _used = secrets.token_bytes(2048), 0
    _used += count
    return _pool[_used - count : _used]


def new_id(now: datetime) -> UUID:
    """A UUID version 7 (RFC 9562): the first 48 bits are the milliseconds of `now`."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    value = milliseconds << 80 | int.from_bytes(_random_bytes(10), "big")
    return uuid_of((value & _KEPT | _VERSION).to_bytes(16, "big"))


def new_token() -> str:
    """An API token: "tsn_" and 43 url-safe characters (256 bits)."""
    return "tsn_" + secrets.token_urlsafe(32)


def jitter() -> float:
    """A number in [0, 1) that keeps retries of many from falling together."""
    return secrets.randbelow(1 << 24) / (1 << 24)
