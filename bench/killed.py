"""What does kill -9 of the hub under load cost, twenty times? Nothing that was accepted, no page, none twice.

    .venv/bin/python bench/killed.py            (about 3 min)

The embedded database dies with the hub each time (its guard stops it) and both come up again.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from typing import Any

import uvloop
from hubs import one
from outage import incidents_there
from sender import Sender
from stage import Folder, Hub, load, median, show, until

from tocsin.sandbox.server import Sandbox, SandboxSettings

A_SECOND = 60


async def main(times: int) -> None:
    began_at = load()
    starts: list[float] = []
    with Folder() as folder:
        sandbox = Sandbox(SandboxSettings(port=0, tls=False, data=folder / "sandbox"))
        await sandbox.start()
        sandbox.world.limits.enabled = False
        hub = Hub(folder, one(sandbox.pagerduty_url), unlimited=True)
        sender = Sender(hub.url)
        try:
            for number in range(times):
                starts.append(await asyncio.to_thread(hub.start))
                under_load = asyncio.create_task(sender.pace(f"k{number}", A_SECOND * 3, A_SECOND))
                # at another moment of its work each time
                await asyncio.sleep(0.4 + 0.05 * number)
                hub.kill()
                under_load.cancel()
                await asyncio.gather(under_load, return_exceptions=True)
            await asyncio.to_thread(hub.start)
            found = await _settled(hub, sandbox, sender)
        finally:
            hub.stop()
            await sender.close()
            await sandbox.stop()
    show(
        "killed",
        [
            (
                f"accepted before {times} kills, lost",
                f"{found['lost']} of {found['accepted']}",
                f"{sender.failed} refused or cut off: sent again by a real sender",
                "0",
            ),
            ("incidents not paged", f"{found['not_paged']} of {found['incidents']}", f"settled {found['after_s']:.0f} s after the last start", "0"),
            ("doubled in effect", f"{found['doubled']}", f"{found['there']} at the provider, {found['rings']} rings", "0"),
            ("ready again after a kill", f"{median(starts[1:]):.1f} s", f"longest {max(starts[1:], default=0):.1f} s", "-"),
        ],
        found=found, failed=sender.failed, starts=starts, load_average_before=began_at,
    )  # fmt: skip


async def _settled(hub: Hub, sandbox: Sandbox, sender: Sender) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    database = await hub.connect()

    async def quiet() -> bool:
        return not await database.fetchval(
            "SELECT (SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL)"
            " + (SELECT count(*) FROM effect WHERE state IN ('waiting', 'leased'))"
        )

    await until(quiet, seconds=120, every=0.2)
    took = loop.time() - began
    stored = {row["dedup_key"] for row in await database.fetch("SELECT dedup_key FROM alert")}
    incidents = await database.fetchval("SELECT count(*) FROM incident")
    not_paged = await database.fetchval(
        "SELECT count(*) FROM incident i WHERE NOT EXISTS (SELECT 1 FROM remote r WHERE r.incident_id = i.id AND r.created_at IS NOT NULL)"
    )
    await database.close()
    there = await incidents_there(sandbox)
    titles = Counter(incident["title"] for incident in there)
    rings = Counter(incident["notification_count"] for incident in there)
    return {
        "accepted": len(sender.accepted), "lost": len(sender.accepted.keys() - stored), "incidents": incidents,
        "not_paged": not_paged, "there": len(there), "rings": sum(n * times for n, times in rings.items()),
        "doubled": sum(n - 1 for n in titles.values()) + sum(times for n, times in rings.items() if n > 1), "after_s": took,
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    uvloop.run(main(parser.parse_args().times))
