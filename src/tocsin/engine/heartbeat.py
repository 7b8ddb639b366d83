"""Tell somebody outside, as long as it is true, that this hub is able to page (TR-7).

A dead-man switch there (healthchecks.io, an Opsgenie heartbeat) rings when the word stays away: of a hub that is
gone, cut off, or hangs, nobody inside can tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tocsin.core.alarm import Alarm
from tocsin.core.ports import Request, Response
from tocsin.core.proving import Heartbeat as Settings
from tocsin.engine import alarm
from tocsin.engine.hub import Hub, log
from tocsin.engine.watch import LOOK_SECONDS, Watch
from tocsin.engine.wire import Wire

KEY = "heartbeat"
_LOOKS = 3
"""A watch that has not looked for so many of its rounds cannot vouch for anything."""


class Heartbeat:
    """One node's heart; it beats on the node on duty. `held_back` = why it does not beat, [] = it does."""

    def __init__(self, hub: Hub, wire: Wire, watch: Watch, intake: Callable[[], bool]) -> None:
        self._hub, self._wire, self._watch, self._intake = hub, wire, watch, intake
        self._next, self._failed = 0.0, 0
        self.held_back: list[str] = []

    async def beat(self) -> None:
        """Send one when it is due and true."""
        settings, now = self._hub.policy.defaults.heartbeat, asyncio.get_running_loop().time()
        if settings is None or not self._hub.on_duty or now < self._next:
            if settings is None and KEY in self._hub.alarming:
                await alarm.clear(self._hub, KEY)
            return
        before, self.held_back = self.held_back, self._why_not(now)
        if self.held_back:
            if self.held_back != before:
                log.error("heartbeat_held_back", reasons=self.held_back)
            return
        self._next = now + settings.every.total_seconds()
        await self._settle(await self._send(settings))

    def _why_not(self, now: float) -> list[str]:
        hub, looked_at = self._hub, self._watch.looked_at
        found = [*self._watch.faults]
        if hub.away is not None:
            found.append("the database is away")
        if not self._intake():
            found.append("intake takes nothing")
        if not hub.active.unsealed:
            found.append("credentials cannot be opened")
        if looked_at is None or now - looked_at > _LOOKS * LOOK_SECONDS:
            found.append("the watch has not looked")
        return found

    async def _send(self, settings: Settings) -> str:
        """What went wrong, "" = nothing. Neither address nor answer is repeated: both may hold a key."""
        active = self._hub.active
        url, headers = active.filled(settings.url), active.filled(settings.headers)
        answer = await self._wire.send(
            Request(
                method=settings.method, url=str(url), headers={n: str(v) for n, v in dict(headers).items()}
            )
        )
        if not isinstance(answer, Response):
            return answer.message
        return "" if answer.status < 300 else f"it answered {answer.status}"

    async def _settle(self, fault: str) -> None:
        if not fault:
            self._failed = 0
            if KEY in self._hub.alarming:
                await alarm.clear(self._hub, KEY)
            return
        self._failed += 1
        log.warning("heartbeat_failed", message=fault, times=self._failed)
        if self._failed >= 2:
            text = f"{fault}. Who listens there will soon ring as if this hub were gone. Check defaults.heartbeat, and the way out."
            await alarm.sound(
                self._hub, Alarm(key=KEY, title="The heartbeat does not get through", text=text)
            )
