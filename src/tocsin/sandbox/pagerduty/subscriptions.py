"""Who hears of a simulated PagerDuty incident, and how is it signed?

Webhooks v3 (developer.pagerduty.com, webhooks; researched 2026-11-20): HMAC-SHA256 over the raw body, the secret shown only
once, 5 s to answer, up to 48 h of retries, three dropped deliveries in a row switch the subscription off for 24 h. The
interval between retries is not documented; ours doubles from 10 s to an hour.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tocsin.sandbox.clock import Clock, iso_millis
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.pagerduty.account import API, Account, Json
from tocsin.sandbox.pagerduty.errors import bad_input, not_found
from tocsin.sandbox.pagerduty.incident import Incident
from tocsin.sandbox.postman import Manners, Parcel, Postman

HOUR = 3600.0
MANNERS = Manners(
    timeout=5.0,
    retry_after=(10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0, HOUR),
    last_retry_repeats_for=48 * HOUR,
    drops_on_4xx=True,
    strikes=3,
)
DISABLED_FOR = timedelta(hours=24)
EVENT_TYPES = (
    "incident.acknowledged",
    "incident.annotated",
    "incident.conference_bridge.updated",
    "incident.custom_field_values.updated",
    "incident.delegated",
    "incident.escalated",
    "incident.incident_type.changed",
    "incident.priority_updated",
    "incident.reassigned",
    "incident.reopened",
    "incident.resolved",
    "incident.responder.added",
    "incident.responder.replied",
    "incident.role.assigned",
    "incident.service_updated",
    "incident.status_update_published",
    "incident.task.completed",
    "incident.task.created",
    "incident.task.updated",
    "incident.triggered",
    "incident.unacknowledged",
    "incident.action_invocation.created",
    "incident.action_invocation.terminated",
    "incident.action_invocation.updated",
    "incident.workflow.started",
    "incident.workflow.completed",
    "service.created",
    "service.custom_field_values.updated",
    "service.deleted",
    "service.updated",
)
_OPERATIONS = {
    "incident.triggered": "create",
    "incident.acknowledged": "acknowledge",
    "incident.resolved": "resolve",
    "incident.annotated": "note",
}


def signature(secret: str, body: bytes) -> str:
    """The `v1=` part of X-PagerDuty-Signature: lower-case hex HMAC-SHA256 over the raw body."""
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Subscription:
    """One webhook subscription. More than one secret = a rotation under way: every delivery carries all signatures."""

    id: str
    url: str
    secrets: list[str]
    events: list[str]
    filter: Json
    description: str | None = None
    active: bool = True
    custom_headers: list[Json] = field(default_factory=list)
    strikes: int = 0
    disabled_until: datetime | None = None


class Subscriptions:
    """The account's webhook subscriptions and what they are sent."""

    def __init__(self, account: Account, clock: Clock, ids: Ids, postman: Postman) -> None:
        self._account = account
        self._clock = clock
        self._ids = ids
        self._postman = postman
        self.all: dict[str, Subscription] = {}
        postman.delivered = self._delivered
        postman.dropped = self._dropped

    def create(self, wanted: Json, secret: str | None = None) -> Subscription:
        """Check and keep a subscription as PagerDuty's API takes it; `secret` only from the control API."""
        method = wanted.get("delivery_method") or {}
        if not str(method.get("url", "")).startswith(("http://", "https://")):
            raise bad_input("Delivery method url must be an https address")
        events, chosen = wanted.get("events") or [], wanted.get("filter") or {}
        if not events or not set(events) <= set(EVENT_TYPES):
            raise bad_input("Events must be a list of known event types")
        if chosen.get("type") not in ("account_reference", "service_reference", "team_reference"):
            raise bad_input("Filter type must be account_reference, service_reference or team_reference")
        if chosen["type"] == "service_reference" and chosen.get("id") not in self._account.services:
            raise bad_input("Filter id is not a service of this account")
        subscription = Subscription(
            id=self._ids.letters("subscription", "P", 7),
            url=method["url"],
            secrets=[secret or self._ids.secret("webhook secret")],
            events=list(events),
            filter=chosen,
            description=wanted.get("description"),
            active=wanted.get("active", True),
            custom_headers=list(method.get("custom_headers") or []),
        )
        self.all[subscription.id] = subscription
        return subscription

    def find(self, subscription_id: str) -> Subscription:
        if subscription_id not in self.all:
            raise not_found()
        return self.all[subscription_id]

    def update(self, subscription: Subscription, wanted: Json) -> None:
        """Change what may change: events, filter, description, active. The delivery method stays."""
        if "events" in wanted and not set(wanted["events"]) <= set(EVENT_TYPES):
            raise bad_input("Events must be a list of known event types")
        subscription.events = list(wanted.get("events", subscription.events))
        subscription.filter = wanted.get("filter", subscription.filter)
        subscription.description = wanted.get("description", subscription.description)
        subscription.active = wanted.get("active", subscription.active)

    def enable(self, subscription: Subscription) -> None:
        subscription.disabled_until, subscription.strikes, subscription.active = None, 0, True

    def delete(self, subscription: Subscription) -> None:
        del self.all[subscription.id]
        self._postman.purge(subscription.id)

    def ping(self, subscription: Subscription, agent: Json | None) -> None:
        data = {"message": "Hello from your friend Pagey!", "type": "ping"}
        event = self._event("pagey.ping", "pagey", agent, data)
        self._send(subscription, "pagey.ping", "pagey", event)

    def publish(self, event_type: str, incident: Incident, agent: Json | None, data: Json) -> None:
        """Tell every subscription that wants it."""
        event = self._event(event_type, "incident", agent, data)
        for subscription in list(self.all.values()):
            wants = (
                subscription.active
                and event_type in subscription.events
                and not self._is_disabled(subscription)
            )
            if wants and _covers(subscription.filter, incident):
                self._send(subscription, event_type, incident.id, event)

    def shown(self, subscription: Subscription, secret: str | None = None) -> Json:
        """As the API shows it; the secret only when it was just made, custom header values only to their owner."""
        headers = [{"name": h.get("name"), "value": "-- redacted --"} for h in subscription.custom_headers]
        disabled = self._is_disabled(subscription)
        method = {
            "type": "http_delivery_method",
            "url": subscription.url,
            "secret": secret,
            "custom_headers": subscription.custom_headers if secret else headers,
            "temporarily_disabled": disabled,
        }
        return {
            "id": subscription.id,
            "type": "webhook_subscription",
            "active": subscription.active,
            "temporarily_disabled": disabled,
            "delivery_method": method,
            "description": subscription.description,
            "events": subscription.events,
            "filter": subscription.filter,
            "self": f"{API}/webhook_subscriptions/{subscription.id}",
        }

    def _event(self, event_type: str, resource: str, agent: Json | None, data: Json) -> Json:
        event: dict[str, Any] = {
            "id": self._ids.letters("event", "01", 26),
            "event_type": event_type,
            "resource_type": resource,
            "occurred_at": iso_millis(self._clock.now()),
            "agent": agent,
            "client": None,
            "data": data,
        }
        return {"event": event}

    def _send(self, subscription: Subscription, event_type: str, resource: str, envelope: Json) -> None:
        body = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()
        delivery = self._ids.uuid("webhook delivery")
        headers = {str(h.get("name")): str(h.get("value")) for h in subscription.custom_headers}
        headers |= {
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V3.0",
            "X-Webhook-Id": delivery,
            "X-Webhook-Subscription": subscription.id,
        }
        good = ",".join(signature(secret, body) for secret in subscription.secrets)
        bad = signature("not the secret", body)
        self._postman.post(
            Parcel(
                id=delivery,
                vendor="pagerduty",
                subscription=subscription.id,
                resource=resource,
                event=event_type,
                operation=_OPERATIONS.get(event_type, "other"),
                url=subscription.url,
                headers={**headers, "X-PagerDuty-Signature": good},
                bad_headers={**headers, "X-PagerDuty-Signature": bad},
                body=body,
            )
        )

    def _is_disabled(self, subscription: Subscription) -> bool:
        until = subscription.disabled_until
        return until is not None and self._clock.now() < until

    def _delivered(self, subscription_id: str) -> None:
        if subscription_id in self.all:
            self.all[subscription_id].strikes = 0

    def _dropped(self, subscription_id: str) -> None:
        subscription = self.all.get(subscription_id)
        if subscription is None:
            return
        subscription.strikes += 1
        if MANNERS.strikes and subscription.strikes >= MANNERS.strikes:
            subscription.strikes = 0
            subscription.disabled_until = self._clock.now() + DISABLED_FOR
            self._postman.purge(subscription_id)


def _covers(chosen: Json, incident: Incident) -> bool:
    """Team filters match nothing: the seeded services belong to no team."""
    if chosen["type"] == "service_reference":
        return bool(chosen.get("id") == incident.service_id)
    return bool(chosen["type"] == "account_reference")
