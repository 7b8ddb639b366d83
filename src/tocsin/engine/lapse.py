"""Acknowledgements and snoozes that come to their end: the holder is warned, then it is open again (S25, S26)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tocsin.core.lapse import hold, timeout_of
from tocsin.core.lifecycle import Act, Ruling
from tocsin.core.model import Actor, ActorKind
from tocsin.core.ports import EffectKind
from tocsin.core.snooze import is_over
from tocsin.engine.hub import Hub
from tocsin.engine.respond import act_on, rung
from tocsin.engine.tell import tell_others
from tocsin.store import incidents, outbox
from tocsin.store.database import Connection
from tocsin.store.sheet import Sheet, save
from tocsin.store.timers import ACK, SNOOZE

CLOCK = Actor(ActorKind.TIMER, "tocsin", person=False)
_AGAIN = timedelta(seconds=5)


async def hold_on(connection: Connection, hub: Hub, ids: list[UUID]) -> list[UUID]:
    """Warn whoever is to be warned; the incidents whose acknowledgement is over. Their timer stays until it was
    ended, in a transaction of its own, since that takes the alerts before the incident."""
    now, sheet, over = hub.now(), Sheet(), []
    for incident_id, kept in (await incidents.lock(connection, ids)).items():
        incident = kept.incident
        held = hold(kept.plan, incident, timeout_of(incident, hub.policy), now)
        sheet.timers[(ACK, incident_id)] = now + _AGAIN if held.over else held.next_at
        if held.plan != kept.plan:
            sheet.incidents[incident_id] = (incident, held.plan)
        if held.over:
            over.append(incident_id)
        if held.warning is not None:
            sheet.tell(now, incident, held.warning, actor=CLOCK.shown)
            services = tuple(part.service for part in incident.parts)
            told = Ruling(
                incident=incident, changed=True, reason="ack_timeout", tell=EffectKind.NOTE, services=services
            )
            sides = await outbox.remotes_of(connection, incident_id)
            await tell_others(connection, hub, sheet, told, CLOCK, sides, held.warning.text, now)
    await save(connection, sheet, now)
    return over


async def snoozed_out(connection: Connection, hub: Hub, ids: list[UUID]) -> list[UUID]:
    """The incidents whose snooze is over; ended as above. One that was broken meanwhile has nothing to end."""
    now, sheet, over = hub.now(), Sheet(), []
    for incident_id, kept in (await incidents.lock(connection, ids)).items():
        if is_over(kept.incident, now):
            over.append(incident_id)
            sheet.timers[(SNOOZE, incident_id)] = now + _AGAIN
        elif kept.incident.snoozed_until is not None:
            sheet.timers[(SNOOZE, incident_id)] = max(kept.incident.snoozed_until, now + _AGAIN)
    await save(connection, sheet, now)
    return over


async def end_acknowledgement(hub: Hub, incident_id: UUID) -> None:
    """Open again, unless somebody acted in the meantime."""

    async def work(connection: Connection) -> None:
        kept = (await incidents.load(connection, [incident_id]))[incident_id]
        held = hold(kept.plan, kept.incident, timeout_of(kept.incident, hub.policy), hub.now())
        if held.over or is_over(kept.incident, hub.now()):
            await act_on(connection, hub, incident_id, Act.UNACKNOWLEDGE, CLOCK)

    await hub.database.transact(work)
    rung(hub)
