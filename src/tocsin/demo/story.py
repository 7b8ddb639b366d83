"""How does one alert's way read in a terminal? Step by step, with the milliseconds since it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, TextIO

import aiohttp

ALERT = {
    "title": "Database Connection Failed",
    "source": "database",
    "severity": "critical",
    "service_name": "payment-service",
}
_HIDDEN = ("page_accepted",)


class Story:
    """Tells it to a stream."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._seen: set[int] = set()
        self._zero: datetime | None = None

    def stage(self, text: str, seconds: float) -> None:
        """One part of the stage stands."""
        self._say(f"  {seconds * 1000:>7.0f} ms  {text}")

    def _say(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    async def tell(self, http: aiohttp.ClientSession, hub: str, control: str) -> None:
        """Send the alert, show it travel; a person acknowledges at PagerDuty, and everybody knows."""
        self._say("\nAn alert is sent, as the database would send it:\n")
        self._say(f"  curl -X POST {hub}/api/v1/alerts -H 'Content-Type: application/json' \\")
        self._say("    -d '{" + ", ".join(f'"{k}": "{v}"' for k, v in ALERT.items()) + "}'\n")
        async with http.post(f"{hub}/api/v1/alerts?wait=decision", json=ALERT) as answer:
            answer.raise_for_status()
            name = (await answer.json())["incident"]
        await self._until(http, hub, name, lambda kinds: kinds.count("page_created") == 2)
        self._say(f"\nBo, on call at PagerDuty, presses acknowledge there ({control}):\n")
        await self._press(http, control)
        await self._until(http, hub, name, lambda kinds: "told" in kinds)

    async def _press(self, http: aiohttp.ClientSession, control: str) -> None:
        async with http.get(f"{control}/pagerduty/incidents") as answer:
            listed = await answer.json()
        incidents = (
            listed if isinstance(listed, list) else next(v for v in listed.values() if isinstance(v, list))
        )
        url = f"{control}/pagerduty/incidents/{incidents[-1]['id']}/acknowledge"
        async with http.post(url, json={"user": "bo@example.com"}) as answer:
            answer.raise_for_status()

    async def _until(
        self, http: aiohttp.ClientSession, hub: str, name: str, reached: Callable[[list[str]], bool]
    ) -> None:
        """Show new lines until their kinds have `reached` what we wait for (10 s at most)."""
        for _ in range(400):
            if reached(await self._lines(http, hub, name)):
                return
            await asyncio.sleep(0.025)
        raise TimeoutError(
            f"{name} did not get where it should within 10 s: `im timeline {name}` tells how far it came"
        )

    async def _lines(self, http: aiohttp.ClientSession, hub: str, name: str) -> list[str]:
        page = await _get(http, f"{hub}/api/v1/incidents/{name}/timeline?limit=500")
        for line in page["items"]:
            if line["id"] in self._seen:
                continue
            self._seen.add(line["id"])
            at = datetime.fromisoformat(line["at"])
            self._zero = self._zero or at
            if line["kind"] not in _HIDDEN:
                self._say(
                    f"  {(at - self._zero).total_seconds() * 1000:>+7.0f} ms  {line['kind']:<19} {line['text']}"
                )
        return [line["kind"] for line in page["items"]]

    async def farewell(self, http: aiohttp.ClientSession, hub: str, control: str, *, once: bool) -> None:
        """Where to look now; when all of it ends at once, how to have it stay."""
        if once:
            self._say("\nThat was all; without --once it goes on serving, with a page to look at.")
            return
        async with http.post(f"{hub}/api/v1/session/link") as answer:
            link = (await answer.json())["url"] if answer.status < 300 else hub
        self._say("\nThe same, on a page:")
        self._say(f"  the hub                 {link}")
        self._say(f"  PagerDuty and Opsgenie  {control}")
        self._say("\nTry:")
        self._say(f"  IM_URL={hub} ./im timeline INC-1")
        self._say(f"  IM_URL={hub} ./im resolve INC-1 --note 'failed over'")
        self._say(f"  curl {hub}/api/v1/health")
        self._say("\nServing on; Ctrl-C stops everything and takes its data away.")


async def _get(http: aiohttp.ClientSession, url: str) -> Any:
    async with http.get(url) as answer:
        answer.raise_for_status()
        return await answer.json()
