"""Requests that this node refused because its queue or its disk is full: counted by sender (S17)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.core.refused import Full, Tally

BELL = "room"
_MOST_SENDERS = 200
_OTHERS = "others"


@dataclass(slots=True)
class Refused:
    """One node's count since the last alarm was over. `counted` is told of each: integration, and what was full.
    `no_room` = the disk of the database is so full that nothing more is taken, although the database is there."""

    by_sender: Counter[str] = field(default_factory=Counter)
    counted: list[Callable[[str, Full], None]] = field(default_factory=list)
    since: datetime | None = None
    last_at: datetime | None = None
    full: Full = Full.QUEUE
    untold: bool = False
    no_room: bool = False

    def note(self, integration: str, address: str, full: Full, now: datetime) -> None:
        """One request was refused."""
        sender = f"{integration} from {address}" if address else integration
        if sender not in self.by_sender and len(self.by_sender) >= _MOST_SENDERS:
            sender = _OTHERS
        self.by_sender[sender] += 1
        self.since, self.last_at = self.since or now, now
        self.full, self.untold = full, True
        for tell in self.counted:
            tell(integration, full)

    @property
    def tally(self) -> Tally | None:
        """What is not told yet; None = nothing."""
        if not self.untold or self.since is None:
            return None
        return Tally(since=self.since, by_sender=dict(self.by_sender), full=self.full)

    def begin_anew(self) -> None:
        """The alarm is over."""
        self.by_sender.clear()
        self.since = None
