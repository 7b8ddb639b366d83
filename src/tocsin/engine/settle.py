"""What an answer does: the remote's facts, the effect, the breaker, the page, the timeline; one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from tocsin.core.alarm import Alarm
from tocsin.core.breaker import Breaker, BreakerState, after_failure, after_success, backoff
from tocsin.core.divergence import missing, refused
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind, Incident, Line
from tocsin.core.ports import (
    Accepted,
    EffectKind,
    Outcome,
    Pending,
    Rejected,
    RemoteStatus,
    Retry,
    Skipped,
)
from tocsin.engine import ask
from tocsin.engine.diverge import differ, ours_of
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import jitter
from tocsin.engine.respond import act_on, rung
from tocsin.engine.tell import withdraw
from tocsin.store import incidents, outbox
from tocsin.store.database import Connection
from tocsin.store.outbox import Delivery, Work
from tocsin.store.sheet import Sheet, save
from tocsin.store.timers import PAGE

PAGES = (EffectKind.CREATE, EffectKind.REOPEN)
PACED_BY_BREAKER = timedelta(seconds=4)
REFUSED = "refused/{}"
NEVER_CREATED = "its page was never created there, and is not wanted any more"
_REACHED = {
    EffectKind.ACKNOWLEDGE: RemoteStatus.ACKNOWLEDGED,
    EffectKind.RESOLVE: RemoteStatus.RESOLVED,
    EffectKind.CREATE: RemoteStatus.TRIGGERED,
    EffectKind.REOPEN: RemoteStatus.TRIGGERED,
}
_DONE_WORDS = {
    EffectKind.ACKNOWLEDGE: "is told: acknowledged",
    EffectKind.RESOLVE: "is told: resolved",
    EffectKind.NOTE: "has the note",
    EffectKind.UPDATE: "has the new text",
    EffectKind.CREATE: "has created it",
    EffectKind.REOPEN: "has reopened it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One conversation about an effect: outcome, the provider's step and HTTP status it ended on."""

    outcome: Outcome
    step: str
    status: int | None
    took_ms: float
    calls: int


async def withdrawn(hub: Hub, work: Work, incident: Incident, reason: str) -> None:
    """Claimed, but not wanted any more: nothing is sent."""

    async def save_it(connection: Connection) -> None:
        now = hub.now()
        await outbox.settle(connection, work.id, "withdrawn", reason, now)
        if work.kind in PAGES:
            await outbox.update_remote(connection, work.remote.id, {"superseded_at": now, "fault": reason})
        sheet = Sheet()
        text = f"{work.remote.connector}: {work.kind.value} is not sent, {reason}"
        sheet.tell(now, incident, Line(kind="withdrawn", text=text, reason="stale"))
        await save(connection, sheet, now)

    await hub.database.transact(save_it)


async def settle(hub: Hub, work: Work, sent_as: EffectKind, attempt: Attempt) -> None:
    """Record the outcome of one attempt and do what follows from it. `sent_as` differs from the work's own
    kind when a page that is not wanted any more was settled by looking (S29)."""
    rings = await hub.database.transact(lambda c: _settle(c, hub, work, sent_as, attempt))
    if rings:
        rung(hub)


async def _settle(
    connection: Connection, hub: Hub, work: Work, sent_as: EffectKind, attempt: Attempt
) -> bool:
    now = hub.now()
    remote = work.remote
    if sent_as is not work.kind:
        attempt = _never_created(attempt)  # from here on it is what it was sent as
        work = replace(work, kind=sent_as)
    alerts_first = isinstance(attempt.outcome, Accepted) and attempt.outcome.status is RemoteStatus.RESOLVED
    if alerts_first and work.kind in PAGES:
        # found resolved there: a remote resolve, through the one door (it locks alerts first)
        actor = Actor(ActorKind.PROVIDER, remote.connector, remote.connector)
        await act_on(connection, hub, remote.incident_id, Act.RESOLVE, actor, service=remote.service or None)
    kept = (await incidents.lock(connection, [remote.incident_id]))[remote.incident_id]
    sheet = Sheet()
    await _record(connection, work, attempt, now)
    await _breaker(connection, hub, sheet, remote.connector, attempt, now)
    look_again = await _follow(connection, hub, sheet, kept.incident, work, attempt, now)
    if look_again:
        remotes = await outbox.remotes_of(connection, remote.incident_id)
        breakers = await outbox.open_breakers(connection)
        plan, ways = ask.page(hub, sheet, kept.incident, kept.plan, remotes, breakers, now)
        for remote_id, holder in ask.waits_at(remotes, ways):
            gone = [r for r in remotes if r.id == remote_id]
            await withdraw(connection, sheet, kept.incident, gone, f"superseded: {holder} has it", now)
            await outbox.update_remote(connection, remote_id, {"superseded_at": now})
        if plan != kept.plan:
            sheet.incidents[kept.incident.id] = (kept.incident, plan)
    await save(connection, sheet, now)
    return bool(sheet.effects or sheet.timers) or await outbox.has_waiting(connection, remote.id)


def _never_created(attempt: Attempt) -> Attempt:
    """It was looked for and is not there: the page was never created, and that is good now."""
    outcome = attempt.outcome
    if not isinstance(outcome, Rejected):
        return attempt
    return replace(attempt, outcome=Skipped(reason=NEVER_CREATED, status=RemoteStatus.UNKNOWN))


async def _record(connection: Connection, work: Work, attempt: Attempt, now: datetime) -> None:
    outcome = attempt.outcome
    reason = getattr(outcome, "reason", "") or getattr(outcome, "note", "")
    await outbox.record(
        connection,
        Delivery(
            at=now, effect=work.id, incident_id=work.remote.incident_id, connector=work.remote.connector,
            service=work.remote.service, kind=work.kind.value, attempt=work.attempts, step=attempt.step,
            outcome=type(outcome).__name__.lower(), reason=reason, status=attempt.status, took_ms=attempt.took_ms,
            calls=attempt.calls,
        ),
    )  # fmt: skip


async def _breaker(
    connection: Connection, hub: Hub, sheet: Sheet, connector: str, attempt: Attempt, now: datetime
) -> None:
    """Count for or against the connector; when it opens, every page that waits there is looked at now."""
    outcome = attempt.outcome
    throttled = isinstance(outcome, Retry) and outcome.throttled
    failed = isinstance(outcome, (Retry, Rejected)) and outcome.counts
    if attempt.calls == 0 and not failed:
        return
    state = await outbox.lock_state(connection, connector, now)
    before = state.breaker
    if throttled and isinstance(outcome, Retry):
        state.hold_until = now + (outcome.not_before or timedelta(seconds=5))
        state.breaker = Breaker() if before.state is BreakerState.HALF_OPEN else before
        state.last_error = outcome.reason[:500]
    elif failed:
        assert isinstance(outcome, (Retry, Rejected))
        state.breaker = after_failure(before, now)
        state.last_failure_at, state.last_error = now, outcome.reason[:500]
    elif not isinstance(outcome, Retry):
        state.breaker = after_success(before)
        state.last_success_at = now
    await outbox.save_state(connection, state)
    if state.breaker.state is not before.state:
        log.warning("breaker", connector=connector, state=state.breaker.state.value, was=before.state.value)
    if state.breaker.state is BreakerState.OPEN and before.state is not BreakerState.OPEN:
        for incident_id in await outbox.waiting_creates(connection, connector):
            sheet.timers[(PAGE, incident_id)] = now


async def _follow(
    connection: Connection,
    hub: Hub,
    sheet: Sheet,
    incident: Incident,
    work: Work,
    attempt: Attempt,
    now: datetime,
) -> bool:
    """Facts, effect state and lines; True when the page must be looked at."""
    outcome, remote = attempt.outcome, work.remote
    match outcome:
        case Accepted():
            await _accepted(connection, hub, sheet, incident, work, outcome, attempt, now)
            return work.kind in PAGES
        case Skipped():
            await outbox.settle(connection, work.id, "done", outcome.reason, now)
            if outcome.status is not RemoteStatus.UNKNOWN:
                await outbox.update_remote(connection, remote.id, {"status": outcome.status.value})
            elif not remote.created_at:
                await outbox.update_remote(
                    connection, remote.id, {"superseded_at": now, "fault": outcome.reason}
                )
            what = "" if outcome.reason == NEVER_CREATED else f"{work.kind.value} not written, "
            text = f"{remote.connector}: {what}{outcome.reason}"
            sheet.tell(now, incident, Line(kind="not_written", text=text, reason="skipped"))
            return work.kind in PAGES
        case Retry():
            await _again(connection, sheet, incident, work, outcome, now)
            return False
        case Rejected():
            return await _rejected(connection, sheet, incident, work, outcome, attempt, now)
        case Pending():
            raise AssertionError("a conversation never ends pending")
        case _:
            assert_never(outcome)


async def _accepted(
    connection: Connection,
    hub: Hub,
    sheet: Sheet,
    incident: Incident,
    work: Work,
    outcome: Accepted,
    attempt: Attempt,
    now: datetime,
) -> None:
    remote = work.remote
    facts: dict[str, Any] = {"accepted_at": now, "fault": ""}
    if outcome.created and work.kind in PAGES:
        facts |= {"created_at": now, "failed_at": None}
        if (over := REFUSED.format(remote.connector)) in hub.alarming:
            sheet.alarms_over.append(over)
    facts |= {"remote_id": outcome.remote_id} if outcome.remote_id else {}
    facts |= {"remote_url": outcome.remote_url} if outcome.remote_url else {}
    status = outcome.status if outcome.status is not RemoteStatus.UNKNOWN else _REACHED.get(work.kind)
    if status is not None:
        facts["status"] = status.value
        facts |= _since(status, now)
    await outbox.settle(connection, work.id, "done", outcome.note, now)
    await outbox.update_remote(connection, remote.id, facts)
    words = _DONE_WORDS[work.kind]
    if work.kind is EffectKind.CREATE and not outcome.created:
        words = "has accepted it (not yet seen created)"
    if outcome.adopted:
        words = "has it already: adopted"
    about = f" ({remote.service})" if remote.service and len(incident.parts) > 1 else ""
    what = f" as {outcome.remote_id}" if outcome.remote_id and work.kind in PAGES else ""
    tail = f" ({outcome.note})" if outcome.note else ""
    kind = (
        "page_created"
        if work.kind in PAGES and outcome.created
        else "page_accepted"
        if work.kind in PAGES
        else "told"
    )
    took = (now - work.made_at).total_seconds() * 1000
    data = {
        "connector": remote.connector,
        "remote_id": outcome.remote_id,
        "calls": attempt.calls,
        "sent_ms": attempt.took_ms,
    }
    line = Line(
        kind=kind,
        text=f"{remote.connector} {words}{what}{about}{tail}",
        reason=work.kind.value,
        took_ms=took,
        data=data,
    )
    sheet.tell(now, incident, line)


def _since(status: RemoteStatus, now: datetime) -> dict[str, Any]:
    if status is RemoteStatus.ACKNOWLEDGED:
        return {"acknowledged_at": now}
    return {"resolved_at": now} if status is RemoteStatus.RESOLVED else {}


async def _again(
    connection: Connection, sheet: Sheet, incident: Incident, work: Work, outcome: Retry, now: datetime
) -> None:
    wait = backoff(work.attempts, jitter())
    if outcome.counts:
        # the breaker paces these for all; the work that served as its probes must not wait longest afterwards
        wait = min(wait, PACED_BY_BREAKER)
    wait = outcome.not_before or wait
    await outbox.give_back(
        connection, work.id, due=now + wait, reason=outcome.reason, ambiguous=outcome.ambiguous
    )
    await outbox.update_remote(connection, work.remote.id, {"fault": outcome.reason[:500]})
    if work.attempts == 1 or work.attempts & (work.attempts - 1) == 0:
        # the first, second, fourth, eighth … attempt: an outage of hours must not fill the timeline
        text = f"{work.remote.connector}: {work.kind.value} failed ({outcome.reason}); tried again in {wait.total_seconds():.0f} s"
        line = Line(kind="delivery_failed", text=text, reason="retry", data={"attempt": work.attempts})
        sheet.tell(now, incident, line)


async def _rejected(
    connection: Connection,
    sheet: Sheet,
    incident: Incident,
    work: Work,
    outcome: Rejected,
    attempt: Attempt,
    now: datetime,
) -> bool:
    remote = work.remote
    await outbox.settle(connection, work.id, "failed", outcome.reason, now)
    if work.kind in PAGES:
        facts = {"failed_at": now, "fault": outcome.reason[:500]}
        facts |= {"remote_id": outcome.remote_id} if outcome.remote_id else {}
        await outbox.update_remote(connection, remote.id, facts)
    if outcome.gone:
        await outbox.update_remote(connection, remote.id, {"status": RemoteStatus.UNKNOWN.value})
    if outcome.alarm:
        log.error(
            "rejected",
            connector=remote.connector,
            incident=incident.name,
            kind=work.kind.value,
            reason=outcome.reason,
        )
        if work.kind in PAGES or outcome.counts:
            sheet.alarms.append(_refused(work, outcome))
    kind = "page_failed" if work.kind in PAGES else "delivery_failed"
    text = f"{remote.connector} refused the {work.kind.value}: {outcome.reason}"
    ours = ours_of(incident, remote.service)
    if outcome.gone:
        await differ(connection, sheet, incident, remote, missing(ours, outcome.reason), now)
    elif work.kind not in PAGES:
        found = refused(work.kind, ours, remote.status, outcome.reason)
        await differ(connection, sheet, incident, remote, found, now)
    sheet.tell(now, incident, Line(kind=kind, text=text, reason="rejected", data={"status": attempt.status}))
    return work.kind in PAGES


def _refused(work: Work, outcome: Rejected) -> Alarm:
    """S28: what is wrong there stays wrong for the next page too, until somebody mends it."""
    name = work.remote.connector
    return Alarm(
        key=REFUSED.format(name), connector=name, title=f"{name} refuses what it is asked",
        text=f"It refused the {work.kind.value}: {outcome.reason}. Pages that go there fail over at once; `im doctor` checks its"
        " address, credentials and mappings.",
    )  # fmt: skip
