"""A message is sent and settled; one that cannot be delivered twice goes another way (S23).

The courier claims it beside its connector's effects, under the same breaker and the same bucket, once no page waits.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from tocsin.core.alarm import DIGEST, Alarm
from tocsin.core.model import Link
from tocsin.core.ports import Accepted, Effect, EffectKind, Outcome, Rejected, Retry, Skipped
from tocsin.core.severity import Severity
from tocsin.core.silent import is_held
from tocsin.core.values import replace
from tocsin.engine import deliver
from tocsin.engine.hub import Hub, log
from tocsin.engine.line import Line
from tocsin.engine.outcome import Attempt
from tocsin.engine.press import links_for
from tocsin.engine.settle import count_attempts
from tocsin.engine.wire import Wire
from tocsin.store import alarms, digests, incidents, messages
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.messages import Message
from tocsin.store.sheet import Sheet, save

TRIES = 2
AGAIN_AFTER = timedelta(minutes=1)


async def carry_out(hub: Hub, wire: Wire, message: Message) -> None:
    """Send one message and settle it; what came of it is owed to the database while that is away."""
    began = asyncio.get_running_loop().time()
    talk = deliver.Talk()
    outcome = await _send(hub, wire, message, talk)
    took_ms = (asyncio.get_running_loop().time() - began) * 1000
    attempt = Attempt(outcome=outcome, step=talk.step, status=talk.status, took_ms=took_ms, calls=talk.calls)

    async def record() -> None:
        await hub.database.transact(lambda c: _settle(c, hub, message, attempt))
        hub.owed.messages.end(message.id, message.attempts)
        hub.wake.ring("alarms")

    try:
        await record()
    except DatabaseAway as fault:
        hub.owed.put(f"message {message.id}, attempt {message.attempts}", record)
        hub.lost(fault)


async def _send(hub: Hub, wire: Wire, message: Message, talk: deliver.Talk) -> Outcome:
    connector = hub.policy.connectors.get(message.connector)
    kind = hub.providers.get(connector.type) if connector else None
    if connector is None or kind is None or "message" not in kind.abilities:
        return Rejected(
            reason=f"{message.connector} is no connector that can be given a message", alarm=False
        )
    if not hub.active.unsealed:
        return Retry(reason="its credentials cannot be opened with the present secret key", counts=False)
    effect = Effect(
        kind=EffectKind.MESSAGE, key=message.key, incident="", title=message.subject, description=message.text,
        severity=message.severity, recipients=message.recipients, opened_at=message.made_at,
        acts=await _acts(hub, message),
    )  # fmt: skip
    try:
        return await deliver.converse(
            kind.module, Line(hub, wire, connector), effect, hub.active.settings_of(connector), talk
        )
    except Exception as fault:  # noqa: BLE001 - a provider's bug must not stop the others
        log.error("provider_failed", connector=message.connector, fault=type(fault).__name__)
        return Retry(reason=f"a fault of ours ({type(fault).__name__})", counts=False)


async def _acts(hub: Hub, message: Message) -> tuple[Link, ...]:
    """An ack link for each incident that it asks its one reader about and that somebody still has (S24, S52)."""
    if not message.asks_about or len(message.recipients) > 1:
        return ()
    try:
        kept = await hub.database.read(lambda c: incidents.load(c, message.asks_about))
    except DatabaseAway:
        return ()  # the question is worth more than its links
    held = [kept[name].incident for name in message.asks_about if name in kept]
    recipient = next(iter(message.recipients), "")
    return links_for(hub, filter(is_held, held), message.connector, recipient, message.made_at)


async def _settle(connection: Connection, hub: Hub, message: Message, attempt: Attempt) -> None:
    if not await messages.still_leased(connection, message.id, message.attempts):
        return  # recorded already, or taken over
    now, sheet, outcome = hub.now(), Sheet(), attempt.outcome
    reason = getattr(outcome, "reason", "")
    if isinstance(outcome, Accepted | Skipped):
        await messages.settle(connection, message.id, "done", reason, now)
        if message.digest is not None:
            over = await digests.fallen_back(connection, message.digest)
            await alarms.clear(connection, [f"{DIGEST}{digest}" for digest in over], now)
    elif isinstance(outcome, Retry) and message.attempts < TRIES:
        wait = outcome.not_before or AGAIN_AFTER
        await messages.again(connection, message.id, reason, now + wait)
    else:
        await _failed(connection, hub, message, reason, now)
    await count_attempts(connection, sheet, message.connector, [attempt], now)
    await save(connection, sheet, now)


async def give_up(connection: Connection, hub: Hub, now: datetime) -> int:
    """Messages whose connector was not to be called in time have failed; how many."""
    waited = await messages.claim_given_up(connection, now)
    for message in waited:
        await _failed(connection, hub, message, "its connector could not be called in time", now)
    return len(waited)


async def _failed(connection: Connection, hub: Hub, message: Message, reason: str, now: datetime) -> None:
    await messages.settle(connection, message.id, "failed", reason, now)
    log.warning("message_failed", connector=message.connector, attempts=message.attempts, reason=reason[:200])
    if message.digest is None:
        return
    standing = await digests.states(connection, message.digest)
    if any(state != "failed" for state in standing):
        return  # another connector has it, or may have it yet
    if (digest := await digests.fall_back(connection, message.digest, now)) is None:
        return
    text = (
        f"{', '.join(digest.to)} could not be given it ({reason}). It is told here instead.\n\n{digest.text}"
    )
    # what somebody has already and is only asked about (S24), or was suppressed on purpose, rings nobody at night
    severity = Severity.LOW if digest.holder or digest.review else digest.worst
    alarm = Alarm(
        key=f"{DIGEST}{digest.id}", title=f"Not delivered: {digest.subject}", text=text, severity=severity,
        connector=digest.to[0] if len(digest.to) == 1 else "",
    )  # fmt: skip
    await alarms.sound(connection, [replace(alarm, text=text[:20_000])], now)
