"""The shapes of digests."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.client.shapes import Shape


class Digest(Shape):
    """One period of a digest, or what a `holder` is asked about so many `incidents`; `state` is collecting or sent, `review` = what a rule suppressed,
    `delivered` maps connectors to how it went."""

    name: str = ""
    state: str = ""
    to: tuple[str, ...] = ()
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    alerts: int = 0
    holder: str = ""
    incidents: int = 0
    review: bool = False
    worst: str = ""
    subject: str = ""
    text: str = ""
    delivered: dict[str, str] = msgspec.field(default_factory=dict)
    fell_back_at: datetime | None = None


class DigestSent(Shape):
    """What left by hand: how many alerts."""

    name: str = ""
    alerts: int = 0
