"""Ask providers what they think: the way back where webhooks cannot reach, and the cure where one was missed.

What is read goes through the same door as a webhook (`engine/follow.py`). Reads live within the connector's
rate limit and leave room for pages; no connector waits for another. An open breaker keeps pages away, not these: nothing
may be queued that would try it, while people go on acting there. A provider that is down costs one call each 20 s.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.core.alarm import Alarm
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.policy import Connector, Direction
from tocsin.core.severity import Severity
from tocsin.engine import alarm
from tocsin.engine.diverge import end_agreed
from tocsin.engine.hub import Hub, log
from tocsin.engine.readback import Report, read_these
from tocsin.engine.wire import Wire
from tocsin.store import alarms, incidents, outbox, remotes
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.outbox import Remote

UNPROVEN = "webhook-unproven"
POLL_EVERY = timedelta(seconds=10)
MOST_AT_ONCE = 100
PROVEN_WITHIN = timedelta(seconds=60)
_LOOKED_BACK = timedelta(minutes=15)
_AGAIN_AFTER = timedelta(seconds=20)


def readable(hub: Hub) -> list[Connector]:
    """The connectors whose incidents can be read back and count for anything."""
    known = hub.policy.connectors.values()
    return [c for c in known if "read_states" in hub.abilities(c.name)]


async def reconcile(hub: Hub, wire: Wire) -> list[Report]:
    """Read what is due at every connector, all at once."""
    return list(await asyncio.gather(*(read_due(hub, wire, c) for c in readable(hub))))


async def reconcile_all(hub: Hub, wire: Wire) -> list[Report]:
    """Read every live incident at every connector, whatever was read when: after a start from an old
    database, before anybody is paged (S48)."""
    return list(await asyncio.gather(*(sync(hub, wire, c.name) for c in readable(hub))))


async def keep_in_step(hub: Hub) -> None:
    """What is to be looked at now and then, whatever is read: webhooks that stay away, differences that are
    over."""
    await prove(hub)
    await hub.database.transact(lambda c: end_agreed(c, hub.now()))


async def read_due(hub: Hub, wire: Wire, connector: Connector) -> Report:
    """Read what is due at one connector; a fault is logged and tried again soon."""
    try:
        return await _due(hub, wire, connector)
    except Exception as fault:  # noqa: BLE001 - one connector must not keep the others from being read
        log.warning("reconcile_failed", connector=connector.name, fault=type(fault).__name__)
        return Report(connector=connector.name, held_back=f"a fault of ours ({type(fault).__name__})")


async def sync(hub: Hub, wire: Wire, name: str, incident: str = "") -> Report:
    """By hand: read one incident, or every live one, at a connector now. Raises NotFound, and BadInput for a
    provider that can be asked nothing."""
    connector = hub.policy.connectors.get(name)
    if connector is None:
        raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")
    if "read_states" not in hub.abilities(name):
        raise BadInput(
            f"{name} cannot be read back",
            faults=(FieldFault("name", f"a connector of the type {connector.type} tells no state"),),
        )

    async def ask(connection: Connection) -> list[Remote]:
        if not incident:
            return await remotes.live(connection, name)
        found = await incidents.id_of(connection, incident)
        if found is None:
            raise NotFound(
                f"There is no incident {incident}", hint="`im list --status all` shows every incident"
            )
        sides = await outbox.remotes_of(connection, found)
        return [r for r in sides if r.connector == name and r.accepted_at and not r.superseded_at]

    wanted = await hub.database.read(ask)
    report = Report(connector=name)
    over = not incident and "list_open" in hub.abilities(name)
    for at in range(0, max(len(wanted), int(over)), MOST_AT_ONCE):
        some = wanted[at : at + MOST_AT_ONCE]
        await read_these(hub, wire, connector, some, report, over=over and at == 0, tries=True)
        if report.held_back:
            break
    return report


async def prove(hub: Hub) -> list[str]:
    """Doubt the webhooks of each connector where a write of ours has not come back within PROVEN_WITHIN; the
    names of those doubted anew. The next echo, or the provider's own test, proves them again (S44)."""
    now = hub.now()
    doubted: list[str] = []
    if not hub.public_url:
        return doubted
    for connector in hub.policy.connectors.values():
        writes = connector.direction is not Direction.INBOUND
        if not (connector.enable_webhook and writes and "verify_webhook" in hub.abilities(connector.name)):
            continue

        async def work(connection: Connection, name: str = connector.name) -> bool:
            since = await remotes.unheard(
                connection, name, since=now - _LOOKED_BACK, until=now - PROVEN_WITHIN
            )
            if since is None or not await remotes.doubt(connection, name, since):
                return False
            await alarms.sound(connection, [_unproven(name)], now)
            return True

        if await hub.database.transact(work):
            hub.wake.ring(alarm.BELL)
            log.warning("webhooks_unproven", connector=connector.name)
            doubted.append(connector.name)
    return doubted


def _unproven(name: str) -> Alarm:
    return Alarm(
        key=f"{UNPROVEN}/{name}",
        title=f"Webhooks of {name} do not come back",
        text=f"What was written to {name} over a minute ago has not come back by webhook, so an acknowledgement there"
        " would be missed too. Until one comes back it is read every 10 s. Check the webhook's address, its secret and"
        f" whether it is switched on at the provider: im connector status {name}",
        severity=Severity.MEDIUM,
    )


def polls(hub: Hub, connector: Connector, unproven: bool) -> bool:
    """True where webhooks are not the way back: they cannot be, or a write of ours did not come back (S44)."""
    return unproven or not hub.public_url or not connector.enable_webhook


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one turn reads: these remotes, and `over`, the list of what is open there for what is over here."""

    remotes: list[Remote]
    over: bool
    open_every: timedelta


async def _due(hub: Hub, wire: Wire, connector: Connector) -> Report:
    now, every = hub.now(), connector.sync_interval
    report = Report(connector=connector.name)
    if not hub.active.unsealed:
        return report

    async def claim(connection: Connection) -> _Claim:
        unproven = await remotes.unproven_since(connection, connector.name)
        often = connector.direction is not Direction.OUTBOUND  # what is only listed has time
        soon = POLL_EVERY if often and polls(hub, connector, unproven is not None) else every
        found = await remotes.claim_due(
            connection, connector.name, now, open_every=min(soon, every), every=every, most=MOST_AT_ONCE
        )
        over = "list_open" in hub.abilities(connector.name) and await remotes.claim_open_list(
            connection, connector.name, now, every=every
        )
        return _Claim(found, over, min(soon, every))

    due = await hub.database.transact(claim)
    if due.remotes or due.over:
        try:
            await read_these(hub, wire, connector, due.remotes, report, over=due.over, tries=True)
        except DatabaseAway as fault:
            # what was learned is learned anew: a reading may be made twice
            hub.owed.put(f"reading of {connector.name}", lambda: _unread(hub, connector, due, now))
            hub.lost(fault)
            raise
        if report.held_back:
            await _unread(hub, connector, due, now + _AGAIN_AFTER)
    return report


async def _unread(hub: Hub, connector: Connector, due: _Claim, at: datetime) -> None:
    async def work(connection: Connection) -> None:
        ids, every = [r.id for r in due.remotes], connector.sync_interval
        await remotes.unread(connection, ids, at, open_every=due.open_every, every=every)
        if due.over:
            await remotes.open_list_unread(connection, connector.name, at - every)

    await hub.database.transact(work)
