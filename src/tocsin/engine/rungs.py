"""What is known of a page's rungs at a provider besides its state: somebody was notified, nobody is left to ask,
nobody can be reached (S27, S28, S32)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tocsin.core.alarm import SLOW
from tocsin.core.model import Incident, IncidentStatus, Line
from tocsin.core.ports import ChangeKind, EffectKind, RemoteChange
from tocsin.core.remote import Verdict
from tocsin.engine.ask import add_effect, name_of
from tocsin.engine.hub import Hub
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet
from tocsin.store.timers import PAGE

_LOOKED_AT = (ChangeKind.EXHAUSTED, ChangeKind.UNREACHABLE)


def rung_facts(remote: Remote, change: RemoteChange, verdict: Verdict, now: datetime) -> Mapping[str, object]:
    """The columns that such a change sets."""
    if verdict is not Verdict.FACT:
        return {}
    match change.kind:
        case ChangeKind.NOTIFIED:
            at = change.occurred_at or now
            at = at if remote.asked_at <= at <= now else now  # their clock, where it can be right
            return {"notified_at": at, "failed_at": None, "fault": ""}
        case ChangeKind.EXHAUSTED:
            return {"exhausted_at": now}
        case ChangeKind.UNREACHABLE:
            return {"failed_at": now, "fault": change.note[:500]}
        case _:
            return {}


def after_fact(
    hub: Hub, sheet: Sheet, incident: Incident, remote: Remote, change: RemoteChange, now: datetime
) -> None:
    """An alarm that it notifies nobody is over once it does; the page is looked at when this makes somebody else due; a page that turns out to exist after all is told
    what happened meanwhile (S29)."""
    if change.kind is ChangeKind.NOTIFIED and (over := SLOW.format(remote.connector)) in hub.alarming:
        sheet.alarms_over.append(over)
    if change.kind in _LOOKED_AT and incident.status is IncidentStatus.OPEN:
        sheet.timers[(PAGE, incident.id)] = now
    part = next((p.status for p in incident.parts if p.service == remote.service), incident.status)
    if (
        change.kind is not ChangeKind.TRIGGERED
        or not remote.superseded_at
        or not hub.reaches_here(remote.connector)
    ):
        return
    kind = {
        IncidentStatus.MITIGATED: EffectKind.ACKNOWLEDGE,
        IncidentStatus.RESOLVED: EffectKind.RESOLVE,
        IncidentStatus.CLOSED: EffectKind.RESOLVE,
    }.get(part)
    text = f"{remote.connector} has it after all: adopted"
    sheet.tell(now, incident, Line(kind="page_created", text=text, reason="adopted"), actor=remote.connector)
    if kind is not None:
        add_effect(sheet, incident, name_of(remote), kind, {}, now, mark=f"twin {now:%Y%m%dT%H%M%S.%f}")


def rung_line(connector: str, change: RemoteChange) -> Line | None:
    """What is said of it; None for what has a line of its own."""
    match change.kind:
        case ChangeKind.NOTIFIED:
            who = f"{change.person} was notified there" if change.person else "somebody was notified there"
            return Line(kind="page_notified", text=f"{connector}: {who}", reason="fact")
        case ChangeKind.EXHAUSTED:
            text = f"{connector} has nobody left to ask"
            return Line(kind="path_exhausted", text=text, reason="exhausted")
        case ChangeKind.UNREACHABLE:
            text = f"{connector} has it, but can ring nobody: {change.note}"
            return Line(kind="page_failed", text=text, reason="unreachable")
        case _:
            return None
