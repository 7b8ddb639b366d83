"""Between rows and values: one place that knows both the columns and the dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from tocsin.core.model import (
    Action,
    ActorKind,
    Alert,
    AlertId,
    AlertStatus,
    CorrelationId,
    Event,
    Incident,
    IncidentId,
    IncidentStatus,
    Link,
    Part,
)
from tocsin.core.plan import Join, Plan, PlannedStep, Way
from tocsin.core.policy import Mode
from tocsin.core.severity import Severity


class Columns(Protocol):
    """A row: its columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


def links_out(links: Iterable[Link]) -> list[dict[str, str]]:
    return [{"href": link.href, "text": link.text} for link in links]


def links_in(value: Any) -> tuple[Link, ...]:
    return tuple(Link(str(v.get("href", "")), str(v.get("text", ""))) for v in value or ())


def _severity(value: str | None) -> Severity | None:
    return Severity(value) if value else None


def alert_of(row: Columns) -> Alert:
    return Alert(
        id=AlertId(row["id"]),
        integration=row["integration"],
        scope=row["scope"],
        source=row["source"],
        dedup_key=row["dedup_key"],
        status=AlertStatus(row["status"]),
        title=row["title"],
        description=row["description"],
        severity=_severity(row["severity"]),
        sender_severity=_severity(row["sender_severity"]),
        quiet=row["quiet"],
        services=tuple(row["services"]),
        team=row["team"],
        labels=row["labels"],
        tags=tuple(row["tags"]),
        details=row["details"],
        links=links_in(row["links"]),
        correlation_id=CorrelationId(row["correlation_id"]),
        count=row["count"],
        first_event_at=row["first_event_at"],
        last_event_at=row["last_event_at"],
        newest_sent_at=row["newest_sent_at"],
        incident_id=IncidentId(row["incident_id"]) if row["incident_id"] else None,
        muted_by=row["muted_by"],
        resolved_at=row["resolved_at"],
        resolved_by=ActorKind(row["resolved_by"]) if row["resolved_by"] else None,
    )


class _StoredEvent(msgspec.Struct, omit_defaults=True):
    """An event on disk; field names are the contract with older rows."""

    action: str
    dedup_key: str = ""
    title: str = ""
    description: str = ""
    severity: str = ""
    quiet: bool = False
    source: str = ""
    services: tuple[str, ...] = ()
    team: str = ""
    labels: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    details: dict[str, Any] = {}
    links: list[dict[str, str]] = []
    sent_at: datetime | None = None
    note: str = ""
    reason: str = ""


def event_out(event: Event) -> Any:
    stored = _StoredEvent(
        action=event.action.value, dedup_key=event.dedup_key, title=event.title, description=event.description,
        severity=event.severity.value if event.severity else "", quiet=event.quiet, source=event.source,
        services=event.services, team=event.team, labels=dict(event.labels), tags=event.tags,
        details=dict(event.details), links=links_out(event.links), sent_at=event.sent_at, note=event.note,
        reason=event.reason,
    )  # fmt: skip
    return stored


def event_in(body: Any) -> Event:
    s = msgspec.convert(body, _StoredEvent)
    return Event(
        action=Action(s.action), dedup_key=s.dedup_key, title=s.title, description=s.description,
        severity=_severity(s.severity), quiet=s.quiet, source=s.source, services=s.services, team=s.team,
        labels=s.labels, tags=s.tags, details=s.details, links=links_in(s.links), sent_at=s.sent_at, note=s.note,
        reason=s.reason,
    )  # fmt: skip


def incident_of(row: Columns, parts: Iterable[Columns]) -> Incident:
    return Incident(
        id=IncidentId(row["id"]),
        number=row["number"],
        title=row["title"],
        description=row["description"],
        severity=Severity(row["severity"]),
        status=IncidentStatus(row["status"]),
        correlation_id=CorrelationId(row["correlation_id"]),
        opened_at=row["opened_at"],
        parts=tuple(part_of(part) for part in parts),
        team=row["team"],
        life=row["life"],
        declared=row["declared"],
        origin=row["origin"],
        policy=row["policy"],
        rule=row["rule"],
        group_key=row["group_key"],
        assignee=row["assignee"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        snoozed_until=row["snoozed_until"],
        resolved_at=row["resolved_at"],
        resolved_by=ActorKind(row["resolved_by"]) if row["resolved_by"] else None,
        closed_at=row["closed_at"],
        recurrence_of=row["recurrence_of"],
        merged_into=row["merged_into"],
        config_version=row["config_version"],
        details=row["details"],
        links=links_in(row["links"]),
        fields=row["fields"],
        by_hand=frozenset(row["by_hand"]),
    )


def part_of(row: Columns) -> Part:
    return Part(
        service=row["service"],
        status=IncidentStatus(row["status"]),
        changed_at=row["changed_at"],
        changed_by=row["changed_by"],
    )


def plan_out(plan: Plan | None) -> dict[str, Any]:
    if plan is None:
        return {}
    return {
        "steps": [
            {
                "mode": step.mode.value,
                "ways": [_way_out(way) for way in step.ways],
                "after": step.after.total_seconds(),
                "within": step.within.total_seconds(),
                "hedge": _span_out(step.hedge),
                "repeat": _span_out(step.repeat),
                "each": step.each,
                "sent_at": _time_out(step.sent_at),
                "repeated_at": _time_out(step.repeated_at),
            }
            for step in plan.steps
        ],
        "started_at": _time_out(plan.started_at),
        "hold_until": _time_out(plan.hold_until),
        "last_resort": [_way_out(way) for way in plan.last_resort],
        "last_resort_at": _time_out(plan.last_resort_at),
        "told_exhausted": plan.told_exhausted,
        "held_until": _time_out(plan.held_until),
        "warned": plan.warned,
        "asked_again_at": _time_out(plan.asked_again_at),
        "began_in": plan.began_in,
        "joins": [
            {"alert": str(join.alert), "title": join.title, "muted_by": join.muted_by} for join in plan.joins
        ],
        "asks_at": _time_out(plan.asks_at),
        "asks_muted_by": plan.asks_muted_by,
    }


def plan_in(value: Mapping[str, Any]) -> Plan:
    if not value:
        return Plan()
    return Plan(
        steps=tuple(
            PlannedStep(
                mode=Mode(step["mode"]),
                ways=tuple(_way_in(way) for way in step["ways"]),
                after=timedelta(seconds=step["after"]),
                within=timedelta(seconds=step["within"]),
                hedge=_span_in(step.get("hedge")),
                repeat=_span_in(step.get("repeat")),
                each=bool(step.get("each")),
                sent_at=_time_in(step["sent_at"]),
                repeated_at=_time_in(step.get("repeated_at")),
            )
            for step in value["steps"]
        ),
        started_at=_time_in(value["started_at"]),
        hold_until=_time_in(value["hold_until"]),
        last_resort=tuple(_way_in(way) for way in value["last_resort"]),
        last_resort_at=_time_in(value["last_resort_at"]),
        told_exhausted=value["told_exhausted"],
        held_until=_time_in(value.get("held_until")),
        warned=bool(value.get("warned")),
        asked_again_at=_time_in(value.get("asked_again_at")),
        began_in=value.get("began_in"),
        joins=tuple(
            Join(UUID(join["alert"]), join["title"], join.get("muted_by", ""))
            for join in value.get("joins") or ()
        ),
        asks_at=_time_in(value.get("asks_at")),
        asks_muted_by=value.get("asks_muted_by", ""),
    )


def _way_out(way: Way) -> dict[str, str]:
    return {"connector": way.connector, "recipient": way.recipient, "shown": way.shown}


def _way_in(value: Mapping[str, str]) -> Way:
    return Way(value["connector"], value["recipient"], value["shown"])


def _span_out(span: timedelta | None) -> float | None:
    return span.total_seconds() if span else None


def _span_in(seconds: float | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None


def _time_out(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time_in(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
