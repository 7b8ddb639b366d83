"""Outcomes are recorded: facts, effects, breaker, pages and timeline, those that came together in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.breaker import Breaker, BreakerState, after_failure, after_success
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind, Incident, Line
from tocsin.core.ports import Accepted, EffectKind, Rejected, RemoteStatus, Retry
from tocsin.engine import ask
from tocsin.engine.diverge import differ
from tocsin.engine.hub import Hub, log
from tocsin.engine.outcome import PAGES, Attempt, Results, as_sent, attempt_of_each, follow
from tocsin.engine.owed import Record
from tocsin.engine.respond import act_on
from tocsin.engine.tell import supersede
from tocsin.store import incidents, outbox
from tocsin.store.breakers import open_breakers, waiting_creates
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.incidents import Kept
from tocsin.store.outbox import ConnectorState, Work
from tocsin.store.outcomes import save_outcomes
from tocsin.store.sheet import Sheet, save
from tocsin.store.timers import PAGE


@dataclass(frozen=True, slots=True)
class Done:
    """One attempt that came to its end, not recorded yet: of one effect, or of several that left as one (S22)."""

    works: tuple[Work, ...]
    attempt: Attempt

    @property
    def connector(self) -> str:
        return self.works[0].remote.connector


async def withdrawn(hub: Hub, work: Work, incident: Incident, reason: str) -> None:
    """Claimed, but not wanted any more: nothing is sent. Returns when that is on disk, or owed to the database."""

    async def save_it(connection: Connection) -> None:
        if not await outbox.still_leased(connection, work.id, work.attempts):
            return
        now = hub.now()
        await outbox.settle(connection, work.id, "withdrawn", reason, now)
        if work.kind in PAGES:
            await outbox.update_remote(connection, work.remote.id, {"superseded_at": now, "fault": reason})
        sheet = Sheet()
        text = f"{work.remote.connector}: {work.kind.value} is not sent, {reason}"
        sheet.tell(now, incident, Line(kind="withdrawn", text=text, reason="stale"))
        await save(connection, sheet, now)

    async def record() -> None:
        await hub.database.transact(save_it)
        hub.owed.effects.end(work.id, work.attempts)

    await _now_or_later(hub, [work], record(), record)


async def _now_or_later(hub: Hub, works: Sequence[Work], now: Awaitable[None], later: Record) -> None:
    """What came of it is known now, whatever becomes of the database: it is owed when it cannot be written."""
    try:
        await now
    except DatabaseAway as fault:
        hub.owed.put(f"effect {works[0].id}, attempt {works[0].attempts}", later)
        hub.lost(fault)


async def settle(hub: Hub, work: Work, sent_as: EffectKind, attempt: Attempt) -> None:
    """Record the outcome of one attempt and do what follows from it; returns when it is on disk, or owed to the
    database.

    Outcomes of one connector that wait together are recorded together: in a burst they all want the state of
    their connector, and one by one each would wait for the disk with it in hand.
    """
    work, attempt = as_sent(work, sent_as, attempt)
    await _bring(hub, Done((work,), attempt))


async def settle_bundle(hub: Hub, works: Sequence[Work], attempt: Attempt) -> None:
    """The same of a page that told several incidents: one attempt, and what came of it came of each of them."""
    await _bring(hub, Done(tuple(works), attempt))


async def _bring(hub: Hub, done: Done) -> None:
    # a remote resolve goes through the one door; it locks alerts first, so it goes alone
    recorded = (
        _settle(hub, [done])
        if _found_resolved(done)
        else hub.outcomes[done.connector].bring(done, lambda group: _settle(hub, group))
    )
    await _now_or_later(hub, done.works, recorded, lambda: _settle(hub, [done], late=True))


def _found_resolved(done: Done) -> bool:
    outcome = done.attempt.outcome
    resolved = isinstance(outcome, Accepted) and outcome.status is RemoteStatus.RESOLVED
    return resolved and done.works[0].kind in PAGES


async def _settle(hub: Hub, group: Sequence[Done], *, late: bool = False) -> None:
    for bell in await hub.database.transact(lambda c: _record(c, hub, group, late)):
        hub.wake.ring(bell)
    for done in group:
        for work in done.works:
            hub.owed.effects.end(work.id, work.attempts)


async def _record(connection: Connection, hub: Hub, group: Sequence[Done], late: bool) -> set[str]:
    """Everything in one transaction; the bells of those who have work by it.

    `late` = the database was away meanwhile: it may be recorded already, or the work be another's by now.
    """
    now, connector = hub.now(), group[0].connector
    if late and not (group := await _still_ours(connection, group)):
        return set()
    works = [work for done in group for work in done.works]
    for done in group:
        if _found_resolved(done):
            actor, remote = Actor(ActorKind.PROVIDER, connector, connector), done.works[0].remote
            part = remote.service or None
            await act_on(connection, hub, remote.incident_id, Act.RESOLVE, actor, service=part)
    kept = await incidents.lock(connection, [work.remote.incident_id for work in works])
    results = Results()
    look_at: dict[UUID, Kept] = {}
    await count_attempts(connection, results.sheet, connector, [done.attempt for done in group], now)
    for done in group:
        names = [kept[work.remote.incident_id].incident.name for work in done.works]
        for work, attempt in attempt_of_each(done.works, done.attempt, names):
            found = kept[work.remote.incident_id]
            if follow(results, found.incident, work, attempt, hub.alarming, now):
                look_at[found.incident.id] = found
    await save_outcomes(connection, results.outcomes, now)
    for incident, remote, difference in results.differences:
        await differ(connection, results.sheet, incident, remote, difference, now)
    await _look(connection, hub, results.sheet, list(look_at.values()), now)
    await save(connection, results.sheet, now)
    bells = {f"courier {effect.remote.connector}" for effect in results.sheet.effects}
    if await outbox.has_waiting(connection, [work.remote.id for work in works]):
        bells.add(f"courier {connector}")
    return bells | ({"timers"} if results.sheet.due_soon(now) else set())


async def _still_ours(connection: Connection, group: Sequence[Done]) -> list[Done]:
    """What of it is to be recorded. One that came late comes alone. Nobody who has an alert or an incident locked
    waits for a leased effect, so its lock may be taken first."""
    (done,) = group
    ours: list[Work] = []
    for work in sorted(done.works, key=lambda work: work.id):
        if await outbox.still_leased(connection, work.id, work.attempts):
            ours.append(work)
            continue
        log.info(
            "outcome_not_wanted",
            effect=work.id,
            attempt=work.attempts,
            reason="recorded already, or taken over",
        )
    return [Done(tuple(ours), done.attempt)] if ours else []


async def _look(
    connection: Connection, hub: Hub, sheet: Sheet, looked_at: Sequence[Kept], now: datetime
) -> None:
    """What is due of these pages, now that more is known of them."""
    if not looked_at:
        return
    remotes = await outbox.remotes_of_all(connection, [kept.incident.id for kept in looked_at])
    breakers = await open_breakers(connection, now)
    for kept in looked_at:
        own = remotes[kept.incident.id]
        plan, ways = ask.page(hub, sheet, kept.incident, kept.plan, own, breakers, now)
        await supersede(connection, sheet, kept.incident, own, ways, now)
        if plan != kept.plan:
            sheet.incidents[kept.incident.id] = (kept.incident, plan)


async def count_attempts(
    connection: Connection, sheet: Sheet, connector: str, attempts: Sequence[Attempt], now: datetime
) -> None:
    """Count for or against the connector; when it opens, every page that waits there is looked at now."""
    telling = [attempt for attempt in attempts if attempt.calls or _failed(attempt)]
    if not telling:
        return
    state = await outbox.lock_state(connection, connector, now)
    before = state.breaker.state
    for attempt in telling:
        _count(state, attempt, now)
    await outbox.save_state(connection, state)
    if state.breaker.state is not before:
        log.warning("breaker", connector=connector, state=state.breaker.state.value, was=before.value)
    if state.breaker.state is BreakerState.OPEN and before is not BreakerState.OPEN:
        for incident_id in await waiting_creates(connection, connector):
            sheet.timers[(PAGE, incident_id)] = now


def _failed(attempt: Attempt) -> bool:
    return isinstance(attempt.outcome, (Retry, Rejected)) and attempt.outcome.counts


def _count(state: ConnectorState, attempt: Attempt, now: datetime) -> None:
    outcome, before = attempt.outcome, state.breaker
    if isinstance(outcome, Retry) and outcome.throttled:
        state.hold_until = now + (outcome.not_before or timedelta(seconds=5))
        state.breaker = Breaker() if before.state is BreakerState.HALF_OPEN else before
        state.last_error = outcome.reason[:500]
    elif isinstance(outcome, (Retry, Rejected)) and outcome.counts:
        state.breaker = after_failure(before, now)
        state.last_failure_at, state.last_error = now, outcome.reason[:500]
    elif not isinstance(outcome, Retry):
        state.breaker = after_success(before)
        state.last_success_at = now
