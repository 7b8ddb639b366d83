"""Incidents and alerts as they are listed, shown and acted upon."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from conftest import Office

NOON = "2026-11-16T12:00:00Z"


async def test_an_alert_and_its_incident_show_the_same_story(office: Office) -> None:
    sent = await office.alert(
        title="Database Connection Failed",
        source="database",
        severity="critical",
        service_name="payment-service",
    )
    await office.alert(
        title="Database Connection Failed",
        source="database",
        severity="critical",
        service_name="payment-service",
    )
    incident = await office.get("/api/v1/incidents/INC-1")
    alert = await office.get(f"/api/v1/alerts/{sent['alert_id']}")

    assert incident | {"providers": [], "parts": [], "id": "", "details": {}} == {
        "name": "INC-1", "number": 1, "id": "", "title": "Database Connection Failed", "description": "",
        "severity": "critical", "sev": "SEV-1", "status": "open", "status_shown": "Open", "services": ["payment-service"],
        "parts": [], "team": "payments", "correlation_id": sent["correlation_id"], "opened_at": NOON,
        "acknowledged_at": None, "acknowledged_by": "", "snoozed_until": None, "resolved_at": None, "resolved_by": "",
        "closed_at": None, "assignee": "", "declared": False, "origin": "", "policy": "everywhere", "rule": "the worst go everywhere",
        "next_step_at": "2026-11-16T12:15:00Z", "asks_again_at": None, "joined_meanwhile": [], "life": 1, "recurrence_of": None, "merged_into": None, "alerts": 1, "repeats": 1,
        "config_version": 1, "updated_at": NOON, "details": {}, "fields": {}, "links": [], "providers": [],
            "changed": True,
    }  # fmt: skip
    assert [(p["connector"], p["type"], p["status"], p["waiting"]) for p in incident["providers"]] == [
        ("prod-pagerduty", "pagerduty", "unknown", 1),
        ("prod-opsgenie", "opsgenie", "unknown", 1),
    ]
    assert (alert["incident"], alert["count"], alert["status"]) == ("INC-1", 1, "open")
    assert alert["decision"]["rule"] == "the worst go everywhere"
    assert alert["decision"]["config_version"] == 1


async def test_an_incident_answers_to_name_number_and_id(office: Office) -> None:
    made = await office.incident()

    for name in ("INC-1", "inc-1", "1", made["id"], made["id"].upper()):
        assert (await office.get(f"/api/v1/incidents/{name}"))["id"] == made["id"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("INC-2", id="a number not given yet"),
        pytest.param("²", id="a digit that is no number"),
        pytest.param("9" * 40, id="a number too large"),
        pytest.param("%00", id="a NUL"),
        pytest.param("%ff%fe", id="bytes that are no text"),
        pytest.param(str(UUID(int=3)), id="an id of nothing"),
        pytest.param("' OR 1=1 --", id="SQL"),
    ],
)
async def test_an_unknown_incident_is_told_everywhere(office: Office, name: str) -> None:
    for method, tail in (
        ("GET", ""),
        ("GET", "/timeline"),
        ("GET", "/deliveries"),
        ("GET", "/alerts"),
        ("POST", "/resolve"),
    ):
        answer = await office.ask(method, f"/api/v1/incidents/{name}{tail}")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (
            f"{method} {tail}: {answer.text}"
        )


async def test_a_list_pages_by_cursor_and_misses_nothing_that_opens_meanwhile(office: Office) -> None:
    for number in range(1, 8):
        await office.incident(title=f"number {number}")
    seen: list[str] = []
    path, pages = "/api/v1/incidents?limit=3", 0
    while True:
        page = await office.get(path)
        seen += [one["name"] for one in page["items"]]
        pages += 1
        await office.incident(title="meanwhile")
        if page["next_cursor"] is None:
            break
        path = f"/api/v1/incidents?limit=3&cursor={page['next_cursor']}"

    assert seen == [f"INC-{n}" for n in (7, 6, 5, 4, 3, 2, 1)]
    assert pages == 3


async def test_timeline_and_alerts_page_without_a_gap(office: Office) -> None:
    for key in "abc":
        await office.alert(
            title=key, dedup_key=key, severity="critical", service_name="web", labels={"cluster": "one"}
        )
    whole = (await office.get("/api/v1/incidents/INC-1/timeline?limit=500"))["items"]
    for what, all_of in (
        ("incidents/INC-1/timeline", whole),
        ("alerts", None),
        ("incidents/INC-1/alerts", None),
    ):
        expected = all_of or (await office.get(f"/api/v1/{what}"))["items"]
        seen, cursor = [], ""
        while True:
            page = await office.get(f"/api/v1/{what}?limit=2&cursor={cursor}")
            seen += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert [one["id"] for one in seen] == [one["id"] for one in expected]
        assert len(seen) >= 3
    assert [line["at"] for line in whole] == sorted(line["at"] for line in whole)
    assert (whole[0]["kind"], whole[0]["text"]) == ("alert_received", "api: a")


async def test_filters_find_what_they_name_and_nothing_else(office: Office) -> None:
    await office.incident(title="50% of web\\mail", severity="SEV-1", services=["web", "database"])
    await office.incident(title="slow", severity="low", services=["web"])
    await office.incident(title="over", severity="high", services=["user-auth"])
    await office.ask("POST", "/api/v1/incidents/INC-3/resolve")
    for query, names in {
        "": ["INC-2", "INC-1"],
        "?status=all": ["INC-3", "INC-2", "INC-1"],
        "?status=resolved": ["INC-3"],
        "?severity=critical,SEV-4": ["INC-2", "INC-1"],
        "?severity=low": ["INC-2"],
        "?service=database": ["INC-1"],
        "?status=all&team=security": ["INC-3"],
        "?q=0%25 OF": ["INC-1"],
        "?q=%25": ["INC-1"],
        "?q=_": [],
        "?q=web\\mail": ["INC-1"],
        "?q=' OR 1=1 --": [],
    }.items():
        found = (await office.get(f"/api/v1/incidents{query}"))["items"]

        assert [one["name"] for one in found] == names, query


async def test_alerts_are_found_by_status_integration_incident_and_text(office: Office) -> None:
    await office.alert(title="a page", severity="critical", service_name="payment-service")
    office.at += timedelta(seconds=1)
    await office.alert(title="a whisper", severity="low", service_name="web")
    for query, titles in {
        "": ["a whisper", "a page"],
        "?status=dropped": ["a whisper"],
        "?status=open,dropped": ["a whisper", "a page"],
        "?incident=INC-1": ["a page"],
        "?integration=api&limit=1": ["a whisper"],
        "?integration=prometheus": [],
        "?q=WHISPER": ["a whisper"],
    }.items():
        found = (await office.get(f"/api/v1/alerts{query}"))["items"]

        assert [one["title"] for one in found] == titles, query
    assert found[0]["muted_by"]
    assert (await office.ask("GET", "/api/v1/alerts?incident=INC-9")).status_code == 404


# ---- acts ----------------------------------------------------------------------------------------------


async def test_an_act_says_who_and_a_second_time_changes_nothing(office: Office) -> None:
    await office.incident(services=["web"])
    first = await office.ask(
        "POST", "/api/v1/incidents/INC-1/acknowledge", {"note": "mine"}, headers={"User-Agent": "im/0.1.0"}
    )
    again = await office.ask("POST", "/api/v1/incidents/INC-1/acknowledge")
    lines = (await office.get("/api/v1/incidents/INC-1/timeline"))["items"]

    assert first.status_code == again.status_code == 200
    assert (first.json()["status"], first.json()["status_shown"]) == ("mitigated", "Acknowledged")
    assert (first.json()["changed"], "changed" in first.headers) == (True, False)
    assert (again.json()["changed"], again.headers["changed"]) == (False, "false")
    assert [line["actor"] for line in lines if line["kind"] == "acknowledged"] == ["admin via cli"]
    assert first.json()["next_step_at"] is None


async def test_the_whole_life_of_an_incident(office: Office) -> None:
    await office.incident(services=["web"])
    story: list[tuple[str, Any, str]] = [
        ("notes", {"text": "looking"}, "open"),
        ("assign", {"user": "ada"}, "open"),
        ("resolve", {"note": "fixed"}, "resolved"),
        ("reopen", {}, "open"),
        ("close", None, "closed"),
    ]
    for act, body, status in story:
        answer = await office.ask("POST", f"/api/v1/incidents/INC-1/{act}", body)
        assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
    shown = answer.json()

    assert (shown["assignee"], shown["resolved_by"], shown["closed_at"], shown["life"]) == (
        "Ada",
        "admin",
        NOON,
        2,
    )


async def test_an_acknowledgement_that_comes_too_late_is_a_conflict(office: Office) -> None:
    await office.incident()
    await office.ask("POST", "/api/v1/incidents/INC-1/resolve")
    answer = await office.ask("POST", "/api/v1/incidents/INC-1/acknowledge")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "too late" in answer.json()["detail"]


async def test_what_comes_later_is_not_there(office: Office) -> None:
    await office.incident()

    assert (await office.ask("POST", "/api/v1/incidents/INC-1/link", {})).status_code == 404


async def test_s26_a_snooze_shows_its_end_and_is_said_once(office: Office) -> None:
    """Two ways to name one end; the second time nothing changes."""
    await office.incident()
    first = await office.ask("POST", "/api/v1/incidents/INC-1/snooze", {"for": "1h", "note": "vendor"})
    end = first.json()["snoozed_until"]
    again = await office.ask("POST", "/api/v1/incidents/INC-1/snooze", {"until": end})

    assert (first.status_code, first.json()["status"], first.json()["changed"]) == (200, "mitigated", True)
    assert (again.status_code, again.headers["Changed"]) == (200, "false")
    assert again.json()["snoozed_until"] == end


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "for", id="no end"),
        pytest.param({"for": "1h", "until": "2099-01-01T00:00:00Z"}, "for", id="two ends"),
        pytest.param({"for": "soon"}, "for", id="no duration"),
        pytest.param({"for": "0m"}, "for", id="no time at all"),
        pytest.param({"for": "8d"}, "for", id="more than a week"),
        pytest.param({"for": [1]}, "for", id="a list"),
        pytest.param({"until": "2001-01-01T00:00:00Z"}, "until", id="past"),
        pytest.param({"until": "2099-01-01T00:00:00Z"}, "until", id="far away"),
        pytest.param({"until": "2026-11-25T10:00:00"}, "until", id="no zone"),
        pytest.param({"until": "tonight"}, "until", id="no time"),
        pytest.param({"for": "1h", "forever": True}, "forever", id="an unknown field"),
    ],
)
async def test_s26_bad_ends_are_named_and_nothing_changes(office: Office, body: Any, field: str) -> None:
    await office.incident()
    answer = await office.ask("POST", "/api/v1/incidents/INC-1/snooze", body)

    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["faults"]] == [field]
    assert (await office.ask("GET", "/api/v1/incidents/INC-1")).json()["status"] == "open"


async def test_s26_what_is_over_cannot_be_snoozed(office: Office) -> None:
    await office.incident()
    await office.ask("POST", "/api/v1/incidents/INC-1/resolve")
    answer = await office.ask("POST", "/api/v1/incidents/INC-1/snooze", {"for": "1h"})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "nothing to snooze" in answer.json()["detail"]


async def test_a_change_is_shown_told_and_no_change_the_second_time(office: Office) -> None:
    """Severity, words and fields at once; numbers and truths become texts."""
    await office.incident(fields={"customer": "acme"})
    body = {
        "title": "It burns down",
        "severity": "SEV-1",
        "fields": {"customer": None, "users": 12, "public": True},
    }
    first = await office.ask("PATCH", "/api/v1/incidents/INC-1", body)
    again = await office.ask("PATCH", "/api/v1/incidents/INC-1", body)

    assert (first.status_code, first.json()["changed"], again.json()["changed"]) == (200, True, False)
    assert again.headers["changed"] == "false"
    shown = await office.get("/api/v1/incidents/INC-1")
    assert (shown["title"], shown["severity"]) == ("It burns down", "critical")
    assert shown["fields"] == {"users": "12", "public": "true"}


async def test_the_last_field_can_be_taken_away(office: Office) -> None:
    await office.incident(fields={"customer": "acme"})
    await office.ask("PATCH", "/api/v1/incidents/INC-1", {"fields": {"customer": ""}})

    assert (await office.get("/api/v1/incidents/INC-1"))["fields"] == {}


async def test_more_fields_than_are_kept_are_refused_as_a_whole(office: Office) -> None:
    await office.incident(fields={f"a{n}": "x" for n in range(40)})
    answer = await office.ask(
        "PATCH", "/api/v1/incidents/INC-1", {"title": "y", "fields": {f"b{n}": "x" for n in range(40)}}
    )

    assert (answer.status_code, [f["field"] for f in answer.json()["faults"]]) == (422, ["fields"])
    shown = await office.get("/api/v1/incidents/INC-1")
    assert (shown["title"], len(shown["fields"])) == ("It burns", 40)
