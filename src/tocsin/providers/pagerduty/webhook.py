"""Is this webhook PagerDuty's, and what does it tell?

Signatures: https://developer.pagerduty.com/docs/verifying-webhook-signatures; event types and bodies:
https://developer.pagerduty.com/docs/webhooks-overview (2026-11-20). One event per delivery; a body may be
trimmed, so it is a signal and the state is read back.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from tocsin.core.model import Json
from tocsin.core.ports import ChangeKind, Malformed, Proof, RemoteChange, RemoteStatus, Request
from tocsin.providers.pagerduty import incidents, options, told
from tocsin.providers.pagerduty.answers import items, json_of, mapping, text
from tocsin.providers.pagerduty.options import Settings

KINDS = {
    "incident.triggered": ChangeKind.TRIGGERED,
    "incident.acknowledged": ChangeKind.ACKNOWLEDGED,
    "incident.unacknowledged": ChangeKind.UNACKNOWLEDGED,
    "incident.resolved": ChangeKind.RESOLVED,
    "incident.reopened": ChangeKind.REOPENED,
    "incident.annotated": ChangeKind.NOTE,
    "incident.reassigned": ChangeKind.REASSIGNED,
    "incident.delegated": ChangeKind.REASSIGNED,
    "incident.escalated": ChangeKind.ESCALATED,
    "incident.priority_updated": ChangeKind.PRIORITY,
    "pagey.ping": ChangeKind.PING,
}
_GIVEN_ON = (ChangeKind.REASSIGNED, ChangeKind.ESCALATED)
OTHERS = frozenset(
    f"incident.{name}"
    for name in (
        "action_invocation.created",
        "action_invocation.terminated",
        "action_invocation.updated",
        "conference_bridge.updated",
        "custom_field_values.updated",
        "incident_type.changed",
        "responder.added",
        "responder.replied",
        "role.assigned",
        "service_updated",
        "status_update_published",
        "task.completed",
        "task.created",
        "task.updated",
        "workflow.completed",
        "workflow.started",
    )
) | {"service.created", "service.custom_field_values.updated", "service.deleted", "service.updated"}


def verify(request: Request, settings: Settings) -> Proof:
    """GENUINE when one of the `v1=` signatures fits one of our secrets; a signature that fits none is
    WRONG (also while no secret is set yet: PagerDuty then tries again for 48 h); none is a STRANGER."""
    header = request.headers.get("x-pagerduty-signature", "")
    if not header:
        return Proof.STRANGER
    offered = [
        part.strip()[3:].encode("utf-8", "replace")
        for part in header.split(",")
        if part.strip().startswith("v1=")
    ][:20]
    genuine = False
    for secret in options.webhook_secrets(settings):
        ours = hmac.new(secret.encode("utf-8", "replace"), request.body, hashlib.sha256).hexdigest().encode()
        for signature in offered:
            genuine |= hmac.compare_digest(ours, signature)  # every pair is compared: constant time
    return Proof.GENUINE if genuine else Proof.WRONG


def read(request: Request) -> list[RemoteChange]:
    """The one change in a delivery. Raises Malformed."""
    body = json_of(request.body)
    if not isinstance(body, dict):
        raise Malformed("the body is not a JSON object")
    event = mapping(body, "event")
    raw_type = text(event.get("event_type"))
    if not raw_type:
        raise Malformed("an event with a type is missing", "event.event_type")
    data = mapping(event, "data")
    own = data.get("type") == "incident"
    incident = data if own else mapping(data, "incident")
    merged = incidents.merged_into(data)
    kind = KINDS.get(raw_type, ChangeKind.OTHER)
    words = told.words(raw_type, data)
    if words and kind is ChangeKind.OTHER:
        kind = ChangeKind.NOTE
    delivery = text(request.headers.get("x-webhook-id")) or text(event.get("id"))
    return [
        RemoteChange(
            kind=ChangeKind.MERGED if kind is ChangeKind.RESOLVED and merged else kind,
            delivery_id=delivery or hashlib.sha256(request.body).hexdigest(),
            remote_id=text(incident.get("id")),
            key=incidents.own_key(incident.get("incident_key")),
            person=incidents.person(event.get("agent")),
            agent_id=text(mapping(event, "agent").get("id")),
            note=words or _note(data),
            title=text(incident.get("title")) or text(incident.get("summary")),
            service_id=text(mapping(incident, "service").get("id")),
            urgency=text(incident.get("urgency")),
            remote_url=text(incident.get("html_url")),
            merged_into=merged,
            assignee=_assignee(data) if kind in _GIVEN_ON else "",
            status=incidents.status(incident) if own else RemoteStatus.UNKNOWN,
            occurred_at=incidents.instant(event.get("occurred_at")),
            raw_type=raw_type,
        )
    ]


def _assignee(data: Mapping[str, Json]) -> str:
    """Who is asked now, several with commas between; "" when the body does not tell."""
    return ", ".join(
        text(one.get("summary")) for one in items(data.get("assignees")) if text(one.get("summary"))
    )


def _note(data: Mapping[str, Json]) -> str:
    """What a note or a status update says; "..." at its end when PagerDuty trimmed it."""
    words = text(data.get("content")) or text(data.get("message"))
    return f"{words} ..." if words and data.get("trimmed") is True else words
