"""When do we and a provider see one incident differently, what is decided about it, and when is it over?

A difference is listed, never applied silently (S36, S40, S41): every one has a decision and a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.model import IncidentStatus
from tocsin.core.ports import ChangeKind, EffectKind, RemoteStatus


class DifferenceKind(StrEnum):
    """Why both sides differ."""

    OUTBOUND = "outbound"  # changed there, where changes are only listed (S36)
    TIMER = "timer"  # a timer of the provider's, which never closes what still fires (S40)
    MISSING = "missing"  # not known or not readable there, which is never a resolve (S41)
    REFUSED = "refused"  # the provider would not take a write of ours
    MERGED = "merged"  # merged into another incident there, which is followed (S41)
    STATUS = "status"  # a change there that came too late to count here


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference. `what` is the change there or the write of ours that it is about; `ours` and `theirs`
    are the two views; `decision` says what is done about it and `reason` why."""

    kind: DifferenceKind
    what: str
    ours: str
    theirs: str
    decision: str
    reason: str


_SAME: dict[RemoteStatus, tuple[IncidentStatus, ...]] = {
    RemoteStatus.TRIGGERED: (IncidentStatus.OPEN,),
    RemoteStatus.ACKNOWLEDGED: (IncidentStatus.MITIGATED,),
    RemoteStatus.RESOLVED: (IncidentStatus.RESOLVED, IncidentStatus.CLOSED),
    RemoteStatus.UNKNOWN: (),
}
_OVER = (IncidentStatus.RESOLVED, IncidentStatus.CLOSED)
_WITHOUT_STATE = (ChangeKind.NOTE.value, EffectKind.UPDATE.value)


def agree(ours: IncidentStatus, theirs: RemoteStatus) -> bool:
    """True when both words mean the same; nothing agrees with UNKNOWN."""
    return ours in _SAME[theirs]


def missing(ours: IncidentStatus, how: str) -> Difference:
    """`how` = what the reading or the write met: "404", "not mentioned" …"""
    return Difference(
        kind=DifferenceKind.MISSING,
        what="reading",
        ours=ours.value,
        theirs=how,
        decision="nothing is changed here",
        reason="absence is never a resolve",
    )


def refused(kind: EffectKind, ours: IncidentStatus, theirs: RemoteStatus, why: str) -> Difference:
    """A write that the provider would not take; `why` in its own words."""
    return Difference(
        kind=DifferenceKind.REFUSED,
        what=kind.value,
        ours=ours.value,
        theirs=theirs.value,
        decision="it is not written again by itself",
        reason=why[:500],
    )


def unapplied(
    what: ChangeKind, ours: IncidentStatus, theirs: RemoteStatus, *, person: str, why: str, rings_again: bool
) -> Difference | None:
    """A change there that changed nothing here; None when both agree all the same.

    `rings_again` = it is opened there anew, since it still fires here and nobody has it (S40).
    """
    if agree(ours, theirs):
        return None
    decision = "nothing is changed here"
    if rings_again:
        decision = "it is opened there again: it still fires and nobody has it"
    elif not person and theirs is RemoteStatus.RESOLVED and ours is IncidentStatus.MITIGATED:
        decision = "it stays closed there: somebody has it here"
    kind = DifferenceKind.STATUS if person else DifferenceKind.TIMER
    return Difference(
        kind=kind, what=what.value, ours=ours.value, theirs=theirs.value, decision=decision, reason=why
    )


def listed_only(what: ChangeKind, ours: IncidentStatus, theirs: RemoteStatus, why: str) -> Difference:
    """S36: changed at a connector that is outbound."""
    return Difference(
        kind=DifferenceKind.OUTBOUND,
        what=what.value,
        ours=ours.value,
        theirs=theirs.value,
        decision="it is listed only",
        reason=why,
    )


def merged(ours: IncidentStatus, target: str) -> Difference:
    """S41: ours was merged into `target` there."""
    return Difference(
        kind=DifferenceKind.MERGED,
        what=target,
        ours=ours.value,
        theirs=f"merged into {target}",
        decision=f"{target} is followed: what is done here is done to it",
        reason="a merge is no resolve",
    )


def over_because(kind: DifferenceKind, what: str, ours: IncidentStatus, theirs: RemoteStatus) -> str:
    """Why a difference is over; "" while it stands."""
    if agree(ours, theirs):
        # a note has no state that could agree: it stays listed until the incident is over
        return "" if what in _WITHOUT_STATE and ours not in _OVER else "both agree again"
    if kind is DifferenceKind.MISSING and theirs is not RemoteStatus.UNKNOWN:
        return "it is seen there again"
    if ours in _OVER and (kind is DifferenceKind.MISSING or what in _WITHOUT_STATE):
        return "it is over here"
    return ""
