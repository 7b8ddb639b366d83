"""Is each of Alertmanager's alerts one of ours, and do its two times order them (S13)?"""

import base64
import json
from datetime import UTC, datetime

import pytest

from tocsin.core.model import Action, Event
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import Severity
from tocsin.sources.alertmanager.adapter import parse, verify

START, END = "2026-11-20T10:00:00Z", "2026-11-20T10:05:00Z"


def alert(status: str = "firing", **changes: object) -> dict:
    base = {"status": status, "labels": {"alertname": "A", "severity": "warning"}, "annotations": {}}
    return base | {"startsAt": START, "endsAt": END, "fingerprint": "f1"} | changes


def read(*alerts: object, per: str = "alert", **body: object) -> list[Event]:
    whole = {"status": "firing", "groupKey": "g1", "alerts": list(alerts)} | body
    request = Request(method="POST", path="/x", body=json.dumps(whole).encode())
    return parse(request, SourceContext(integration="am", options={"per": per}))


def test_firing_counts_from_its_start_and_resolved_from_its_end() -> None:
    firing, resolved = read(alert(), alert("resolved"))
    assert firing.sent_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert resolved.sent_at == datetime(2026, 11, 20, 10, 5, tzinfo=UTC)
    assert (firing.action, resolved.action) == (Action.CREATE, Action.RESOLVE)


def test_the_year_one_is_no_time() -> None:
    assert read(alert("resolved", endsAt="0001-01-01T00:00:00Z"))[0].sent_at is None


def test_without_a_fingerprint_the_labels_are_the_key() -> None:
    labels = {"alertname": "A", "b": "c"}
    firing, resolved = read(
        alert(fingerprint=None, labels=labels),
        alert("resolved", fingerprint="", labels=dict(reversed(labels.items()))),
    )
    assert firing.dedup_key == resolved.dedup_key != ""
    assert read(alert(fingerprint=None, labels={"alertname": "B"}))[0].dedup_key != firing.dedup_key


@pytest.mark.parametrize(
    ("labels", "annotations", "title"),
    [
        ({"alertname": "A", "instance": "i"}, {"summary": "S"}, "S"),
        ({"alertname": "A", "instance": "i"}, {}, "A (i)"),
        ({"alertname": "A"}, {"summary": ""}, "A"),
        ({}, {}, "Alert without a name"),
    ],
)
def test_titles(labels: dict, annotations: dict, title: str) -> None:
    assert read(alert(labels=labels, annotations=annotations))[0].title == title


def test_an_unknown_status_is_told_and_does_nothing() -> None:
    [event] = read(alert("suppressed"))
    assert (event.action, event.reason) == (
        Action.OTHER,
        "status 'suppressed' is neither firing nor resolved",
    )


def test_what_alertmanager_left_out_is_told() -> None:
    assert read(alert(), truncatedAlerts=7)[0].details["truncated_alerts"] == 7
    assert "truncated_alerts" not in read(alert(), truncatedAlerts=0)[0].details


def test_a_group_is_one_alert_as_bad_as_the_worst_that_fires() -> None:
    worst = alert(labels={"severity": "critical"}, fingerprint="f2", startsAt="2026-11-20T10:01:00Z")
    gone = alert("resolved", labels={"severity": "page"})
    [event] = read(alert(), worst, gone, per="group", commonLabels={"alertname": "A"})
    assert (event.dedup_key, event.title) == ("g1", "A (2 alerts)")
    assert event.severity is Severity.CRITICAL
    assert event.sent_at == datetime(2026, 11, 20, 10, 1, tzinfo=UTC)
    [mild] = read(alert(), gone, per="group")
    assert mild.severity is Severity.MEDIUM
    [resolved] = read(alert("resolved"), per="group", status="resolved")
    assert (resolved.action, resolved.dedup_key) == (Action.RESOLVE, "g1")


@pytest.mark.parametrize(
    ("alerts", "field"),
    [
        pytest.param([5], "alerts.0", id="an alert that is a number"),
        pytest.param([alert(), alert(labels=[])], "alerts.1.labels", id="labels that are a list"),
        pytest.param([alert(annotations="x")], "alerts.0.annotations", id="annotations that are text"),
    ],
)
def test_a_fault_names_its_field(alerts: list, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(*alerts)
    assert caught.value.field_path == field


def test_bearer_and_basic_carry_the_secret() -> None:
    basic = base64.b64encode(b"user:s3cret").decode()
    for value, good in (
        (f"Basic {basic}", True),
        ("Bearer s3cret", True),
        ("bearer s3cret", True),
        ("s3cret", False),
    ):
        assert verify(Request(method="POST", headers={"authorization": value}), "s3cret") is good
    assert verify(Request(method="POST"), "")
    assert not verify(Request(method="POST"), "s3cret")
