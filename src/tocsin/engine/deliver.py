"""Outgoing work: claim it, send it, record what came of it, and say what follows.

One courier per connector. Each claims the heads of its queues under the breaker and the token bucket
that all nodes share, sends without holding a transaction, and settles each effect in one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.core.breaker import BreakerState, Leave, leave, probing
from tocsin.core.bucket import Rate, seconds_until_one, tokens_now
from tocsin.core.ports import (
    Call,
    ConnectorSettings,
    Effect,
    FaultKind,
    Outcome,
    Pending,
    Provider,
    Response,
    Retry,
    WireFault,
)
from tocsin.core.values import replace
from tocsin.engine import bundle, sent, settle
from tocsin.engine.hub import Hub, log
from tocsin.engine.job import Job, jobs_of
from tocsin.engine.line import Line
from tocsin.engine.outcome import Attempt
from tocsin.engine.wire import Wire
from tocsin.store import messages, outbox
from tocsin.store.breakers import probe_is_lost
from tocsin.store.database import Connection
from tocsin.store.messages import Message
from tocsin.store.outbox import ConnectorState

IN_FLIGHT = 24
"""Calls under way at once per connector and node."""

LEASE = timedelta(seconds=40)
_PAUSED_SECONDS = 1.0
CALLS_MOST, CHAIN_SECONDS = 12, 25.0
"""An effect's chain of calls (look up, write, ask what became of it) ends after these and is tried again."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Jobs to do now, how long to wait before asking again, and whether there may be `more` right now.
    `messages` are claimed when no effect is due: nobody waits at night for a digest."""

    jobs: list[Job]
    wait_seconds: float
    more: bool = False
    messages: list[Message] = field(default_factory=list)


async def claim(hub: Hub, connector: str, free: int) -> Claimed:
    """Claim what may be sent at a connector now, within its breaker, its bucket and its hold; what is owed to the
    database is written down before. At a paused one everything waits."""
    await hub.owed.pay()
    if (known := hub.policy.connectors.get(connector)) and known.paused:
        return Claimed([], _PAUSED_SECONDS)

    async def work(connection: Connection) -> Claimed:
        now = hub.now()
        state = await outbox.lock_state(connection, connector, now)
        if state.hold_until and now < state.hold_until:
            return Claimed([], (state.hold_until - now).total_seconds())
        allowed = await _leave(connection, hub, state, now)
        if allowed is Leave.WAIT:
            probe_at = state.breaker.probe_at or now
            return Claimed([], max((probe_at - now).total_seconds(), 0.05))
        rate = rate_of(hub, connector)
        tokens = tokens_now(rate, state.tokens, state.tokens_at, now)
        most = 1 if allowed is Leave.PROBE else int(min(free, tokens, IN_FLIGHT))
        if most < 1:
            return Claimed([], seconds_until_one(rate, tokens))
        jobs = await _claim_jobs(connection, hub, connector, most, now)
        if not jobs and hub.gate.shut:
            return Claimed([], 1.0)
        posts = (
            []
            if jobs
            else await messages.claim(
                connection, connector, most, now, LEASE, node=hub.node, at_work=hub.owed.messages.rows
            )
        )
        if not jobs and not posts:
            due = await outbox.next_due(connection, connector)
            return Claimed([], min(max((due - now).total_seconds(), 0.01), 5) if due else 5)
        sent = [job for job in jobs if not job.stale]
        await outbox.expect(connection, [work for job in sent for work in job.works], now)
        if allowed is Leave.PROBE and (sent or posts):
            state.breaker = probing(state.breaker, now)
        if rate.per_minute:
            state.tokens, state.tokens_at = tokens - len(sent) - len(posts), now
        if rate.per_minute or allowed is Leave.PROBE:
            await outbox.save_state(connection, state)
        return Claimed(jobs, 5, more=len(jobs) + len(posts) == most, messages=posts)

    claimed = await hub.database.transact(work)
    for job in claimed.jobs:
        for one in job.works:
            hub.owed.effects.begin(one.id, one.attempts)
    for message in claimed.messages:
        hub.owed.messages.begin(message.id, message.attempts)
    return claimed


async def _claim_jobs(
    connection: Connection, hub: Hub, connector: str, most: int, now: datetime
) -> list[Job]:
    """Up to `most` calls; where pages of several incidents may leave as one, such a page is one of them."""
    bundles = bundle.ABILITY in hub.abilities(connector)
    pages = await bundle.claim(connection, hub, connector, most, now, LEASE) if bundles else []
    if len(pages) == most:
        return pages
    works = await outbox.claim(
        connection,
        connector,
        most - len(pages),
        now,
        LEASE,
        node=hub.node,
        at_work=hub.owed.effects.rows,
        gate=hub.gate,
        pages=not bundles,
    )
    return [*pages, *(await jobs_of(connection, hub, works, now) if works else [])]


async def _leave(connection: Connection, hub: Hub, state: ConnectorState, now: datetime) -> Leave:
    """May something be sent now? A probe that nobody is at work on is taken over, as any lease is (S33)."""
    allowed = leave(state.breaker, now)
    if allowed is not Leave.WAIT or state.breaker.state is not BreakerState.HALF_OPEN:
        return allowed
    lost = await probe_is_lost(
        connection, state.connector, now, node=hub.node, at_work=hub.owed.effects.rows,
        messages_at_work=hub.owed.messages.rows,
    )  # fmt: skip
    return Leave.PROBE if lost else Leave.WAIT


def rate_of(hub: Hub, connector: str) -> Rate:
    """The connector's own `rate_limit` setting, else its provider's documented limit."""
    known = hub.policy.connectors.get(connector)
    if known is None:
        return Rate()
    own = known.settings.get("rate_limit")
    kind = hub.providers.get(known.type)
    limits = own if isinstance(own, dict) else (kind.manifest.get("rate", {}) if kind else {})
    per_minute = float(limits.get("per_minute", 0) or 0)
    return Rate(per_minute, float(limits.get("burst", max(per_minute / 2, 1))))


async def carry_out(hub: Hub, wire: Wire, job: Job) -> None:
    """Send one effect and settle it. Never raises but for cancellation."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    if job.stale:
        await settle.withdrawn(hub, job.work, job.incident, job.stale)
        return
    connector = hub.policy.connectors[job.work.remote.connector]
    kind = hub.providers.get(connector.type)
    talk = Talk()
    if kind is None or not hub.active.unsealed:
        reason = (
            "its credentials cannot be opened with the present secret key"
            if kind
            else f"there is no provider {connector.type}"
        )
        outcome: Outcome = Retry(reason=reason, not_before=timedelta(seconds=30), counts=False)
    else:
        try:
            settings = hub.active.settings_of(connector)
            outcome = await converse(kind.module, Line(hub, wire, connector), job.effect, settings, talk)
        except Exception as fault:  # noqa: BLE001 - a provider's bug must not stop the others
            log.error(
                "provider_failed",
                connector=connector.name,
                fault=type(fault).__name__,
                message=hub.redactor().text(str(fault))[:300],
            )
            # what it sent before it failed may have been applied: the next attempt looks first
            reason = f"a fault of ours ({type(fault).__name__})"
            outcome = Retry(reason=reason, counts=False, ambiguous=talk.calls > 0)
    took_ms = (loop.time() - began) * 1000
    outcome = sent.without_secrets(hub, outcome)
    attempt = Attempt(outcome=outcome, step=talk.step, status=talk.status, took_ms=took_ms, calls=talk.calls)
    sent.say(job, attempt)
    if job.bundled:
        await settle.settle_bundle(hub, job.bundled, attempt)
    else:
        await settle.settle(hub, job.work, job.effect.kind, attempt)


@dataclass(slots=True)
class Talk:
    """How far a conversation has come, whatever ends it: calls sent, the last one's status and step."""

    calls: int = 0
    status: int | None = None
    step: str = ""


async def converse(
    provider: Provider, wire: Wire, effect: Effect, settings: ConnectorSettings, talk: Talk
) -> Outcome:
    """The chain of calls of one effect; `talk` is kept up to date on the way."""
    first = provider.first_call(effect, settings)
    if not isinstance(first, Call):
        talk.step = "not sent"
        return first
    loop = asyncio.get_running_loop()
    until = loop.time() + CHAIN_SECONDS
    call, accepted = first, False
    while True:
        if call.after:
            await asyncio.sleep(call.after.total_seconds())
        talk.step = call.step
        talk.calls += 1
        answer: Response | WireFault = await wire.send(call.send)
        talk.status = answer.status if isinstance(answer, Response) else None
        outcome = _careful(provider.outcome_of(effect, settings, call.step, answer), answer, accepted)
        if not isinstance(outcome, Pending):
            return outcome
        accepted = accepted or outcome.accepted
        if outcome.remote_id:
            effect = replace(effect, remote_id=outcome.remote_id)
        if talk.calls >= CALLS_MOST or loop.time() > until:
            reason = (
                "taken at the door, but never seen created" if accepted else "too many calls for one effect"
            )
            return Retry(reason=reason, counts=False, ambiguous=True)
        call = outcome.next


def _careful(outcome: Outcome, answer: Response | WireFault, accepted: bool) -> Outcome:
    """What was written earlier in the chain, or may have been, makes a retry ambiguous (S29)."""
    if not isinstance(outcome, Retry):
        return outcome
    maybe = accepted or (isinstance(answer, WireFault) and answer.kind is FaultKind.AMBIGUOUS)
    return replace(outcome, ambiguous=outcome.ambiguous or maybe)
