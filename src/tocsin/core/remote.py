"""Ours against a provider's view of one incident: who tells whom what (S36, S38, S40 to S43)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.lifecycle import Act
from tocsin.core.model import Incident
from tocsin.core.policy import Direction
from tocsin.core.ports import ChangeKind, RemoteChange, RemoteStatus

ECHO_WINDOW = timedelta(minutes=2)
LATE_SKEW = timedelta(seconds=30)
OUR_MARK = "(via Tocsin)"
"""What our providers sign a person's words with when they cannot write as that person."""


class Verdict(StrEnum):
    """What becomes of a change told by a provider."""

    APPLY = "apply"  # an act follows
    FACT = "fact"  # a rung or state of the remote is noted, nothing else
    ECHO = "echo"  # our own write coming back
    DIVERGENCE = "divergence"  # listed, not applied
    RECORD = "record"  # stored and told


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the act when it is APPLY, the remote's state now known, and why."""

    verdict: Verdict
    reason: str
    act: Act | None = None
    status: RemoteStatus | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A write of ours that has not been seen confirmed."""

    transition: str
    at: datetime
    note: str = ""


_STATUS: dict[ChangeKind, RemoteStatus] = {
    ChangeKind.TRIGGERED: RemoteStatus.TRIGGERED,
    ChangeKind.ACKNOWLEDGED: RemoteStatus.ACKNOWLEDGED,
    ChangeKind.UNACKNOWLEDGED: RemoteStatus.TRIGGERED,
    ChangeKind.RESOLVED: RemoteStatus.RESOLVED,
    ChangeKind.REOPENED: RemoteStatus.TRIGGERED,
    ChangeKind.MERGED: RemoteStatus.RESOLVED,
}
_ACT: dict[ChangeKind, Act] = {
    ChangeKind.ACKNOWLEDGED: Act.ACKNOWLEDGE,
    ChangeKind.UNACKNOWLEDGED: Act.UNACKNOWLEDGE,
    ChangeKind.RESOLVED: Act.RESOLVE,
    ChangeKind.REOPENED: Act.REOPEN,
    ChangeKind.NOTE: Act.NOTE,
}


def judge(
    change: RemoteChange,
    incident: Incident,
    *,
    direction: Direction,
    current_life: bool,
    expected: tuple[Expected, ...],
    page_started_at: datetime | None,
    now: datetime,
) -> Judgement:
    """What a change means for the incident it belongs to.

    `current_life` False = it speaks of a life that is over (S37). `expected` are our own unconfirmed
    writes there; being made by our own account is never proof by itself (S38).
    """
    status = _STATUS.get(change.kind)
    if _is_echo(change, expected, now):
        return Judgement(Verdict.ECHO, "our own write, seen confirmed", status=status)
    if not current_life:
        return Judgement(Verdict.RECORD, "it belongs to an earlier life of the incident")
    if change.kind in (ChangeKind.TRIGGERED, ChangeKind.NOTIFIED):
        return Judgement(
            Verdict.FACT, "created there" if status else "somebody was notified there", status=status
        )
    if change.kind is ChangeKind.MERGED:
        return Judgement(Verdict.RECORD, "merged there; the merge's target goes on", status=None)
    act = _ACT.get(change.kind)
    if act is None:
        return Judgement(Verdict.RECORD, f"{change.raw_type or change.kind.value} is recorded")
    if direction is Direction.OUTBOUND:
        return Judgement(
            Verdict.DIVERGENCE, "the connector is outbound: changes made there are listed only", status=status
        )
    if incident.life > 1 and _came_late(change, page_started_at) and act is not Act.NOTE:
        return Judgement(Verdict.RECORD, "it happened before the incident was last opened")
    return Judgement(Verdict.APPLY, f"{change.person or 'a machine'} did it there", act=act, status=status)


def _is_echo(change: RemoteChange, expected: tuple[Expected, ...], now: datetime) -> bool:
    return any(confirms(change, e) and now - e.at <= ECHO_WINDOW for e in expected)


def confirms(change: RemoteChange, write: Expected) -> bool:
    """True when the change is that write of ours coming back; a note must also hold our text, since a
    person may write one of their own at the same moment."""
    if write.transition != change.kind.value:
        return False
    if change.kind is not ChangeKind.NOTE:
        return True
    told = change.note.strip()
    return bool(write.note) and (told == write.note.strip() or (OUR_MARK in told and write.note in told))


def _came_late(change: RemoteChange, page_started_at: datetime | None) -> bool:
    """Told by the provider's clock, so half a minute of skew is forgiven: an acknowledgement that is
    dropped wrongly costs more than one applied a moment late."""
    if change.occurred_at is None or page_started_at is None:
        return False
    return change.occurred_at < page_started_at - LATE_SKEW
