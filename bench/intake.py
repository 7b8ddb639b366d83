"""How many alerts a second are accepted, durable before the answer? Beside it Alertmanager, in the same run.

.venv/bin/python bench/intake.py            (about 90 s; --seconds 2 for a glance)
"""

from __future__ import annotations

import argparse
import asyncio
import time

import uvloop
from hubs import one
from provider import Provider
from stage import Alertmanager, Folder, Hub, load, median, show, until, wrk

RUNS = 3
BATCH = 100


async def distinct(hub: Hub, seconds: float, run: str) -> tuple[float, float]:
    """(accepted a second, decided and saved a second): load, then wait until nothing is undecided."""
    connection = await hub.connect()
    try:

        async def decided() -> bool:
            return not await connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM alert WHERE undecided_since IS NOT NULL)"
            )

        if not await until(decided, seconds=60):
            raise RuntimeError("what came before is not decided after 60 s")
        before = await connection.fetchval("SELECT count(*) FROM incident")
        began = time.perf_counter()
        result = await asyncio.to_thread(wrk, hub.url, "hub", seconds=seconds, keys=0, run=run)

        if not await until(decided, seconds=120, every=0.02):
            raise RuntimeError("not everything was decided within 120 s")
        took = time.perf_counter() - began
        made = await connection.fetchval("SELECT count(*) FROM incident") - before
        pages = await connection.fetchval("SELECT count(*) FROM effect WHERE kind = 'create'")
        # wrk drops its last answers on the floor: up to C more may be stored than it counted
        assert result["accepted"] <= made <= result["accepted"] + 64, (result, made)
        assert pages == before + made, (pages, before, made)
        return result["a_second"], made / took
    finally:
        await connection.close()


async def main(seconds: float) -> None:
    rows: dict[str, list[float]] = {
        name: []
        for name in (
            "one",
            "one_peer",
            "p50",
            "p99",
            "distinct",
            "accepted",
            "distinct_peer",
            "batch",
            "batch_peer",
        )
    }
    provider = Provider()
    await provider.start()
    began_at = load()
    with Folder() as folder, Alertmanager(folder) as peer, Hub(folder, one(provider.url)) as hub:

        async def run(form: str, **more: int | str) -> dict[str, float]:
            url = hub.url if form == "hub" else peer.url
            return await asyncio.to_thread(wrk, url, form, seconds=seconds, **more)

        for form in ("hub", "alertmanager"):  # warm; the keys are known afterwards
            url = hub.url if form == "hub" else peer.url
            await asyncio.to_thread(wrk, url, form, seconds=2, keys=500)
        for number in range(RUNS):
            hubs = await run("hub", keys=500)
            rows["one"].append(hubs["a_second"])
            rows["p50"].append(hubs["p50_ms"])
            rows["p99"].append(hubs["p99_ms"])
            rows["one_peer"].append((await run("alertmanager", keys=500))["a_second"])
            rows["batch"].append((await run("hub", keys=500, batch=BATCH))["a_second"])
            rows["batch_peer"].append((await run("alertmanager", keys=500, batch=BATCH))["a_second"])
            accepted, saved = await distinct(hub, seconds, f"d{number}")
            rows["accepted"].append(accepted)
            rows["distinct"].append(saved)
        for number in range(RUNS):  # last: it keeps them all in memory
            rows["distinct_peer"].append((await run("alertmanager", keys=0, run=f"d{number}"))["a_second"])
        memory = hub.memory()
    await provider.stop()
    m = {name: median(values) for name, values in rows.items()}
    show(
        "intake",
        [
            (
                "one a request, 500 keys, durable",
                f"{m['one']:,.0f}/s (p50 {m['p50']:.1f} ms, p99 {m['p99']:.1f} ms)",
                f"Alertmanager {m['one_peer']:,.0f}/s: {m['one'] / m['one_peer']:.2f} x",
                ">= 0.5 x, stretch 0.8 x",
            ),
            (
                "distinct, decided, outbox saved",
                f"{m['distinct']:,.0f}/s (accepted at {m['accepted']:,.0f}/s)",
                f"Alertmanager {m['distinct_peer']:,.0f}/s: {m['distinct'] / m['distinct_peer']:.2f} x",
                ">= 2,000/s",
            ),
            (
                f"in batches of {BATCH}, 500 keys",
                f"{m['batch']:,.0f}/s",
                f"Alertmanager {m['batch_peer']:,.0f}/s: {m['batch'] / m['batch_peer']:.2f} x",
                ">= 0.9 x, stretch 1.2 x",
            ),
        ],
        median=m, runs=rows, memory_mib=memory, load_average_before=began_at, seconds=seconds, connections=64,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    uvloop.run(main(parser.parse_args().seconds))
