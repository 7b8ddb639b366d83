"""The hub's own alarms become alerts: raised and cleared as rows by whoever notices, told by the worker.

`sheet.alarms` and `sheet.alarms_over` commit with what was decided; `sound` and `clear` serve who has no sheet.
"""

from __future__ import annotations

from tocsin.core.alarm import CONNECTOR_LABEL, INTEGRATION, Alarm
from tocsin.core.model import Action, Event
from tocsin.engine.admission import admit_within
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.store import alarms
from tocsin.store.alarms import Sounded
from tocsin.store.database import Connection
from tocsin.store.intake import RawRequest

_TOGETHER = 50
BELL = "alarms"


async def sound(hub: Hub, alarm: Alarm) -> None:
    """Raise an alarm, or see it again."""
    await hub.database.transact(lambda c: alarms.sound(c, [alarm], hub.now()))
    hub.wake.ring(BELL)


async def clear(hub: Hub, key: str) -> None:
    """What the alarm speaks of works again; nothing happens when it does not go on."""
    await hub.database.transact(lambda c: alarms.clear(c, [key], hub.now()))
    hub.wake.ring(BELL)


async def tell(hub: Hub) -> int:
    """Turn alarms raised or cleared since into events of the built-in integration, and learn which go on; how
    many were told."""

    async def work(connection: Connection) -> int:
        found = await alarms.claim_untold(connection, _TOGETHER)
        for sounded in found:
            event = _event(sounded)
            await admit_within(connection, hub, _raw(hub, sounded), INTEGRATION, [event])
        hub.alarming = frozenset(s.alarm.key for s in await alarms.going_on(connection))
        return len(found)

    count = await hub.database.transact(work)
    if count:
        log.warning("alarms_told", alarms=count)
        hub.wake.ring("undecided")
    return count


def _event(sounded: Sounded) -> Event:
    alarm = sounded.alarm
    labels = {CONNECTOR_LABEL: alarm.connector} if alarm.connector else {}
    return Event(
        action=Action.CREATE if sounded.cleared_at is None else Action.RESOLVE, dedup_key=alarm.key, title=alarm.title,
        description=alarm.text, severity=alarm.severity, source=INTEGRATION, labels=labels,
        details={"alarm": alarm.key, "since": sounded.raised_at.isoformat(timespec="seconds"), "seen": sounded.times},
    )  # fmt: skip


def _raw(hub: Hub, sounded: Sounded) -> RawRequest:
    """The hub's own word, kept as a sender's is: the record of events has no holes."""
    alarm = sounded.alarm
    now = hub.now()
    return RawRequest(
        id=new_id(now), received_at=now, integration=INTEGRATION, source=INTEGRATION, method="", path="", query="",
        headers={}, body=f"{alarm.title}\n\n{alarm.text}".encode(), remote_address="", reading="read",
    )  # fmt: skip
