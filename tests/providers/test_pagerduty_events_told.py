"""PR-8: what each event that PagerDuty sends becomes here, and from here at the other providers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tocsin.core.ports import ChangeKind, Request
from tocsin.core.remote import _ACT, _FACTS
from tocsin.providers.pagerduty import webhook
from tocsin.providers.pagerduty.subscriptions import EVENTS

INCIDENT = {"id": "Q1", "type": "incident", "status": "triggered", "title": "It burns", "service": {"summary": "Web"},
            "assignees": [{"summary": "Di"}]}  # fmt: skip
ABOUT = {"incident": {"id": "Q1", "type": "incident_reference"}}
ADA = {"id": "PUADA01", "type": "user_reference", "summary": "Ada"}


def read(event_type: str, data: dict[str, Any]) -> Any:
    event = {
        "id": "E",
        "event_type": event_type,
        "agent": ADA,
        "occurred_at": "2026-11-16T12:00:00Z",
        "data": data,
    }
    (change,) = webhook.read(Request(method="POST", body=json.dumps({"event": event}).encode()))
    return change


@pytest.mark.parametrize(
    ("event", "data", "kind", "note", "assignee"),
    [
        ("incident.triggered", INCIDENT, ChangeKind.TRIGGERED, "", ""),
        ("incident.acknowledged", INCIDENT, ChangeKind.ACKNOWLEDGED, "", ""),
        ("incident.unacknowledged", INCIDENT, ChangeKind.UNACKNOWLEDGED, "", ""),
        ("incident.escalated", INCIDENT, ChangeKind.ESCALATED, "", "Di"),
        ("incident.reassigned", INCIDENT, ChangeKind.REASSIGNED, "", "Di"),
        ("incident.delegated", INCIDENT, ChangeKind.REASSIGNED, "", "Di"),
        ("incident.resolved", INCIDENT, ChangeKind.RESOLVED, "", ""),
        ("incident.resolved", INCIDENT | {"resolve_reason": {"type": "merge_resolve_reason", "incident": {"id": "Q2"}}}, ChangeKind.MERGED, "", ""),
        ("incident.reopened", INCIDENT, ChangeKind.REOPENED, "", ""),
        ("incident.annotated", ABOUT | {"type": "incident_note", "content": "on it"}, ChangeKind.NOTE, "on it", ""),
        ("incident.priority_updated", INCIDENT, ChangeKind.PRIORITY, "", ""),
        ("incident.responder.added", ABOUT | {"user": {"summary": "Bo"}, "message": "please help", "state": "pending"}, ChangeKind.NOTE, "Bo was asked to respond: please help", ""),
        ("incident.responder.replied", ABOUT | {"user": {"summary": "Bo"}, "state": "accepted"}, ChangeKind.NOTE, "Bo joins", ""),
        ("incident.responder.replied", ABOUT | {"user": {"summary": "Bo"}, "state": "declined"}, ChangeKind.NOTE, "Bo does not join", ""),
        ("incident.status_update_published", ABOUT | {"message": "half are back"}, ChangeKind.NOTE, "Status update: half are back", ""),
        ("incident.conference_bridge.updated", ABOUT | {"conference_url": "https://meet.example.com/1", "conference_numbers": [{"number": "+1 555"}]}, ChangeKind.NOTE, "Conference bridge: https://meet.example.com/1, +1 555", ""),
        ("incident.workflow.started", ABOUT | {"incident_workflow": {"summary": "Major"}}, ChangeKind.NOTE, "Workflow Major started", ""),
        ("incident.workflow.completed", ABOUT | {"summary": "Major"}, ChangeKind.NOTE, "Workflow Major completed", ""),
        ("incident.service_updated", INCIDENT, ChangeKind.NOTE, "Moved to the service Web", ""),
        ("incident.role.assigned", ABOUT, ChangeKind.OTHER, "", ""),
        ("incident.invented_tomorrow", ABOUT, ChangeKind.OTHER, "", ""),
        ("pagey.ping", {"type": "ping", "message": "Hello"}, ChangeKind.PING, "Hello", ""),
    ],
)  # fmt: skip
def test_each_event(event: str, data: dict[str, Any], kind: ChangeKind, note: str, assignee: str) -> None:
    change = read(event, data)
    assert (change.kind, change.note, change.assignee, change.person) == (kind, note, assignee, "Ada")
    assert change.remote_id == ("" if kind is ChangeKind.PING else "Q1")


def test_each_kind_is_a_status_an_assignee_or_a_note_here() -> None:
    """What PagerDuty tells and nobody acts on is recorded in the timeline, and is one of these alone."""
    recorded = {ChangeKind.OTHER, ChangeKind.PING, ChangeKind.MERGED}
    assert set(webhook.KINDS.values()) - set(_ACT) - set(_FACTS) <= recorded


def test_we_subscribe_to_all_of_them() -> None:
    assert {one for one in webhook.KINDS if one.startswith("incident.")} <= set(EVENTS)
    assert len(EVENTS) == 26


def test_a_body_of_nothing_is_no_note() -> None:
    for event in ("incident.status_update_published", "incident.service_updated"):
        assert read(event, ABOUT).kind is ChangeKind.OTHER
