"""Somebody acted on an incident: a person here or at a provider, all through this one door.

load -> core/lifecycle.rule -> save, with the other providers told in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.core.errors import Conflict, NotFound
from tocsin.core.joining import acted
from tocsin.core.lapse import hold, holder_first, holder_way, restarts, timeout_of
from tocsin.core.lifecycle import Act, Ruling, rule
from tocsin.core.model import Actor, ActorKind, AlertStatus, Incident, IncidentStatus, Line
from tocsin.core.ports import EffectKind, RemoteStatus
from tocsin.core.silent import is_held, withdrawn
from tocsin.core.values import replace
from tocsin.engine import ask, assigning
from tocsin.engine.acting import tell
from tocsin.engine.hub import Hub
from tocsin.engine.tell import tell_others
from tocsin.store import incidents, outbox, undecided
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.incidents import Kept
from tocsin.store.sheet import Sheet, save
from tocsin.store.timers import ACK, JOIN


@dataclass(frozen=True, slots=True)
class Response:
    """The incident afterwards, whether anything changed, and why."""

    incident: Incident
    changed: bool
    reason: str


async def respond(
    hub: Hub,
    name: str,
    act: Act,
    actor: Actor,
    *,
    note: str = "",
    until: datetime | None = None,
    to: str = "",
) -> Response:
    """Carry out one act on the incident called `name` ("INC-7", "7", its id); `to` = whom an ASSIGN gives it to, in any
    word for them.

    Raises NotFound for an unknown one, Conflict when its state does not allow the act. Doing what is
    done already changes nothing and is no error.
    """

    async def work(connection: Connection) -> Response:
        incident_id = await incidents.id_of(connection, name)
        if incident_id is None:
            raise NotFound(f"There is no incident {name}", hint="`im list --status all` shows every incident")
        ruling = await act_on(connection, hub, incident_id, act, actor, note=note, until=until, to=to)
        if ruling.refused:
            raise Conflict(ruling.reason, hint=f"`im show {ruling.incident.name}` tells how it stands")
        return Response(ruling.incident, ruling.changed, ruling.reason)

    response = await hub.database.transact(work)
    rung(hub)
    return response


def rung(hub: Hub) -> None:
    """Wake the loops that carry out what an act left to do."""
    hub.wake.ring("effects")
    hub.wake.ring("timers")


async def act_on(
    connection: Connection,
    hub: Hub,
    incident_id: UUID,
    act: Act,
    actor: Actor,
    *,
    note: str = "",
    service: str | None = None,
    until: datetime | None = None,
    to: str = "",
) -> Ruling:
    """The act inside a transaction of the caller's; used by webhooks and deliveries too."""
    now = hub.now()
    alerts = await undecided.lock_alerts_of(connection, incident_id)
    kept = (await incidents.lock(connection, [incident_id]))[incident_id]
    ruling = await _each_side(connection, hub, kept, act, actor, service)
    given = assigning.given(hub, kept.incident, actor, to) if act is Act.ASSIGN else None
    ruling = ruling or rule(kept.incident, act, actor, now, service=service, note=note, until=until, to=given)
    ruling = replace(ruling, incident=assigning.known(hub, ruling.incident))
    sheet = Sheet()
    for line in ruling.lines:
        sheet.tell(now, ruling.incident, line, actor=actor.shown)
    if restarts(kept.incident, act, actor, hub.policy.users) and kept.plan.held_until is not None:
        kept = keep_holding(hub, sheet, kept, actor, now)
    if kept.plan.joins and acted(act, actor):
        kept = Kept(kept.incident, replace(kept.plan, joins=()))
        sheet.incidents[kept.incident.id] = (kept.incident, kept.plan)
        sheet.timers[(JOIN, kept.incident.id)] = None
    if acted(act, actor) and is_held(kept.incident):
        kept = not_silent(hub, sheet, kept, actor, now)
    if ruling.changed:
        for alert in alerts:
            alert_follows(sheet, alert.id, alert.status, ruling.alerts_become, actor, now)
        await carry_out(connection, hub, sheet, ruling, kept, actor, note, now)
    await save(connection, sheet, now)
    if ruling.changed or (not ruling.refused and actor.kind is ActorKind.PERSON):
        await told(
            connection, hub, act.value, kept.incident, ruling.incident, actor, note=note, text=ruling.reason
        )
    return ruling


async def told(
    connection: Connection, hub: Hub, act: str, was: Incident, now: Incident, actor: Actor, *, note: str = "",
    text: str = "",
) -> None:  # fmt: skip
    """An act on an incident, in the audit log: what it was and what it is."""
    after = {**told_of(now), **({"note": note[:_NOTE_MOST]} if note else {})}
    await tell(
        connection, hub, f"incident.{act}", now.name, before=told_of(was), after=after, text=text, actor=actor
    )


def told_of(incident: Incident) -> dict[str, object]:
    """What of an incident people change."""
    return {
        "status": incident.status, "severity": incident.severity, "title": incident.title,
        "description": incident.description, "assignee": incident.assignee, "acknowledged_by": incident.acknowledged_by,
        "snoozed_until": incident.snoozed_until, "fields": incident.fields, "life": incident.life,
        "services": {part.service: part.status for part in incident.parts},
    }  # fmt: skip


_NOTE_MOST = 1000


def not_silent(hub: Hub, sheet: Sheet, kept: Kept, actor: Actor, now: datetime) -> Kept:
    """S24: somebody is on it: the holder is asked no sooner than it has been silent for its full time from now on."""
    sheet.silent[kept.incident.id] = now + hub.policy.defaults.silent_after
    if kept.plan.asks_at is None:
        return kept
    plan, line = withdrawn(kept.plan, kept.incident, f"{actor.name} acted on it")
    sheet.tell(now, kept.incident, line)
    sheet.incidents[kept.incident.id] = (kept.incident, plan)
    return Kept(kept.incident, plan)


async def _each_side(
    connection: Connection, hub: Hub, kept: Kept, act: Act, actor: Actor, service: str | None
) -> Ruling | None:
    """`ack: each`: an acknowledgement at one provider counts for its side alone until each has one. One made here,
    or by the sender, is for the whole. None = nobody is left to wait for."""
    each = {w.connector for step in kept.plan.steps if step.each and step.sent_at for w in step.ways}
    if (
        act not in (Act.ACKNOWLEDGE, Act.SNOOZE)
        or actor.kind is not ActorKind.PROVIDER
        or actor.via not in each
    ):
        return None
    sides = ask.newest(await outbox.remotes_of(connection, kept.incident.id)).values()
    waits = {
        side.connector
        for side in sides
        if side.connector in each - {actor.via} and service in (None, side.service)
        and not (side.failed_at or side.superseded_at) and "read_states" in hub.abilities(side.connector)
        and side.status not in (RemoteStatus.ACKNOWLEDGED, RemoteStatus.RESOLVED)
    }  # fmt: skip
    if not waits or kept.incident.status is not IncidentStatus.OPEN:
        return None
    why = f"{', '.join(sorted(waits))} must acknowledge too (ack: each)"
    line = Line(kind="acknowledged_there", text=f"Acknowledged by {actor.shown}; {why}", reason="each")
    return Ruling(incident=kept.incident, changed=False, reason=why, lines=(line,))


def keep_holding(hub: Hub, sheet: Sheet, kept: Kept, actor: Actor, now: datetime) -> Kept:
    """S25: the acknowledgement lasts its full time from now on."""
    held = hold(
        replace(kept.plan, held_until=None, warned=False),
        kept.incident,
        timeout_of(kept.incident, hub.policy),
        now,
    )
    sheet.incidents[kept.incident.id] = (kept.incident, held.plan)
    sheet.timers[(ACK, kept.incident.id)] = held.next_at
    if kept.plan.warned and held.plan.held_until:
        text = f"{actor.name} is still on it: the acknowledgement lasts until {held.plan.held_until:%H:%M:%S} UTC"
        sheet.tell(
            now, kept.incident, Line(kind="ack_lasts", text=text, reason="ack_timeout"), actor=actor.shown
        )
    return Kept(kept.incident, held.plan)


def alert_follows(
    sheet: Sheet, alert: UUID, status: AlertStatus, become: AlertStatus | None, actor: Actor, now: datetime
) -> None:
    """What an act on the incident makes of one of its alerts (S19)."""
    if become is AlertStatus.RESOLVED:
        sheet.alert_status.append((alert, become.value, actor.kind.value, now, None))
    elif (become is AlertStatus.ACKNOWLEDGED and status in (AlertStatus.OPEN, AlertStatus.QUEUED)) or (
        become is AlertStatus.OPEN and status is AlertStatus.ACKNOWLEDGED
    ):
        sheet.alert_status.append((alert, become.value, None, None, None))


async def carry_out(
    connection: Connection,
    hub: Hub,
    sheet: Sheet,
    ruling: Ruling,
    kept: Kept,
    actor: Actor,
    note: str,
    now: datetime,
) -> None:
    """What follows from a ruling that changed something: the other providers told, the page looked at, all on the sheet."""
    incident, plan = ruling.incident, kept.plan
    remotes = await outbox.remotes_of(connection, incident.id)
    if ruling.starts_paging:
        # rung again: in place where the provider can, else under a new life
        incident = replace(incident, life=incident.life + 1)
        if actor.kind is ActorKind.PROVIDER:
            remotes = await _open_there(connection, remotes, ruling, actor.via, incident.life, now)
        if kept.incident.status is IncidentStatus.OPEN:
            # another part rings already: its page goes on as it is, and this part is asked for beside it
            ask.ring_parts(hub, sheet, incident, plan, ruling.services, remotes, now)
        else:
            plan = ask.again(plan, incident.life, now)
        if actor.kind is ActorKind.TIMER:
            plan = holder_first(plan, holder_way(kept.incident, hub.policy, hub.mailer))
    if assigning.asks(hub, ruling, kept.incident, actor):
        plan = holder_first(plan, assigning.way_to(hub, incident))
    # the words travel as a note of their own, once, whatever else the act is at a provider
    words = note if ruling.tell is EffectKind.NOTE else ""
    await tell_others(connection, hub, sheet, ruling, actor, remotes, words, now)
    if note and ruling.tell is not EffectKind.NOTE:
        told = replace(ruling, tell=EffectKind.NOTE, stops_paging=False)
        await tell_others(connection, hub, sheet, told, actor, remotes, note, now)
    breakers = await open_breakers(connection, now)
    asked_from = len(sheet.effects)
    plan, _ = ask.page(hub, sheet, incident, plan, remotes, breakers, now)
    if ruling.given_on:
        assigning.given_on(hub, sheet, incident, actor, asked_from)
    sheet.incidents[incident.id] = (incident, plan)


async def _open_there(
    connection: Connection,
    remotes: list[outbox.Remote],
    ruling: Ruling,
    connector: str,
    life: int,
    now: datetime,
) -> list[outbox.Remote]:
    """These parts were opened at a provider: that one has them already and is not asked again."""
    for remote in ask.newest(remotes).values():
        if remote.connector == connector and remote.service in ruling.services:
            await outbox.open_again(connection, remote.id, life, now)
    return await outbox.remotes_of(connection, remotes[0].incident_id) if remotes else []
