"""A page that a rule delays: which hours decide whom it asks, those of the alert or those in which it leaves (S34)?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kinds import PROVIDERS, SOURCES
from tocsin import policy as rules
from tocsin.core.decide import understand
from tocsin.core.dedup import Reading
from tocsin.core.model import Action, AlertStatus, Event
from tocsin.core.policy import Policy, RouteKind
from tocsin.core.route import Route, route
from tocsin.core.severity import Severity
from tocsin.core.situation import Heard, Situation

from .values import alert

HOUSE = """
users: {ada: {name: Ada, email: ada@example.com}}
teams: {ops: {members: [ada], timezone: Europe/Berlin, business_hours: "mon-fri 09:00-17:00", holidays: DE-BE}}
services: {web: {team: ops}}
connectors:
  p: {type: pagerduty, api_key: k, custom: {service_id: S, from_email: a@example.com}}
  o: {type: opsgenie, api_key: k}
  m: {type: email}
routing:
  - {name: it heals itself, when: 'alert.labels.heals == "true"', delay: 10m, continue: true}
  - {name: by day, when: 'hours == "business"', page: {all: [p]}}
  - {name: holidays, when: holiday, suppress: true}
  - {name: the quiet ones, when: 'alert.severity == "low"', digest: {to: [m], every: 1h}}
  - {name: the night, page: {all: [o]}}
"""


def house() -> Policy:
    return rules.load(
        HOUSE, env={}, known_sources=SOURCES, known_providers=PROVIDERS, file_name="hub.yaml"
    ).policy


def at(text: str) -> datetime:
    """Berlin's wall clock in November: UTC + 1."""
    return datetime.fromisoformat(f"{text}+01:00").astimezone(UTC)


def way(when: str, severity: Severity = Severity.HIGH, *, heals: str = "true", waits: bool = True) -> Route:
    policy = house()
    each = alert(services=("web",), team="ops", labels={"heals": heals})
    return route(each, severity, policy.services["web"], "ops", None, policy, at(when), waits=waits)


@pytest.mark.parametrize(
    ("when", "more", "rule", "kind", "delay"),
    [
        pytest.param("2026-11-18T16:49:59", {}, "by day", RouteKind.PAGE, 10, id="it leaves at 16:59:59: by day"),
        pytest.param("2026-11-18T16:50:00", {}, "the night", RouteKind.PAGE, 10, id="it leaves at 17:00: after hours"),
        pytest.param("2026-11-18T16:55:00", {}, "the night", RouteKind.PAGE, 10, id="it leaves at 17:05: after hours"),
        pytest.param("2026-11-18T16:55:00", {"heals": ""}, "by day", RouteKind.PAGE, None, id="without a delay: now"),
        pytest.param("2026-11-18T08:55:00", {}, "by day", RouteKind.PAGE, 10, id="it leaves at 9:05: by day"),
        pytest.param("2026-11-18T08:45:00", {}, "the night", RouteKind.PAGE, 10, id="it leaves at 8:55: after hours"),
        pytest.param("2026-12-24T23:55:00", {}, "holidays", RouteKind.SUPPRESS, None, id="it would leave on Christmas Day"),
        pytest.param(
            "2026-11-18T16:55:00", {"severity": Severity.LOW}, "the quiet ones", RouteKind.DIGEST, None,
            id="at the time it would leave its rule collects it: no wait",
        ),
        pytest.param("2026-11-18T16:55:00", {"waits": False}, "by day", RouteKind.PAGE, 10, id="what waits for nothing: now"),
    ],
)  # fmt: skip
def test_s34_hours_are_decided_when_the_page_is_sent(
    when: str, more: dict[str, Any], rule: str, kind: RouteKind, delay: int | None
) -> None:
    """S34: a delay is elapsed time, and it may cross the end of business hours, or midnight."""
    found = way(when, **more)

    assert (found.rule, found.kind) == (rule, kind)
    assert found.delay == (timedelta(minutes=delay) if delay else None)


def test_s34_that_another_moment_decides_is_told() -> None:
    """S34: both rules stand in the reasons, with the moment between them."""
    told = [(line.reason, line.text) for line in way("2026-11-18T16:55:00").reasons]

    assert [reason for reason, _ in told] == ["rule_added", "rule", "when_sent", "rule_added", "rule"]
    assert told[2][1].startswith("It would leave at 16:05:00 UTC")
    assert "after hours" in told[4][1]
    assert [line.reason for line in way("2026-11-18T12:00:00").reasons] == ["rule_added", "rule"]


def test_s6_a_rise_waits_for_nothing_so_the_hours_of_now_count() -> None:
    """S6, S34: it cancels the delay, so the page leaves by day and asks who is there by day."""
    live = alert(
        services=("web",),
        team="ops",
        labels={"heals": "true"},
        severity=Severity.MEDIUM,
        status=AlertStatus.OPEN,
    )
    said = Event(
        action=Action.CREATE, dedup_key="k", title="worse", severity=Severity.HIGH, services=("web",)
    )
    now = at("2026-11-18T16:55:00")
    situation = Situation(alert=live, heard=(Heard(said, Reading.SAME, "", now),), integration=None)

    understood = understand(situation, house(), now)

    assert (understood.rose, understood.route.rule) == (True, "by day")
