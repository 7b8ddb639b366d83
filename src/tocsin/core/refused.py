"""Senders were refused because the queue or the disk is full: what does the hub say of itself? (S17)

Many senders never come again, so each refusal is a page that may be lost: the alarm is critical, and names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.alarm import Alarm
from tocsin.core.severity import Severity

OVER_AFTER = timedelta(minutes=5)
"""So long after the last refusal the alarm is over."""

LEAST_ROOM = 64 * 1024**2
"""Bytes that are left to the database on its own disk: what is taken already must be decided, sent and settled."""

_NAMED = 10


class Full(StrEnum):
    """What took no more."""

    QUEUE = "queue"
    DISK = "disk"


_WHY = {
    Full.QUEUE: "more events waited to be stored than the queue holds: the database takes them too slowly, or a sender floods",
    Full.DISK: "the disk of its data folder is full",
}
_NEXT = {
    Full.QUEUE: "Next: `im status` tells how the database is; a sender that floods is slowed down or its integration paused",
    Full.DISK: "Next: make room on that disk",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one node refused since `since`: requests by sender ("prometheus from 10.0.0.7"), and what was full last."""

    since: datetime
    by_sender: Mapping[str, int]
    full: Full

    @property
    def requests(self) -> int:
        return sum(self.by_sender.values())


def key_of(node: str) -> str:
    """The name of a node's alarm."""
    return f"refused/{node}"


def of_gone(going_on: Mapping[str, datetime], up: Iterable[str], now: datetime) -> list[str]:
    """Which of these alarms, by name and last seen, are of no node that is up and over: a node that is gone for good
    refuses nobody and cannot say so."""
    own = {key_of(name) for name in up}
    return sorted(
        key for key, seen in going_on.items() if _of_node(key) and key not in own and is_over(seen, now)
    )


def _of_node(key: str) -> bool:
    return key.startswith(key_of(""))


def alarm_of(node: str, tally: Tally) -> Alarm:
    """What the hub says of it: how many, whose, why, and what to do."""
    ordered = sorted(tally.by_sender.items(), key=lambda entry: (-entry[1], entry[0]))
    named = ", ".join(f"{sender} ({count})" for sender, count in ordered[:_NAMED])
    more = len(ordered) - _NAMED
    senders = named + (f" and {more} more" if more > 0 else "")
    what = "requests" if tally.requests != 1 else "request"
    return Alarm(
        key=key_of(node), severity=Severity.CRITICAL, title=f"{node} refuses alerts: its {tally.full.value} is full",
        text=f"Since {tally.since:%Y-%m-%d %H:%M:%S} UTC {tally.requests} {what} were answered 429, for {_WHY[tally.full]}."
        f" Many senders never come again, so what they had to say may be lost: look at them by hand. They are: {senders}."
        f" {_NEXT[tally.full]}.",
    )  # fmt: skip


def is_over(last_at: datetime, now: datetime) -> bool:
    """Was nobody refused for long enough?"""
    return now - last_at >= OVER_AFTER
