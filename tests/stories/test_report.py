"""A month is told to those who were not there, with the times of both sides (IM-5)."""

from __future__ import annotations

from typing import Any

from rig import Begin, Rig

DAY = "start=2026-11-16&end=2026-11-16"
ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def told(rig: Rig, query: str = DAY) -> Any:
    return await rig.call("GET", f"/api/v1/reports?{query}", want=200)


async def answered(rig: Rig) -> None:
    """Paged at both sides, acknowledged at PagerDuty after 4 minutes, resolved here after 10."""
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.advance(minutes=4)
    await rig.taken_at_pagerduty("ada@example.com")
    await rig.quiet()
    await rig.advance(minutes=6)
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()


async def test_times_of_both_sides(begin: Begin) -> None:
    """Ours, and theirs by their own logs: PagerDuty's entries, Opsgenie's report of each alert."""
    rig = await begin()
    await answered(rig)
    found = await told(rig, f"{DAY}&include_providers=true")
    (incident,) = found["incidents"]
    assert (incident["seconds_to_acknowledge"], incident["seconds_to_resolve"]) == (240, 600)
    assert (incident["acknowledged_by"], found["pages"], found["notes"]) == ("Ada", 2, [])
    sides = {one["connector"]: one for one in incident["sides"]}
    (page,) = await rig.pagerduty()
    assert sides["prod-pagerduty"]["remote_id"] == page["id"]
    assert sides["prod-pagerduty"]["there_acknowledged_at"] == "2026-11-16T12:04:00Z"
    assert sides["prod-pagerduty"]["there_acknowledged_by"] == "Ada"
    assert sides["prod-opsgenie"]["there_acknowledged_at"] is not None
    providers = {one["connector"]: one for one in found["providers"]}
    assert providers["prod-pagerduty"]["mean_to_acknowledge_there"] == 240
    assert providers["prod-pagerduty"]["log"] == "read"
    assert [step["text"] for step in incident["steps"]], "the worst are told step by step"


async def test_a_provider_that_is_away_is_said(begin: Begin) -> None:
    """The report is made all the same, with what is known here."""
    rig = await begin()
    await answered(rig)
    await rig.control("POST", "/faults", {"vendor": "pagerduty", "kind": "503", "operation": "read"})
    found = await told(rig, f"{DAY}&include_providers=true")
    assert found["total"] == 1
    (note,) = found["notes"]
    assert note.startswith("The log of prod-pagerduty could not be read: ")
    assert "503" in note
    logs = {one["connector"]: one["log"] for one in found["providers"]}
    assert logs["prod-pagerduty"] == "could not be read"
    assert logs["prod-opsgenie"] == "read"


async def test_days_are_those_of_the_zone_and_the_last_is_included(begin: Begin) -> None:
    rig = await begin()
    await answered(rig)
    assert (await told(rig, "start=2026-11-16&end=2026-11-16&timezone=Asia/Kolkata"))["total"] == 1
    assert (await told(rig, "start=2026-11-17&end=2026-11-17"))["total"] == 0
    assert (await told(rig, "start=2026-11-16T12:00:01Z&end=2026-11-17"))["total"] == 0
    assert (await told(rig, f"{DAY}&team=security"))["total"] == 1
    assert (await told(rig, f"{DAY}&service=web"))["total"] == 0


async def test_each_form_has_its_kind_and_name(begin: Begin) -> None:
    rig = await begin()
    await answered(rig)
    kinds = {"pdf": "application/pdf", "html": "text/html", "csv": "text/csv"}
    for form, kind in kinds.items():
        async with rig.http.get(f"{rig.daemon.url}/api/v1/reports.{form}?{DAY}") as answer:
            body = await answer.read()
            assert answer.status == 200, body
            assert answer.headers["Content-Type"].startswith(kind)
            assert f"incidents-2026-11-16-to-2026-11-16.{form}" in answer.headers["Content-Disposition"]
            assert b"%PDF" in body if form == "pdf" else b"INC-1" in body


async def test_what_cannot_be_meant_is_refused_by_its_field(begin: Begin) -> None:
    rig = await begin()
    for query, field in (
        ("start=soon", "start"),
        ("start=2026-11-16T00:00:00", "start"),
        ("start=2026-11-17&end=2026-11-16", "start"),
        ("start=2020-01-01&end=2026-01-01", "end"),
        ("timezone=Mars/Base", "timezone"),
    ):
        refused = await rig.call("GET", f"/api/v1/reports?{query}")
        assert [fault["field"] for fault in refused["faults"]] == [field], refused
