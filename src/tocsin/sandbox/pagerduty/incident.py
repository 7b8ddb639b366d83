"""What does the simulated PagerDuty remember of an incident, and how does it write it down?

REST and webhooks name the same facts differently (`incident_number` and `number`, `assignments` and `assignees`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tocsin.sandbox.clock import Timer, iso_seconds
from tocsin.sandbox.pagerduty.account import (
    Account,
    Json,
    policy_ref,
    priority_json,
    reference,
    service_ref,
    user_ref,
)


@dataclass
class Alert:
    """One alert of an incident; status triggered or resolved."""

    id: str
    key: str
    summary: str
    severity: str
    created_at: datetime
    body: Json
    status: str = "triggered"
    count: int = 1


@dataclass
class Incident:
    """One incident. Times are sandbox time; `assignees` and `acknowledgers` map user id to since when."""

    id: str
    number: int
    title: str
    service_id: str
    policy_id: str
    urgency: str
    key: str | None
    created_at: datetime
    updated_at: datetime
    details: str | None
    changed_by: Json | None
    silent: bool = False
    status: str = "triggered"
    priority_id: str | None = None
    assigned_via: str = "escalation_policy"
    level: int = 1
    loops_done: int = 0
    assignees: dict[str, datetime] = field(default_factory=dict)
    acknowledgers: dict[str, datetime] = field(default_factory=dict)
    status_since: datetime | None = None
    resolved_at: datetime | None = None
    resolve_reason: Json | None = None
    snoozed_until: datetime | None = None
    incident_type: str = "incident_default"
    conference_bridge: Json | None = None
    alerts: list[Alert] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)
    responders: list[Json] = field(default_factory=list)
    status_updates: list[Json] = field(default_factory=list)
    custom_values: Json = field(default_factory=dict)
    notifications: list[Json] = field(default_factory=list)
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.status != "resolved"

    def has_key(self, key: str) -> bool:
        """Whether `key` is its own, or that of one of its alerts when it has none of its own."""
        return self.key == key or (self.key is None and any(alert.key == key for alert in self.alerts))


def incident_ref(incident: Incident) -> Json:
    return reference("incident", "incidents", incident.id, incident.title)


def rest_json(account: Account, incident: Incident) -> Json:
    """The incident as the REST API shows it."""
    triggered = sum(alert.status == "triggered" for alert in incident.alerts)
    counts = {
        "all": len(incident.alerts),
        "triggered": triggered,
        "resolved": len(incident.alerts) - triggered,
    }
    return {
        **incident_ref(incident),
        "type": "incident",
        "summary": f"[#{incident.number}] {incident.title}",
        "incident_number": incident.number,
        "title": incident.title,
        "description": incident.title,
        "created_at": iso_seconds(incident.created_at),
        "updated_at": iso_seconds(incident.updated_at),
        "status": incident.status,
        "incident_key": incident.key,
        "urgency": incident.urgency,
        "priority": priority_json(account.priorities[incident.priority_id]) if incident.priority_id else None,
        "service": service_ref(account.services[incident.service_id]),
        "escalation_policy": policy_ref(account.policies[incident.policy_id]),
        "assigned_via": incident.assigned_via,
        "assignments": _dated(account, incident.assignees, "assignee"),
        "acknowledgements": _dated(account, incident.acknowledgers, "acknowledger"),
        "pending_actions": pending_actions(incident),
        "last_status_change_at": iso_seconds(incident.status_since or incident.created_at),
        "last_status_change_by": incident.changed_by,
        "resolved_at": iso_seconds(incident.resolved_at) if incident.resolved_at else None,
        "resolve_reason": incident.resolve_reason,
        "alert_counts": counts,
        "is_mergeable": incident.open,
        "incident_type": {"name": incident.incident_type},
        "conference_bridge": incident.conference_bridge,
        "body": {"type": "incident_body", "details": incident.details} if incident.details else None,
        "teams": [],
        "incidents_responders": incident.responders,
        "first_trigger_log_entry": _log_ref(incident),
    }


def webhook_json(account: Account, incident: Incident) -> Json:
    """The incident as `event.data` of a v3 webhook shows it (keys as in captured deliveries)."""
    number_first = {key: incident_ref(incident)[key] for key in ("id", "self", "html_url")}
    return {
        "id": incident.id,
        "type": "incident",
        **number_first,
        "number": incident.number,
        "status": incident.status,
        "incident_key": incident.key,
        "created_at": iso_seconds(incident.created_at),
        "title": incident.title,
        "service": service_ref(account.services[incident.service_id]),
        "assignees": [user_ref(account.users[user_id]) for user_id in incident.assignees],
        "escalation_policy": policy_ref(account.policies[incident.policy_id]),
        "teams": [],
        "priority": _priority_ref(account, incident),
        "urgency": incident.urgency,
        "conference_bridge": incident.conference_bridge,
        "resolve_reason": incident.resolve_reason,
        "incident_type": {"name": incident.incident_type},
    }


def alert_json(account: Account, incident: Incident, alert: Alert) -> Json:
    return {
        **reference("alert", "alerts", alert.id, alert.summary),
        "type": "alert",
        "status": alert.status,
        "alert_key": alert.key,
        "severity": alert.severity,
        "suppressed": False,
        "created_at": iso_seconds(alert.created_at),
        "body": {"type": "alert_body", "details": alert.body.get("custom_details"), "contexts": []},
        "incident": incident_ref(incident),
        "service": service_ref(account.services[incident.service_id]),
    }


def pending_actions(incident: Incident) -> list[Json]:
    waiting = [(timer.at, kind) for kind, timer in incident.timers.items() if not timer.cancelled]
    return [{"type": kind, "at": iso_seconds(at)} for at, kind in sorted(waiting)]


def _dated(account: Account, people: dict[str, datetime], word: str) -> list[Json]:
    return [{"at": iso_seconds(at), word: user_ref(account.users[user_id])} for user_id, at in people.items()]


def _priority_ref(account: Account, incident: Incident) -> Json | None:
    if incident.priority_id is None:
        return None
    priority = account.priorities[incident.priority_id]
    return reference("priority", "priorities", priority.id, priority.name)


def _log_ref(incident: Incident) -> Json | None:
    if not incident.log:
        return None
    entry = incident.log[0]
    return {"id": entry["id"], "type": "trigger_log_entry_reference", "summary": entry["summary"]}
