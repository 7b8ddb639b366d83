"""A person says that two incidents are one: alerts and services move, pages end or go on, the providers follow.

Where both live at a provider that can merge, it merges them; elsewhere the one that is merged is closed with a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tocsin.core.errors import Conflict, NotFound
from tocsin.core.merge import Merged, merge, why_not
from tocsin.core.model import Actor, Alert, AlertStatus, Incident, IncidentStatus
from tocsin.core.plan import Plan
from tocsin.core.ports import EffectKind, RemoteStatus
from tocsin.core.silent import is_held
from tocsin.core.values import replace
from tocsin.engine import ask
from tocsin.engine.amend import rise
from tocsin.engine.hub import Hub
from tocsin.engine.respond import Response, alert_follows, keep_holding, not_silent, rung
from tocsin.engine.tell import withdraw
from tocsin.store import incidents, outbox, remotes, undecided
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.incidents import Kept
from tocsin.store.merging import move_alerts
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet, save
from tocsin.store.timers import ACK, JOIN, PAGE, SNOOZE


async def merge_into(hub: Hub, name: str, into: str, actor: Actor, *, note: str = "") -> Response:
    """Merge the incident called `name` into the one called `into`; the target afterwards. There is no way back.

    Raises NotFound, and Conflict for two that cannot be merged. What is merged so already changes nothing.
    """

    async def work(connection: Connection) -> Response:
        source_id, target_id = await _id(connection, name), await _id(connection, into)
        alerts = {
            one: await undecided.lock_alerts_of(connection, one) for one in sorted({source_id, target_id})
        }
        kept = await incidents.lock(connection, sorted({source_id, target_id}))
        source, target = kept[source_id], kept[target_id]
        if why := why_not(source.incident, target.incident):
            raise Conflict(
                f"{why}; nothing was changed", hint=f"`im show {source.incident.name}` tells how it stands"
            )
        if source.incident.merged_into is not None:
            return Response(target.incident, False, "merged already")
        now, sheet = hub.now(), Sheet()
        moved = await move_alerts(connection, source_id, target_id)
        done = merge(source.incident, target.incident, moved, actor, note, now)
        sheet.tell(now, done.source, done.source_line, actor=actor.shown)
        sheet.tell(now, done.target, done.target_line, actor=actor.shown)
        theirs, ours = (await outbox.remotes_of_all(connection, [source_id, target_id])).values()
        await _end(connection, hub, sheet, done, source, theirs, ours, actor, note, now)
        both = [*alerts[target_id], *alerts[source_id]]
        after = await _go_on(connection, hub, sheet, done, target, both, ours, actor, now)
        if after.status is IncidentStatus.MITIGATED:
            for alert in alerts[source_id]:
                alert_follows(sheet, alert.id, alert.status, AlertStatus.ACKNOWLEDGED, actor, now)
        await save(connection, sheet, now)
        return Response(after, True, "merged")

    response = await hub.database.transact(work)
    rung(hub)
    return response


async def _id(connection: Connection, name: str) -> UUID:
    found = await incidents.id_of(connection, name)
    if found is None:
        raise NotFound(f"There is no incident {name}", hint="`im list --status all` shows every incident")
    return found


async def _end(
    connection: Connection, hub: Hub, sheet: Sheet, done: Merged, source: Kept, theirs: list[Remote], ours: list[Remote],
    actor: Actor, note: str, now: datetime,
) -> None:  # fmt: skip
    """The page of the one that is merged ends, here and at each provider."""
    reason = f"merged into {done.target.name}"
    gone = await withdraw(connection, sheet, done.source, ask.newest(theirs).values(), reason, now)
    sheet.ungrouped.add(done.source.id)
    for timer in (PAGE, ACK, SNOOZE, JOIN):
        sheet.timers[(timer, done.source.id)] = None
    plan = replace(source.plan, held_until=None, warned=False, joins=(), asks_at=None)
    sheet.incidents[done.source.id] = (done.source, plan)
    words = f"Merged into {done.target.name}: {done.target.title}" + (f" ({note})" if note else "")
    for remote in ask.newest(theirs).values():
        lost = remote.superseded_at or (remote.failed_at and not remote.accepted_at)
        if remote.id in gone or lost or remote.status is RemoteStatus.RESOLVED:
            continue
        if not hub.reaches_here(remote.connector):
            continue
        if remote.shared and await remotes.held_by_another(connection, remote):
            continue  # merged there already, and not over
        body = {"person": actor.name, "note": words}
        into = _there(hub, remote, ours)
        kind = EffectKind.MERGE if into else EffectKind.RESOLVE
        name = ask.name_of(remote)
        ask.add_effect(
            sheet,
            done.source,
            name,
            kind,
            body | ({"into": into} if into else {}),
            now,
            mark=done.target.name,
        )


def _there(hub: Hub, remote: Remote, ours: Sequence[Remote]) -> str:
    """The id of the target where this one lives, when its provider can merge both; "" otherwise."""
    if "merge" not in hub.abilities(remote.connector) or not remote.remote_id:
        return ""
    at = [
        one
        for one in ask.newest(ours).values()
        if one.connector == remote.connector and one.remote_id and one.remote_id != remote.remote_id
        and one.created_at and one.status is not RemoteStatus.RESOLVED and not one.superseded_at
    ]  # fmt: skip
    same = [one.remote_id for one in at if one.service == remote.service]
    return next(iter([*same, *(one.remote_id for one in at)]), "")


async def _go_on(
    connection: Connection, hub: Hub, sheet: Sheet, done: Merged, target: Kept, alerts: list[Alert], ours: list[Remote],
    actor: Actor, now: datetime,
) -> Incident:  # fmt: skip
    """The page of the target, with what came: worse is routed again, an open service is asked for, and what a rule holds
    back begins where the other had begun."""
    incident, plan = done.target, _awake(done.target, target.plan, now)
    if is_held(target.incident):
        plan = not_silent(hub, sheet, Kept(incident, plan), actor, now).plan
    if incident.status is IncidentStatus.MITIGATED and plan.held_until is not None:
        plan = keep_holding(hub, sheet, Kept(incident, plan), actor, now).plan
    if done.rises:
        incident, plan = await rise(
            connection, hub, sheet, incident, plan, done.source.severity, alerts, ours, actor, now
        )
    else:
        plan, _ = ask.page(hub, sheet, incident, plan, ours, await open_breakers(connection, now), now)
    sheet.incidents[incident.id] = (incident, plan)
    return incident


def _awake(incident: Incident, plan: Plan, now: datetime) -> Plan:
    """A page of the target that never began, or that a rule holds back, begins now: the other's has ended."""
    if incident.status is not IncidentStatus.OPEN:
        return plan
    if plan.started_at is None:
        return ask.again(plan, incident.life, now)
    return replace(plan, hold_until=None)
