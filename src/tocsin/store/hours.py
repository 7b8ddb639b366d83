"""What was done for each connector, hour by hour: added up when an hour is over, exact for any window at any time.

`delivery` and `hook` are the truth; `connector_hour` is their sum for the hours before `rolled.until`. A window is the sum
of its whole hours, and the rows themselves for what is not rolled yet and for its first, cut hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tocsin.core.allowance import Allowance
from tocsin.store.database import Connection
from tocsin.store.rows import Columns
from tocsin.store.writing import Write, write

HOUR = timedelta(hours=1)
LATE = timedelta(minutes=5)
"""An hour is added up when it is over for so long: what was still under way then has been recorded."""
KEPT, COUNTS_KEPT = timedelta(days=400), timedelta(days=35)
SLOT = timedelta(minutes=5)
"""Calls are counted by these, so a window that begins inside one is so much too long at most."""
_AT_ONCE = timedelta(days=2)
_NAME = "connector_hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of a connector. `good` = attempts that its provider took; `took_ms` = how long those were, together."""

    hour: datetime
    attempts: int = 0
    good: int = 0
    took_ms: float = 0.0
    webhooks: int = 0
    quarantined: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What nodes met since they said so last: (connector, kind, what) -> (how often, ms together)."""

    found: Mapping[tuple[str, str, str], tuple[int, float]] = field(default_factory=dict)
    allowances: Mapping[str, tuple[datetime, Allowance]] = field(default_factory=dict)


def hour_of(at: datetime) -> datetime:
    """The beginning of its hour, UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def slot_of(at: datetime) -> datetime:
    """The beginning of its five minutes, UTC."""
    return hour_of(at) + SLOT * ((at - hour_of(at)) // SLOT)


async def add(connection: Connection, counts: Counts, now: datetime) -> None:
    """Add what was counted to the present slot."""
    rows = [
        {"connector": connector, "slot": slot_of(now), "kind": kind, "what": what, "n": n, "took_ms": ms}
        for (connector, kind, what), (n, ms) in sorted(counts.found.items())
    ]
    told = [
        {
            "connector": name, "seen_at": at, "most": said.limit, "remaining": said.remaining, "throttled": said.throttled,
            "resets_at": at + said.resets_in if said.resets_in is not None else None,
        }
        for name, (at, said) in sorted(counts.allowances.items())
    ]  # fmt: skip
    await write(connection, [(_COUNTS, rows), (_ALLOWANCES, told)])


_COUNTS = Write(
    "connector text, slot timestamptz, kind text, what text, n bigint, took_ms double precision",
    "INSERT INTO connector_count AS c (connector, slot, kind, what, n, took_ms) SELECT r.* FROM {rows}"
    " ON CONFLICT (connector, slot, kind, what) DO UPDATE SET n = c.n + excluded.n, took_ms = c.took_ms + excluded.took_ms",
)
_ALLOWANCES = Write(
    "connector text, seen_at timestamptz, most bigint, remaining bigint, resets_at timestamptz, throttled boolean",
    "INSERT INTO connector_allowance AS a (connector, seen_at, most, remaining, resets_at, throttled)"
    " SELECT r.connector, r.seen_at, r.most, r.remaining, r.resets_at, r.throttled FROM {rows}"
    " ON CONFLICT (connector) DO UPDATE SET seen_at = excluded.seen_at, most = coalesce(excluded.most, a.most),"
    " remaining = excluded.remaining, resets_at = excluded.resets_at, throttled = excluded.throttled"
    " WHERE excluded.seen_at >= a.seen_at",
)


async def roll(connection: Connection, now: datetime) -> bool:
    """Add up hours that are over, two days of them at most; whether more are left. Doing it again changes nothing."""
    end = hour_of(now - LATE)
    start = await until(connection)
    if start is None:
        first = await connection.fetchval(
            "SELECT least((SELECT min(at) FROM delivery), (SELECT min(received_at) FROM hook))"
        )
        start = hour_of(max(first, now - KEPT)) if first else end
    upto = min(end, start + _AT_ONCE)
    if upto > start:
        await connection.execute(_ROLL, start, upto)
    await connection.execute(
        "INSERT INTO rolled (name, until) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET until = excluded.until",
        _NAME, max(upto, start) if start <= end else end,
    )  # fmt: skip
    return upto < end


_ROLL = """
    WITH told AS (
      SELECT connector, date_trunc('hour', at, 'UTC') AS hour, count(*) AS attempts,
        count(*) FILTER (WHERE outcome IN ('accepted', 'skipped')) AS good,
        coalesce(sum(took_ms) FILTER (WHERE outcome IN ('accepted', 'skipped')), 0) AS took_ms
      FROM delivery WHERE at >= $1 AND at < $2 GROUP BY 1, 2
    ), heard AS (
      SELECT connector, date_trunc('hour', received_at, 'UTC') AS hour, count(*) AS webhooks,
        count(*) FILTER (WHERE state = 'quarantined') AS quarantined
      FROM hook WHERE received_at >= $1 AND received_at < $2 GROUP BY 1, 2
    )
    INSERT INTO connector_hour (connector, hour, attempts, good, took_ms, webhooks, quarantined)
    SELECT connector, hour, coalesce(attempts, 0), coalesce(good, 0), coalesce(took_ms, 0), coalesce(webhooks, 0),
      coalesce(quarantined, 0)
    FROM told FULL JOIN heard USING (connector, hour)
    ON CONFLICT (connector, hour) DO UPDATE SET attempts = excluded.attempts, good = excluded.good,
      took_ms = excluded.took_ms, webhooks = excluded.webhooks, quarantined = excluded.quarantined
"""


async def trim(connection: Connection, now: datetime) -> None:
    """Forget hours older than KEPT, and counts older than COUNTS_KEPT."""
    await connection.execute("DELETE FROM connector_hour WHERE hour < $1", now - KEPT)
    await connection.execute("DELETE FROM connector_count WHERE slot < $1", now - COUNTS_KEPT)


async def until(connection: Connection) -> datetime | None:
    """Up to when hours are added up; None = none are."""
    found: datetime | None = await connection.fetchval("SELECT until FROM rolled WHERE name = $1", _NAME)
    return hour_of(found) if found else None


async def hours(
    connection: Connection, connectors: Sequence[str], since: datetime, now: datetime
) -> dict[str, list[Hour]]:
    """Connector -> the hours of a window, oldest first, the first cut at `since`; one in which nothing was is missing."""
    end = await until(connection)
    whole = hour_of(since) if hour_of(since) == since else hour_of(since) + HOUR
    rolled = max(end, whole) if end else whole
    made: dict[tuple[str, datetime], dict[str, float]] = {}
    rows = await connection.fetch(
        "SELECT * FROM connector_hour WHERE connector = ANY($1) AND hour >= $2 AND hour < $3",
        list(connectors),
        whole,
        rolled,
    )
    parts: list[tuple[datetime, datetime]] = [(since, min(whole, now)), (rolled, now + HOUR)]
    for low, high in parts:
        if low < high:
            rows += await connection.fetch(_RAW, list(connectors), low, high)
    for row in rows:
        kept = made.setdefault((row["connector"], row["hour"]), dict.fromkeys(_SUMS, 0.0))
        for name in _SUMS:
            kept[name] += row[name]
    calls = await _calls(connection, connectors, since)
    for key in calls:
        made.setdefault(key, dict.fromkeys(_SUMS, 0.0))
    found: dict[str, list[Hour]] = {name: [] for name in connectors}
    for (name, hour), sums in sorted(made.items()):
        found[name].append(
            Hour(
                hour=hour, attempts=int(sums["attempts"]), good=int(sums["good"]), took_ms=sums["took_ms"],
                webhooks=int(sums["webhooks"]), quarantined=int(sums["quarantined"]), calls=calls.get((name, hour), {}),
            )
        )  # fmt: skip
    return found


_SUMS = ("attempts", "good", "took_ms", "webhooks", "quarantined")
_RAW = """
    SELECT connector, date_trunc('hour', at, 'UTC') AS hour, count(*) AS attempts,
      count(*) FILTER (WHERE outcome IN ('accepted', 'skipped')) AS good,
      coalesce(sum(took_ms) FILTER (WHERE outcome IN ('accepted', 'skipped')), 0)::double precision AS took_ms,
      0 AS webhooks, 0 AS quarantined
    FROM delivery WHERE connector = ANY($1) AND at >= $2 AND at < $3 GROUP BY 1, 2
    UNION ALL
    SELECT connector, date_trunc('hour', received_at, 'UTC'), 0, 0, 0, count(*), count(*) FILTER (WHERE state = 'quarantined')
    FROM hook WHERE connector = ANY($1) AND received_at >= $2 AND received_at < $3 GROUP BY 1, 2
"""


async def _calls(
    connection: Connection, connectors: Sequence[str], since: datetime
) -> dict[tuple[str, datetime], dict[str, int]]:
    """(connector, hour) -> calls by outcome, of the slots that are not over at `since`."""
    rows = await connection.fetch(
        "SELECT connector, date_trunc('hour', slot, 'UTC') AS hour, what, sum(n)::bigint AS n FROM connector_count"
        " WHERE connector = ANY($1) AND kind = 'call' AND slot >= $2 GROUP BY 1, 2, 3",
        list(connectors), slot_of(since),
    )  # fmt: skip
    found: dict[tuple[str, datetime], dict[str, int]] = {}
    for row in rows:
        found.setdefault((row["connector"], row["hour"]), {})[row["what"]] = row["n"]
    return found


async def webhook_results(connection: Connection, connector: str, since: datetime) -> dict[str, int]:
    """What webhooks were found to be since then, result -> how many."""
    rows = await connection.fetch(
        "SELECT what, sum(n)::bigint AS n FROM connector_count WHERE connector = $1 AND kind = 'webhook' AND slot >= $2"
        " GROUP BY 1 ORDER BY 1",
        connector, slot_of(since),
    )  # fmt: skip
    return {row["what"]: row["n"] for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a provider said last of its limit."""

    seen_at: datetime
    limit: int | None
    remaining: int | None
    resets_at: datetime | None
    throttled: bool


async def allowances(connection: Connection) -> dict[str, Told]:
    """By connector; one whose provider says nothing is missing."""
    return {
        row["connector"]: _told_of(row) for row in await connection.fetch("SELECT * FROM connector_allowance")
    }


def _told_of(row: Columns) -> Told:
    return Told(
        seen_at=row["seen_at"], limit=row["most"], remaining=row["remaining"], resets_at=row["resets_at"],
        throttled=row["throttled"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long attempts that were taken needed, in ms; None = there were none."""

    p50: float | None = None
    p99: float | None = None


async def spread(connection: Connection, connector: str, since: datetime) -> Spread:
    """Of one connector's attempts since then."""
    row = await connection.fetchrow(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms) AS p50,"
        " percentile_cont(0.99) WITHIN GROUP (ORDER BY took_ms) AS p99 FROM delivery"
        " WHERE connector = $1 AND at >= $2 AND outcome IN ('accepted', 'skipped')",
        connector, since,
    )  # fmt: skip
    assert row is not None
    return Spread(p50=row["p50"], p99=row["p99"])


async def incidents_told(connection: Connection, connector: str, since: datetime) -> tuple[int, int]:
    """(incidents that ever lived at the connector, those asked there since then)."""
    row = await connection.fetchrow(
        "SELECT count(DISTINCT incident_id) AS ever, count(DISTINCT incident_id) FILTER (WHERE asked_at >= $2) AS lately"
        " FROM remote WHERE connector = $1 AND (accepted_at IS NOT NULL OR created_at IS NOT NULL)",
        connector, since,
    )  # fmt: skip
    assert row is not None
    return row["ever"], row["lately"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Pages since some instant, how far they came, and how long the first rung took."""

    asked: int = 0
    accepted: int = 0
    created: int = 0
    notified: int = 0
    acknowledged: int = 0
    failed: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


async def pages(connection: Connection, since: datetime) -> Pages:
    """Of all connectors."""
    row = await connection.fetchrow(
        "SELECT count(*) AS asked, count(accepted_at) AS accepted, count(created_at) AS created, count(notified_at) AS notified,"
        " count(acknowledged_at) AS acknowledged, count(*) FILTER (WHERE failed_at IS NOT NULL AND created_at IS NULL) AS failed,"
        " percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY took) AS p99"
        " FROM (SELECT *, extract(epoch FROM accepted_at - asked_at) * 1000 AS took FROM remote WHERE asked_at >= $1) m",
        since,
    )
    assert row is not None
    return Pages(
        asked=row["asked"], accepted=row["accepted"], created=row["created"], notified=row["notified"],
        acknowledged=row["acknowledged"], failed=row["failed"], p50_ms=row["p50"], p99_ms=row["p99"],
    )  # fmt: skip


async def longest_unread(connection: Connection) -> dict[str, datetime]:
    """Connector -> since when the longest unread of its live incidents was not read back."""
    rows = await connection.fetch(
        "SELECT m.connector, min(coalesce(m.read_at, m.asked_at)) AS at FROM remote m JOIN incident i ON i.id = m.incident_id"
        " WHERE i.status IN ('open', 'mitigated') AND m.created_at IS NOT NULL AND m.superseded_at IS NULL"
        " AND m.resolved_at IS NULL GROUP BY 1"
    )
    return {row["connector"]: row["at"] for row in rows}
