"""What was counted goes to the database; hours that are over are added up. How does a connector fare over a window?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.core.bucket import tokens_now
from tocsin.engine.deliver import rate_of
from tocsin.engine.hub import Hub
from tocsin.store import hours as rows
from tocsin.store import outbox
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.hours import Hour, Spread, Told
from tocsin.store.outbox import ConnectorState

BELL = "hours"
GIVE_SECONDS = 2.0
FRESH = timedelta(minutes=2)
"""What a provider said of its limit counts for so long."""


async def give(hub: Hub) -> bool:
    """Give away what was counted here; whether there was anything. What cannot be given stays."""
    counts = hub.counted.taken()
    if not counts.found and not counts.allowances:
        return False
    try:
        await hub.database.transact(lambda c: rows.add(c, counts, hub.now()))
    except DatabaseAway:
        hub.counted.back(counts)
        raise
    return True


async def roll(hub: Hub) -> None:
    """Add up what is over; by the node on duty."""
    while await hub.database.transact(lambda c: rows.roll(c, hub.now())):
        pass
    await hub.database.transact(lambda c: rows.trim(c, hub.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much of a rate limit is used, 0 to 1, None = nobody knows. `by` = "provider", "own" (our token bucket) or ""."""

    used: float | None = None
    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None
    by: str = ""


def limit_of(hub: Hub, name: str, told: Told | None, state: ConnectorState | None) -> Limit:
    """By the provider's last word while it is fresh, else by our own bucket."""
    now = hub.now()
    fresh = told is not None and now - told.seen_at < FRESH
    if told is not None and fresh and told.throttled:
        return Limit(used=1.0, limit=told.limit, remaining=0, resets_at=told.resets_at, by="provider")
    if told is not None and fresh and told.limit and told.remaining is not None:
        over = told.resets_at is not None and told.resets_at <= now
        left = told.limit if over else told.remaining
        return Limit(
            used=1 - min(left / told.limit, 1.0),
            limit=told.limit,
            remaining=left,
            resets_at=told.resets_at,
            by="provider",
        )
    rate = rate_of(hub, name)
    if not rate.per_minute:
        return Limit()
    most = max(rate.burst, 1.0)
    free = tokens_now(rate, state.tokens, state.tokens_at, now) if state else most
    return Limit(used=max(1 - free / most, 0.0), limit=int(rate.per_minute), remaining=int(free), by="own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """A connector over a window."""

    since: datetime
    hours: tuple[Hour, ...]
    incidents: int
    incidents_lately: int
    spread: Spread
    webhooks: dict[str, int]
    limit: Limit
    state: ConnectorState | None

    @property
    def attempts(self) -> int:
        return sum(hour.attempts for hour in self.hours)

    @property
    def good(self) -> int:
        return sum(hour.good for hour in self.hours)

    @property
    def average_ms(self) -> float | None:
        return sum(hour.took_ms for hour in self.hours) / self.good if self.good else None

    @property
    def calls(self) -> dict[str, int]:
        """By outcome."""
        found: dict[str, int] = {}
        for hour in self.hours:
            for what, n in hour.calls.items():
                found[what] = found.get(what, 0) + n
        return found


async def fared(hub: Hub, name: str, window: timedelta) -> Fared:
    """One connector's figures. Calls are there two seconds after they were made."""
    now = hub.now()
    since = now - window

    async def ask(connection: Connection) -> Fared:
        ever, lately = await rows.incidents_told(connection, name, since)
        state = (await outbox.states(connection)).get(name)
        told = (await rows.allowances(connection)).get(name)
        return Fared(
            since=since, hours=tuple((await rows.hours(connection, [name], since, now))[name]), incidents=ever,
            incidents_lately=lately, spread=await rows.spread(connection, name, max(since, now - timedelta(days=1))),
            webhooks=await rows.webhook_results(connection, name, since), limit=limit_of(hub, name, told, state), state=state,
        )  # fmt: skip

    return await hub.database.read(ask)
