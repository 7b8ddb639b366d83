"""Who is paged while nothing but the configuration is known? (S47)"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kinds import PROVIDERS, SOURCES
from tocsin.core.blind import blind_incident, judge
from tocsin.core.dedup import Fresh, admit
from tocsin.core.model import Alert, AlertId, CorrelationId, Event
from tocsin.core.plan import Way
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.policy import load

from .values import T0, event

POLICY = load(
    """
services: {web: {}, dev: {}}
classification:
  - {name: pools, when: 'alert.text.contains("pool")', set: {severity: critical}}
escalation_policies:
  standard: [{failover: [pd, og], within: 3s}]
  everywhere: [{all: [og, mail]}]
routing:
  - {name: dev is quiet, when: service.name == "dev", suppress: {review: 30d}}
  - {name: the quiet ones, when: 'alert.severity == "high" && alert.labels.digest == "yes"', digest: {to: [mail], every: 1h}}
  - {name: web, when: service.name == "web", page: everywhere}
  - {name: default, page: standard}
connectors:
  pd: {type: pagerduty, api_key: x}
  og: {type: opsgenie, api_key: x}
  mail: {type: email, custom: {smtp_url: "smtp://127.0.0.1", from: a@b.example, to: [c@d.example]}}
""",
    env={}, known_sources=SOURCES, known_providers=PROVIDERS, file_name="t",
).policy  # fmt: skip
NAMES = Fresh(AlertId(UUID(int=1)), CorrelationId("c"))


def said(**more: Any) -> tuple[Alert, list[Event]]:
    first = event(**more)
    admission = admit(first, None, integration="i", scope="i", source="webhook", fresh=NAMES, now=T0)
    assert admission.alert is not None
    return admission.alert, [first]


@pytest.mark.parametrize(
    ("fields", "severity", "waits"),
    [
        pytest.param({"severity": Severity.CRITICAL}, "critical", "", id="critical is paged"),
        pytest.param({"severity": Severity.HIGH}, "high", "", id="high is paged"),
        pytest.param({"severity": Severity.LOW}, "low", "low waits", id="low waits"),
        pytest.param({"severity": Severity.MEDIUM}, "medium", "medium waits", id="medium waits"),
        pytest.param({"severity": Severity.LOW, "title": "pool exhausted"}, "critical", "", id="rules say what is critical"),
        pytest.param({"severity": Severity.CRITICAL, "services": ("dev",)}, "critical", "dev is quiet", id="a rule that suppresses holds"),
        pytest.param({"severity": Severity.HIGH, "labels": {"digest": "yes"}}, "high", "the quiet ones", id="the digest's wait"),
    ],
)  # fmt: skip
def test_s47_what_could_be_critical_is_paged(fields: dict[str, Any], severity: str, waits: str) -> None:
    alert, events = said(**fields)
    judged = judge(alert, events, None, POLICY, mailer="mail", now=T0)
    assert judged.severity.value == severity
    assert (waits in judged.waits) if waits else judged.waits == ""


def test_s47_by_the_default_route_whatever_the_rules_would_choose() -> None:
    alert, events = said(severity=Severity.CRITICAL, services=("web",))
    judged = judge(alert, events, None, POLICY, mailer="mail", now=T0)
    assert judged.plan.steps[0].ways == (Way("pd"), Way("og"))


def test_s47_what_cannot_be_understood_is_critical() -> None:
    """A rule that breaks in a way nobody foresaw must not keep the page from leaving."""
    alert, events = said(severity=Severity.LOW)
    broken = replace(POLICY, classification=None, classification_index=None)  # type: ignore[arg-type]
    judged = judge(alert, events, None, broken, mailer="mail", now=T0)
    assert (judged.severity, judged.waits) == (Severity.CRITICAL, "")


def test_s37_every_node_gives_one_condition_one_id_within_the_hour() -> None:
    """Two nodes that hear of it ask the provider under one key."""
    one, other = UUID(int=7), UUID(int=8)
    ids = [
        blind_incident(one, "prometheus", "k", T0),
        blind_incident(one, "prometheus", "k", T0 + timedelta(seconds=20)),
        blind_incident(one, "prometheus", "k", T0 + timedelta(hours=1)),
        blind_incident(one, "prometheus", "other", T0),
        blind_incident(other, "prometheus", "k", T0),
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
