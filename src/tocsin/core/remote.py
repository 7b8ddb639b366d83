"""Ours against a provider's view of one incident: who tells whom what (S36, S38, S40 to S43)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.lifecycle import Act
from tocsin.core.model import Incident, IncidentStatus
from tocsin.core.policy import Direction
from tocsin.core.ports import ChangeKind, RemoteChange, RemoteStatus

ECHO_WINDOW = timedelta(minutes=2)
LATE_SKEW = timedelta(seconds=30)
OUR_MARK = "(via Tocsin)"
"""What our providers sign a person's words with when they cannot write as that person."""


ANYBODY = "*"
"""Whom an escalation of ours gives it to is the provider's to say."""


class Verdict(StrEnum):
    """What becomes of a change told by a provider."""

    APPLY = "apply"  # an act follows
    FOLLOW = "follow"  # merged there: the target is ours from now on
    UNDO = "undo"  # a reopen by our own race: it is resolved there again
    FACT = "fact"  # a rung or state of the remote is noted, nothing else
    ECHO = "echo"  # our own write coming back
    DIVERGENCE = "divergence"  # listed, not applied
    RECORD = "record"  # stored and told


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the act when it is APPLY, the remote's state now known, and why. `then` = a second act that
    follows at once."""

    verdict: Verdict
    reason: str
    act: Act | None = None
    status: RemoteStatus | None = None
    then: Act | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A write of ours that has not been seen confirmed."""

    transition: str
    at: datetime
    note: str = ""


_STATUS: dict[ChangeKind, RemoteStatus] = {
    ChangeKind.TRIGGERED: RemoteStatus.TRIGGERED,
    ChangeKind.ACKNOWLEDGED: RemoteStatus.ACKNOWLEDGED,
    ChangeKind.SNOOZED: RemoteStatus.ACKNOWLEDGED,
    ChangeKind.UNACKNOWLEDGED: RemoteStatus.TRIGGERED,
    ChangeKind.RESOLVED: RemoteStatus.RESOLVED,
    ChangeKind.REOPENED: RemoteStatus.TRIGGERED,
}
_ACT: dict[ChangeKind, Act] = {
    ChangeKind.ACKNOWLEDGED: Act.ACKNOWLEDGE,
    ChangeKind.SNOOZED: Act.SNOOZE,
    ChangeKind.UNACKNOWLEDGED: Act.UNACKNOWLEDGE,
    ChangeKind.RESOLVED: Act.RESOLVE,
    ChangeKind.REOPENED: Act.REOPEN,
    ChangeKind.NOTE: Act.NOTE,
    ChangeKind.REASSIGNED: Act.ASSIGN,
    ChangeKind.ESCALATED: Act.NOTE,
    ChangeKind.PRIORITY: Act.NOTE,
}
_FACTS = {
    ChangeKind.TRIGGERED: "created there",
    ChangeKind.NOTIFIED: "somebody was notified there",
    ChangeKind.EXHAUSTED: "nobody is left to ask there",
    ChangeKind.UNREACHABLE: "it can ring nobody there",
}
_RANK = {
    RemoteStatus.UNKNOWN: -1,
    RemoteStatus.TRIGGERED: 0,
    RemoteStatus.ACKNOWLEDGED: 1,
    RemoteStatus.RESOLVED: 2,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the incident there: its state, since when by the provider's own clock (None = it never
    said), our own unconfirmed writes, whether it is of the `current_life` (S37), and the `service` whose part it is."""

    status: RemoteStatus = RemoteStatus.UNKNOWN
    since: datetime | None = None
    expected: tuple[Expected, ...] = ()
    current_life: bool = True
    service: str = ""


def judge(
    change: RemoteChange,
    incident: Incident,
    known: Known,
    *,
    direction: Direction,
    page_started_at: datetime | None,
    now: datetime,
) -> Judgement:
    """What a change means for the incident it belongs to; being made by our own account is never proof
    that it is our own write (S38)."""
    status = _STATUS.get(change.kind)
    if any(confirms(change, write) and now - write.at <= ECHO_WINDOW for write in known.expected):
        return Judgement(Verdict.ECHO, "our own write, seen confirmed", status=status)
    if not known.current_life:
        return Judgement(Verdict.RECORD, "it belongs to an earlier life of the incident")
    if change.kind in _FACTS:
        text = _FACTS[change.kind]
        known_better = known.status is not RemoteStatus.UNKNOWN
        return Judgement(Verdict.FACT, text, status=None if known_better else status)
    if change.kind is ChangeKind.MERGED:
        return Judgement(Verdict.FOLLOW, f"merged into {change.merged_into} there, which is followed")
    act = _act_of(change, incident, known)
    if act is None or (act is Act.ASSIGN and not change.assignee):
        return Judgement(Verdict.RECORD, f"{change.raw_type or change.kind.value} is recorded")
    if _is_late(change, status, known):
        return Judgement(Verdict.RECORD, "it happened before what is known from there already")
    if change.kind is ChangeKind.REOPENED and _raced(known, now):
        if _open_here(incident, known):
            # the resolve that it undid is still to come, and is to count
            return Judgement(Verdict.RECORD, "our acknowledgement reopened what was resolved there")
        why = "our acknowledgement crossed a resolve there and reopened it"
        return Judgement(Verdict.UNDO, why, status=status)
    if direction is Direction.OUTBOUND:
        return Judgement(
            Verdict.DIVERGENCE, "the connector is outbound: changes made there are listed only", status=status
        )
    # asked anew from here nothing is known of when it changed there; else the order there is what counts
    if (
        incident.life > 1
        and known.since is None
        and _came_late(change, page_started_at)
        and act is not Act.NOTE
    ):
        return Judgement(Verdict.RECORD, "it happened before the incident was last opened")
    # acknowledged there after it was resolved: the reopen between the two was lost
    then = Act.ACKNOWLEDGE if act is Act.REOPEN and change.kind is ChangeKind.ACKNOWLEDGED else None
    why = f"{change.person or 'a machine'} did it there"
    return Judgement(Verdict.APPLY, why, act=act, status=status, then=then)


def _act_of(change: RemoteChange, incident: Incident, known: Known) -> Act | None:
    """What was done there, also where the change that led to it was lost on the way: nobody gives back or
    acknowledges what is resolved, so it was reopened; what is reopened while it is open here was given back."""
    if change.kind is ChangeKind.REOPENED and incident.status_of(known.service) is IncidentStatus.MITIGATED:
        return Act.UNACKNOWLEDGE
    back = change.kind in (ChangeKind.UNACKNOWLEDGED, ChangeKind.ACKNOWLEDGED)
    newer = change.occurred_at is not None and known.since is not None and change.occurred_at > known.since
    if back and newer and known.status is RemoteStatus.RESOLVED and not _open_here(incident, known):
        return Act.REOPEN
    if change.kind is ChangeKind.SNOOZED and change.until is None:
        return Act.ACKNOWLEDGE
    return _ACT.get(change.kind)


def _open_here(incident: Incident, known: Known) -> bool:
    """Of its part, which may be over while another is open (S20)."""
    return incident.status_of(known.service) in (IncidentStatus.OPEN, IncidentStatus.MITIGATED)


def confirms(change: RemoteChange, write: Expected) -> bool:
    """True when the change is that write of ours coming back; a note must also hold our text, and what is given on
    must go to whom we gave it, since a person may do the same at the same moment."""
    if write.transition != change.kind.value:
        return False
    if change.kind is ChangeKind.REASSIGNED:
        return write.note == ANYBODY or (bool(change.assignee) and change.assignee == write.note)
    if change.kind is not ChangeKind.NOTE:
        return True
    told = change.note.strip()
    return bool(write.note) and (told == write.note.strip() or (OUR_MARK in told and write.note in told))


def unconfirmed(change: RemoteChange, expected: tuple[Expected, ...]) -> tuple[Expected, ...]:
    """Our writes that are still to be seen after this change confirmed one of them, the oldest: the second
    of two equal changes is somebody's own."""
    first = next((n for n, write in enumerate(expected) if confirms(change, write)), None)
    return tuple(write for n, write in enumerate(expected) if n != first)


def _raced(known: Known, now: datetime) -> bool:
    """An acknowledgement of ours is not seen confirmed: PagerDuty reopens what is resolved when it is
    acknowledged (S39)."""
    return any(
        write.transition == ChangeKind.ACKNOWLEDGED.value and now - write.at <= ECHO_WINDOW
        for write in known.expected
    )


def _is_late(change: RemoteChange, status: RemoteStatus | None, known: Known) -> bool:
    """By the provider's own clock it happened before the newest change of state known from there. Of two in
    one instant resolve beats acknowledge (S40)."""
    if status is None or change.occurred_at is None or known.since is None:
        return False
    return (change.occurred_at, _RANK[status]) < (known.since, _RANK[known.status])


def _came_late(change: RemoteChange, page_started_at: datetime | None) -> bool:
    """Told by the provider's clock, so half a minute of skew is forgiven: an acknowledgement that is
    dropped wrongly costs more than one applied a moment late."""
    if change.occurred_at is None or page_started_at is None:
        return False
    return change.occurred_at < page_started_at - LATE_SKEW
