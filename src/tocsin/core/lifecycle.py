"""Who may do what to an incident, when, and what follows (S18 to S20, S40).

One pure function, `rule`, for every door: a person here, a person at a provider, a sender, a timer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.model import Actor, ActorKind, AlertStatus, Incident, IncidentStatus, Line, Part
from tocsin.core.ports import EffectKind
from tocsin.core.snooze import LONGER_THERE
from tocsin.core.values import replace

OPEN, MITIGATED = IncidentStatus.OPEN, IncidentStatus.MITIGATED
RESOLVED, CLOSED = IncidentStatus.RESOLVED, IncidentStatus.CLOSED


class Act(StrEnum):
    """What can be done to an incident."""

    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    NOTE = "note"
    ASSIGN = "assign"
    SNOOZE = "snooze"


@dataclass(frozen=True, slots=True)
class Given:
    """Whom it is given to, as an incident names them, and for people. `keeps` = who has it now keeps it all the same:
    they take it themselves, or they are the one."""

    who: str
    shown: str
    keeps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What follows from an act.

    `changed` False = nothing follows and `reason` says why (idempotent, late, or not this actor's to
    decide). `alerts_become` = the status the incident's live alerts take. `tell` = what the other
    connectors that hold it are asked to do, for `services` (S20). `stops_paging`/`starts_paging` speak
    of the page under way. `given_on` = it is asked for anew of the one it is assigned to. `refused` = a person
    deserves an error rather than silence.
    """

    incident: Incident
    changed: bool
    reason: str
    lines: tuple[Line, ...] = ()
    alerts_become: AlertStatus | None = None
    tell: EffectKind | None = None
    services: tuple[str, ...] = ()
    stops_paging: bool = False
    starts_paging: bool = False
    given_on: bool = False
    refused: bool = False


def rule(
    incident: Incident,
    act: Act,
    actor: Actor,
    now: datetime,
    *,
    service: str | None = None,
    note: str = "",
    until: datetime | None = None,
    to: Given | None = None,
) -> Ruling:
    """Decide one act. `service` None = every part; a name = that part alone (an act at a provider). `until` = the
    end of a SNOOZE, which without one is an acknowledgement. `to` = whom an ASSIGN gives it to.

    A note given with an act is told with it. Never raises: what cannot be done is a Ruling that says so.
    """
    if act in (Act.RESOLVE, Act.CLOSE) and (why := _not_his_to_end(incident, actor)):
        return Ruling(incident=incident, changed=False, reason=why, lines=(_recorded(act, actor, why),))
    match act:
        case Act.ACKNOWLEDGE:
            return _acknowledge(incident, actor, now, service, note)
        case Act.SNOOZE:
            if until is None:
                return _acknowledge(incident, actor, now, service, note)
            return _snooze(incident, actor, now, until, service, note)
        case Act.UNACKNOWLEDGE:
            return _unacknowledge(incident, actor, now, service, note)
        case Act.RESOLVE:
            return _resolve(incident, actor, now, service, note)
        case Act.CLOSE:
            return _close(incident, actor, now, note)
        case Act.REOPEN:
            return _reopen(incident, actor, now, service, note)
        case Act.NOTE:
            line = Line(kind="note", text=note, reason="note")
            return Ruling(
                incident=incident, changed=True, reason="note", lines=(line,), tell=EffectKind.NOTE,
                services=_names(incident),
            )  # fmt: skip
        case Act.ASSIGN:
            return _assign(incident, actor, now, to, note)


def _not_his_to_end(incident: Incident, actor: Actor) -> str:
    machine = actor.kind in (ActorKind.SENDER, ActorKind.TIMER) or not actor.person
    if machine and incident.declared:
        return "a declared incident is ended by people only"
    if actor.kind is ActorKind.PROVIDER and not actor.person and incident.origin != actor.via:
        return "a provider's own timer never ends what may still fire"
    return ""


def _recorded(act: Act, actor: Actor, why: str) -> Line:
    return Line(
        kind="recorded", text=f"{actor.shown}: {act.value} recorded, not applied: {why}", reason="not_applied"
    )


def _names(incident: Incident) -> tuple[str, ...]:
    return tuple(part.service for part in incident.parts)


def _move(
    incident: Incident, to: IncidentStatus, among: tuple[IncidentStatus, ...], actor: Actor, now: datetime,
    service: str | None,
) -> tuple[tuple[Part, ...], tuple[str, ...]]:  # fmt: skip
    """The parts after moving those in `among` (of one service, or all), and the names of the moved."""
    moved: list[str] = []
    parts: list[Part] = []
    for part in incident.parts:
        if part.status in among and service in (None, part.service):
            moved.append(part.service)
            parts.append(replace(part, status=to, changed_at=now, changed_by=actor.name))
        else:
            parts.append(part)
    return tuple(parts), tuple(moved)


def _whole(parts: tuple[Part, ...], among: tuple[IncidentStatus, ...]) -> bool:
    return all(part.status in among for part in parts)


def _with_note(note: str) -> str:
    return f": {note}" if note else ""


def _of(service: str | None, incident: Incident) -> str:
    return f" ({service})" if service and len(incident.parts) > 1 else ""


def _acknowledge(incident: Incident, actor: Actor, now: datetime, service: str | None, note: str) -> Ruling:
    if not incident.open:
        why = f"{incident.name} is {incident.status.value} already; an acknowledgement comes too late"
        return Ruling(incident=incident, changed=False, reason=why, refused=True)
    parts, moved = _move(incident, MITIGATED, (OPEN,), actor, now, service)
    if not moved and incident.snoozed_until is not None and actor.person:
        return _kept_awake(incident, actor, now, note)
    if not moved:
        return Ruling(incident=incident, changed=False, reason="acknowledged already")
    whole = _whole(parts, (MITIGATED, RESOLVED, CLOSED))
    after = replace(incident, parts=parts)
    if whole:
        after = replace(
            after, status=MITIGATED, acknowledged_at=now, acknowledged_by=actor.name,
            assignee=actor.name if actor.person else incident.assignee,
        )  # fmt: skip
    line = Line(
        kind="acknowledged",
        text=f"Acknowledged by {actor.shown}{_of(service, incident)}{_with_note(note)}",
        reason="person" if actor.person else "sender",
    )
    return Ruling(
        incident=after, changed=True, reason="acknowledged", lines=(line,), tell=EffectKind.ACKNOWLEDGE,
        alerts_become=AlertStatus.ACKNOWLEDGED if whole else None, services=moved, stops_paging=whole,
    )  # fmt: skip


def _kept_awake(incident: Incident, actor: Actor, now: datetime, note: str) -> Ruling:
    """A person says that they are on it now: what was put off until later has no end any more (S26)."""
    after = replace(
        incident, snoozed_until=None, acknowledged_at=now, acknowledged_by=actor.name, assignee=actor.name
    )
    text = f"Acknowledged by {actor.shown}: the snooze is over, the acknowledgement stays{_with_note(note)}"
    line = Line(kind="acknowledged", text=text, reason="snooze")
    return Ruling(
        incident=after, changed=True, reason="acknowledged", lines=(line,), tell=EffectKind.ACKNOWLEDGE,
        services=_names(incident),
    )  # fmt: skip


def _snooze(
    incident: Incident, actor: Actor, now: datetime, until: datetime, service: str | None, note: str
) -> Ruling:
    """S26: acknowledged, with an end. At a provider that has one part of several it is an acknowledgement of that
    part alone until somebody has each of the others."""
    if not incident.open:
        why = f"{incident.name} is {incident.status.value} already; there is nothing to snooze"
        return Ruling(incident=incident, changed=False, reason=why, refused=True)
    ours = incident.snoozed_until
    late = (
        LONGER_THERE if actor.kind is ActorKind.PROVIDER else timedelta(0)
    )  # what we wrote there, told back
    if ours is not None and ours <= until <= ours + late:
        return Ruling(incident=incident, changed=False, reason="snoozed until then already")
    parts, moved = _move(incident, MITIGATED, (OPEN,), actor, now, service)
    if not _whole(parts, (MITIGATED, RESOLVED, CLOSED)):
        return _acknowledge(incident, actor, now, service, note)
    after = replace(
        incident, parts=parts, status=MITIGATED, snoozed_until=until, acknowledged_at=now, acknowledged_by=actor.name,
        assignee=actor.name if actor.person else incident.assignee,
    )  # fmt: skip
    day = f"{until:%H:%M:%S}" if until.date() == now.date() else f"{until:%Y-%m-%d %H:%M:%S}"
    text = f"Snoozed until {day} UTC by {actor.shown}, then open and paged again{_with_note(note)}"
    line = Line(kind="snoozed", text=text, reason="snooze", data={"until": until.isoformat()})
    held = tuple(part.service for part in parts if part.status is MITIGATED)
    return Ruling(
        incident=after, changed=True, reason="snoozed", lines=(line,), tell=EffectKind.SNOOZE,
        alerts_become=AlertStatus.ACKNOWLEDGED, services=held, stops_paging=bool(moved),
    )  # fmt: skip


def _assign(incident: Incident, actor: Actor, now: datetime, to: Given | None, note: str) -> Ruling:
    """Assigning is no acknowledgement. What a person here gives on while somebody has it is open again until the next
    one says that they have it; what is given on at a provider stands as that provider says."""
    if to is None or not to.who:
        return Ruling(incident=incident, changed=False, reason="it is not said to whom", refused=True)
    if incident.assignee == to.who:
        return Ruling(incident=incident, changed=False, reason="assigned already")
    by = f"{f' by {actor.shown}' if actor.name != to.shown else ''}{_with_note(note)}"
    line = Line(kind="assigned", text=f"Assigned to {to.shown}{by}", reason="assign", data={"to": to.who})
    after = replace(incident, assignee=to.who)
    if not incident.open:
        return Ruling(incident=after, changed=True, reason="assigned", lines=(line,))
    if incident.status is OPEN or to.keeps or actor.kind is not ActorKind.PERSON:
        return Ruling(
            incident=after, changed=True, reason="assigned", lines=(line,), tell=EffectKind.ASSIGN, services=_names(incident),
        )  # fmt: skip
    parts, moved = _move(after, OPEN, (MITIGATED,), actor, now, None)
    text = f"Given to {to.shown}, and open again until they acknowledge it{by}"
    return Ruling(
        incident=replace(
            after, parts=parts, status=OPEN, acknowledged_at=None, acknowledged_by="", snoozed_until=None
        ),
        changed=True, reason="given on", lines=(replace(line, text=text),), alerts_become=AlertStatus.OPEN,
        services=moved, starts_paging=True, given_on=True,
    )  # fmt: skip


def _unacknowledge(incident: Incident, actor: Actor, now: datetime, service: str | None, note: str) -> Ruling:
    if actor.kind is ActorKind.PROVIDER and not actor.person:
        why = "a provider's acknowledgement timer is recorded only"
        return Ruling(
            incident=incident, changed=False, reason=why, lines=(_recorded(Act.UNACKNOWLEDGE, actor, why),)
        )
    parts, moved = _move(incident, OPEN, (MITIGATED,), actor, now, service)
    if not moved:
        return Ruling(incident=incident, changed=False, reason="not acknowledged")
    line = Line(
        kind="unacknowledged",
        text=f"{actor.shown} gave it back: open again{_with_note(note)}",
        reason="person",
    )
    if actor.kind is ActorKind.TIMER:
        by = f" by {incident.acknowledged_by}" if incident.acknowledged_by else ""
        text = f"Acknowledged{by}, and nothing has been done since: open again"
        line = Line(kind="unacknowledged", text=text, reason="ack_timeout")
        if incident.snoozed_until is not None:
            line = Line(kind="snooze_ended", text=f"Snoozed{by} until now: open again", reason="snooze")
    return Ruling(
        incident=replace(
            incident, parts=parts, status=OPEN, acknowledged_at=None, acknowledged_by="", snoozed_until=None
        ),
        changed=True, reason="unacknowledged", lines=(line,), alerts_become=AlertStatus.OPEN, services=moved,
        starts_paging=True,
    )  # fmt: skip


def _resolve(incident: Incident, actor: Actor, now: datetime, service: str | None, note: str) -> Ruling:
    if not incident.open:
        return Ruling(incident=incident, changed=False, reason=f"{incident.status.value} already")
    parts, moved = _move(incident, RESOLVED, (OPEN, MITIGATED), actor, now, service)
    if not moved:
        return Ruling(incident=incident, changed=False, reason="resolved already")
    whole = _whole(parts, (RESOLVED, CLOSED))
    after = replace(incident, parts=parts)
    held = not whole and incident.status is OPEN and _whole(parts, (MITIGATED, RESOLVED, CLOSED))
    if whole:
        after = replace(after, status=RESOLVED, resolved_at=now, resolved_by=actor.kind, snoozed_until=None)
    elif held:
        # the open part is gone and somebody has each of the others (S20)
        holder = next(part.changed_by for part in parts if part.status is MITIGATED)
        after = replace(after, status=MITIGATED, acknowledged_at=now, acknowledged_by=holder)
    by = "its last alert resolved" if actor.kind is ActorKind.SENDER else f"by {actor.shown}"
    line = Line(
        kind="resolved",
        text=f"Resolved{_of(service, incident)}: {by}{_with_note(note)}" if actor.kind is ActorKind.SENDER
        else f"Resolved {by}{_of(service, incident)}{_with_note(note)}",
        reason=actor.kind.value,
    )  # fmt: skip
    return Ruling(
        incident=after, changed=True, reason="resolved", lines=(line,), tell=EffectKind.RESOLVE,
        alerts_become=AlertStatus.RESOLVED if whole else AlertStatus.ACKNOWLEDGED if held else None,
        services=moved, stops_paging=whole or held,
    )  # fmt: skip


def _close(incident: Incident, actor: Actor, now: datetime, note: str) -> Ruling:
    if incident.status is CLOSED:
        return Ruling(incident=incident, changed=False, reason="closed already")
    first = _resolve(incident, actor, now, None, note)  # closing an open one resolves first (S19)
    line = Line(
        kind="closed",
        text=f"Closed by {actor.shown}{'' if first.changed else _with_note(note)}",
        reason="person",
    )
    parts = tuple(replace(part, status=CLOSED) for part in first.incident.parts)
    return replace(
        first, incident=replace(first.incident, parts=parts, status=CLOSED, closed_at=now), changed=True,
        reason="closed", lines=(*first.lines, line),
    )  # fmt: skip


def _reopen(incident: Incident, actor: Actor, now: datetime, service: str | None, note: str) -> Ruling:
    """At a provider one part alone, also of an incident that is open for another (S20): who has that one keeps it."""
    if incident.open and service is None:
        return Ruling(incident=incident, changed=False, reason=f"{incident.name} is open already")
    if incident.merged_into is not None:
        why = f"{incident.name} was merged into INC-{incident.merged_into}, where all of it is"
        return Ruling(incident=incident, changed=False, reason=why, refused=True)
    parts, moved = _move(incident, OPEN, (RESOLVED, CLOSED), actor, now, service)
    if not moved:
        return Ruling(incident=incident, changed=False, reason=f"{incident.name} is open already")
    line = Line(
        kind="reopened", text=f"Reopened by {actor.shown}{_of(service, incident)}{_with_note(note)}",
        reason=actor.kind.value,
    )  # fmt: skip
    # of one that was closed, the parts that stay over are resolved again
    parts = tuple(replace(part, status=RESOLVED) if part.status is CLOSED else part for part in parts)
    after = replace(
        incident, parts=parts, status=OPEN, acknowledged_at=None, acknowledged_by="", snoozed_until=None,
        resolved_at=None, resolved_by=None, closed_at=None,
    )  # fmt: skip
    return Ruling(
        incident=after, changed=True, reason="reopened", lines=(line,), tell=EffectKind.REOPEN, services=moved,
        alerts_become=AlertStatus.OPEN if incident.open else None, starts_paging=True,
    )  # fmt: skip


def stopped_early(incident: Incident) -> bool:
    """Its end was not the sender's word, which alone knows whether it still fires: a person's, here or at a provider,
    or that of `auto_resolve` (S10, S14)."""
    return incident.resolved_by in (ActorKind.PERSON, ActorKind.PROVIDER, ActorKind.TIMER)
