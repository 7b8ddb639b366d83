"""What joined an acknowledged incident too soon after the last asking: its holder is asked when that is over (S21)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.joining import owed, owed_at
from tocsin.core.model import Actor, ActorKind, Alert, IncidentStatus, Line
from tocsin.core.mute import Muting, muting
from tocsin.core.plan import Plan
from tocsin.core.quiet import muted
from tocsin.core.situation import Situation
from tocsin.core.values import replace
from tocsin.engine.hub import Hub
from tocsin.engine.respond import alert_follows, carry_out, rung
from tocsin.store import incidents, undecided
from tocsin.store.database import Connection
from tocsin.store.incidents import Kept
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
        quiet = _muted(hub, kept.plan, alerts, now)
        # what a mute kept from paging for more than its joining is owed by that mute (`core/owed.py`)
        fires = {alert.id for alert in alerts if not alert.muted_by} - quiet.keys()
        ruling = owed(kept.plan, kept.incident, fires, now)
        sheet.timers[(JOIN, incident_id)] = None
        if ruling is None:
            _keep_owing(sheet, kept, quiet, now)
        else:
            for line in ruling.lines:
                sheet.tell(now, ruling.incident, line, actor=CLOCK.shown)
            for alert in alerts:
                alert_follows(sheet, alert.id, alert.status, ruling.alerts_become, CLOCK, now)
            await carry_out(connection, hub, sheet, ruling, kept, CLOCK, "", now)
        await save(connection, sheet, now)

    await hub.database.transact(work)
    rung(hub)


def _muted(hub: Hub, plan: Plan, alerts: list[Alert], now: datetime) -> dict[UUID, Muting]:
    """What joined unmuted and is muted by now: a silence was made, or a maintenance window began."""
    waiting = {join.alert for join in plan.joins}
    found: dict[UUID, Muting] = {}
    for alert in alerts:
        if alert.id in waiting and not alert.muted_by:
            integration = hub.policy.integrations.get(alert.integration)
            situation = Situation(alert=alert, heard=(), integration=integration, mutes=hub.mutes)
            found[alert.id] = muting(situation, alert, hub.policy, now)
    return {alert: held for alert, held in found.items() if held.mutes}


def _keep_owing(sheet: Sheet, kept: Kept, quiet: dict[UUID, Muting], now: datetime) -> None:
    """Nobody is asked now. What is muted stays owed until no mute holds any more, and is told once of each."""
    if kept.incident.status is not IncidentStatus.MITIGATED:
        quiet = {}
    joins = tuple(
        replace(join, muted_by=quiet[join.alert].by) for join in kept.plan.joins if join.alert in quiet
    )
    for join in joins:
        if join not in kept.plan.joins:
            why = muted(quiet[join.alert])
            text = f"The holder is not asked about {join.title} yet: {why.why}"
            sheet.tell(now, kept.incident, Line(kind="page_muted", text=text, reason=why.reason))
    if joins:
        looks = [held.look_again_at for held in quiet.values() if held.look_again_at]
        sheet.timers[(JOIN, kept.incident.id)] = min(looks)
    sheet.incidents[kept.incident.id] = (kept.incident, replace(kept.plan, joins=joins))
