"""What does a distinct alert cost in processor time? It hangs on the neighbours far less than alerts a second do.

.venv/bin/python bench/cost.py               (about 25 s; PYTHONPATH=/another/tree/src measures that one)
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import asyncpg
import uvloop
from hubs import one
from provider import Provider
from stage import Folder, Hub, children, load, median, show, until, wrk

RUNS = 3


def on_a_core(folder: Path) -> float:
    """Seconds that this thread or process of one thread has run so far; 0 when it is gone."""
    try:
        return int((folder / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def used(hub: Hub) -> tuple[float, float, float]:
    """Seconds so far: the hub's main thread, its other threads, PostgreSQL with all of its processes."""
    assert hub.process is not None
    pid = hub.process.pid
    threads = {path.name: on_a_core(path) for path in Path(f"/proc/{pid}/task").iterdir()}
    main = threads.pop(str(pid))
    database = [hub.postmaster, *children(hub.postmaster)]
    return main, sum(threads.values()), sum(on_a_core(Path(f"/proc/{pid}")) for pid in database)


async def measured(hub: Hub, database: asyncpg.Connection, seconds: float, run: str) -> tuple[float, ...]:
    """(decided a second, main thread, other threads, PostgreSQL), the last three in seconds a 1,000 alerts."""

    async def decided() -> bool:
        return not await database.fetchval(
            "SELECT EXISTS (SELECT FROM alert WHERE undecided_since IS NOT NULL)"
        )

    count = "SELECT count(*) FROM incident"
    before, began, at = await database.fetchval(count), used(hub), time.perf_counter()
    await asyncio.to_thread(wrk, hub.url, "hub", seconds=seconds, keys=0, run=run)
    if not await until(decided, seconds=120, every=0.02):
        raise RuntimeError("not everything was decided within 120 s")
    took, ended = time.perf_counter() - at, used(hub)
    made = await database.fetchval(count) - before
    return made / took, *((late - early) / made * 1000 for early, late in zip(began, ended, strict=True))


async def main(seconds: float) -> None:
    provider = Provider()
    await provider.start()
    began_at = load()
    with Folder() as folder, Hub(folder, one(provider.url)) as hub:
        database = await hub.connect()
        await measured(hub, database, 2, "warm")
        runs = [await measured(hub, database, seconds, f"d{number}") for number in range(RUNS)]
        await database.close()
    await provider.stop()
    speed, thread, others, postgres = (median(values) for values in zip(*runs, strict=True))
    show(
        "cost",
        [
            ("distinct, decided, outbox saved", f"{speed:,.0f}/s", "-", ">= 2,000/s"),
            ("hub, its main thread", f"{thread:.3f} s a 1,000", f"others {others:.3f} s", "-"),
            ("PostgreSQL", f"{postgres:.3f} s a 1,000", "-", "-"),
        ],
        runs=runs, load_average_before=began_at, seconds=seconds,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0)
    uvloop.run(main(parser.parse_args().seconds))
