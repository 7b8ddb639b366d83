"""The loops: decide, deliver, look at timers, work webhooks off, keep the house. Each stops cleanly.

A loop is rung when there is work and looks by itself besides, so a lost ring costs a second, never a page.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any

from tocsin import __version__
from tocsin.engine import (
    alarm,
    audit,
    canary,
    configure,
    credentials,
    deliver,
    digest,
    forget,
    hooks,
    hours,
    logs,
    notified,
    oncall,
    post,
    reconcile,
    room,
    silences,
    silent,
    sla,
    storm,
    subscribe,
    tick,
)
from tocsin.engine.decider import TOGETHER, decide_some
from tocsin.engine.deliver import IN_FLIGHT
from tocsin.engine.heartbeat import Heartbeat
from tocsin.engine.hub import Hub, log
from tocsin.engine.job import Job
from tocsin.engine.readback import Report
from tocsin.engine.refused import BELL
from tocsin.engine.watch import LOOK_SECONDS, Watch
from tocsin.engine.wire import Wire
from tocsin.store import alarms, configs, intake, mutes, nodes, outbox, sheet
from tocsin.store import hooks as hook_rows
from tocsin.store.database import Connection, DatabaseAway, Listener
from tocsin.store.messages import Message
from tocsin.store.migrate import keep_partitions_ahead

_BELLS = {
    intake.UNDECIDED: "undecided",
    sheet.EFFECTS: "effects",
    sheet.TIMERS: "timers",
    hook_rows.HOOKS: "hooks",
    configs.CONFIG: "config",
    mutes.MUTES: "config",
    alarms.ALARMS: alarm.BELL,
}
_DISPATCH_SECONDS = 1.0
_REST_SECONDS = sheet.LOOKS_EVERY.total_seconds()
FIRST_TOGETHER, DECIDERS = 12, 3
_RESTS = {
    "reconcile": 5.0,
    "subscriptions": 5.0,
    digest.BELL: 5.0,
    "watch": LOOK_SECONDS,
    "heartbeat": 2.0,
    "canary": 2.0,
    "oncall": 5.0,
}
_BEAT_SECONDS, _BEFORE_THE_END = 2.0, 1.0
_HOUSEKEEPING = timedelta(hours=6)


class Worker:
    """Runs every loop of a node until `stop`."""

    def __init__(self, hub: Hub, *, role: str = "all", intake: Callable[[], bool] = lambda: True) -> None:
        self._hub, self._role = hub, role
        self._wire = Wire()
        self._credentials = credentials.Watch()
        self._watch = Watch(hub, self._wire)
        self._heartbeat = Heartbeat(hub, self._wire, self._watch, intake)
        self._tasks: list[asyncio.Task[None]] = []
        self._couriers: dict[str, asyncio.Task[None]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._readers: dict[str, asyncio.Task[Report]] = {}
        self._stopping = False
        self._rolls_at = hub.now()
        self.alive = False

    async def start(self, *, loops: bool = True) -> None:
        """Begin; `loops` False = only listen for configuration changes (role api)."""
        self._tasks.append(asyncio.create_task(self._listen(), name="listen"))
        self._tasks.append(asyncio.create_task(self._forever("config", self._refresh, 30.0), name="config"))
        self._tasks.append(asyncio.create_task(self._forever(BELL, self._room, 5.0), name="room"))
        self._tasks.append(
            asyncio.create_task(self._forever(hours.BELL, self._give, hours.GIVE_SECONDS), name="hours")
        )
        self._tasks.append(
            asyncio.create_task(self._forever(logs.BELL, self._ship, logs.SHIP_SECONDS), name="logs")
        )
        self._tasks.append(asyncio.create_task(self._forever("audit", self._audit, 2.0), name="audit"))
        if loops:
            others = [("hooks", self._hooks), ("timers", self._tick), ("reconcile", self._reconcile)]
            others += [(alarm.BELL, self._alarms), ("watch", self._watch.look), ("rungs", self._rungs)]
            others += [(digest.BELL, self._digests), ("subscriptions", self._subscriptions)]
            others += [("heartbeat", self._heartbeat.beat), ("canary", self._canary)]
            others += [("oncall", self._oncall), (sla.BELL, self._sla)]
            for name, work in (("undecided", self._decide), *others):
                self._tasks.append(
                    asyncio.create_task(
                        self._forever(name, work, _RESTS.get(name, _REST_SECONDS)),
                        name=name,
                    )
                )
            self._tasks.append(asyncio.create_task(self._dispatch(), name="dispatch"))
            self._tasks.append(asyncio.create_task(self._keep_house(), name="house"))
        self._tasks.append(asyncio.create_task(self._forever("beat", self._beat, _BEAT_SECONDS), name="beat"))
        self.alive = True

    async def stop(self) -> None:
        """Let calls under way end (5 s), then close; what was claimed and not settled is taken over."""
        self._stopping = True
        self.alive = False
        await ended([*self._tasks, *self._couriers.values(), *self._readers.values()])
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=5)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._wire.close()

    async def _forever(self, bell: str, work: Callable[[], Awaitable[float | None]], rest: float) -> None:
        """Ring -> work until nothing is left -> wait. A fault is logged and the loop goes on."""
        while True:
            try:
                wait = await work()
            except DatabaseAway as fault:
                if self._hub.away is not None:
                    await self._hub.wake.wait(bell, _REST_SECONDS)
                    continue  # told already, and known
                log.warning("database_away", loop=bell, message=str(fault)[:200])
                wait = 1.0
            except Exception as fault:  # noqa: BLE001 - the loop's edge
                log.exception("loop_failed", loop=bell, fault=type(fault).__name__)
                wait = 1.0
            await self._hub.wake.wait(bell, rest if wait is None else min(wait, rest))

    async def _decide(self) -> float | None:
        """A few first, so that the first page of a burst leaves at once; more together while there is more."""
        await self._hub.owed.pay()  # before it is judged who is due
        most = FIRST_TOGETHER
        while await self._decided(most) >= most:
            if most < TOGETHER:
                most = min(most * 3, TOGETHER)
            else:
                # a backlog: while one waits for the database, the others think
                await asyncio.gather(*(self._decided(TOGETHER) for _ in range(DECIDERS)))
        return None

    async def _decided(self, most: int) -> int:
        count = await decide_some(self._hub, most)
        self._hub.counted.decisions += count
        return count

    async def _hooks(self) -> float | None:
        while await hooks.work_off(self._hub):
            pass
        return None

    async def _tick(self) -> float | None:
        await self._hub.owed.pay()  # before it is judged what came too late
        count, wait = await tick.tick(self._hub)
        while count:
            count, wait = await tick.tick(self._hub)
        return wait

    async def _digests(self) -> float | None:
        await storm.end_quiet(self._hub)
        _, wait = await digest.close_due(self._hub)
        return min(wait, await silent.ask_holders(self._hub))

    async def _alarms(self) -> float | None:
        while await alarm.tell(self._hub):
            pass
        return None

    async def _reconcile(self) -> float | None:
        """By the node on duty alone, or each more would double the calls. Each connector is read by a task of its
        own, so that a slow one keeps no other from being read."""
        if not self._hub.on_duty:
            return None
        await reconcile.keep_in_step(self._hub)
        for connector in reconcile.readable(self._hub):
            task = self._readers.get(connector.name)
            if task is None or task.done():
                reading = reconcile.read_due(self._hub, self._wire, connector)
                self._readers[connector.name] = asyncio.create_task(reading, name=f"read {connector.name}")
        return None

    async def _rungs(self) -> float | None:
        await notified.look_for_notified(self._hub, self._wire)
        return None

    async def _oncall(self) -> float | None:
        """By the node on duty alone, as reading back is."""
        if self._hub.on_duty and not self._hub.gate.shut:
            await oncall.keep_fresh(self._hub, self._wire)
        return None

    async def _sla(self) -> float | None:
        """By the node on duty: what it missed the next one catches up."""
        while self._hub.on_duty and await sla.keep_clocks(self._hub) >= sla.TOGETHER:
            pass
        return None

    async def _canary(self) -> float | None:
        await canary.look(self._hub)
        return None

    async def _subscriptions(self) -> float | None:
        if self._hub.on_duty and self._hub.active.subscribed:
            await subscribe.settle(self._hub, self._wire)
        return None

    async def _room(self) -> float | None:
        """On every node, also one that only takes requests."""
        await room.look(self._hub)
        return None

    async def _give(self) -> float | None:
        """What was counted here; and by the node on duty, the hours that are over."""
        if self._hub.away is None:
            await hours.give(self._hub)
            if self._hub.on_duty and self._hub.now() >= self._rolls_at:
                await hours.roll(self._hub)
                self._rolls_at = self._hub.now() + timedelta(minutes=1)
        return None

    async def _ship(self) -> float | None:
        """On every node: what it said meets in the database what the others said."""
        while self._hub.away is None and await self._hub.logs.ship(self._hub.database) == logs.MOST_TOGETHER:
            pass
        return None

    async def _audit(self) -> float | None:
        return await audit.look(self._hub)

    async def _refresh(self) -> float | None:
        await configure.refresh(self._hub)
        await silences.refresh(self._hub)
        await self._credentials.look(self._hub)
        return None

    async def _dispatch(self) -> None:
        """See that each connector with work has a courier, and ring them all."""

        async def work() -> float | None:
            for name in self._hub.policy.connectors:
                self._courier_of(name)  # there before it is rung
            now = self._hub.now()
            for name in await self._hub.database.read(lambda c: outbox.connectors_with_work(c, now)):
                self._courier_of(name)
                self._hub.wake.ring(f"courier {name}")
            return None

        await self._forever("effects", work, _DISPATCH_SECONDS)

    def _courier_of(self, connector: str) -> None:
        task = self._couriers.get(connector)
        if task is None or task.done():
            self._couriers[connector] = asyncio.create_task(
                self._courier(connector), name=f"courier {connector}"
            )

    async def _courier(self, connector: str) -> None:
        """Claim and send for one connector, at most IN_FLIGHT at once."""
        bell = f"courier {connector}"
        under_way: set[asyncio.Task[None]] = set()

        async def work() -> float | None:
            while True:
                free = IN_FLIGHT - len(under_way)
                if free < max(1, IN_FLIGHT // 4):
                    return None
                claimed = await deliver.claim(self._hub, connector, free)
                carried = [self._carry(job) for job in claimed.jobs]
                for one in (*carried, *(self._post(message) for message in claimed.messages)):
                    task = asyncio.create_task(one)
                    under_way.add(task)
                    self._sending.add(task)
                    task.add_done_callback(finished)
                if not claimed.more:
                    return claimed.wait_seconds

        def finished(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            self._sending.discard(task)
            if len(under_way) == IN_FLIGHT * 3 // 4:
                self._hub.wake.ring(bell)  # it was full: there may be more

        await self._forever(bell, work, 5.0)

    async def _carry(self, job: Job) -> None:
        try:
            await deliver.carry_out(self._hub, self._wire, job)
        except Exception as fault:  # noqa: BLE001 - its lease runs out and it is settled by looking
            log.error(
                "settle_failed", effect=job.work.id, fault=type(fault).__name__, message=str(fault)[:300]
            )

    async def _post(self, message: Message) -> None:
        try:
            await post.carry_out(self._hub, self._wire, message)
        except Exception as fault:  # noqa: BLE001 - its lease runs out and it is sent again
            log.error("settle_failed", message=message.id, fault=type(fault).__name__)

    async def _listen(self) -> None:
        """Hear what other processes did; without it the loops still look by themselves."""
        listener: Listener | None = None
        try:
            while True:
                if listener is None or listener.lost:
                    try:
                        channels = [*_BELLS, sheet.CHANGED]
                        listener = await self._hub.database.listen(channels, self._heard)
                        for bell in _BELLS.values():
                            self._hub.wake.ring(bell)
                    except Exception as fault:  # noqa: BLE001 - the database is away: try again
                        log.warning("listen_failed", fault=type(fault).__name__)
                await asyncio.sleep(2)
        finally:
            if listener is not None:
                await listener.close()

    def _heard(self, channel: str, payload: str, own: bool) -> None:
        if channel == sheet.CHANGED:
            for tell in self._hub.changed:
                tell(payload)
        elif not own or channel == configs.CONFIG:
            self._hub.wake.ring(_BELLS[channel])

    async def _beat(self) -> float | None:
        """Say that this node is up; take over what a silent one had begun, and the duty when it is free."""
        hub = self._hub
        if hub.node is not None:
            node, began = hub.node, asyncio.get_running_loop().time()

            async def work(connection: Connection) -> tuple[int, bool]:
                taken = await nodes.here_i_am(
                    connection,
                    node,
                    self._role,
                    socket.gethostname(),
                    hub.now(),
                    name=hub.name,
                    version=__version__,
                )
                return taken, self._role != "api" and await nodes.take_duty(connection, node)

            taken, mine = await hub.database.transact(work)
            if mine and not hub.on_duty:
                hub.duty_until = began + nodes.DUTY_SECONDS - _BEFORE_THE_END
                hub.wake.ring("reconcile")
                hub.wake.ring("watch")
            hub.duty_until = began + nodes.DUTY_SECONDS - _BEFORE_THE_END if mine else 0.0
            if taken:
                log.warning("leases_taken_over", effects=taken)
                hub.wake.ring("effects")
        return None

    async def _keep_house(self) -> None:
        """Partitions are made well before they are needed, and dropped when they are old enough."""
        while True:
            try:
                await keep_partitions_ahead(self._hub.database, self._hub.now().date())
            except Exception as fault:  # noqa: BLE001 - tried again; the default partition takes what comes meanwhile
                log.error("partitions_failed", fault=type(fault).__name__)
            try:
                await forget.forget(self._hub)
            except Exception as fault:  # noqa: BLE001 - tried again; a day more of history harms nobody
                log.error("forgetting_failed", fault=type(fault).__name__, message=str(fault)[:200])
            await asyncio.sleep(_HOUSEKEEPING.total_seconds())


async def ended(tasks: Collection[asyncio.Task[Any]], *, patience: float = 0.5) -> None:
    """Cancel until all have ended. Once may not do: a cancellation that meets a connection just lost comes out of
    the driver as that loss, and the loop goes on."""
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=patience)
