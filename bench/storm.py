"""What does a storm of 100,000 repeats of one alert leave behind? One incident, few calls, flat memory.

.venv/bin/python bench/storm.py             (about 40 s)
"""

from __future__ import annotations

import asyncio

import uvloop
from hubs import one
from provider import Provider
from stage import Folder, Hub, load, show, wrk

STORM = 100_000


async def main() -> None:
    provider = Provider()
    await provider.start()
    began_at = load()
    with Folder() as folder, Hub(folder, one(provider.url)) as hub:
        await asyncio.to_thread(wrk, hub.url, "hub", seconds=2, keys=1, run="warm")
        before = hub.memory()
        provider.calls.clear()
        sent = seconds = 0.0
        while sent < STORM:
            result = await asyncio.to_thread(wrk, hub.url, "hub", seconds=5, keys=1, run="storm")
            sent += result["accepted"]
            seconds += result["seconds"]
        await asyncio.sleep(3)
        after = hub.memory()
        incidents = await hub.ask("SELECT count(*) FROM incident WHERE number > 1")
        counted = await hub.ask("SELECT sum(count) FROM alert WHERE dedup_key LIKE 'storm-%'")
        rows = await hub.ask("SELECT count(*) FROM event")
        lines = await hub.ask("SELECT count(*) FROM timeline")
    pages, other = len(provider.creates()), len(provider.calls) - len(provider.creates())
    await provider.stop()
    grown = after["hub"] - before["hub"]
    show(
        "storm",
        [
            ("repeats accepted", f"{sent:,.0f} at {sent / seconds:,.0f}/s", f"{counted:,} counted on the alert", f">= {STORM:,}"),
            ("incidents", f"{incidents}", f"{rows} events and {lines} lines kept", "1"),
            ("provider calls", f"{pages} to page, {other} besides", "-", "<= 5 besides"),
            ("memory of the hub", f"{before['hub']:.0f} -> {after['hub']:.0f} MiB", f"{grown:+.1f} MiB", "flat"),
        ],
        sent=sent, counted=counted, incidents=incidents, pages=pages, other=other, before=before, after=after,
        load_average_before=began_at,
    )  # fmt: skip


if __name__ == "__main__":
    uvloop.run(main())
