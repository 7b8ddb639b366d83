"""A storm is quiet again: it ends, and the worst of what it took is looked at once more."""

from __future__ import annotations

from tocsin.core.model import IncidentStatus
from tocsin.core.storm import MOST_LEAVE, ended, key_of, over, rate_of
from tocsin.core.values import replace
from tocsin.engine.hub import Hub, log
from tocsin.store import incidents, storms
from tocsin.store.database import Connection
from tocsin.store.sheet import Sheet, save


async def end_quiet(hub: Hub) -> int:
    """End the storms that are over; how many."""
    names = await hub.database.read(storms.under_way)
    count = 0
    for name in names:
        count += await hub.database.transact(lambda c, name=name: _end(c, hub, name))  # type: ignore[misc]
    if count:
        hub.wake.ring("undecided")
    return count


async def _end(connection: Connection, hub: Hub, name: str) -> int:
    now, sheet = hub.now(), Sheet()
    found = await incidents.open_groups(connection, {key_of(name)})
    kept = await incidents.lock(connection, [incident for incident, _, _ in found.values()])
    storm = (await storms.lock(connection, {name: rate_of(name, hub.policy)}, now))[name]
    if not over(storm, now):
        return 0
    await storms.save(connection, [replace(storm, since=None, keys=0)])
    for incident_id, one in kept.items():
        looked_at = 0
        if one.incident.status is IncidentStatus.OPEN:
            most = min(MOST_LEAVE, max(int(storm.rate.burst) // 2, 1))
            looked_at = await storms.look_again(connection, incident_id, most, now)
        incident, line = ended(one.incident, storm.keys, looked_at)
        sheet.ungrouped.add(incident_id)
        sheet.incidents[incident_id] = (incident, one.plan)
        sheet.tell(now, incident, line)
    await save(connection, sheet, now)
    log.info("storm_over", integration=name, keys=storm.keys)
    return 1
