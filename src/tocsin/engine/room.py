"""Has this node room for more, and whom did it refuse for want of it? Told as an alarm of the hub's own (S17)."""

from __future__ import annotations

import asyncio
import shutil

from tocsin.core.refused import LEAST_ROOM, alarm_of, is_over, key_of, of_gone
from tocsin.engine import alarm
from tocsin.engine.hub import Hub, log
from tocsin.store import alarms, nodes
from tocsin.store.database import Connection


async def look(hub: Hub, least_room: int = LEAST_ROOM) -> None:
    """Once around, on every node. Raises DatabaseAway: what was refused is told when it is back."""
    refused, now = hub.refused, hub.now()
    if hub.own_database and hub.folder is not None:
        usage = await asyncio.to_thread(shutil.disk_usage, hub.folder)
        refused.no_room = usage.free < least_room
    if tally := refused.tally:
        refused.untold = False
        try:
            await alarm.sound(hub, alarm_of(hub.name, tally))
        except BaseException:
            refused.untold = True
            raise
        log.error("senders_refused", requests=tally.requests, full=tally.full.value)
        return
    refused.last_at = refused.last_at or now  # an earlier run's alarm is over when this one refuses nobody
    if hub.on_duty and any(key != key_of(hub.name) for key in hub.alarming if key.startswith(key_of(""))):
        await hub.database.transact(lambda connection: _end_of_gone(connection, hub))
    if is_over(refused.last_at, now) and key_of(hub.name) in hub.alarming:
        await alarm.clear(hub, key_of(hub.name))
        refused.begin_anew()


async def _end_of_gone(connection: Connection, hub: Hub) -> None:
    """What a node said that is gone for good is ended by the one on duty."""
    now = hub.now()
    # of the same name is what a connector refuses, which names the connector
    going_on = {s.alarm.key: s.seen_at for s in await alarms.going_on(connection) if not s.alarm.connector}
    up = [node.name for node in await nodes.every(connection) if not is_over(node.seen_at, now)]
    await alarms.clear(connection, of_gone(going_on, up, now), now)
