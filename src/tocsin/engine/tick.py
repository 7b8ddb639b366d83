"""Time passed: pages that are due to be looked at."""

from __future__ import annotations

from uuid import UUID

from tocsin.engine import ask
from tocsin.engine.hub import Hub
from tocsin.engine.joining import ask_about_joins, joins_due
from tocsin.engine.lapse import end_acknowledgement, hold_on, snoozed_out
from tocsin.engine.tell import supersede
from tocsin.store import incidents, outbox, timers
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.sheet import Sheet, save

TOGETHER = 50
LEAST_WAIT = 0.05
"""Seconds until an incident that was in other hands is looked at again."""


async def tick(hub: Hub) -> tuple[int, float]:
    """Look at what is due; (how many, seconds until there is more to look at, at most 5)."""

    ended: list[UUID] = []
    joined: list[UUID] = []

    async def work(connection: Connection) -> tuple[int, float]:
        ended.clear()
        joined.clear()
        now = hub.now()
        since = hub.gate.made_since
        due = await timers.claim_due(connection, now, TOGETHER, opened_since=since)
        ids = [incident for kind, incident in due if kind == timers.PAGE]
        if ids:
            await _look(connection, hub, ids)
        ended.extend(await hold_on(connection, hub, [one for kind, one in due if kind == timers.ACK]))
        ended.extend(await snoozed_out(connection, hub, [one for kind, one in due if kind == timers.SNOOZE]))
        joined.extend(await joins_due(connection, hub, [one for kind, one in due if kind == timers.JOIN]))
        following = await timers.next_due(connection)
        if since is not None:
            return len(due), 1.0
        wait = (following - now).total_seconds() if following else 5.0
        return len(due), min(max(wait, LEAST_WAIT), 5.0)

    count, wait = await hub.database.transact(work)
    for incident_id in ended:
        await end_acknowledgement(hub, incident_id)
    for incident_id in joined:
        await ask_about_joins(hub, incident_id)
    if count:
        hub.wake.ring("effects")
    return count, wait


async def _look(connection: Connection, hub: Hub, ids: list[UUID]) -> None:
    now = hub.now()
    kept = await incidents.lock(connection, ids)
    breakers = await open_breakers(connection, now)
    sheet = Sheet()
    asked = await outbox.remotes_of_all(connection, kept)
    for incident_id, found in kept.items():
        remotes = asked[incident_id]
        plan, ways = ask.page(hub, sheet, found.incident, found.plan, remotes, breakers, now)
        await supersede(connection, sheet, found.incident, remotes, ways, now)
        if plan != found.plan:
            sheet.incidents[incident_id] = (found.incident, plan)
    await save(connection, sheet, now)
