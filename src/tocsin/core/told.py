"""What does a provider tell: a change by webhook, or how an incident stands there when it is read back?

Values only. They are imported from `core/ports.py`, beside what goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RemoteStatus(StrEnum):
    """A provider's view of one incident. UNKNOWN is never read as resolved (S41)."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


class ChangeKind(StrEnum):
    """What a provider tells (PR-8)."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    NOTE = "note"
    REASSIGNED = "reassigned"
    ESCALATED = "escalated"
    NOTIFIED = "notified"  # a human being was rung (rung three of S27); `person` is who
    UNREACHABLE = "unreachable"  # it can ring nobody there (S28); `note` says why
    EXHAUSTED = "exhausted"  # its escalation path is at its end (S32)
    PRIORITY = "priority"
    MERGED = "merged"
    PING = "ping"
    OTHER = "other"  # stored, answered, told; nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteChange:
    """One change at a provider. `delivery_id` makes a doubled one harmless; `key` is the provider key
    when it is ours; `remote_id` the provider's id. `person` names the human being, "" = a machine;
    `occurred_at` is the provider's clock. `agent_id` is the provider's id of the acting account. `until` is the end of a snooze, None = not told. `assignee`
    is who has it now and `status` how the incident stood there after the change, where the body tells."""

    kind: ChangeKind
    delivery_id: str
    remote_id: str = ""
    key: str = ""
    person: str = ""
    agent_id: str = ""
    note: str = ""
    title: str = ""
    service_id: str = ""
    urgency: str = ""
    remote_url: str = ""
    merged_into: str = ""
    assignee: str = ""
    correlation_id: str = ""
    until: datetime | None = None
    status: RemoteStatus = RemoteStatus.UNKNOWN
    occurred_at: datetime | None = None
    raw_type: str = ""


class Proof(StrEnum):
    """What a webhook request proves (S45)."""

    GENUINE = "genuine"
    WRONG = "wrong"  # a known subscription with a wrong signature: quarantine, 503, alarm
    STRANGER = "stranger"  # no signature, no token, unknown subscription: 401


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRef:
    """One incident at a provider, to be read back."""

    key: str
    remote_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteState:
    """What a reading said. `key` or `remote_id` tells which; `acknowledged_by`/`resolved_by` name a
    person or are "". `notified` = a human being was rung, `notified_who` by name. `exhausted` = its
    escalation path is at its end (S32); `unreachable` says in words why it can ring nobody (S28). `changed_at` by the provider's clock."""

    key: str = ""
    remote_id: str = ""
    remote_url: str = ""
    status: RemoteStatus = RemoteStatus.UNKNOWN
    title: str = ""
    acknowledged_by: str = ""
    resolved_by: str = ""
    notified: bool | None = None
    notified_who: str = ""
    exhausted: bool = False
    unreachable: str = ""
    merged_into: str = ""
    changed_at: datetime | None = None
