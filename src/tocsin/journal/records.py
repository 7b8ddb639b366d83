"""How does a record lie in a file, and where does a file that was cut off stop making sense?

length of the body (4 bytes, big-endian) | CRC-32 of length and body (4 bytes) | body
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_HEAD = struct.Struct(">II")
MOST_BYTES = 64 * 1024 * 1024
"""Of one body. A length above it is damage, not a record."""


@dataclass(frozen=True, slots=True)
class Cut:
    """From byte `at` on nothing can be read; `lost_bytes` follow. A kill or a loss of power in the middle of
    an append leaves this at the end of a file: nobody was answered for it."""

    at: int
    lost_bytes: int


def framed(body: bytes) -> bytes:
    """One record as it is written. Raises ValueError for a body above MOST_BYTES."""
    if len(body) > MOST_BYTES:
        raise ValueError(f"a record of {len(body)} bytes; at most {MOST_BYTES} are taken")
    length = len(body).to_bytes(4, "big")
    return _HEAD.pack(len(body), zlib.crc32(body, zlib.crc32(length))) + body


def records_in(data: bytes) -> Iterator[bytes | Cut]:
    """The bodies in order; a Cut comes last, where one is."""
    at = 0
    while at < len(data):
        body = _body(data, at)
        if body is None:
            yield Cut(at, len(data) - at)
            return
        yield body
        at += _HEAD.size + len(body)


def _body(data: bytes, at: int) -> bytes | None:
    start = at + _HEAD.size
    if start > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, at)
    if length > MOST_BYTES or start + length > len(data):
        return None
    body = data[start : start + length]
    return body if zlib.crc32(body, zlib.crc32(data[at : at + 4])) == checksum else None
