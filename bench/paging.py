"""How long from an alert to the provider's call, alone, in a burst, and from one provider to the other?

.venv/bin/python bench/paging.py            (about 90 s)
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
from typing import Any

import aiohttp
import uvloop
from hubs import SECRET, both, one
from provider import Call, Provider
from sender import Sender
from stage import Alertmanager, Folder, Hub, load, median, share, show, until

RUNS, A_SECOND, EACH = 3, 30, 300
BURST, PROVIDER_SECONDS = 2_000, 0.05
_KEY = re.compile(rb"Probe ([\w-]+) fails")


def _by_key(calls: list[Call]) -> dict[str, float]:
    """Key of the alert -> when its page reached the provider first."""
    found: dict[str, float] = {}
    for call in calls:
        for key in _KEY.findall(call.body):
            found.setdefault(key.decode(), call.at)
    return found


async def steady(hub: Hub, provider: Provider, run: str) -> list[float]:
    """Milliseconds from the post to the provider's call, at 30 alerts a second."""
    sender = Sender(hub.url)
    await sender.pace(run, EACH, A_SECOND)
    await sender.close()

    async def all_called() -> bool:
        return len(_by_key(provider.creates()).keys() & sender.accepted.keys()) == EACH

    await until(all_called, seconds=20)
    called = _by_key(provider.creates())
    return [(called[key] - at) * 1000 for key, at in sender.accepted.items() if key in called]


async def steady_peer(peer: Alertmanager, provider: Provider, run: str) -> list[float]:
    """The same at Alertmanager: each alert its own group, group_wait 0."""
    posted: dict[str, float] = {}
    async with aiohttp.ClientSession() as http:

        async def post(key: str) -> None:
            labels = {"alertname": f"Probe {key} fails", "severity": "critical", "service": "web"}
            posted[key] = time.perf_counter()
            async with http.post(f"{peer.url}/api/v2/alerts", json=[{"labels": labels}]) as answer:
                answer.raise_for_status()

        began = time.perf_counter()
        under_way = []
        for number in range(EACH):
            await asyncio.sleep(max(began + number / A_SECOND - time.perf_counter(), 0))
            under_way.append(asyncio.create_task(post(f"{run}-{number}")))
        await asyncio.gather(*under_way)
        await asyncio.sleep(1)
    called = _by_key(provider.creates())
    return [(called[key] - at) * 1000 for key, at in posted.items() if key in called]


async def burst(hub: Hub, provider: Provider, run: str, *, known: bool) -> dict[str, float]:
    """2,000 distinct critical alerts at once: seconds from the first post to the first and the last page.

    `known` = the senders' connections are open; without it 64 are opened in the same instant.
    """
    provider.calls.clear()
    provider.delay = PROVIDER_SECONDS
    sender = Sender(hub.url)
    if known:
        await sender.open(64)
    began = time.perf_counter()
    await sender.rush(run, BURST, 64)
    accepted = time.perf_counter() - began

    async def all_called() -> bool:
        return len(provider.creates()) >= BURST

    await until(all_called, seconds=60)
    await asyncio.sleep(1)
    await sender.close()
    provider.delay = 0.0
    calls = provider.creates()
    keys = _by_key(calls)
    return {
        "accepted_s": accepted, "first_ms": (calls[0].at - began) * 1000, "last_s": calls[-1].at - began,
        "paged": len(keys), "calls": len(calls),
    }  # fmt: skip


async def way_back(hub: Hub, provider: Provider) -> list[float]:
    """Milliseconds from PagerDuty's webhook posted to Opsgenie's acknowledge call."""
    took: list[float] = []
    sender = Sender(hub.url)
    async with aiohttp.ClientSession() as http:
        for number in range(100):
            provider.calls.clear()
            await sender.send(f"back-{number}")

            async def both_have_it() -> bool:
                return any("/v2/alerts/requests/" in call.path for call in provider.calls)

            await until(both_have_it, seconds=10, every=0.01)
            page = next(call for call in provider.creates() if call.path == "/incidents")
            # settled here, too: what is measured is the way of the acknowledgement alone
            await until(lambda: _settled(connection), seconds=10, every=0.01)
            body = _acknowledged(page, provider, number)
            signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "X-PagerDuty-Signature": f"v1={signature}",
                "X-Webhook-Id": f"W{number}",
            }
            began = time.perf_counter()
            async with http.post(
                f"{hub.url}/connectors/prod-pagerduty/webhook", data=body, headers=headers
            ) as answer:
                assert answer.status == 202, await answer.text()

            async def told() -> bool:
                return any("/acknowledge" in call.path for call in provider.calls)

            if await until(told, seconds=5, every=0.005):
                at = next(call.at for call in provider.calls if "/acknowledge" in call.path)
                took.append((at - began) * 1000)
    await sender.close()
    return took


connection: Any = None


async def _settled(database: Any) -> bool:
    return not await database.fetchval(
        "SELECT EXISTS (SELECT 1 FROM effect WHERE state IN ('waiting', 'leased'))"
    )


def _acknowledged(page: Call, provider: Provider, number: int) -> bytes:
    key = json.loads(page.body)["incident"]["incident_key"]
    data = {
        "id": provider._ids[key], "type": "incident", "status": "acknowledged", "incident_key": key, "title": "Probe",
        "service": {"id": "PGEN001", "type": "service_reference"}, "assignees": [], "urgency": "high",
    }  # fmt: skip
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    agent = {"id": "PADA", "type": "user_reference", "summary": "Ada"}
    event = {
        "id": f"01BENCH{number:06}", "event_type": "incident.acknowledged", "resource_type": "incident",
        "occurred_at": now, "agent": agent, "client": None, "data": data,
    }  # fmt: skip
    return json.dumps({"event": event}).encode()


async def main() -> None:
    global connection
    provider = Provider()
    await provider.start()
    began_at = load()
    p50, p99, peer50, peer99 = [], [], [], []
    bursts, colds = [], []
    with Folder() as folder:
        with (
            Alertmanager(folder, webhook=f"{provider.url}/hook") as peer,
            Hub(folder, one(provider.url), unlimited=True) as hub,
        ):
            await steady(hub, provider, "warm")
            for number in range(RUNS):
                ours = await steady(hub, provider, f"s{number}")
                theirs = await steady_peer(peer, provider, f"a{number}")
                p50.append(share(ours, 0.5))
                p99.append(share(ours, 0.99))
                peer50.append(share(theirs, 0.5))
                peer99.append(share(theirs, 0.99))
        for number in range(RUNS):
            with Hub(folder, one(provider.url), unlimited=True, data=f"burst{number}") as hub:
                # the first alerts of a hub's life, by senders that just came; then what a hub that is up meets
                colds.append(await burst(hub, provider, "cold", known=False))
                bursts.append(await burst(hub, provider, "burst", known=True))
        with Hub(folder, both(provider.url), unlimited=True, data="back") as hub:
            connection = await hub.connect()
            back = await way_back(hub, provider)
            await connection.close()
    await provider.stop()
    bursts.sort(key=lambda b: b["last_s"])
    middle = bursts[len(bursts) // 2]
    show(
        "paging",
        [
            (
                f"alert posted -> provider called, {A_SECOND}/s",
                f"p50 {median(p50):.1f} ms, p99 {median(p99):.1f} ms",
                f"Alertmanager p50 {median(peer50):.1f} ms, p99 {median(peer99):.1f} ms",
                "p50 <= 10 ms, p99 <= 40 ms",
            ),
            (
                f"burst of {BURST:,}, provider answers in 50 ms",
                f"first {median([b['first_ms'] for b in bursts]):.0f} ms, last {middle['last_s']:.1f} s ({middle['paged']:,.0f} paged, {middle['calls']:,.0f} calls)",
                (f"all accepted after {middle['accepted_s']:.1f} s; new hub and connections: first"
                f" {median([c['first_ms'] for c in colds]):.0f} ms, last {median([c['last_s'] for c in colds]):.1f} s"),
                "first <= 50 ms, last <= 10 s",
            ),
            (
                "webhook -> the other provider called",
                f"p50 {share(back, 0.5):.1f} ms, p99 {share(back, 0.99):.1f} ms ({len(back)} of 100)",
                "-",
                "p99 <= 100 ms",
            ),
        ],
        p50=p50, p99=p99, peer_p50=peer50, peer_p99=peer99, bursts=bursts, colds=colds, back_p50=share(back, 0.5),
        back_p99=share(back, 0.99), load_average_before=began_at,
    )  # fmt: skip


if __name__ == "__main__":
    uvloop.run(main())
