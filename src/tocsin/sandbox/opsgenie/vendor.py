"""What belongs to one simulated Opsgenie account?"""

from __future__ import annotations

from tocsin.sandbox.access import Access
from tocsin.sandbox.clock import Clock
from tocsin.sandbox.faults import Faults
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.limits import Limits
from tocsin.sandbox.opsgenie.account import seed_account
from tocsin.sandbox.opsgenie.alerts import AlertDesk
from tocsin.sandbox.opsgenie.rest import Rest, Settings
from tocsin.sandbox.opsgenie.webhooks import MANNERS, Webhooks
from tocsin.sandbox.postman import Postman


class Opsgenie:
    """The account, its alerts, its webhooks and its API; also what JSM Operations made of it (`vendor` jsm)."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        faults: Faults,
        limits: Limits,
        *,
        vendor: str = "opsgenie",
        api: type[Rest] = Rest,
    ) -> None:
        self.vendor = vendor
        self.account = seed_account()
        self.access = Access()
        self.settings = Settings()
        self.postman = Postman(clock, faults, MANNERS)
        self.desk = AlertDesk(self.account, clock, ids)
        self.webhooks = Webhooks(self.account, ids, self.postman, vendor)
        self.desk.publish = self.webhooks.publish
        self.rest = api(self.desk, limits, self.access, self.settings)
        self.rest.webhooks = self.webhooks

    def reset(self, *, keep_webhooks: bool) -> None:
        """Back to the seeded account."""
        self.postman.forget()
        self.desk.alerts.clear()
        self.rest.forget()
        self.access.required = None
        vars(self.account).update(vars(seed_account()))
        self.settings.processing_delay = Settings().processing_delay
        if not keep_webhooks:
            self.webhooks.all.clear()
