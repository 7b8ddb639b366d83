"""The Day 137 sentences, sent to a running hub and seen at the providers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rig import Begin

PAYMENTS_BY_DAY = datetime(2026, 10, 23, 9, 0, tzinfo=UTC)  # Friday 14:30 in Kolkata


def rows() -> list[Any]:
    """(when, alert, severity, who must be asked)"""
    day137 = {
        "title": "Database Connection Failed",
        "source": "database",
        "severity": "critical",
        "service_name": "payment-service",
    }
    medium = {"title": "Latency", "source": "probe", "severity": "medium", "service_name": "payment-service"}
    login = {"title": "Odd login", "source": "audit", "severity": "low", "service_name": "user-auth"}
    database = {"title": "pool exhausted", "source": "database", "severity": "high"}
    both, day, night = ["prod-opsgenie", "prod-pagerduty"], ["prod-pagerduty"], ["prod-opsgenie"]
    return [
        pytest.param(
            PAYMENTS_BY_DAY, day137, "critical", both, id="the printed example reaches both providers"
        ),
        pytest.param(
            PAYMENTS_BY_DAY,
            medium,
            "high",
            day,
            id="medium on a critical service becomes high; by day PagerDuty",
        ),
        pytest.param(
            PAYMENTS_BY_DAY.replace(hour=20), medium, "high", night, id="the same by night goes to Opsgenie"
        ),
        pytest.param(PAYMENTS_BY_DAY, login, "low", both, id="security goes to both whatever the severity"),
        pytest.param(
            datetime(2026, 10, 24, 3, 0, tzinfo=UTC),
            database,
            "critical",
            day,
            id="a weekend database failure takes its own way",
        ),
        pytest.param(
            datetime(2026, 10, 23, 8, 15, tzinfo=UTC),
            database,
            "critical",
            day,
            id="London, Friday 09:15 in summer time: by day",
        ),
        pytest.param(
            datetime(2026, 10, 26, 8, 15, tzinfo=UTC),
            database,
            "critical",
            night,
            id="London, Monday 08:15 in winter time: not yet day",
        ),
        pytest.param(
            datetime(2026, 10, 26, 9, 15, tzinfo=UTC),
            database,
            "critical",
            day,
            id="London, Monday 09:15 in winter time: by day",
        ),
    ]


@pytest.mark.parametrize(("at", "alert", "severity", "asked"), rows())
async def test_who_is_asked(
    begin: Begin, at: datetime, alert: dict[str, str], severity: str, asked: list[str]
) -> None:
    """The example catalog decides by severity, service, team and the clock on the wall of the team."""
    rig = await begin(at=at)
    answer = await rig.alert(**alert)
    await rig.quiet()
    incident = await rig.incident()

    assert (severity, asked) == (answer["severity"], sorted(p["connector"] for p in incident["providers"]))


async def test_the_weekend_way_uses_its_own_policy_there(begin: Begin) -> None:
    """database-lead is mapped to PLEAD01 at PagerDuty: its lead is rung, not the service's first rung."""
    rig = await begin(at=datetime(2026, 10, 24, 3, 0, tzinfo=UTC))
    await rig.alert(title="pool exhausted", source="database", severity="high")
    await rig.quiet()
    (page,) = await rig.pagerduty()

    assert "PLEAD01" in str(page["escalation_policy"])
