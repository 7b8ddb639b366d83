"""How long does a month's report take, with a thousand incidents? `python bench/report.py [INCIDENTS]`

A hub with its own PostgreSQL, incidents of a month written straight into its tables, and the report asked for over HTTP,
as a document, a page, rows and figures; the median of three. Target: the document in <= 3 s (bench of 1,000).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import asyncpg

from tocsin.config import Settings
from tocsin.daemon import Daemon

TOKEN = "tsn_bench"
_FILL = """
INSERT INTO incident (id, number, title, severity, status, team, correlation_id, opened_at, acknowledged_at, acknowledged_by,
  resolved_at, resolved_by, updated_at)
SELECT gen_random_uuid(), n, 'Checkout of region ' || n % 40 || ' answers slowly', (ARRAY['critical','high','medium','low'])[1 + n % 4],
  CASE WHEN n % 19 = 0 THEN 'open' ELSE 'resolved' END, (ARRAY['payments','infrastructure','application'])[1 + n % 3], 'c' || n, at,
  at + interval '4 min', 'Ada', CASE WHEN n % 19 > 0 THEN at + interval '50 min' END, 'person', at
FROM (SELECT n, timestamptz '2026-08-01' + n * interval '40 min' AS at FROM generate_series(1, $1) AS n) x
"""
_MORE = (
    "INSERT INTO part (incident_id, position, service, status, changed_at) SELECT id, 0, 'service-' || number % 30, status, opened_at FROM incident",
    (
        "INSERT INTO remote (incident_id, connector, service, life, key, remote_id, asked_at, accepted_at, created_at, notified_at)"
        " SELECT id, c, 's', 1, 'k' || number, 'Q' || number, opened_at, opened_at, opened_at, opened_at + interval '9 s' FROM incident, unnest(ARRAY['pd','og']) AS c"
    ),
    (
        "INSERT INTO timeline (at, incident_id, kind, text, actor) SELECT opened_at + s * interval '30 s', id,"
        " (ARRAY['incident_opened','routed','page_requested','page_created','page_notified','acknowledged','note','resolved'])[s],"
        " 'Step ' || s || ' of what happened to it, in a sentence of the usual length', 'Ada via pd' FROM incident, generate_series(1, 8) AS s"
    ),
)


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            TOCSIN_DATA=Path(folder), TOCSIN_PORT=0, TOCSIN_ADMIN_TOKEN=TOKEN, TOCSIN_HOST="127.0.0.1"
        )
        daemon = Daemon(settings)
        await daemon.start()
        try:
            connection = await asyncpg.connect(daemon.hub.database.dsn)
            await connection.execute(_FILL.replace("$1", str(count)))
            for statement in _MORE:
                await connection.execute(statement)
            await connection.execute("ANALYZE")
            await connection.close()
            await measure(daemon.url, count)
        finally:
            await daemon.stop()


async def measure(url: str, count: int) -> None:
    figures: dict[str, float] = {"incidents": count}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for form in ("pdf", "html", "csv", "json"):
            path = "/api/v1/reports" + ("" if form == "json" else f".{form}")
            took, size = [], 0
            for _ in range(3):
                began = time.perf_counter()
                query = {"start": "2026-08-01", "end": "2026-08-31", "timezone": "Europe/Berlin"}
                async with http.get(url + path, params=query) as answer:
                    size = len(await answer.read())
                    assert answer.status == 200, answer.status
                took.append(time.perf_counter() - began)
            figures[form] = round(statistics.median(took), 2)
            print(f"{form:5} {figures[form]:6.2f} s  {size // 1024:6} KiB")
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
