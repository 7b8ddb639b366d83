"""What is one sandbox made of, and how is it put back to the start?"""

from __future__ import annotations

import asyncio

from tocsin.sandbox.clock import Clock
from tocsin.sandbox.faults import Fault, Faults
from tocsin.sandbox.gate import Gate
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.jsm.rest import Rest as JsmRest
from tocsin.sandbox.ledger import Ledger
from tocsin.sandbox.limits import Limits
from tocsin.sandbox.listener import Listener
from tocsin.sandbox.mail import MailSink
from tocsin.sandbox.opsgenie.vendor import Opsgenie
from tocsin.sandbox.pagerduty.vendor import PagerDuty


class World:
    """The simulated vendors with their common clock, faults, limits and records.

    `harbour` holds the listeners of each simulated API, by (vendor, api); the control API's own is not among them.
    """

    def __init__(self, clock: Clock, seed: str) -> None:
        self.clock = clock
        self.ids = Ids(seed)
        self.ledger = Ledger()
        self.faults = Faults()
        self.limits = Limits(clock.now)
        self.gate = Gate(clock, self.ledger, self.faults)
        self.pagerduty = PagerDuty(clock, self.ids, self.faults, self.limits)
        self.opsgenie = Opsgenie(clock, self.ids, self.faults, self.limits)
        self.jsm = Opsgenie(clock, self.ids, self.faults, self.limits, vendor="jsm", api=JsmRest)
        self.mails = MailSink(clock)
        self.harbour: dict[tuple[str, str], list[Listener]] = {}
        self._expiries: set[asyncio.Task[None]] = set()
        clock.settle = self._settle

    async def order(self, body: dict[str, object]) -> Fault:
        """Order a fault; `refused` takes effect at once and, with `seconds`, ends by itself. Raises FaultOrderError."""
        fault = self.faults.order(body)
        if fault.kind == "refused":
            await self.mind_the_harbour()
            if fault.seconds:
                task = asyncio.get_running_loop().create_task(self._expire(fault))
                self._expiries.add(task)
                task.add_done_callback(self._expiries.discard)
        return fault

    async def lift(self, fault_id: str | None) -> list[Fault]:
        lifted = self.faults.lift(fault_id)
        await self.mind_the_harbour()
        return lifted

    async def mind_the_harbour(self) -> None:
        """Shut the listeners a `refused` fault covers and open all others."""
        refused = [fault for fault in self.faults.all() if fault.kind == "refused"]
        for (vendor, api), listeners in self.harbour.items():
            shut = any(fault.covers(vendor, api) for fault in refused)
            for listener in listeners:
                if shut:
                    listener.shut()
                else:
                    await listener.open()

    async def reset(self, *, keep_webhooks: bool) -> None:
        """Forget what happened and what was ordered; the ids, the accounts and the clock start over."""
        await self.lift(None)
        self.clock.forget()
        self.ids.forget()
        self.ledger.clear()
        self.mails.clear()
        fresh = Limits(self.clock.now)
        self.limits.enabled, self.limits.per_minute = fresh.enabled, fresh.per_minute
        self.limits.forget()
        self.pagerduty.reset(keep_webhooks=keep_webhooks)
        self.opsgenie.reset(keep_webhooks=keep_webhooks)
        self.jsm.reset(keep_webhooks=keep_webhooks)

    async def stop(self) -> None:
        for task in list(self._expiries):
            task.cancel()
        self.faults.lift(None)
        await self.pagerduty.postman.stop()
        await self.opsgenie.postman.stop()
        await self.jsm.postman.stop()

    async def _expire(self, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds or 0)
        await self.lift(fault.id)

    async def _settle(self) -> None:
        await self.pagerduty.postman.settle()
        await self.opsgenie.postman.settle()
        await self.jsm.postman.settle()
