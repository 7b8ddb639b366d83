"""What does the simulated Opsgenie remember of an alert, and how does it write it down?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tocsin.sandbox.clock import Timer, iso_millis
from tocsin.sandbox.opsgenie.account import Account

Json = dict[str, Any]
TRIMMED_AT = 1000
MILLION = 1_000_000


@dataclass
class Alert:
    """One alert: status open or closed, and the flags beside it. Times are sandbox time."""

    id: str
    tiny_id: str
    alias: str
    message: str
    created_at: datetime
    updated_at: datetime
    source: str
    priority: str = "P3"
    description: str = ""
    entity: str = ""
    username: str = ""
    status: str = "open"
    acknowledged: bool = False
    snoozed_until: datetime | None = None
    owner: str = ""
    count: int = 1
    last_occurred_at: datetime | None = None
    tags: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    responders: list[Json] = field(default_factory=list)
    report: Json = field(default_factory=dict)
    notes: list[Json] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)
    notifications: list[Json] = field(default_factory=list)
    silent: bool = False
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def teams(self) -> list[str]:
        return [responder["id"] for responder in self.responders if responder["type"] == "team"]


def api_json(account: Account, alert: Alert, *, full: bool = True) -> Json:
    """The alert as GET shows it; lists leave description and details out."""
    body: Json = {
        "id": alert.id,
        "tinyId": alert.tiny_id,
        "alias": alert.alias,
        "message": alert.message,
        "status": alert.status,
        "acknowledged": alert.acknowledged,
        "isSeen": alert.acknowledged,
        "tags": alert.tags,
        "snoozed": alert.snoozed_until is not None,
        "count": alert.count,
        "lastOccurredAt": iso_millis(alert.last_occurred_at or alert.created_at),
        "createdAt": iso_millis(alert.created_at),
        "updatedAt": iso_millis(alert.updated_at),
        "source": alert.source,
        "owner": alert.owner,
        "priority": alert.priority,
        "teams": [{"id": team} for team in alert.teams],
        "responders": [{"type": r["type"], "id": r["id"]} for r in alert.responders],
        "integration": {"id": account.integration_id, "name": "Sandbox API", "type": "API"},
        "report": alert.report,
    }
    if alert.snoozed_until is not None:
        body["snoozedUntil"] = iso_millis(alert.snoozed_until)
    if full:
        body |= {"actions": alert.actions, "entity": alert.entity}
        body |= {"description": alert.description, "details": alert.details}
    return body


def webhook_alert(account: Account, alert: Alert, action: str, actor: str) -> Json:
    """The `alert` of an outgoing webhook: createdAt in milliseconds but updatedAt in nanoseconds.

    Description and details travel only with Create, cut at 1000 characters (support.atlassian.com, alert action data;
    researched 2026-11-20).
    """
    user = account.users.get(actor)
    body: Json = {
        "alertId": alert.id,
        "tinyId": alert.tiny_id,
        "alias": alert.alias,
        "message": alert.message,
        "tags": alert.tags,
        "teams": alert.teams,
        "recipients": [],
        "responders": alert.responders,
        "entity": alert.entity,
        "source": alert.source,
        "username": actor,
        "userId": user.id if user else "",
        "createdAt": int(alert.created_at.timestamp() * 1000),
        "updatedAt": int(alert.updated_at.timestamp() * 1000) * MILLION,
        "priority": alert.priority,
    }
    if action == "Create":
        body["description"] = alert.description[:TRIMMED_AT]
        body["details"] = {key: value[:TRIMMED_AT] for key, value in alert.details.items()}
    return body
