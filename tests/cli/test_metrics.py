"""`im metrics`: the lines of the connector document, in its words; more with -o wide; the whole hub without a name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tocsin.cli.metrics import bars

HOURS = [
    {"hour": f"2026-11-20T{n:02}:00:00Z", "attempts": n, "taken": n, "average_ms": 100.0, "calls": n * 3, "webhooks": 1} for n in range(4)
]  # fmt: skip
FIGURES = {
    "connector": "prod-pagerduty", "type": "pagerduty", "window_seconds": 86400, "since": "2026-11-19T02:20:00Z",
    "total_incidents": 156, "incidents": 12, "attempts": 500, "taken": 497, "success_rate": 0.994, "average_ms": 1200.0,
    "p50_ms": 900.0, "p99_ms": 4100.0, "calls": 1247, "calls_by_outcome": {"ok": 1240, "failed": 7}, "calls_per_incident": 103.9,
    "rate_limit": {"used": 0.23, "limit": 960, "remaining": 739, "resets_at": "2026-11-20T02:20:30Z", "by": "provider"},
    "webhook_events": 89, "webhooks_quarantined": 1, "webhooks_by_result": {"accepted": 89, "bad signature": 1}, "queue": 0,
    "breaker": "closed", "last_success_at": "2026-11-20T02:18:00Z", "last_webhook_at": "2026-11-20T02:17:30Z", "hours": HOURS,
}  # fmt: skip
OVERVIEW = {
    "incidents": {"open": 3, "mitigated": 2}, "alerts": {"live": 9, "undecided": 0}, "pending_webhooks": 0,
    "oldest_undecided_seconds": 0.0, "connectors": [], "hours": HOURS, "window_seconds": 86400, "config_version": 3,
    "pages": {"asked": 20, "accepted": 19, "created": 19, "notified": 12, "acknowledged": 9, "failed": 1, "p50_ms": 181.0, "p99_ms": 2300.0},
    "at": "2026-11-20T02:20:00Z",
}  # fmt: skip


@pytest.fixture
def told(hub: Any) -> Any:
    hub.answer("GET", "/api/v1/connectors/prod-pagerduty/metrics", FIGURES)
    hub.answer("GET", "/api/v1/metrics", OVERVIEW)
    return hub


def test_a_connector_has_the_lines_of_the_document(run: Any, told: Any) -> None:
    ran = run("metrics", "connector", "prod-pagerduty", tty=True, NO_COLOR="1", IM_URL=told.url)
    assert ran.out.splitlines()[:7] == [
        "Connector:             prod-pagerduty",
        "Total Incidents:       156",
        "Sync Success Rate:     99.4%",
        "Average Sync Time:     1.2s",
        "API Calls (24h):       1,247",
        "Rate Limit Usage:      23%",
        "Webhook Events (24h):  89",
    ]
    assert told.of("GET", "/api/v1/connectors/prod-pagerduty/metrics")[0].query == {"window": "24h"}


def test_wide_says_more_and_json_everything(run: Any, told: Any) -> None:
    wide = run(
        "metrics",
        "connector",
        "prod-pagerduty",
        "--window",
        "7d",
        "-o",
        "wide",
        tty=True,
        NO_COLOR="1",
        IM_URL=told.url,
        TZ="UTC",
    ).out
    assert "API Calls (7d):        1,247" in wide
    assert "Sync Time p50, p99:    900ms, 4.1s" in wide
    assert "739 of 960 left by its own answer" in wide
    assert "Webhooks by Result:    accepted 89, bad signature 1" in wide
    assert (
        json.loads(run("metrics", "connector", "prod-pagerduty", "-o", "json", IM_URL=told.url).out)
        == FIGURES
    )


@pytest.mark.parametrize(
    "words", [[], ["overview"], ["--window", "24h"], ["overview", "--window", "24h"]], ids=str
)
def test_the_overview_needs_no_name(run: Any, told: Any, words: list[str]) -> None:
    ran = run("metrics", *words, tty=True, NO_COLOR="1", IM_URL=told.url)
    assert ran.code == 0
    assert "3 open, 2 acknowledged" in ran.out
    assert "p50 181ms, p99 2.3s" in ran.out
    assert "Attempts by hour" in ran.out


def test_nothing_sent_is_said(run: Any, told: Any) -> None:
    empty = {
        **FIGURES,
        "success_rate": None,
        "average_ms": None,
        "calls": 0,
        "hours": [],
        "rate_limit": {"used": None},
    }
    told.answer("GET", "/api/v1/connectors/prod-pagerduty/metrics", empty)
    out = run("metrics", "connector", "prod-pagerduty", tty=True, NO_COLOR="1", IM_URL=told.url).out
    assert "Sync Success Rate:     nothing was sent" in out
    assert "Rate Limit Usage:      no limit known" in out


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], ""), ([0, 0], ""), ([0, 1, 8], " ▁█  up to 8"), ([5] * 30, "█" * 24 + "  up to 5")],
    ids=["none", "nothing", "growing", "the newest"],
)
def test_bars(values: list[int], shown: str) -> None:
    assert bars(values) in (shown, shown.replace("▁", "▂"), shown.replace("█", "▇"))
