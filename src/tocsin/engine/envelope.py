"""A request on its way through the door: what is in it, what became of it, and where it goes when the database is away."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import msgspec

from tocsin.core.dedup import Fresh, Reading
from tocsin.core.model import Event
from tocsin.store.intake import RawRequest


@dataclass(slots=True)
class Envelope:
    """One request with the events read in it. Stored as a whole or not at all.

    `kept` may be how to make the request as it is kept: a counted repeat keeps none.
    `prints` are the fingerprints of `events` where they are known already; `names` what its alerts are called
    already, one for each event (given back by the journal).
    """

    kept: RawRequest | Callable[[], RawRequest]
    scope: str
    events: Sequence[Event]
    prints: Sequence[bytes] | None
    done: asyncio.Future[list[Admitted]] = field(repr=False)
    names: Sequence[Fresh] | None = None

    @property
    def raw(self) -> RawRequest:
        if not isinstance(self.kept, RawRequest):
            self.kept = self.kept()
        return self.kept


class Admitted(msgspec.Struct, frozen=True):
    """What became of one event: the alert it belongs to, None when it touches none. `kept` = by the journal:
    whether it belongs to an older alert is not known yet."""

    alert_id: UUID | None
    correlation_id: str
    status: str
    duplicate: bool
    reading: Reading
    dedup_key: str
    reason: str
    kept: bool = False


class Beside(Protocol):
    """Where requests go while the database is away (`engine/keep.py`)."""

    keeping: bool

    def lost(self, fault: Exception) -> None:
        """The database is away."""

    async def keep(self, group: list[Envelope]) -> bool:
        """Keep and answer them; False = the database is there again, nothing was kept."""


def fingerprint(event: Event) -> bytes:
    """16 bytes that are equal exactly when two creates say the same, the sender's clock left out."""
    said = (
        event.title, event.description, event.severity, event.quiet, event.source, event.services, event.team,
        event.labels, event.tags, event.details, [(link.href, link.text) for link in event.links],
    )  # fmt: skip
    return hashlib.blake2b(_encoder.encode(said), digest_size=16).digest()


_encoder = msgspec.json.Encoder(order="deterministic")
