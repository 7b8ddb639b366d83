"""Does it stay as fast with many stored alerts, with a thousand rules and ten thousand services?

.venv/bin/python bench/growth.py            (about 4 min; --rows 10000000 for the whole target, about 20 min)
"""

from __future__ import annotations

import argparse
import asyncio
import time

import uvloop
from hubs import large, one
from intake import distinct
from provider import Provider
from stage import Folder, Hub, load, median, show, wrk

RULES, SERVICES = 1_000, 10_000

_FILL_ALERTS = """
INSERT INTO alert (id, integration, scope, source, dedup_key, status, title, description, severity, sender_severity, services,
  correlation_id, count, fingerprint, first_event_at, last_event_at, resolved_at, resolved_by, decision)
SELECT gen_random_uuid(), 'api', 'api', 'bench', 'old-' || (n % 100000), 'resolved', 'Disk is filling up',
  '/var is at 91 % and grows by 2 % an hour', 'critical', 'critical', '{web}', gen_random_uuid()::text, 3,
  decode(md5(n::text), 'hex'), now() - n * interval '1 second', now() - n * interval '1 second', now(), 'sender',
  '{"severity": "critical", "route": "page", "rule": "default", "reasons": ["nothing else fits"]}'
FROM generate_series($1::bigint, $2::bigint) AS n
"""
_FILL_EVENTS = """
INSERT INTO event (received_at, alert_id, raw_id, integration, action, dedup_key, reading, body)
SELECT now() - (n % 20) * interval '1 hour', gen_random_uuid(), gen_random_uuid(), 'api', 'create', 'old-' || (n % 100000), 'new',
  '{"title": "Disk is filling up", "source": "bench", "description": "/var is at 91 % and grows by 2 % an hour"}'
FROM generate_series($1::bigint, $2::bigint) AS n
"""


async def fill(hub: Hub, rows: int) -> float:
    """That many resolved alerts and as many events, 100,000 a statement; seconds."""
    began = time.perf_counter()
    connection = await hub.connect()
    for first in range(1, rows + 1, 100_000):
        for sql in (_FILL_ALERTS, _FILL_EVENTS):
            await connection.execute(sql, first, min(first + 99_999, rows), timeout=300)
    await connection.execute("VACUUM ANALYZE", timeout=600)
    await connection.execute("CHECKPOINT", timeout=300)
    await connection.close()
    return time.perf_counter() - began


async def speed(hub: Hub, seconds: float, run: str) -> tuple[float, float]:
    """(repeats a second, distinct decided and saved a second)."""
    repeats = await asyncio.to_thread(wrk, hub.url, "hub", seconds=seconds, keys=500)
    _, saved = await distinct(hub, seconds, run)
    return repeats["a_second"], saved


async def main(rows: int, seconds: float) -> None:
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
        hubs = {name: Hub(folder, text[name], data=name) for name in names}
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
    given = parser.parse_args()
    uvloop.run(main(given.rows, given.seconds))
