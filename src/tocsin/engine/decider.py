"""Stored alerts become incidents: claim what is undecided or due again, decide it, save everything together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.breaker import BreakerState
from tocsin.core.decide import is_quiet, understand
from tocsin.core.dedup import Reading
from tocsin.core.expire import concluded
from tocsin.core.flap import Life
from tocsin.core.grouping import is_over
from tocsin.core.joining import owed_at, owes
from tocsin.core.model import Actor, ActorKind, Alert, Incident, IncidentId, IncidentStatus, Line
from tocsin.core.mute import depends_on
from tocsin.core.plan import Plan
from tocsin.core.policy import Policy, TimedMute
from tocsin.core.situation import Decision, Parent, Situation, Understood
from tocsin.core.storm import Storm, arrive, collapse, is_storm, key_of, leaves, rate_of
from tocsin.core.values import replace
from tocsin.engine import ask
from tocsin.engine.adopt import adopt
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.engine.tell import supersede, tell_others, tell_update
from tocsin.store import aliases, blind_pages, incidents, outbox, storms, undecided
from tocsin.store.blind_pages import BlindPage
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.incidents import Kept
from tocsin.store.lives import Key, lives_of
from tocsin.store.outbox import Remote
from tocsin.store.parents import parents
from tocsin.store.sheet import Decided, RemoteName, Sheet, save
from tocsin.store.timers import JOIN
from tocsin.store.undecided import Undecided

TOGETHER = 100
_OF_A_REPEAT = frozenset({"alert_repeated", "classified", "rule_failed"})
_OF_A_STORM = frozenset({"severity_rose"})
TELL_REPEATS_EVERY = timedelta(seconds=60)


@dataclass(slots=True)
class _Table:
    """What one batch works on: everything gathered, changed in place as decisions are taken."""

    now: datetime
    policy: Policy
    sheet: Sheet
    kept: dict[UUID, Kept]
    live: dict[UUID, set[UUID]]
    remotes: dict[UUID, list[Remote]]
    breakers: dict[str, BreakerState]
    mutes: tuple[TimedMute, ...]
    mailer: str
    groups: dict[str, UUID] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    blind: dict[UUID, list[BlindPage]] = field(default_factory=dict)
    taken: set[UUID] = field(default_factory=set)
    adopted: list[tuple[BlindPage, RemoteName | None]] = field(default_factory=list)
    parents: tuple[Parent, ...] = ()
    storms: dict[str, Storm] = field(default_factory=dict)
    lives: dict[Key, list[Life]] = field(default_factory=dict)


async def decide_some(hub: Hub, most: int = TOGETHER) -> int:
    """Decide up to `most` alerts in one transaction; how many. 0 = nothing is undecided."""
    try:
        count, bells = await hub.database.transact(lambda c: _decide(c, hub, most))
    except DatabaseAway:
        raise  # says nothing about the alerts, which stay undecided
    except Exception as fault:  # noqa: BLE001 - the loop's edge
        # fail open: find the one that cannot be decided, let the others pass
        log.error("decision_failed", fault=type(fault).__name__, message=str(fault)[:300])
        count, bells = await _decide_singly(hub)
    for bell in bells:
        hub.wake.ring(bell)
    return count


async def _decide_singly(hub: Hub) -> tuple[int, set[str]]:
    """Each alone. One whose events cannot be decided is decided by what the alert itself holds: a page that
    looks strange is better than none. One that cannot be decided at all is put off and told of loudly."""
    count, bells = 0, set[str]()
    for _ in range(TOGETHER):
        try:
            done, names = await hub.database.transact(lambda c: _decide(c, hub, 1))
        except Exception as fault:  # noqa: BLE001 - this one only
            done, names = await _decide_blind(hub, fault)
        if not done:
            break
        count, bells = count + done, bells | names
    return count, bells


async def _decide_blind(hub: Hub, fault: Exception) -> tuple[int, set[str]]:
    log.error("alert_not_decidable", fault=type(fault).__name__, message=str(fault)[:300])
    try:
        return await hub.database.transact(lambda c: _decide(c, hub, 1, blind=True))
    except Exception as again:  # noqa: BLE001 - the others must pass
        log.error("alert_put_off", fault=type(again).__name__, message=str(again)[:300], minutes=1)
        now = hub.now()
        until = now + timedelta(minutes=1)
        return await hub.database.transact(lambda c: undecided.put_off(c, now, until)), set()


async def _decide(
    connection: Connection, hub: Hub, most: int, *, blind: bool = False
) -> tuple[int, set[str]]:
    works = await undecided.claim(connection, most, hub.now(), blind=blind, since=hub.gate.made_since)
    if not works:
        return 0, set()
    now, policy = hub.now(), hub.policy
    await _joined_before(connection, hub, works)
    wanted = [i for w in works for i in (w.alert.incident_id, w.previous) if i]
    kept = await incidents.lock(connection, wanted)
    table = _Table(
        now=now, policy=policy, sheet=Sheet(), kept=kept,
        live=defaultdict(set, await undecided.live_by_incident(connection, kept) if kept else {}),
        remotes=await outbox.remotes_of_all(connection, kept),
        breakers=await open_breakers(connection, now), mutes=hub.mutes, mailer=hub.mailer,
    )  # fmt: skip
    if blind_ids := [w.paged_blind for w in works if w.paged_blind]:
        table.blind, table.taken = await blind_pages.to_adopt(connection, blind_ids)
    table.lives = await _lives(connection, table, works)
    situations = [(work, _situation(work, table)) for work in works]
    understood = [understand(situation, policy, now) for _, situation in situations]
    await _gather_groups(connection, table, understood)
    table.parents = await _parents(connection, table, works, understood)
    situations = [(work, _situation(work, table)) for work in works] if table.parents else situations
    may_open = _may_open(situations, understood, table)
    table.numbers = await incidents.next_numbers(connection, len(may_open))
    await _gather_storms(connection, table, may_open)
    for (work, found), meant in zip(situations, understood, strict=True):
        # what has an incident is gathered again: an earlier alert of this batch may have changed it
        has = work.alert.incident_id or work.previous or work.paged_blind
        await _settle(connection, hub, table, work, _situation(work, table) if has else found, meant)
    await save(connection, table.sheet, now)
    await storms.save(connection, table.storms.values())
    await blind_pages.adopted(connection, table.adopted, now)
    asked = {f"courier {effect.remote.connector}" for effect in table.sheet.effects}
    return len(works), asked | {"decided"} | ({"timers"} if table.sheet.due_soon(now) else set())


async def _joined_before(connection: Connection, hub: Hub, works: list[Undecided]) -> None:
    """Where keys join by title, what came before an alert may have come under another key (S11)."""
    joining = hub.active.joining
    if new := [w for w in works if w.alert.incident_id is None and w.alert.scope in joining.scopes]:
        await aliases.history(connection, new, joining.windows)


def _may_open(
    situations: list[tuple[Undecided, Situation]], understood: list[Understood], table: _Table
) -> list[str]:
    """The integration of each alert that may open an incident: a quiet one, decided again and again, does not."""
    return [
        s.alert.integration
        for (_, s), meant in zip(situations, understood, strict=True)
        if s.incident is None
        and (s.paged_blind or (s.alert.live and not is_quiet(s, meant, table.policy, table.now)))
    ]


async def _gather_storms(connection: Connection, table: _Table, integrations: list[str]) -> None:
    """The buckets that these alerts may draw on, and the storm incidents that may take them (S17)."""
    rates = {name: rate_of(name, table.policy) for name in set(integrations)}
    rates = {name: rate for name, rate in rates.items() if rate.per_minute}
    if not rates:
        return
    table.storms = await storms.lock(connection, rates, table.now)
    keys = {key_of(name) for name, storm in table.storms.items() if storm.since}
    found = await incidents.open_groups(connection, keys) if keys else {}
    homes = {key: incident_id for key, (incident_id, _, _) in found.items()}
    table.groups |= homes
    kept = await incidents.lock(connection, [i for i in homes.values() if i not in table.kept])
    for incident_id, one in kept.items():
        table.kept[incident_id] = one
        table.remotes[incident_id] = await outbox.remotes_of(connection, incident_id)
    held = [i for i, one in kept.items() if one.incident.status is IncidentStatus.MITIGATED]
    table.live.update(await undecided.live_by_incident(connection, held))


def _collapsed(table: _Table, decision: Decision, meant: Understood) -> Decision:
    """What would open an incident joins the storm of its integration, when that is past its limit."""
    storm = table.storms.get(decision.alert.integration)
    if storm is None:
        return decision
    storm, past = arrive(storm, table.now)
    table.storms[storm.integration] = storm
    if not past:
        return decision
    home_id = table.groups.get(key_of(storm.integration))
    home = table.kept[home_id].incident if home_id else None
    return collapse(decision, meant, home if home and home.open else None, storm, table.policy)


def _situation(work: Undecided, table: _Table) -> Situation:
    alert = work.alert
    incident = table.kept[alert.incident_id].incident if alert.incident_id in table.kept else None
    previous = table.kept[work.previous].incident if work.previous in table.kept else None
    others = table.live.get(alert.incident_id, set()) - {alert.id} if alert.incident_id else set()
    found = Situation(
        alert=alert, heard=tuple(work.heard), integration=table.policy.integrations.get(alert.integration),
        incident=incident, other_live=len(others), previous=previous, interval=work.interval, mailer=table.mailer,
        paged_blind=work.paged_blind in table.blind,
        mutes=table.mutes, parents=table.parents, muted_since=work.muted_since,
        lives=tuple(table.lives.get((alert.scope, alert.dedup_key), ())),
    )  # fmt: skip
    return replace(found, incident=None, other_live=0) if leaves(found) else found


async def _lives(connection: Connection, table: _Table, works: list[Undecided]) -> dict[Key, list[Life]]:
    """The latest lives of keys that may flap: of an alert whose key had an incident before, and of one that ended."""
    may = [w.alert for w in works if w.previous or not w.alert.live]
    settings = table.policy.defaults.flap
    since = table.now - 2 * settings.within - settings.quiet
    return await lives_of(connection, ((alert.scope, alert.dedup_key) for alert in may), since)


async def _parents(
    connection: Connection, table: _Table, works: list[Undecided], understood: list[Understood]
) -> tuple[Parent, ...]:
    """What is down of all that these alerts' services depend on (S16)."""
    named = {service for u in understood for service in u.classified.services[:1]}
    needed = {other for name in named for other in depends_on(name, table.policy.services) or ()}
    return await parents(connection, needed, {i for work in works for i in work.muted_under})


async def _gather_groups(connection: Connection, table: _Table, understood: list[Understood]) -> None:
    keys = {u.group_key for u in understood if u.group_key}
    if not keys:
        return
    rules = {rule.name: rule for rule in table.policy.grouping}
    found = await incidents.open_groups(connection, keys)
    kept = await incidents.lock(connection, [i for i, _, _ in found.values()])
    for key, (incident_id, opened_at, joined_at) in found.items():
        rule = rules.get(key.rsplit(":", 1)[0])
        if is_over(rule, opened_at, joined_at, table.now) or incident_id not in kept:
            table.sheet.ungrouped.add(incident_id)
            continue
        table.groups[key] = incident_id
        if incident_id not in table.kept:
            table.kept[incident_id] = kept[incident_id]
            table.remotes[incident_id] = await outbox.remotes_of(connection, incident_id)
    if table.groups:
        table.live.update(await undecided.live_by_incident(connection, table.groups.values()))


def _asked_again(table: _Table, *homes: Incident | None) -> dict[IncidentId, datetime]:
    """When the holder of each of these was last asked again (S21); also in this very batch."""
    plans = {home.id: table.kept[home.id].plan for home in homes if home and home.id in table.kept}
    return {name: plan.asked_again_at for name, plan in plans.items() if plan.asked_again_at}


async def _settle(
    connection: Connection, hub: Hub, table: _Table, work: Undecided, situation: Situation, meant: Understood
) -> None:
    group_id = table.groups.get(meant.group_key)
    group = table.kept[group_id].incident if group_id else None
    group = group if group and group.open else None
    if asked_again := _asked_again(table, group, situation.previous):
        situation = replace(situation, asked_again=asked_again)
    decision = concluded(situation, meant, group, table.policy, table.now, _new_incident(table, work))
    if decision.opened and not situation.paged_blind:
        decision = _collapsed(table, decision, meant)
    incident = decision.incident
    if decision.opened and incident is not None:
        table.numbers = table.numbers or await incidents.next_numbers(connection, 1)
        incident = replace(incident, number=table.numbers.pop(0))
        table.sheet.born.add(incident.id)
        if incident.group_key:
            table.groups[incident.group_key] = incident.id
    alert = decision.alert
    told_at = _tell(table, work, decision, incident)
    table.sheet.decided[alert.id] = Decided(
        alert, work.last_event, decision.record, table.policy.version, told_at, decision.look_again_at
    )
    if decision.collected:
        table.sheet.collected[alert.id] = (decision.collected, _counted_before(work))
    if incident is None:
        return
    if decision.joined or decision.opened:
        table.live.setdefault(incident.id, set()).add(alert.id)
        table.sheet.joined[incident.id] = table.now
        if work.alert.incident_id not in (None, incident.id):
            table.live.get(work.alert.incident_id, set()).discard(alert.id)  # it left a storm
    if not alert.live:
        table.live.get(incident.id, set()).discard(alert.id)
    if work.paged_blind in table.blind:
        incident = _adopt(table, incident, table.blind.pop(work.paged_blind))
    await _page(connection, hub, table, decision, incident, alert)


def _counted_before(work: Undecided) -> int:
    """Its repeats before what was heard now: they stood in an earlier digest, or were decided otherwise."""
    now_heard = sum(1 for h in work.heard if h.reading in (Reading.NEW, Reading.SAME))
    return max(work.alert.count - max(now_heard - 1, 0), 0)


def _new_incident(table: _Table, work: Undecided) -> IncidentId:
    """One that was paged while the database was away keeps the id it was paged under (S47)."""
    blind = work.paged_blind
    if blind is not None and blind in table.blind and blind not in table.taken | table.kept.keys():
        return IncidentId(blind)
    return IncidentId(new_id(table.now))


def _adopt(table: _Table, incident: Incident, pages: list[BlindPage]) -> Incident:
    remotes, done = adopt(table.sheet, incident, table.remotes.get(incident.id, []), pages, table.now)
    table.remotes[incident.id] = remotes
    table.adopted += done
    return replace(incident, life=max(incident.life, *(r.life for r in remotes), 1))


def _tell(table: _Table, work: Undecided, decision: Decision, incident: Incident | None) -> datetime | None:
    told_at = work.told_repeat_at
    lately = told_at is not None and table.now - told_at < TELL_REPEATS_EVERY
    rose = any(line.kind == "severity_rose" for line in decision.lines)
    repeats_only = bool(work.heard) and all(h.reading is Reading.SAME for h in work.heard)
    for line in decision.lines:
        if lately and repeats_only and not rose and line.kind in _OF_A_REPEAT:
            continue  # a storm of repeats must not fill the timeline
        if line.kind == "alert_repeated":
            told_at = table.now
        at = work.heard[0].received_at if line.kind == "alert_received" and work.heard else table.now
        # ten thousand alerts must not each tell their way in the timeline of their storm
        alone = is_storm(incident) and not decision.opened and line.kind not in _OF_A_STORM
        told = None if alone else incident
        table.sheet.tell(at, told, _timed(line, work, table.now), alert=decision.alert)
    return told_at


def _timed(line: Line, work: Undecided, now: datetime) -> Line:
    """The decision's own line carries how long the alert waited for it."""
    if line.kind in ("incident_opened", "alert_joined") and work.heard:
        return replace(line, took_ms=(now - work.heard[0].received_at).total_seconds() * 1000)
    return line


async def _page(
    connection: Connection, hub: Hub, table: _Table, decision: Decision, incident: Incident, alert: Alert
) -> None:
    known = table.kept.get(incident.id)
    before = known.plan if known else Plan()
    remotes = table.remotes.get(incident.id, [])
    plan = before
    ruling = decision.ruling
    if ruling is not None:
        again = ruling.starts_paging
        incident = replace(incident, life=incident.life + 1) if again else incident
        actor = Actor(ActorKind.SENDER, alert.integration, person=False)
        for line in ruling.lines:
            table.sheet.tell(table.now, incident, line, actor=actor.shown)
        told = replace(ruling, incident=incident)
        await tell_others(connection, hub, table.sheet, told, actor, remotes, "", table.now)
        if ruling.changed:
            _end_alerts(table, ruling.alerts_become, incident, alert)
        plan = ask.again(before, incident.life, table.now) if again else before
    elif decision.page_again:
        incident = replace(incident, life=incident.life + 1)
        plan = ask.again(before, incident.life, table.now)
    if decision.plan is not None:
        anew = decision.opened or decision.page_again or (ruling is not None and ruling.starts_paging)
        plan = ask.begin(decision.plan, plan, anew=anew, life=incident.life)
    parts = known.incident.parts if known else ()
    if not (decision.joined and plan is before and parts == incident.parts):
        # a join that asks nobody anew changes nothing of the page, which may have begun in this very batch
        plan, ways = ask.page(hub, table.sheet, incident, plan, remotes, table.breakers, table.now)
        await supersede(connection, table.sheet, incident, remotes, ways, table.now)
    if decision.asks_later:
        plan = owes(plan, alert)
        table.sheet.timers[(JOIN, incident.id)] = owed_at(plan)
    if decision.tell_update:
        tell_update(hub, table.sheet, incident, remotes, table.now)
    table.kept[incident.id] = Kept(incident, plan)
    table.sheet.incidents[incident.id] = (incident, plan)


def _end_alerts(table: _Table, become: object, incident: Incident, alert: Alert) -> None:
    """An act that follows from one alert holds for the incident's others (S19); this one is written by
    its own decision."""
    if become is None:
        return
    for other in table.live.get(incident.id, set()) - {alert.id}:
        table.sheet.alert_status.append((other, str(getattr(become, "value", become)), None, None, None))
