"""A digest's period is over, or somebody wants it now: what was collected is written and given to its connectors."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.core.digest import subject_of, text_of, worst_of
from tocsin.engine import post
from tocsin.engine.acting import tell
from tocsin.engine.hub import Hub, log
from tocsin.store import digests, messages
from tocsin.store.database import Connection
from tocsin.store.digests import Period
from tocsin.store.messages import NewMessage

GIVE_UP_AFTER = timedelta(minutes=15)
"""A digest that its connector was not to be called for so long (an open breaker) goes another way."""

BELL = "digests"
_LOOKS_EVERY = 5.0


async def close_due(hub: Hub) -> tuple[int, float]:
    """Write and send what is due, and give up what waits in vain; (how many, seconds until the next look)."""

    async def work(connection: Connection) -> tuple[int, float]:
        now = hub.now()
        due = await digests.next_due(connection)
        written = 0
        if due is not None and due <= now:
            periods = await digests.collected(connection, due_by=now, closing=True)
            written = await _write(connection, hub, periods, now)
            due = await digests.next_due(connection)
        given_up = await post.give_up(connection, hub, now)
        wait = (due - now).total_seconds() if due else _LOOKS_EVERY
        return written + given_up, min(max(wait, 0.05), _LOOKS_EVERY)

    count, wait = await hub.database.transact(work)
    if count:
        hub.wake.ring("effects")
    return count, wait


async def send_now(hub: Hub, name: str) -> int:
    """Write and send what is collected under that name; how many alerts."""

    async def work(connection: Connection) -> int:
        periods = await digests.collected(connection, name=name, closing=True)
        await _write(connection, hub, periods, hub.now())
        count = sum(len(period.ids) for period in periods)
        if count:
            await tell(connection, hub, "digest.send", name, after={"alerts": count})
        return count

    count = await hub.database.transact(work)
    hub.wake.ring("effects")
    return count


async def _write(connection: Connection, hub: Hub, periods: list[Period], now: datetime) -> int:
    for period in periods:
        subject = subject_of(period.name, period.entries, review=period.review)
        ends = min(period.due, now)
        text = text_of(period.name, period.entries, period.begins, ends, review=period.review)
        worst = worst_of(period.entries)
        digest = await digests.close(connection, period, ends, worst, subject, text)
        log.info("digest_written", digest=period.name, alerts=len(period.ids), to=list(period.to))
        sent = [
            NewMessage(
                key=f"tocsin:{hub.installation}:digest:{digest}:{connector}", connector=connector, severity=worst,
                subject=subject, text=text, digest=digest, give_up_at=now + GIVE_UP_AFTER,
            )
            for connector in period.to
        ]  # fmt: skip
        await messages.put(connection, sent, now)
    return len(periods)
