"""A provider is away for 5 s while 50 alerts come: is each paged, once, without hammering it?

    .venv/bin/python bench/outage.py            (about 3 min; --kinds 500,refused for some)

Against the sandbox's PagerDuty, whose incidents tell how often a person was rung.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import uvloop
from hubs import one
from sender import Sender
from stage import Folder, Hub, load, show, until

from tocsin.sandbox.server import Sandbox, SandboxSettings

ALERTS, SECONDS, RETRY_AFTER = 50, 5.0, 5
KINDS: dict[str, dict[str, Any]] = {
    "500": {"kind": "500"},
    "429": {"kind": "429", "retry_after": RETRY_AFTER},
    "hang": {"kind": "hang", "seconds": 30},
    "refused": {"kind": "refused"},
    "reset": {"kind": "reset"},
}


async def rehearse(hub: Hub, sandbox: Sandbox, kind: str) -> dict[str, Any]:
    """50 alerts in the first second of an outage of 5 s; what became of them."""
    world = sandbox.world
    world.ledger.clear()
    database = await hub.connect()
    sender = Sender(hub.url)
    fault = await world.order({"vendor": "pagerduty", **KINDS[kind]})
    began = time.perf_counter()
    await sender.pace(kind, ALERTS, ALERTS)
    await asyncio.sleep(max(began + SECONDS - time.perf_counter(), 0))
    calls = world.ledger.select("pagerduty", 0)
    # a refused connection never reaches the sandbox's record: the hub's own counts
    tried = await database.fetchval("SELECT coalesce(sum(calls), 0) FROM delivery")
    await world.lift(fault.id)
    lifted = time.perf_counter()

    async def delivered() -> bool:
        missing = await database.fetchval("SELECT count(*) FROM remote WHERE created_at IS NULL")
        return not missing and not await database.fetchval(
            "SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL OR incident_id IS NULL"
        )

    done = await until(delivered, seconds=90)
    took = time.perf_counter() - lifted
    pages = await database.fetchval(
        "SELECT count(*) FROM remote r JOIN alert a USING (incident_id) WHERE a.dedup_key LIKE $1 AND r.created_at IS NOT NULL",
        f"{kind}-%",
    )
    await database.close()
    await sender.close()
    ours = [i for i in await incidents_there(sandbox) if i["title"].startswith(f"Probe {kind}-")]
    early = _early(calls) if kind == "429" else 0
    rings = [i["notification_count"] for i in ours]
    return {
        "accepted": len(sender.accepted), "calls": max(len(calls), tried), "delivered": pages, "all": done, "after_s": took,
        "there": len(ours), "rung_twice": sum(1 for n in rings if n > 1) + max(len(ours) - ALERTS, 0),
        "not_rung": sum(1 for n in rings if n == 0), "early": early,
    }  # fmt: skip


async def incidents_there(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Every incident at the sandbox's PagerDuty, in full."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{sandbox.control_url}/pagerduty/incidents") as answer,
    ):
        listed = await answer.json()
    return list(
        listed if isinstance(listed, list) else next(v for v in listed.values() if isinstance(v, list))
    )


def _early(calls: list[dict[str, Any]]) -> int:
    """Calls sent after the first 429 was answered and before its Retry-After had run out."""
    if not calls:
        return 0
    at = [datetime.fromisoformat(call["at"]) for call in calls]
    # what was under way at once with the first is not early: it could not know
    return sum(
        1 for moment in at if timedelta(seconds=0.5) < moment - at[0] < timedelta(seconds=RETRY_AFTER - 0.2)
    )


async def main(kinds: list[str]) -> None:
    began_at = load()
    found: dict[str, dict[str, Any]] = {}
    with Folder() as folder:
        sandbox = Sandbox(SandboxSettings(port=0, tls=False, data=folder / "sandbox"))
        await sandbox.start()
        for kind in kinds:
            with Hub(folder, one(sandbox.pagerduty_url), data=kind) as hub:
                found[kind] = await rehearse(hub, sandbox, kind)
        await sandbox.stop()
    rows = []
    for kind, f in found.items():
        kept = f", {f['early']} before Retry-After" if kind == "429" else ""
        rows.append(
            (
                f"{kind} for 5 s, {ALERTS} alerts",
                f"{f['delivered']} of {f['accepted']} delivered, {f['rung_twice']} doubled",
                f"{f['calls']} calls meanwhile{kept}; all there {f['after_s']:.1f} s after its end",
                "100 %, 0 doubled, <= 60 calls",
            )
        )
    show("outage", rows, kinds=found, load_average_before=began_at)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    uvloop.run(main(parser.parse_args().kinds.split(",")))
