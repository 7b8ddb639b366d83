"""The hub looks at itself: its queues, its timers, its nodes, its keys, its disk (TR-7).

The node on duty looks at what all share, each node at its own disk. What is found becomes an alarm, and one that
nobody is seen to have got through the outbox is mailed from here.
"""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from functools import partial

from tocsin.core.alarm import Alarm
from tocsin.core.watch import DISK, Disk, Watched, cannot_page, changes, judge, judge_disk
from tocsin.engine import alarm as alarms
from tocsin.engine import direct
from tocsin.engine.hub import Hub, log
from tocsin.engine.wire import Wire
from tocsin.store import alarms as alarm_rows
from tocsin.store import watch as rows
from tocsin.store.database import Connection

LOOK_SECONDS = 15.0
DIRECT_AFTER = timedelta(minutes=2)
"""An alarm that nobody is seen to have by then is mailed without the outbox."""


class Watch:
    """One node's looks. `faults` = why a page may not leave the hub, as last seen by the node on duty."""

    def __init__(self, hub: Hub, wire: Wire) -> None:
        self._hub, self._wire = hub, wire
        self._before: frozenset[str] | None = None
        self._disk_before: frozenset[str] | None = None
        self.faults: list[str] = []
        self.looked_at: float | None = None

    async def look(self) -> None:
        """Once around; raises DatabaseAway, which the keeper deals with."""
        await self._look_at_disk()
        if not self._hub.on_duty:
            self._before, self.looked_at = None, None
            return
        found = judge(await self._gather(), self._hub.now())
        await self._tell(*changes(found, self._before, await self._going_on()))
        self._before = frozenset(a.key for a in found)
        self.faults, self.looked_at = cannot_page(found), asyncio.get_running_loop().time()
        await self._tell_directly()

    async def _gather(self) -> Watched:
        hub, now = self._hub, self._hub.now()

        async def ask(connection: Connection) -> Watched:
            work = await rows.own_work(connection, now.date())
            return Watched(
                queues=await rows.queues(connection, list(hub.policy.connectors), now),
                undecided_since=work.undecided_since, timer_due=work.timer_due, hook_since=work.hook_since,
                weeks_missing=work.weeks_missing, tokens=await rows.tokens_ending(connection, now),
                silent=await rows.silent_nodes(connection, hub.node, now), certificates=dict(self._wire.certificates),  awake_since=hub.awake_since, held=hub.hold is not None,
            )  # fmt: skip

        return await hub.database.read(ask)

    async def _going_on(self) -> list[str]:
        going_on = await self._hub.database.read(alarm_rows.going_on)
        return [sounded.alarm.key for sounded in going_on]

    async def _tell(self, sound: list[Alarm], over: list[str]) -> None:
        if not sound and not over:
            return
        now = self._hub.now()

        async def work(connection: Connection) -> None:
            await alarm_rows.clear(connection, over, now)
            await alarm_rows.sound(connection, sound, now)

        await self._hub.database.transact(work)
        self._hub.wake.ring(alarms.BELL)

    async def _look_at_disk(self) -> None:
        hub = self._hub
        if hub.folder is None:
            return
        usage = await asyncio.to_thread(shutil.disk_usage, hub.folder)
        disk = Disk(node=hub.name, folder=str(hub.folder), free=usage.free, size=usage.total)
        found = judge_disk(disk)
        going_on = [key for key in hub.alarming if key == DISK + hub.name]
        await self._tell(*changes(found, self._disk_before, going_on, ours=(DISK + hub.name,)))
        self._disk_before = frozenset(a.key for a in found)

    async def _tell_directly(self) -> None:
        """Once for each alarm: marked before it is sent, unmarked when nobody took it."""
        hub, now = self._hub, self._hub.now()
        for alarm in await hub.database.transact(lambda c: rows.not_got_through(c, now - DIRECT_AFTER, now)):
            to = ", ".join(await direct.send(hub, self._wire, alarm))
            log.error("alarm_told_directly" if to else "alarm_reached_nobody", alarm=alarm.key, to=to)
            await hub.database.transact(partial(rows.sent_directly, key=alarm.key, to=to))
