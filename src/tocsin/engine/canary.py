"""Try the whole way before the night: an alert of the hub's own that is really created at each connector (TR-7).

It goes door, decision, outbox, provider, like any other, and is resolved as soon as it was seen created everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.core.alarm import CANARY_LABEL, INTEGRATION
from tocsin.core.canary import CANARY_ALARM, canary_alarm
from tocsin.core.errors import BadInput, Conflict, FieldFault
from tocsin.core.model import Action, Event
from tocsin.core.proving import canary_due, canary_over
from tocsin.core.severity import Severity
from tocsin.engine.acting import tell
from tocsin.engine.admission import admit_within
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.store import alarms, canaries
from tocsin.store.canaries import Run
from tocsin.store.database import Connection
from tocsin.store.intake import RawRequest

TITLE = "Canary: this page only tries the way; it ends by itself"


async def begin(hub: Hub, by: str, connectors: Sequence[str] = ()) -> Run:
    """Send one to these connectors, else to those of the schedule, else to all. Raises BadInput for one that there
    is not, and Conflict while another is under way."""
    names = tuple(dict.fromkeys(connectors)) or _scheduled(hub)
    unknown = [name for name in names if not hub.reaches_here(name)]
    if unknown or not names:
        why = (
            f"there is no connector {unknown[0]} that is written to"
            if unknown
            else "there is none that is written to"
        )
        raise BadInput("A canary needs connectors", faults=(FieldFault("connectors", why),))

    async def work(connection: Connection) -> Run:
        now = hub.now()
        await canaries.one_at_a_time(connection)
        last = next(iter(await canaries.newest(connection)), None)
        if last is not None and last.ended_at is None:
            raise Conflict("A canary is under way", hint="im canary shows it; it takes two minutes at most")
        run = Run(id=new_id(now), started_at=now, asked_by=by, connectors=names, ended_at=None, found={})
        await canaries.add(connection, run)
        await _say(connection, hub, run, Action.CREATE)
        await tell(connection, hub, "canary.send", str(run.id), after={"connectors": list(names)}, text=by)
        return run

    run = await hub.database.transact(work)
    log.info("canary_sent", connectors=names, by=by)
    hub.wake.ring("undecided")
    return run


async def look(hub: Hub) -> None:
    """Begin one that is due, end the one that has come as far as it will; on the node on duty alone."""
    if not hub.on_duty:
        return
    last = next(iter(await hub.database.read(canaries.newest)), None)
    if last is not None and last.ended_at is None:
        await end(hub, last)
        return
    schedule = hub.policy.defaults.canary
    if schedule is not None and canary_due(schedule, last.started_at if last else None, hub.now()):
        await begin(hub, "schedule")


async def end(hub: Hub, run: Run) -> bool:
    """Resolve it when it is over; what was not created somewhere is an alarm of that connector. True = it is."""

    async def work(connection: Connection) -> bool:
        now = hub.now()
        found = await canaries.sung(connection, run)
        if not canary_over(found, run.started_at, now):
            return False
        await _say(connection, hub, run, Action.RESOLVE)
        await canaries.end(connection, run, list(found.values()), now)
        await alarms.sound(
            connection, [canary_alarm(one) for one in found.values() if one.created_at is None], now
        )
        await alarms.clear(
            connection, [CANARY_ALARM.format(n) for n, one in found.items() if one.created_at], now
        )
        return True

    over = await hub.database.transact(work)
    if over:
        hub.wake.ring("undecided")
        hub.wake.ring("alarms")
    return over


def _scheduled(hub: Hub) -> tuple[str, ...]:
    schedule = hub.policy.defaults.canary
    if schedule is not None and schedule.connectors:
        return schedule.connectors
    return tuple(name for name in hub.policy.connectors if hub.reaches_here(name))


async def _say(connection: Connection, hub: Hub, run: Run, action: Action) -> None:
    schedule, now = hub.policy.defaults.canary, hub.now()
    service = schedule.service if schedule is not None else ""
    text = f"Sent by {run.asked_by} to see that {', '.join(run.connectors)} create pages. Nothing needs to be done."
    event = Event(
        action=action, dedup_key=run.key, title=TITLE, description=text, severity=Severity.LOW, source=INTEGRATION,
        services=(service,) if service else (), labels={CANARY_LABEL: ",".join(run.connectors)},
    )  # fmt: skip
    raw = RawRequest(
        id=new_id(now), received_at=now, integration=INTEGRATION, source=INTEGRATION, method="", path="", query="",
        headers={}, body=text.encode(), remote_address="", reading="read",
    )  # fmt: skip
    await admit_within(connection, hub, raw, INTEGRATION, [event])
