"""A change told by a provider, by webhook or by reading: judge it, note what is known, act, tell, list.

Everything that follows for the incident goes through `engine/respond.py`, like anybody's act.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.core.divergence import Difference, listed_only, merged, unapplied
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind, IncidentStatus, Line
from tocsin.core.people import known_as, shown_as
from tocsin.core.policy import Connector
from tocsin.core.ports import ChangeKind, EffectKind, RemoteChange, RemoteStatus
from tocsin.core.remote import Judgement, Known, Verdict, judge, unconfirmed
from tocsin.core.snooze import bounded
from tocsin.core.values import replace
from tocsin.engine.ask import add_effect, name_of, newest, ring_again
from tocsin.engine.diverge import differ
from tocsin.engine.foreign import born
from tocsin.engine.hub import Hub
from tocsin.engine.respond import act_on
from tocsin.engine.rungs import after_fact, rung_facts, rung_line
from tocsin.store import alarms, hooks, incidents, outbox, remotes, undecided
from tocsin.store.database import Connection
from tocsin.store.incidents import Kept
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet, save

_STATES = (Act.ACKNOWLEDGE, Act.SNOOZE, Act.UNACKNOWLEDGE, Act.RESOLVE, Act.REOPEN)
_GIVEN_ON = (ChangeKind.REASSIGNED, ChangeKind.ESCALATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One change for one remote, with all that is needed to decide it; `assignee` = who has it by it, for people."""

    connector: Connector
    remote: Remote
    change: RemoteChange
    judgement: Judgement
    kept: Kept
    now: datetime
    assignee: str = ""


async def follow(
    connection: Connection, hub: Hub, connector: Connector, change: RemoteChange, *, heard: bool = True
) -> str:
    """What was done about one change, in words. `heard` = a webhook told it; else it was read."""
    now = hub.now()
    if change.kind is ChangeKind.PING:
        await _proven(connection, connector.name, now)
        return "ping"
    if change.delivery_id and not await hooks.first_sight(connection, connector.name, change.delivery_id):
        return f"{change.kind.value}: seen before"
    # whoever is meant is known by one word from here on, also to know our own write again
    change = replace(change, assignee=known_as(hub.policy.users, change.assignee))
    found = await outbox.find_remotes(connection, connector.name, change.remote_id, change.key)
    if not found:
        return await born(connection, hub, connector, change, now)
    meant = _meant(found, change)
    if not meant:
        return (
            f"{change.kind.value}: {change.remote_id} has our key, but is not the one we follow: stored only"
        )
    return "; ".join([await _follow(connection, hub, connector, change, r, heard, now) for r in meant])


async def _proven(connection: Connection, name: str, now: datetime) -> None:
    if await remotes.proven(connection, name, now):
        await alarms.clear(connection, [f"webhook-unproven/{name}"], now)


def _meant(found: list[Remote], change: RemoteChange) -> list[Remote]:
    """Those with the provider's own id, several after a merge there; else the one with our key whose id is
    not known yet: another id with our key is an older one there (S43)."""
    if named := [r for r in found if change.remote_id and r.remote_id == change.remote_id]:
        places = {(r.incident_id, r.service, r.recipient): r for r in reversed(named)}
        return list(places.values())
    return [r for r in found if not r.remote_id or not change.remote_id][:1]


async def _follow(
    connection: Connection, hub: Hub, connector: Connector, change: RemoteChange, remote: Remote, heard: bool,
    now: datetime,
) -> str:  # fmt: skip
    kept = (await incidents.load(connection, [remote.incident_id]))[remote.incident_id]
    latest = newest(await outbox.remotes_of(connection, remote.incident_id))
    place = (remote.connector, remote.service, remote.recipient)
    known = Known(
        remote.status, remote.there_at, remote.expected, remote.life == latest[place].life, remote.service
    )
    judgement = judge(
        change, kept.incident, known, direction=connector.direction, page_started_at=kept.plan.started_at, now=now
    )  # fmt: skip
    told = _Told(
        connector=connector, remote=remote, change=change, judgement=judgement, kept=kept, now=now,
        assignee=shown_as(hub.policy.users, change.assignee),
    )  # fmt: skip
    await _note_facts(connection, told)
    if heard and judgement.verdict is Verdict.ECHO:
        await _proven(connection, connector.name, now)
    if judgement.verdict is Verdict.APPLY:
        return await _act(connection, hub, told)
    sheet = Sheet()
    if judgement.verdict is Verdict.FOLLOW:
        await _follow_merge(connection, sheet, told)
    elif judgement.verdict is Verdict.UNDO:
        _resolve_there(sheet, told)
    elif judgement.verdict is Verdict.DIVERGENCE:
        theirs = judgement.status or remote.status
        ours = kept.incident.status_of(remote.service)
        await _differ(connection, sheet, told, listed_only(change.kind, ours, theirs, judgement.reason))
    elif judgement.verdict is Verdict.FACT:
        after_fact(hub, sheet, kept.incident, remote, change, now)
    _tell(sheet, told)
    await save(connection, sheet, now)
    return f"{change.kind.value}: {judgement.reason}"


async def _note_facts(connection: Connection, told: _Told) -> None:
    """What is now known of the remote, whatever follows for the incident."""
    remote, change, judgement, now = told.remote, told.change, told.judgement, told.now
    facts: dict[str, object] = {}
    if judgement.verdict is Verdict.ECHO:
        known = await remotes.expected_now(connection, remote.id)
        facts["expected"] = outbox.expected_out(unconfirmed(change, known))
    if judgement.status is not None and judgement.verdict is not Verdict.RECORD:
        if judgement.verdict is not Verdict.ECHO or not _passed(remote, change):
            facts["status"] = judgement.status.value
            if change.occurred_at is not None:
                facts["there_at"] = change.occurred_at
        if judgement.status is RemoteStatus.ACKNOWLEDGED:
            facts["acknowledged_at"] = now
        if judgement.status is RemoteStatus.RESOLVED:
            facts["resolved_at"] = now
    if change.kind in (ChangeKind.TRIGGERED, ChangeKind.NOTIFIED, ChangeKind.ACKNOWLEDGED):
        facts["created_at"] = now
        if remote.superseded_at and judgement.verdict is not Verdict.RECORD:
            facts["superseded_at"] = None  # it is there after all, and goes along from now on (S29)
    facts |= rung_facts(remote, change, judgement.verdict, now)
    by_a_person = (
        change.kind is ChangeKind.ACKNOWLEDGED and change.person and judgement.verdict is not Verdict.ECHO
    )
    if by_a_person:
        facts["notified_at"] = now
    if change.remote_id and not remote.remote_id:
        facts["remote_id"] = change.remote_id
    await outbox.update_remote(connection, remote.id, facts)


def _passed(remote: Remote, change: RemoteChange) -> bool:
    """An echo of what was written before something newer happened there."""
    if change.kind is ChangeKind.TRIGGERED and remote.status is not RemoteStatus.UNKNOWN:
        return True
    return bool(change.occurred_at and remote.there_at and change.occurred_at < remote.there_at)


async def _act(connection: Connection, hub: Hub, told: _Told) -> str:
    connector, remote, change, act = told.connector, told.remote, told.change, told.judgement.act
    assert act is not None
    actor = Actor(
        ActorKind.PROVIDER, change.person or connector.name, connector.name, person=bool(change.person)
    )
    if act is Act.NOTE and not connector.sync_notes:
        return f"{change.kind.value}: sync_notes is off"
    if change.kind in _GIVEN_ON and change.status is RemoteStatus.TRIGGERED and change.person:
        # given on by a person, it rings there again: whoever had it here has not any more
        await act_on(connection, hub, remote.incident_id, Act.UNACKNOWLEDGE, actor, service=remote.service)
    if act is Act.ASSIGN:
        ruling = await act_on(connection, hub, remote.incident_id, act, actor, to=change.assignee)
        if connector.sync_notes:
            await act_on(connection, hub, remote.incident_id, Act.NOTE, actor, note=_words(told))
        return f"{act.value} by {actor.shown}: {ruling.reason}"
    if change.kind is ChangeKind.ESCALATED and change.assignee:
        by = replace(actor, person=False)
        await act_on(connection, hub, remote.incident_id, Act.ASSIGN, by, to=change.assignee)
    note = change.note if change.kind is ChangeKind.NOTE or act is not Act.NOTE else _words(told)
    service = None if act is Act.NOTE else remote.service
    until = bounded(change.until, told.now)
    ruling = await act_on(
        connection, hub, remote.incident_id, act, actor, note=note, service=service, until=until
    )
    if told.judgement.then is not None:
        ruling = await act_on(
            connection, hub, remote.incident_id, told.judgement.then, actor, service=remote.service
        )
    sheet = Sheet()
    if act is Act.RESOLVE and ruling.changed and _may_have_reopened(remote):
        _resolve_there(sheet, replace(told, kept=Kept(ruling.incident, told.kept.plan)))
    if act in _STATES and not ruling.changed:
        await _list(connection, hub, sheet, told, ruling.reason)
    await save(connection, sheet, told.now)
    return f"{act.value} by {actor.shown}: {ruling.reason}"


def _words(told: _Told) -> str:
    """What happened there, for people here and at the other providers (PR-8)."""
    change, where = told.change, told.connector.name
    by = f" by {change.person}" if change.person else ""
    match change.kind:
        case ChangeKind.REASSIGNED:
            return f"Given to {told.assignee} at {where}{by}"
        case ChangeKind.ESCALATED:
            return f"Escalated at {where}" + (f" to {told.assignee}" if change.assignee else "") + by
        case _:
            return f"Priority changed at {where}" + (f" to {change.urgency}" if change.urgency else "") + by


async def _list(connection: Connection, hub: Hub, sheet: Sheet, told: _Told, why: str) -> None:
    """A change there that changed nothing here, unless work of ours is on its way that will settle it."""
    remote, change = told.remote, told.change
    if await outbox.has_waiting(connection, [remote.id]):
        return
    kept = (await incidents.load(connection, [remote.incident_id]))[remote.incident_id]
    ours = kept.incident.status_of(remote.service)
    rings = ours is IncidentStatus.OPEN and change.kind is ChangeKind.RESOLVED and not change.person
    rings = rings and hub.reaches_here(remote.connector)
    if rings and (kept.incident.declared or await _still_fires(connection, remote)):
        sides = await outbox.remotes_of(connection, remote.incident_id)
        after = ring_again(hub, sheet, kept.incident, remote, sides, told.now)
        sheet.incidents[after.id] = (after, kept.plan)
    theirs = told.judgement.status or remote.status
    found = unapplied(
        change.kind, ours, theirs, person=change.person, why=why, rings_again=bool(sheet.effects)
    )
    if found is not None:
        await _differ(connection, sheet, told, found)


async def _still_fires(connection: Connection, remote: Remote) -> bool:
    return bool((await undecided.live_by_incident(connection, [remote.incident_id])).get(remote.incident_id))


async def _differ(connection: Connection, sheet: Sheet, told: _Told, found: Difference) -> None:
    await differ(connection, sheet, told.kept.incident, told.remote, found, told.now)


async def _follow_merge(connection: Connection, sheet: Sheet, told: _Told) -> None:
    """The target is ours from now on; it is read at once, and may hold another incident of ours (S41)."""
    target = told.change.merged_into
    await remotes.follow_merge(connection, told.remote, target)
    await _differ(connection, sheet, told, merged(told.kept.incident.status_of(told.remote.service), target))


def _may_have_reopened(remote: Remote) -> bool:
    """An acknowledgement of ours is on its way: where it arrives after the resolve it reopens (S39)."""
    return any(write.transition == ChangeKind.ACKNOWLEDGED.value for write in remote.expected)


def _resolve_there(sheet: Sheet, told: _Told) -> None:
    mark = f"again {told.now:%Y%m%dT%H%M%S.%f}"
    body = {"person": told.change.person, "again": True}
    add_effect(sheet, told.kept.incident, name_of(told.remote), EffectKind.RESOLVE, body, told.now, mark=mark)
    text = (
        f"{told.connector.name}: it is resolved there again, since our acknowledgement may have reopened it"
    )
    sheet.tell(told.now, told.kept.incident, Line(kind="resolved_again", text=text, reason="race"))


def _tell(sheet: Sheet, told: _Told) -> None:
    """A line for what was seen and not acted upon; our own echo needs none, a difference has its own."""
    change, judgement, name = told.change, told.judgement, told.connector.name
    if judgement.verdict is Verdict.ECHO:
        return
    if judgement.verdict is Verdict.FACT:
        if (said := rung_line(name, change)) is not None:
            sheet.tell(told.now, told.kept.incident, said, actor=name)
        return
    if judgement.verdict in (Verdict.DIVERGENCE, Verdict.FOLLOW):
        return
    by = f" by {change.person}" if change.person else ""
    what = (change.raw_type or change.kind.value).removeprefix("incident.")
    line = Line(
        kind="remote_change", text=f"{name}: {what}{by}; {judgement.reason}", reason=judgement.verdict.value
    )
    sheet.tell(told.now, told.kept.incident, line, actor=name)
