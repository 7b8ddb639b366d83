"""Does it stay as fast with many stored alerts, with a thousand rules and ten thousand services?

.venv/bin/python bench/growth.py            (1,000,000 rows, about 3 min)

The whole target in two steps, filling apart from measuring; 12 GB, to be removed afterwards:

.venv/bin/python bench/growth.py --keep /tmp/tocsin-growth --rows 10000000 --fill
.venv/bin/python bench/growth.py --keep /tmp/tocsin-growth --rows 10000000
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import uvloop
from hubs import large, one
from intake import distinct
from provider import Provider
from stage import Folder, Hub, load, median, show, wrk

RULES, SERVICES = 1_000, 10_000

_ID = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
"""Ascending, as the hub's own are: an index that is filled in its order is written once."""

_FILL_ALERTS = f"""
INSERT INTO alert (id, integration, scope, source, dedup_key, status, title, description, severity, sender_severity, services,
  correlation_id, count, fingerprint, first_event_at, last_event_at, resolved_at, resolved_by, decision)
SELECT {_ID}, 'api', 'api', 'bench', 'old-' || (n % 100000), 'resolved', 'Disk is filling up',
  '/var is at 91 % and grows by 2 % an hour', 'critical', 'critical', '{{web}}', {_ID}::text, 3,
  decode(md5(n::text), 'hex'), now() - n * interval '1 second', now() - n * interval '1 second', now(), 'sender',
  '{{"severity": "critical", "route": "page", "rule": "default", "reasons": ["nothing else fits"]}}'
FROM generate_series($1::bigint, $2::bigint) AS n
"""
_FILL_EVENTS = f"""
INSERT INTO event (received_at, alert_id, raw_id, integration, action, dedup_key, reading, body)
SELECT now() - (n % 20) * interval '1 hour', {_ID}, {_ID}, 'api', 'create', 'old-' || (n % 100000), 'new',
  '{{"title": "Disk is filling up", "source": "bench", "description": "/var is at 91 % and grows by 2 % an hour"}}'
FROM generate_series($1::bigint, $2::bigint) AS n
"""
_INDEXES = """
SELECT indexdef, indexname FROM pg_indexes i WHERE tablename = 'alert'
  AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)
"""
STEP = 500_000


async def fill(hub: Hub, rows: int) -> float:
    """Resolved alerts and as many events, until there are that many; seconds. The alerts' further indexes are
    made afterwards, at once: a tenth of the time."""
    began = time.perf_counter()
    connection = await hub.connect()
    await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
    there: int = await connection.fetchval(
        "SELECT count(*) FROM alert WHERE dedup_key LIKE 'old-%'", timeout=300
    )
    indexes = await connection.fetch(_INDEXES)
    for index in indexes if there < rows else ():
        await connection.execute(f"DROP INDEX {index['indexname']}")
    try:
        for first in range(there + 1, rows + 1, STEP):
            last = min(first + STEP - 1, rows)
            async with connection.transaction():  # cut off between two steps, the next run goes on here
                for sql in (_FILL_ALERTS, _FILL_EVENTS):
                    await connection.execute(sql, first, last, timeout=600)
            print(f"  {last:,} after {time.perf_counter() - began:.0f} s", flush=True)
    finally:
        for index in indexes if there < rows else ():
            await connection.execute(index["indexdef"], timeout=600)
    await connection.execute("VACUUM (ANALYZE, PARALLEL 0)", timeout=900)
    await connection.execute("CHECKPOINT", timeout=300)
    await connection.close()
    return time.perf_counter() - began


async def speed(hub: Hub, seconds: float, run: str) -> tuple[float, float]:
    """(repeats a second, distinct decided and saved a second)."""
    repeats = await asyncio.to_thread(wrk, hub.url, "hub", seconds=seconds, keys=500)
    _, saved = await distinct(hub, seconds, run)
    return repeats["a_second"], saved


async def only_fill(rows: int, keep: Path) -> None:
    with Hub(keep, one("http://127.0.0.1:9"), data="full") as hub:
        print(f"{rows:,} alerts and events stored after {await fill(hub, rows):.0f} s")


async def main(rows: int, seconds: float, keep: Path | None) -> None:
    provider = Provider()
    await provider.start()
    began_at = load()
    names = ("empty", "full", "large")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    text = {
        "empty": one(provider.url),
        "full": one(provider.url),
        "large": large(provider.url, rules=RULES, services=SERVICES),
    }
    with Folder() as folder:
        places = {"full": keep or folder}
        hubs = {name: Hub(places.get(name, folder), text[name], data=name) for name in names}
        try:
            for name in names:
                took = await asyncio.to_thread(hubs[name].start)
                print(f"{name}: ready after {took:.1f} s", flush=True)
                if name == "full":
                    print(
                        f"{rows:,} alerts and events stored in {await fill(hubs[name], rows):.0f} s",
                        flush=True,
                    )
                await speed(hubs[name], 2, "warm")
            for number in range(3):  # in turn, so that all meet the same neighbours
                for name in names:
                    found[name].append(await speed(hubs[name], seconds, f"g{number}"))
        finally:
            for hub in hubs.values():
                hub.stop()
    await provider.stop()
    middle = {
        name: (median([f[0] for f in runs]), median([f[1] for f in runs])) for name, runs in found.items()
    }
    kept = [median([f[n] / e[n] for f, e in zip(found["full"], found["empty"], strict=True)]) for n in (0, 1)]
    cost = [
        median([e[n] / f[n] for f, e in zip(found["large"], found["empty"], strict=True)]) for n in (0, 1)
    ]
    show(
        "growth",
        [
            (
                f"repeats with {rows:,} stored alerts", f"{middle['full'][0]:,.0f}/s",
                f"{kept[0]:.0%} of {middle['empty'][0]:,.0f}/s empty", ">= 90 % (at 10 million)",
            ),
            (
                f"distinct with {rows:,} stored alerts", f"{middle['full'][1]:,.0f}/s",
                f"{kept[1]:.0%} of {middle['empty'][1]:,.0f}/s empty", ">= 90 % (at 10 million)",
            ),
            (
                f"repeats, {RULES:,} rules, {SERVICES:,} services", f"{middle['large'][0]:,.0f}/s",
                f"costs {cost[0]:.2f} x", "<= 1.5 x",
            ),
            (
                f"distinct, {RULES:,} rules, {SERVICES:,} services", f"{middle['large'][1]:,.0f}/s",
                f"costs {cost[1]:.2f} x", "<= 1.5 x",
            ),
        ],
        stored=rows, runs=found, kept=kept, cost=cost, load_average_before=began_at,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--keep", type=Path, help="a folder (mode 711) where the full hub stays, to be measured again"
    )
    parser.add_argument("--fill", action="store_true", help="only fill the hub in the --keep folder")
    given = parser.parse_args()
    if given.keep:
        given.keep.mkdir(mode=0o711, exist_ok=True)
    uvloop.run(
        only_fill(given.rows, given.keep) if given.fill else main(given.rows, given.seconds, given.keep)
    )
