"""Was somebody rung by a page that was created? Read soon, since a hedge waits for it (S27, S30).

Providers tell of it in their log alone, so it is asked for while it is not known: a critical page with another target
to hedge to 5 s after it was created and every 5 s while that may be near, those on which nothing waits less and less
often, none after an hour. Reading never takes the calls that pages need.
"""

from __future__ import annotations

from tocsin.engine.hub import Hub, log
from tocsin.engine.readback import Report, read_these
from tocsin.engine.reconcile import MOST_AT_ONCE
from tocsin.engine.wire import Wire
from tocsin.store import remotes
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.outbox import Remote


async def look_for_notified(hub: Hub, wire: Wire) -> None:
    """Read what is due at every connector that can tell."""
    for name in sorted(hub.tells_notified):
        try:
            await _one(hub, wire, name)
        except Exception as fault:  # noqa: BLE001 - one connector must not keep the others from being read
            log.warning(
                "rungs_not_read", connector=name, fault=type(fault).__name__, message=str(fault)[:200]
            )


async def _one(hub: Hub, wire: Wire, name: str) -> None:
    now = hub.now()

    async def claim(connection: Connection) -> list[Remote]:
        due = await remotes.unrung(connection, name, now, MOST_AT_ONCE)
        await remotes.rungs_read(connection, [remote.id for remote in due], now)
        return due

    async def again() -> None:
        await hub.database.transact(lambda c: remotes.rungs_unread(c, name, now))
        hub.wake.ring("rungs")

    try:
        if hub.active.unsealed and (due := await hub.database.transact(claim)):
            await read_these(hub, wire, hub.policy.connectors[name], due, Report(connector=name))
    except DatabaseAway as fault:
        hub.owed.put(f"rungs at {name}", again)
        hub.lost(fault)
