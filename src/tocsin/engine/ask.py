"""From what a look says is due to rows: remotes, effects, the next timer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tocsin.core.breaker import BreakerState
from tocsin.core.hold import could_leave_since
from tocsin.core.lapse import hold, timeout_of
from tocsin.core.model import Incident, IncidentStatus, Line, Part
from tocsin.core.paging import look
from tocsin.core.plan import Asked, Plan, Way
from tocsin.core.ports import EffectKind, RemoteStatus
from tocsin.core.silent import is_held, over_by, withdrawn
from tocsin.core.values import replace
from tocsin.engine.hub import Hub
from tocsin.store.outbox import Remote
from tocsin.store.sheet import NewEffect, NewRemote, RemoteName, Sheet
from tocsin.store.timers import ACK, PAGE, SNOOZE


def newest(remotes: Iterable[Remote]) -> dict[tuple[str, str, str], Remote]:
    """(connector, service, recipient) -> the remote of the newest life."""
    found: dict[tuple[str, str, str], Remote] = {}
    for remote in remotes:
        name = (remote.connector, remote.service, remote.recipient)
        if name not in found or remote.life > found[name].life:
            found[name] = remote
    return found


def asked_so_far(plan: Plan, remotes: Iterable[Remote]) -> dict[Way, Asked]:
    """What is known of each way asked since this page began, all parts of the incident together."""
    shown = {
        (w.connector, w.recipient): w for w in (*plan.last_resort, *(w for s in plan.steps for w in s.ways))
    }
    grouped: dict[Way, list[Remote]] = {}
    for remote in newest(remotes).values():
        if not _of_this_page(plan, remote):
            continue
        way = shown.get((remote.connector, remote.recipient)) or Way(remote.connector, remote.recipient)
        grouped.setdefault(way, []).append(remote)
    return {way: _asked(way, found) for way, found in grouped.items()}


def _of_this_page(plan: Plan, remote: Remote) -> bool:
    """By the life it was asked in: in one instant, or after a clock that was set back, times tell nothing. They have
    to where a version that noted no life has asked."""
    if plan.started_at is None:
        return False
    if plan.began_in is None or remote.asked_in is None:
        return remote.asked_at >= plan.started_at
    return remote.asked_in >= plan.began_in


def _asked(way: Way, remotes: list[Remote]) -> Asked:
    failed = next((r for r in remotes if r.failed_at), None)
    notified = [r.notified_at for r in remotes if r.notified_at]
    exhausted = [r.exhausted_at for r in remotes if r.exhausted_at]
    held = [r.held_until for r in remotes if r.held_until and not r.created_at]
    # a part that came later has its own time to be created
    waits = [r for r in remotes if not r.created_at] or remotes
    return Asked(
        way=way,
        at=min(r.asked_at for r in waits),
        created=all(r.created_at for r in remotes),
        notified_at=max(notified) if len(notified) == len(remotes) else None,
        exhausted_at=max(exhausted) if len(exhausted) == len(remotes) else None,
        failed=failed is not None,
        superseded=all(r.superseded_at for r in remotes),
        fault=failed.fault if failed else "",
        held_until=max(held, default=None),
    )


def paused(hub: Hub) -> dict[str, BreakerState]:
    """The connectors that people paused: for pages as good as away."""
    return {name: BreakerState.PAUSED for name, c in hub.policy.connectors.items() if c.paused}


def page(
    hub: Hub,
    sheet: Sheet,
    incident: Incident,
    plan: Plan,
    remotes: list[Remote],
    breakers: Mapping[str, BreakerState],
    now: datetime,
) -> tuple[Plan, list[tuple[Way, str]]]:
    """Look, and put what is due on the sheet; the plan afterwards and the ways to withdraw."""
    due = look(
        plan,
        asked_so_far(plan, remotes),
        status=incident.status,
        severity=incident.severity,
        breakers={**breakers, **paused(hub)},
        now=now,
        awake_since=could_leave_since(hub.awake_since, hub.barrier_until, incident.severity),
        tells_notified=hub.tells_notified,
    )
    sheet.hedged += due.hedged
    for line in due.lines:
        sheet.tell(now, incident, line)
    known = newest(remotes)
    for index, way in due.ask:
        for part in incident.parts:
            if part.status is IncidentStatus.OPEN:
                _ask(hub, sheet, incident, part, way, index, known, now)
        text = f"{way.name} is asked to page" + (
            f" for {', '.join(incident.services)}" if incident.services else ""
        )
        sheet.tell(now, incident, Line(kind="page_requested", text=text, reason=f"step {index + 1}"))
    for index, way in due.again:
        _again(hub, sheet, incident, way, index, known, now)
    if incident.status is IncidentStatus.OPEN:
        _catch_up(hub, sheet, incident, plan, remotes, now)
    sheet.timers[(PAGE, incident.id)] = due.next_at
    after = due.plan
    if incident.status is IncidentStatus.MITIGATED or after.held_until is not None:
        held = hold(after, incident, timeout_of(incident, hub.policy), now)
        after = held.plan if held.warning is None else after  # a warning is for the tick to give
        sheet.timers[(ACK, incident.id)] = held.next_at if held.warning is None else now
    if incident.snoozed_until is not None:
        sheet.timers[(SNOOZE, incident.id)] = incident.snoozed_until
    if is_held(incident) and after.asks_at is None:
        sheet.silent[incident.id] = now + hub.policy.defaults.silent_after
    elif after.asks_at is not None and not is_held(incident):
        after, line = withdrawn(after, incident, over_by(incident))
        sheet.tell(now, incident, line)
    return after, list(due.withdraw)


def _catch_up(
    hub: Hub, sheet: Sheet, incident: Incident, plan: Plan, remotes: list[Remote], now: datetime
) -> None:
    """Parts that came after a way was asked are asked for there too, where it has not failed or given way."""
    if not remotes:
        return
    known = newest(remotes)
    steps = {(r.connector, r.recipient): r.step for r in remotes}
    for way, asked in asked_so_far(plan, remotes).items():
        late = [
            part
            for part in incident.parts
            if part.status is IncidentStatus.OPEN
            and (way.connector, part.service, way.recipient) not in known
        ]
        if not late or asked.failed or asked.superseded:
            continue
        for part in late:
            _ask(hub, sheet, incident, part, way, steps[(way.connector, way.recipient)], known, now)
        text = f"{way.name} is asked to page for {', '.join(part.service for part in late)} too"
        sheet.tell(now, incident, Line(kind="page_requested", text=text, reason="further_service"))


def _ask(
    hub: Hub, sheet: Sheet, incident: Incident, part: Part, way: Way, step: int,
    known: Mapping[tuple[str, str, str], Remote], now: datetime,
) -> None:  # fmt: skip
    earlier = known.get((way.connector, part.service, way.recipient))
    in_place = (
        earlier is not None
        and earlier.remote_id
        and earlier.life < incident.life
        and earlier.status in (RemoteStatus.RESOLVED, RemoteStatus.ACKNOWLEDGED)
        and hub.can_reopen(way.connector)
    )
    if earlier is not None and in_place:
        sheet.reopened.append((earlier.id, step, now, incident.life))
        name = RemoteName(incident.id, way.connector, part.service, way.recipient, earlier.life)
        add_effect(sheet, incident, name, EffectKind.REOPEN, {}, now, mark=str(incident.life))
        return
    if earlier is not None and earlier.life < incident.life and earlier.status is not RemoteStatus.RESOLVED:
        # it cannot be rung again there: the earlier life ends, a new one begins
        name = RemoteName(incident.id, way.connector, part.service, way.recipient, earlier.life)
        add_effect(
            sheet, incident, name, EffectKind.RESOLVE, {"ends_life": True}, now, mark=f"life {earlier.life}"
        )
    name = RemoteName(incident.id, way.connector, part.service, way.recipient, incident.life)
    sheet.remotes.append(NewRemote(name, provider_key(hub, incident, part.service, incident.life), step, now))
    add_effect(sheet, incident, name, EffectKind.CREATE, {}, now)


def _again(
    hub: Hub, sheet: Sheet, incident: Incident, way: Way, step: int,
    known: Mapping[tuple[str, str, str], Remote], now: datetime,
) -> None:  # fmt: skip
    """Asked a second time: where the hub itself does the asking, or where it came to nothing. A provider that
    has the page repeats it by its own rules, and a second one there would be a second page (ADR 0016)."""
    asked = False
    for part in incident.parts:
        remote = known.get((way.connector, part.service, way.recipient))
        if remote is None or part.status is not IncidentStatus.OPEN:
            continue
        lost = remote.failed_at or (remote.superseded_at and not remote.created_at)
        if lost or (remote.created_at and "again" in hub.abilities(way.connector)):
            sheet.reopened.append((remote.id, step, now, incident.life))
            mark = f"again {now:%Y%m%dT%H%M%S.%f}"
            add_effect(sheet, incident, name_of(remote), EffectKind.CREATE, {"repeat": mark}, now, mark=mark)
            asked = True
    if asked:
        text = f"Nobody has acknowledged: {way.name} is asked again"
        sheet.tell(now, incident, Line(kind="page_requested", text=text, reason="repeat"))


def ring_again(
    hub: Hub, sheet: Sheet, incident: Incident, remote: Remote, remotes: Iterable[Remote], now: datetime
) -> Incident:
    """The page at one connector anew, in place where it can be and else under a new life (S40); the page of
    the others goes on as it is. The incident afterwards."""
    after = replace(incident, life=incident.life + 1)
    part = next(p for p in after.parts if p.service == remote.service)
    way = Way(remote.connector, remote.recipient)
    _ask(hub, sheet, after, part, way, remote.step, newest(remotes), now)
    return after


def ring_parts(
    hub: Hub, sheet: Sheet, incident: Incident, plan: Plan, services: Iterable[str], remotes: list[Remote], now: datetime
) -> None:  # fmt: skip
    """These parts are open again in a new life, while the page of another goes on: they are asked for wherever that was
    asked and has not come to nothing, but where they ring already."""
    known = newest(remotes)
    for way, asked in asked_so_far(plan, remotes).items():
        if asked.failed or asked.superseded:
            continue
        step = max(r.step for r in remotes if (r.connector, r.recipient) == (way.connector, way.recipient))
        there = {
            part.service: known.get((way.connector, part.service, way.recipient)) for part in incident.parts
        }
        wanted = [
            p for p in incident.parts if p.service in services and not _rings(there[p.service], incident)
        ]
        for part in wanted:
            _ask(hub, sheet, incident, part, way, step, known, now)
        if wanted:
            text = f"{way.name} is asked to page for {', '.join(part.service for part in wanted)} again"
            sheet.tell(now, incident, Line(kind="page_requested", text=text, reason="further_service"))


def _rings(remote: Remote | None, incident: Incident) -> bool:
    return remote is not None and remote.asked_in == incident.life


def provider_key(hub: Hub, incident: Incident, service: str, life: int) -> str:
    """`tocsin:<installation>:<incident uuid>:<service>:<life>` (S37)."""
    return f"tocsin:{hub.installation}:{incident.id}:{service}:{life}"


def add_effect(
    sheet: Sheet, incident: Incident, remote: RemoteName, kind: EffectKind, body: Mapping[str, Any], now: datetime,
    *, mark: str = "",
) -> None:  # fmt: skip
    """Put an effect on the sheet under its own name; `mark` tells two of one kind apart."""
    key = "/".join(
        (
            str(remote.incident_id),
            remote.connector,
            remote.service,
            remote.recipient,
            str(remote.life),
            kind.value,
            mark,
        )
    )
    sheet.effects.append(
        NewEffect(
            key,
            remote,
            kind,
            body,
            now,
            now,
            urgent=incident.severity.rank if kind in (EffectKind.CREATE, EffectKind.REOPEN) else 0,
        )
    )


def name_of(remote: Remote) -> RemoteName:
    """A stored remote's natural key."""
    return RemoteName(remote.incident_id, remote.connector, remote.service, remote.recipient, remote.life)


def begin(plan: Plan, before: Plan, *, anew: bool, life: int) -> Plan:
    """A plan that takes over from another: unless the page starts `anew`, in this `life` of the incident, targets
    already asked stay asked, and a delay is over (S6)."""
    started_at, hold_until = plan.started_at, plan.hold_until
    began_in: int | None = life
    if not anew and before.started_at is not None:
        started_at, began_in, hold_until = before.started_at, before.began_in, None
    return replace(
        plan, started_at=started_at, began_in=began_in, hold_until=hold_until, asked_again_at=before.asked_again_at,
        joins=before.joins, asks_at=before.asks_at,
    )  # fmt: skip


def again(plan: Plan, life: int, now: datetime) -> Plan:
    """The same page from its first step, in that life of the incident."""
    steps = tuple(replace(step, sent_at=None, repeated_at=None) for step in plan.steps)
    return replace(
        plan, steps=steps, started_at=now, began_in=life, hold_until=None, last_resort_at=None, told_exhausted=False,
        asked_again_at=now, joins=(),
    )  # fmt: skip


def waits_at(remotes: Iterable[Remote], ways: Iterable[tuple[Way, str]]) -> list[tuple[int, str]]:
    """(remote id, who has it) of the ways to withdraw."""
    holders = {(way.connector, way.recipient): holder for way, holder in ways}
    return [
        (r.id, holders[(r.connector, r.recipient)])
        for r in newest(remotes).values()
        if (r.connector, r.recipient) in holders and not r.created_at
    ]
