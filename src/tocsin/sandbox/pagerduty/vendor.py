"""What belongs to one simulated PagerDuty account?"""

from __future__ import annotations

from tocsin.sandbox.access import Access
from tocsin.sandbox.clock import Clock
from tocsin.sandbox.faults import Faults
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.limits import Limits
from tocsin.sandbox.pagerduty.account import seed_account
from tocsin.sandbox.pagerduty.events import Events
from tocsin.sandbox.pagerduty.machine import Desk
from tocsin.sandbox.pagerduty.rest import Rest
from tocsin.sandbox.pagerduty.subscriptions import MANNERS, Subscriptions
from tocsin.sandbox.postman import Postman


class PagerDuty:
    """The account, its incidents, its webhooks and its two APIs."""

    def __init__(self, clock: Clock, ids: Ids, faults: Faults, limits: Limits) -> None:
        self.account = seed_account()
        self.access = Access()
        self.postman = Postman(clock, faults, MANNERS)
        self.desk = Desk(self.account, clock, ids)
        self.subscriptions = Subscriptions(self.account, clock, ids, self.postman)
        self.desk.publish = self.subscriptions.publish
        self.rest = Rest(self.account, self.desk, self.subscriptions, limits, self.access)
        self.events = Events(self.account, self.desk, ids, limits)

    def reset(self, *, keep_webhooks: bool) -> None:
        """Back to the seeded account."""
        self.postman.forget()
        self.desk.forget()
        self.events.changes.clear()
        self.access.required = None
        vars(self.account).update(vars(seed_account()))
        if not keep_webhooks:
            self.subscriptions.all.clear()
