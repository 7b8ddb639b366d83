"""How is a connector? What of the facts makes it degraded, and what unhealthy (PR-12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tocsin.core.breaker import Breaker, BreakerState
from tocsin.core.checks import Line, State
from tocsin.core.connector_health import Facts, Health, judged

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
API = Line(subject="api", state=State.OK, text="Connected to PagerDuty API")
SERVICE = Line(subject="service", state=State.OK, text="Service PXXXXXX accessible")
GOOD: dict[str, Any] = {
    "now": NOON, "lines": (API, SERVICE), "answered_in": timedelta(milliseconds=45), "heard_at": NOON - timedelta(minutes=2),
    "live": 1, "read_at": NOON - timedelta(seconds=30), "most_calls": 900.0, "calls": 9,
}  # fmt: skip


def failed(subject: str, *, unreachable: bool = False) -> Line:
    return Line(subject=subject, state=State.FAILED, text="no", step="do it", unreachable=unreachable)


def test_the_lines_of_the_document() -> None:
    found = judged(Facts(**GOOD))
    assert found.health is Health.HEALTHY
    assert [(one.name, one.text) for one in found.aspects] == [
        ("api", "Connected (45ms response time)"),
        ("authentication", "Valid API key"),
        ("access", "PXXXXXX accessible"),
        ("webhook", "Receiving events (last: 2m ago)"),
        ("sync", "Up to date (last sync: 30s ago)"),
        ("errors", "0% (0 errors in 24h)"),
        ("breaker", "Closed"),
        ("queue", "Empty"),
        ("rate_limit", "1% (9 of 900 calls in the last minute)"),
    ]


@pytest.mark.parametrize(
    ("change", "health", "aspect", "words"),
    [
        pytest.param({"lines": (failed("api", unreachable=True),)}, Health.UNHEALTHY, "api", "no", id="nobody answers"),
        pytest.param({"lines": (failed("api"), SERVICE)}, Health.UNHEALTHY, "authentication", "no", id="the key is refused"),
        pytest.param({"lines": (API, failed("write"))}, Health.UNHEALTHY, "authentication", "no", id="the key may only read"),
        pytest.param({"breaker": Breaker(state=BreakerState.OPEN)}, Health.UNHEALTHY, "breaker", "held back", id="S33: the breaker is open"),
        pytest.param({"breaker": Breaker(state=BreakerState.HALF_OPEN)}, Health.DEGRADED, "breaker", "Half open", id="S33: half open"),
        pytest.param({"slow": True}, Health.DEGRADED, "breaker", "notified nobody in time", id="S30: slow"),
        pytest.param({"lines": (API, failed("service"), failed("policy"))}, Health.DEGRADED, "access", "no, and 1 more", id="a service is gone"),
        pytest.param({"answered_in": timedelta(seconds=4)}, Health.DEGRADED, "api", "slowly", id="it answers slowly"),
        pytest.param({"unproven": True}, Health.DEGRADED, "webhook", "do not come back", id="S44: webhooks are not proven"),
        pytest.param({"heard_at": None}, Health.DEGRADED, "webhook", "None came yet", id="no webhook yet"),
        pytest.param({"heard_at": None, "polls_why": "TOCSIN_PUBLIC_URL is not set"}, Health.HEALTHY, "webhook", "Reading back instead", id="S44: reading back is as good"),
        pytest.param({"read_at": NOON - timedelta(minutes=16)}, Health.DEGRADED, "sync", "Behind", id="not read for three intervals"),
        pytest.param({"live": 0, "read_at": None}, Health.HEALTHY, "sync", "nothing is open there", id="nothing to read"),
        pytest.param({"attempts": 20, "errors": 1}, Health.DEGRADED, "errors", "5% (1 error in 24h)", id="one of twenty fails"),
        pytest.param({"attempts": 4, "errors": 1}, Health.HEALTHY, "errors", "25% (1 error in 24h)", id="too few to tell"),
        pytest.param({"queued": 3, "oldest": NOON - timedelta(minutes=5)}, Health.DEGRADED, "queue", "3 waiting, the oldest due 5m ago", id="work waits"),
        pytest.param({"queued": 3, "oldest": NOON + timedelta(minutes=5)}, Health.HEALTHY, "queue", "3 waiting", id="work for later"),
        pytest.param({"calls": 800}, Health.DEGRADED, "rate_limit", "89%", id="near the limit"),
        pytest.param({"lines": None}, Health.HEALTHY, "webhook", "Receiving", id="not asked"),
    ],
)  # fmt: skip
def test_what_makes_it_so(change: dict[str, Any], health: Health, aspect: str, words: str) -> None:
    found = judged(Facts(**GOOD | change))
    assert found.health is health
    assert words in next(one.text for one in found.aspects if one.name == aspect)
