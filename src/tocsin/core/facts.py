"""What does a condition see of an alert, its service and its integration (S1)?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tocsin.core.hours import AFTER, WEEKDAYS, LocalTime, local_facts
from tocsin.core.model import Alert, Json
from tocsin.core.policy import Integration, Policy, Service
from tocsin.core.severity import Severity

ALERT_TEXTS = (
    "source",
    "severity",
    "title",
    "description",
    "text",
    "service",
    "team",
    "integration",
    "dedup_key",
    "status",
    "origin",
)
SERVICE_TEXTS = ("name", "team", "criticality", "runbook")
INTEGRATION_TEXTS = ("name", "source", "urgency")
LABEL_MAPS = ("alert.labels", "service.labels")


class FactSheet(dict[str, Json]):
    """Facts, with room for what a condition makes of them once (`prepared`). Not changed after that."""

    __slots__ = ("prepared",)

    def __init__(self, entries: Mapping[str, Json]) -> None:
        super().__init__(entries)
        self.prepared: Any = None


def fact_sheet(
    alert: Alert,
    *,
    severity: Severity | None,
    services: Sequence[str],
    team: str,
    integration: Integration | None,
    policy: Policy,
    now: datetime,
    origin: str = "",
) -> FactSheet:
    """The facts for an alert as far as it is decided: `severity`, `services` and `team` are what counts
    now, whatever the alert itself says. An unknown service has its name and nothing else."""
    name = services[0] if services else ""
    time = _time(policy, team, now)
    return FactSheet(
        {
            "alert": _alert(alert, severity, services, team, origin),
            "service": _service(name, policy.services.get(name)),
            "integration": {
                "name": integration.name if integration else alert.integration,
                "source": integration.source if integration else "",
                "urgency": integration.urgency.value if integration and integration.urgency else "",
            },
            "team": team,
            "hours": time.hours,
            "weekday": time.weekday,
            "holiday": time.holiday,
        }
    )


def read(facts: Mapping[str, Json], path: str) -> str:
    """The text at a dotted path: "team", "alert.source", "alert.labels.job", "alert.details.a.b".
    What is absent or is no text reads as "", a number as its digits."""
    for prefix in LABEL_MAPS:
        if path.startswith(prefix + "."):
            owner, labels = prefix.split(".")
            return str(facts[owner][labels].get(path[len(prefix) + 1 :], ""))
    value: Json = facts
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _time(policy: Policy, team: str, now: datetime) -> LocalTime:
    try:
        return local_facts(policy.teams.get(team), now)
    except ValueError:  # A zone gone from the machine must not stop a page: no hours are known, so "after".
        return LocalTime(AFTER, WEEKDAYS[now.weekday()], False, now)


def _alert(
    alert: Alert, severity: Severity | None, services: Sequence[str], team: str, origin: str
) -> dict[str, Json]:
    return {
        "source": alert.source,
        "severity": severity.value if severity else "",
        "title": alert.title,
        "description": alert.description,
        "text": f"{alert.title}\n{alert.description}",
        "service": services[0] if services else "",
        "services": list(services),
        "team": team,
        "labels": dict(alert.labels),
        "tags": list(alert.tags),
        "details": dict(alert.details),
        "integration": alert.integration,
        "dedup_key": alert.dedup_key,
        "count": alert.count,
        "status": alert.status.value,
        "origin": origin,
    }


def _service(name: str, service: Service | None) -> dict[str, Json]:
    return {
        "name": name,
        "team": service.team if service else "",
        "criticality": service.criticality.value if service else "",
        "runbook": service.runbook if service else "",
        "labels": dict(service.labels) if service else {},
        "depends_on": list(service.depends_on) if service else [],
        "providers": list(service.providers) if service else [],
    }
