"""What does the ack link in a mail say, and is it one of ours? (S52)

48 bytes as 64 characters of base64url: version, incident, life, end, whom it was sent to, and an HMAC-SHA256 over all
that, cut to 128 bits (RFC 2104 section 5 allows half of the hash, https://www.rfc-editor.org/rfc/rfc2104, 2026-12-01).
Whom it was sent to is a keyed print of an address and not the address: an address of a page stands in the logs of
proxies and in the history of browsers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

LASTS = timedelta(days=7)
"""From the asking on; a snooze lasts no longer, and whoever is asked again gets a new link."""

_VERSION = 1
_FIELDS = struct.Struct(">B16s3sI8s")
_MAC_BYTES, _PRINT_BYTES = 16, 8
_MOST_LIFE = 2**24 - 1
_LOOKS_LIKE_ONE = re.compile(r"[A-Za-z0-9_-]{64}")


@dataclass(frozen=True, slots=True)
class AckLink:
    """What a link says: `life` = that of the incident when it was sent, `whom` = `print_of` an address."""

    incident: UUID
    life: int
    ends_at: datetime
    whom: bytes


def print_of(key: bytes, address: str) -> bytes:
    """8 bytes that stand for an address, and tell nobody without the key which."""
    return _mac(key, b"whom", address.strip().lower().encode("utf-8", "replace"))[:_PRINT_BYTES]


def written(key: bytes, link: AckLink) -> str:
    """The link's last part: 64 characters that need no escaping in an address. `ends_at` is cut to whole seconds."""
    said = _FIELDS.pack(
        _VERSION, link.incident.bytes, min(link.life, _MOST_LIFE).to_bytes(3, "big"),
        int(link.ends_at.timestamp()), link.whom,
    )  # fmt: skip
    return base64.urlsafe_b64encode(said + _mac(key, b"link", said)[:_MAC_BYTES]).decode()


def read(key: bytes, text: str) -> AckLink | None:
    """What a link of ours says; None for every other text. Compared in constant time."""
    if _LOOKS_LIKE_ONE.fullmatch(text) is None:
        return None
    whole = base64.urlsafe_b64decode(text)
    said, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, b"link", said)[:_MAC_BYTES]):
        return None
    version, incident, life, ends_at, whom = _FIELDS.unpack(said)
    if version != _VERSION:
        return None
    return AckLink(
        UUID(bytes=incident), int.from_bytes(life, "big"), datetime.fromtimestamp(ends_at, UTC), whom
    )


def form_of(key: bytes, text: str) -> str:
    """What the page's form holds, so that a POST to a link alone, as some mail programs send by themselves, acts on
    nothing."""
    return _mac(key, b"form", text.encode())[:_MAC_BYTES].hex()


def is_form_of(key: bytes, text: str, given: str) -> bool:
    """Does a form come from the page of this link? Compared in constant time."""
    return hmac.compare_digest(form_of(key, text).encode(), given.encode("utf-8", "replace"))


def _mac(key: bytes, purpose: bytes, said: bytes) -> bytes:
    return hmac.digest(key, purpose + b"\0" + said, hashlib.sha256)
