"""Who hears of a simulated Opsgenie alert? Unsigned webhooks with custom headers, as Opsgenie sends them.

Body: docs.opsgenie.com alert action data (researched 2026-11-20). Retries, timeout and order are not documented by the vendor;
here: 10 s to answer, tries again after 10 s, 1 min and 5 min, in order for each alert.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tocsin.sandbox.ids import Ids
from tocsin.sandbox.opsgenie.account import Account
from tocsin.sandbox.opsgenie.alert import Alert, webhook_alert
from tocsin.sandbox.postman import Manners, Parcel, Postman

MANNERS = Manners(
    timeout=10.0, retry_after=(10.0, 60.0, 300.0), last_retry_repeats_for=0.0, drops_on_4xx=True, strikes=None
)
_OPERATIONS = {"Create": "create", "Acknowledge": "acknowledge", "Close": "resolve", "AddNote": "note"}


@dataclass
class Webhook:
    """One outgoing webhook integration; its token, when there is one, is already part of the URL."""

    id: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    name: str = "Sandbox Webhook"
    enabled: bool = True


class Webhooks:
    def __init__(self, account: Account, ids: Ids, postman: Postman, vendor: str = "opsgenie") -> None:
        self._vendor = vendor
        self._account = account
        self._ids = ids
        self._postman = postman
        self.all: dict[str, Webhook] = {}

    def add(
        self, url: str, headers: dict[str, str], name: str = "Sandbox Webhook", *, enabled: bool = True
    ) -> Webhook:
        webhook = Webhook(self._ids.uuid("webhook integration"), url, headers, name, enabled)
        self.all[webhook.id] = webhook
        return webhook

    def remove(self, webhook_id: str) -> None:
        del self.all[webhook_id]
        self._postman.purge(webhook_id)

    def publish(self, action: str, alert: Alert, actor: str, extra: dict[str, Any]) -> None:
        """Send one action to every webhook. The body carries no delivery id and no time of sending."""
        notify = extra.pop("escalationNotify", None)
        known = actor in self._account.users
        for webhook in [one for one in self.all.values() if one.enabled]:
            body = {
                "action": action,
                "integrationId": webhook.id,
                "integrationName": webhook.name,
                "integrationType": "Webhook",
                "source": {"name": actor if known else "", "type": "web" if known else "API"},
                "alert": {**webhook_alert(self._account, alert, action, actor), **extra},
            }
            if notify:
                body["escalationNotify"] = notify
            headers = {
                **webhook.headers,
                "Content-Type": "application/json",
                "User-Agent": "Opsgenie Http Client",
            }
            wrong = dict.fromkeys(webhook.headers, "wrong")
            self._postman.post(
                Parcel(
                    id=self._ids.uuid(f"{self._vendor} delivery"),
                    vendor=self._vendor,
                    subscription=webhook.id,
                    resource=alert.id,
                    event=action,
                    operation=_OPERATIONS.get(action, "other"),
                    url=webhook.url,
                    headers=headers,
                    bad_headers={**headers, **wrong},
                    body=json.dumps(body, ensure_ascii=False).encode(),
                )
            )
