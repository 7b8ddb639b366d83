"""An incident born at a provider: whose, how bad, and what comes from ourselves (S42)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tocsin.core.origin import incident_in, names_origin, service_of, severity_of
from tocsin.core.severity import Severity

PAGERDUTY = {
    "custom": {
        "service_id": "PGEN",
        "service_mappings": {"payments": "PPAY", "web": "PWEB", "default": "PGEN"},
        "urgency_mapping": {"SEV-1": "high", "SEV-2": "high", "SEV-3": "low", "SEV-4": "low"},
    }
}
OPSGENIE = {"custom": {"service_mappings": {"payments": ["team:Pay", "user:x"], "default": "team:Ops"}}}
MINE = "6f1c2a52-4f0b-4a3e-9d5e-0c2b7a1d9e10"


@pytest.mark.parametrize(
    ("settings", "theirs", "ours"),
    [
        pytest.param(PAGERDUTY, "PPAY", "payments", id="mapped"),
        pytest.param(PAGERDUTY, "PGEN", "", id="the default one: no service of the catalog"),
        pytest.param(PAGERDUTY, "PHR", None, id="another tool's service in a shared account"),
        pytest.param(PAGERDUTY, "", None, id="nothing said"),
        pytest.param(OPSGENIE, "team:Pay", "payments", id="one of several responders"),
        pytest.param(OPSGENIE, "team:Ops", "", id="the default team"),
        pytest.param({}, "PPAY", None, id="nothing is mapped"),
    ],
)
def test_whose_it_is(settings: dict[str, Any], theirs: str, ours: str | None) -> None:
    assert service_of(settings, theirs) == ours


@pytest.mark.parametrize(
    ("settings", "urgency", "severity"),
    [
        pytest.param(PAGERDUTY, "high", Severity.HIGH, id="the least severe that is mapped to it"),
        pytest.param(PAGERDUTY, "low", Severity.LOW, id="low"),
        pytest.param({}, "P1", Severity.CRITICAL, id="a priority as it is usually read"),
        pytest.param({}, "", Severity.MEDIUM, id="nothing said"),
    ],
)
def test_how_bad_it_is(settings: dict[str, Any], urgency: str, severity: Severity) -> None:
    assert severity_of(urgency, settings) is severity


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ('alert.origin == "prod-pagerduty"', True),
        ('alert.origin != "" && team == "web"', True),
        ('alert.labels.original == "x"', False),
        ("true", False),
    ],
)
def test_which_rules_speak_of_origin(condition: str, named: bool) -> None:
    assert names_origin(condition) is named


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        pytest.param(f"tocsin:hub1:{MINE}:web:1", UUID(MINE), id="made by us"),
        pytest.param(f"tocsin:hub2:{MINE}:web:1", None, id="made by another hub"),
        pytest.param("tocsin:hub1:not-an-id:web:1", None, id="no incident in it"),
        pytest.param("disk-full", None, id="somebody else's key"),
    ],
)
def test_our_own_key_is_known(key: str, ours: UUID | None) -> None:
    """S42: what carries our key attaches."""
    assert incident_in(key, "hub1") == ours
