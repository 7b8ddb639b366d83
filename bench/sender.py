"""A paced sender: alerts at a rate, each on a connection that is kept, accepted keys remembered."""

from __future__ import annotations

import asyncio
import time

import aiohttp
from stage import TOKEN


class Sender:
    """`accepted`: key -> perf_counter when it was posted, for every alert that was answered with 2xx."""

    def __init__(self, url: str) -> None:
        self.url, self.accepted, self.failed = url, {}, 0
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {TOKEN}"}, timeout=aiohttp.ClientTimeout(total=15)
        )

    async def close(self) -> None:
        await self._session.close()

    async def send(self, key: str, **more: str) -> bool:
        """One critical alert; True when it was accepted."""
        body = {
            "title": f"Probe {key} fails", "source": "bench", "severity": "critical", "service_name": "web",
            "dedup_key": key, **more,
        }  # fmt: skip
        at = time.perf_counter()
        try:
            async with self._session.post(f"{self.url}/api/v1/alerts", json=body) as answer:
                await answer.read()
                if answer.status // 100 != 2:
                    raise aiohttp.ClientError(str(answer.status))
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.failed += 1
            return False
        self.accepted[key] = at
        return True

    async def pace(self, prefix: str, count: int, a_second: float) -> None:
        """`count` alerts, one each 1/a_second seconds, not waiting for one another."""
        began = time.perf_counter()
        under_way = []
        for number in range(count):
            await asyncio.sleep(max(began + number / a_second - time.perf_counter(), 0))
            under_way.append(asyncio.create_task(self.send(f"{prefix}-{number}")))
        await asyncio.gather(*under_way)

    async def open(self, connections: int) -> None:
        """Open so many connections, which are kept: a sender that was there before, as a relay or an agent is."""

        async def one() -> None:
            async with self._session.get(f"{self.url}/healthz") as answer:
                await answer.read()
                await asyncio.sleep(0.2)  # kept in hand until all are open

        await asyncio.gather(*(one() for _ in range(connections)))

    async def rush(self, prefix: str, count: int, together: int) -> None:
        """`count` alerts as fast as `together` connections bring them."""
        numbers = iter(range(count))

        async def one() -> None:
            for number in numbers:
                await self.send(f"{prefix}-{number}")

        await asyncio.gather(*(one() for _ in range(together)))
