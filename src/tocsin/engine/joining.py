"""What joined an acknowledged incident too soon after the last asking: its holder is asked when that is over (S21)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from tocsin.core.joining import owed, owed_at
from tocsin.core.model import Actor, ActorKind
from tocsin.engine.hub import Hub
from tocsin.engine.respond import alert_follows, carry_out, rung
from tocsin.store import incidents, undecided
from tocsin.store.database import Connection
from tocsin.store.sheet import Sheet, save
from tocsin.store.timers import JOIN

CLOCK = Actor(ActorKind.TIMER, "tocsin", person=False)
_AGAIN = timedelta(seconds=5)


async def joins_due(connection: Connection, hub: Hub, ids: list[UUID]) -> list[UUID]:
    """The incidents whose holder is owed an asking. Their timer stays until that is done, in a transaction of its
    own, since it takes the alerts before the incident."""
    now, sheet, due = hub.now(), Sheet(), []
    for incident_id, kept in (await incidents.lock(connection, ids)).items():
        if owed_at(kept.plan) is not None:
            due.append(incident_id)
            sheet.timers[(JOIN, incident_id)] = now + _AGAIN
    await save(connection, sheet, now)
    return due


async def ask_about_joins(hub: Hub, incident_id: UUID) -> None:
    """One asking for all that joined, or none when they are over or somebody acted."""

    async def work(connection: Connection) -> None:
        now, sheet = hub.now(), Sheet()
        alerts = await undecided.lock_alerts_of(connection, incident_id)
        kept = (await incidents.lock(connection, [incident_id]))[incident_id]
        due = owed_at(kept.plan)
        if due is not None and now < due:
            sheet.timers[(JOIN, incident_id)] = due
            await save(connection, sheet, now)
            return
        # what a mute keeps quiet is owed by that mute, and asked about at its end
        fires = {alert.id for alert in alerts if not alert.muted_by}
        ruling = owed(kept.plan, kept.incident, fires, now)
        sheet.timers[(JOIN, incident_id)] = None
        if ruling is None:
            sheet.incidents[incident_id] = (kept.incident, replace(kept.plan, joins=()))
        else:
            for line in ruling.lines:
                sheet.tell(now, ruling.incident, line, actor=CLOCK.shown)
            for alert in alerts:
                alert_follows(sheet, alert.id, alert.status, ruling.alerts_become, CLOCK, now)
            await carry_out(connection, hub, sheet, ruling, kept, CLOCK, "", now)
        await save(connection, sheet, now)

    await hub.database.transact(work)
    rung(hub)
