"""Ask providers what they think: the way back where webhooks cannot reach, and the cure where one was missed.

What is read goes through the same door as a webhook (`engine/follow.py`). Reads live within the connector's
rate limit and leave room for pages; no connector waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.core.alarm import Alarm
from tocsin.core.breaker import BreakerState
from tocsin.core.bucket import Rate, tokens_now
from tocsin.core.divergence import missing
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.policy import Connector, Direction
from tocsin.core.ports import RemoteRef, RemoteState, RemoteStatus, Response, WireFault
from tocsin.core.reading import changes_of, is_about
from tocsin.core.severity import Severity
from tocsin.engine import alarm
from tocsin.engine.deliver import rate_of
from tocsin.engine.diverge import differ, end_agreed
from tocsin.engine.follow import follow
from tocsin.engine.hub import Hub, log
from tocsin.engine.respond import rung
from tocsin.engine.wire import Wire
from tocsin.store import alarms, incidents, outbox, remotes
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet, save

UNPROVEN = "webhook-unproven"
POLL_EVERY = timedelta(seconds=10)
MOST_AT_ONCE = 100
SINGLY = 10
"""Incidents that a list did not mention are read one by one, this many in one turn."""

PROVEN_WITHIN = timedelta(seconds=60)
_LOOKED_BACK = timedelta(minutes=15)
_AGAIN_AFTER = timedelta(seconds=20)
_TOGETHER = 20
_DEFAULT_HOLD = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remote that was read: how both sides stand afterwards, and what was found and decided, in words."""

    incident: str
    service: str
    remote_id: str
    ours: str
    theirs: str
    decided: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Report:
    """What reading one connector brought. `held_back` = why not all of it could be read; "" = it was."""

    connector: str
    read: int = 0
    calls: int = 0
    held_back: str = ""
    findings: list[Finding] = field(default_factory=list)


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
    for at in range(0, len(wanted), MOST_AT_ONCE):
        await read_these(hub, wire, connector, wanted[at : at + MOST_AT_ONCE], report)
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


async def _due(hub: Hub, wire: Wire, connector: Connector) -> Report:
    now, every = hub.now(), connector.sync_interval
    report = Report(connector=connector.name)
    if not hub.active.unsealed:
        return report

    async def claim(connection: Connection) -> list[Remote]:
        unproven = await remotes.unproven_since(connection, connector.name)
        often = connector.direction is not Direction.OUTBOUND  # what is only listed has time
        soon = POLL_EVERY if often and polls(hub, connector, unproven is not None) else every
        return await remotes.claim_due(
            connection, connector.name, now, open_every=min(soon, every), every=every, most=MOST_AT_ONCE
        )

    due = await hub.database.transact(claim)
    if due:
        try:
            await read_these(hub, wire, connector, due, report)
        except DatabaseAway as fault:
            # what was learned is learned anew: a reading may be made twice
            hub.owed.put(f"reading of {connector.name}", lambda: _unread(hub, due, now - every))
            hub.lost(fault)
            raise
        if report.held_back:
            await _unread(hub, due, now - every + _AGAIN_AFTER)
    return report


async def _unread(hub: Hub, due: Sequence[Remote], read_at: datetime) -> None:
    await hub.database.transact(lambda c: remotes.unread(c, [r.id for r in due], read_at))


@dataclass(slots=True)
class _Turn:
    """One reading under way: what the answers said, and what stood in the way."""

    hub: Hub
    wire: Wire
    connector: Connector
    report: Report
    began: datetime
    states: list[RemoteState] = field(default_factory=list)
    absent: dict[int, str] = field(default_factory=dict)


async def read_these(
    hub: Hub, wire: Wire, connector: Connector, wanted: list[Remote], report: Report
) -> None:
    """Read these now, and follow what is found."""
    turn = _Turn(hub, wire, connector, report, hub.now())
    if len(wanted) > 1:
        await _ask(turn, [_ref(r) for r in wanted])
    if not report.held_back:
        silent = [r for r in wanted if not any(is_about(_ref(r), s) for s in turn.states)]
        for remote in silent[:SINGLY]:
            await _ask_for_one(turn, remote)
    told = False
    for at in range(0, len(wanted), _TOGETHER):
        some = wanted[at : at + _TOGETHER]
        findings = await hub.database.transact(lambda c, some=some: _apply(c, turn, some))  # type: ignore[misc]
        report.findings += findings
        told = told or any(f.decided for f in findings)
    report.read += len(wanted)
    if told:
        rung(hub)


def _ref(remote: Remote) -> RemoteRef:
    return RemoteRef(key=remote.key, remote_id=remote.remote_id)


async def _ask_for_one(turn: _Turn, remote: Remote) -> None:
    """Not mentioned in a list means little; asked for by itself the answer says what is the matter (S41)."""
    if turn.report.held_back:
        return
    before = len(turn.states)
    answers = await _ask(turn, [_ref(remote)])
    if turn.report.held_back or any(is_about(_ref(remote), s) for s in turn.states[before:]):
        return
    refused = next((a.status for a in answers if a.status in (403, 404)), None)
    turn.absent[remote.id] = f"not there ({refused})" if refused else "not mentioned"


async def _ask(turn: _Turn, refs: list[RemoteRef]) -> list[Response]:
    """Send what the provider says for these, as far as the rate limit allows."""
    hub, connector, report = turn.hub, turn.connector, turn.report
    settings = hub.active.settings_of(connector)
    provider = hub.providers[connector.type].module
    calls = provider.read_states(refs, settings)
    granted, why = await hub.database.transact(lambda c: _grant(c, hub, connector.name, len(calls)))
    answers: list[Response] = []
    for call in calls[:granted]:
        answer = await turn.wire.send(call.send)
        report.calls += 1
        if fault := _fault(answer):
            report.held_back = fault
            await _hold(hub, connector.name, answer)
            return answers
        assert isinstance(answer, Response)
        answers.append(answer)
        turn.states += provider.states_of(call, answer)
    if granted < len(calls):
        report.held_back = why
    elif not calls:
        report.held_back = "it tells no state with these settings"
    return answers


def _fault(answer: Response | WireFault) -> str:
    if isinstance(answer, WireFault):
        return answer.message
    if answer.status == 429 or answer.status >= 500 or answer.status == 401:
        return f"it answered {answer.status} to a reading"
    return ""


async def _hold(hub: Hub, name: str, answer: Response | WireFault) -> None:
    """Throttled: nobody calls there before the time it names, pages neither (they would be refused too)."""
    if not isinstance(answer, Response) or answer.status != 429:
        return
    told = next((answer.headers[h] for h in ("retry-after", "ratelimit-reset") if h in answer.headers), "")
    wait = timedelta(seconds=min(float(told), 3600)) if told.isdecimal() else _DEFAULT_HOLD

    async def work(connection: Connection) -> None:
        state = await outbox.lock_state(connection, name, hub.now())
        state.hold_until = hub.now() + wait
        await outbox.save_state(connection, state)

    await hub.database.transact(work)


async def _grant(connection: Connection, hub: Hub, name: str, wanted: int) -> tuple[int, str]:
    """How many calls may be read now, and why not more; a quarter of the bucket stays for pages."""
    now = hub.now()
    state = await outbox.lock_state(connection, name, now)
    if state.hold_until and now < state.hold_until:
        return 0, f"it asked to be left alone until {state.hold_until:%H:%M:%S} UTC"
    if state.breaker.state is not BreakerState.CLOSED:
        return 0, "its breaker is not closed: the next page tries it"
    rate = rate_of(hub, name)
    if not rate.per_minute:
        return wanted, ""
    tokens = tokens_now(rate, state.tokens, state.tokens_at, now)
    granted = max(0, min(wanted, int(tokens - for_pages(rate))))
    state.tokens, state.tokens_at = tokens - granted, now
    await outbox.save_state(connection, state)
    return granted, "its rate limit leaves room for pages alone"


def for_pages(rate: Rate) -> float:
    """Calls of the bucket that reading never takes; a bucket of less than four is shared."""
    return rate.burst / 4 if rate.burst >= 4 else 0.0


async def _apply(connection: Connection, turn: _Turn, wanted: Sequence[Remote]) -> list[Finding]:
    hub, connector, now = turn.hub, turn.connector, turn.hub.now()
    findings: list[Finding] = []
    sheet = Sheet()
    for known in await remotes.again(connection, [r.id for r in wanted]):
        said = [state for state in turn.states if is_about(_ref(known), state)]
        decided: list[str] = []
        for state in said:
            changes = changes_of(known, state, now, read_at=turn.began)
            decided += [await follow(connection, hub, connector, one, heard=False) for one in changes]
            await _learn(connection, known, state)
        if how := turn.absent.get(known.id):
            decided.append(await _absent(connection, sheet, known, how, now))
        findings.append(await _finding(connection, known, decided))
    await save(connection, sheet, now)
    await end_agreed(connection, now)
    return findings


async def _learn(connection: Connection, known: Remote, state: RemoteState) -> None:
    """What a reading says besides changes: the state of one never seen before, its age, its address."""
    facts: dict[str, object] = {}
    if known.status is RemoteStatus.UNKNOWN and state.status is RemoteStatus.TRIGGERED:
        facts["status"] = state.status.value
    if state.status is known.status and state.changed_at and known.there_at is None:
        facts["there_at"] = state.changed_at
    if state.remote_url and not known.remote_url:
        facts["remote_url"] = state.remote_url
    if state.remote_id and not known.remote_id:
        facts["remote_id"] = state.remote_id
    if state.status is not RemoteStatus.UNKNOWN and known.created_at is None and not state.merged_into:
        facts["created_at"] = known.read_at
    await outbox.update_remote(connection, known.id, facts)


async def _absent(connection: Connection, sheet: Sheet, known: Remote, how: str, now: datetime) -> str:
    kept = (await incidents.load(connection, [known.incident_id]))[known.incident_id]
    await outbox.update_remote(connection, known.id, {"status": RemoteStatus.UNKNOWN.value})
    found = missing(kept.incident.status_of(known.service), how)
    await differ(connection, sheet, kept.incident, known, found, now)
    return f"{how}: {found.decision}, {found.reason}"


async def _finding(connection: Connection, known: Remote, decided: list[str]) -> Finding:
    (after,) = await remotes.again(connection, [known.id])
    kept = (await incidents.load(connection, [known.incident_id]))[known.incident_id]
    return Finding(
        incident=kept.incident.name,
        service=known.service,
        remote_id=after.remote_id,
        ours=kept.incident.status_of(known.service).value,
        theirs=after.status.value,
        decided=tuple(decided),
    )
