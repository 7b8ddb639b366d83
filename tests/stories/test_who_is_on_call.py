"""Who is on call, as PagerDuty, Opsgenie and JSM say it, with the age of what they said (IM-3, RO-8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rig import Begin, Rig
from tocsin.store import oncall

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
WEEKLY = {"people": ["ed", "cy"], "hours": 168, "from": "2026-11-16T09:00:00Z"}


async def told(rig: Rig, service: str, *, at: str = "") -> dict[str, Any]:
    """Connector -> what it told about a service."""
    query = f"service={service}" + (f"&at={at}" if at else "")
    return _by(await rig.call("GET", f"/api/v1/oncall?{query}", want=200))


def _by(found: Any) -> dict[str, Any]:
    return {one["connector"]: one for one in found["items"]}


async def asked_now(rig: Rig, service: str) -> dict[str, Any]:
    return _by(await rig.call("POST", "/api/v1/oncall/refresh", {"service": service}, want=200))


async def test_current_next_and_escalation(begin: Begin) -> None:
    """The document's four lines: who, until when, who takes over, and who is asked after how many minutes."""
    rig = await begin()
    await rig.control("POST", "/pagerduty/schedules/PSGEN01", WEEKLY)
    found = (await asked_now(rig, "user-auth"))["prod-pagerduty"]
    assert [(one["person"], one["until"]) for one in found["current"]] == [
        ("ed@example.com", "2026-11-23T09:00:00Z")
    ]
    assert [(one["person"], one["since"]) for one in found["next"]] == [
        ("cy@example.com", "2026-11-23T09:00:00Z")
    ]
    assert found["escalation"] == [{"level": 2, "after_minutes": 30, "to": ["di@example.com"]}]
    assert (found["as_of"], found["age_seconds"], found["stale"], found["warnings"]) == (
        "2026-11-16T12:00:00Z",
        0,
        False,
        [],
    )


async def test_an_override_and_another_time(begin: Begin) -> None:
    """Somebody stands in tonight; next month is asked for and not kept."""
    rig = await begin()
    await rig.control("POST", "/opsgenie/schedules/Payments_schedule", {**WEEKLY, "people": ["bo", "ada"]})
    stands_in = {"person": "cy", "start": "2026-11-16T18:00:00Z", "end": "2026-11-17T06:00:00Z"}
    await rig.control("POST", "/opsgenie/schedules/Payments_schedule/overrides", stands_in)
    found = (await asked_now(rig, "payment-service"))["prod-opsgenie"]
    assert found["current"][0] | {"schedule": ""} == {
        "person": "bo@example.com", "name": "", "schedule": "", "since": "2026-11-16T09:00:00Z", "until": "2026-11-16T18:00:00Z",
    }  # fmt: skip
    assert found["next"][0]["person"] == "cy@example.com"
    tonight = (await told(rig, "payment-service", at="2026-11-16T23:00:00Z"))["prod-opsgenie"]
    assert [one["person"] for one in tonight["current"]] == ["cy@example.com"]
    later = (await told(rig, "payment-service", at="2027-01-04T12:00:00Z"))["prod-opsgenie"]
    assert [(one["person"], one["until"]) for one in later["current"]] == [
        ("ada@example.com", "2027-01-11T09:00:00Z")
    ]
    now = (await told(rig, "payment-service"))["prod-opsgenie"]
    assert [one["person"] for one in now["current"]] == ["bo@example.com"]


async def test_it_is_kept_fresh_and_told_with_its_age_while_the_provider_is_away(begin: Begin) -> None:
    """The node on duty reads by itself; when PagerDuty is down the last answer stands, with since when, and in time it is
    called stale. Nobody is said to be off call because a provider is silent (S41)."""
    rig = await begin()
    await rig.control("POST", "/pagerduty/schedules/PSGEN01", WEEKLY)
    hub = rig.daemon.hub

    async def seen() -> Any:
        hub.wake.ring("oncall")
        return await hub.database.read(oncall.every)

    await rig.until(seen, "the node on duty knows what to ask about")
    assert (await told(rig, "user-auth"))["prod-pagerduty"]["as_of"] is None
    await rig.advance(minutes=2, seconds=5)

    async def read() -> Any:
        hub.wake.ring("oncall")
        return (await told(rig, "user-auth"))["prod-pagerduty"]["as_of"]

    first = await rig.until(read, "the node on duty has asked")
    await rig.control("POST", "/faults", {"vendor": "pagerduty", "kind": "503", "operation": "any"})
    await rig.advance(minutes=11)

    async def failed() -> Any:
        hub.wake.ring("oncall")
        found = (await told(rig, "user-auth"))["prod-pagerduty"]
        return found if found["fault"] else None

    away = await rig.until(failed, "the asking has failed")
    assert (away["as_of"], away["stale"], away["current"][0]["person"]) == (first, False, "ed@example.com")
    assert away["fault_since"] is not None
    assert any("does not answer" in said and "503" in said for said in away["warnings"])
    await rig.advance(minutes=30)
    old = (await told(rig, "user-auth"))["prod-pagerduty"]
    assert (old["stale"], old["as_of"]) == (True, first)
    assert any("somebody else may be on call" in said for said in old["warnings"])
    await rig.control("DELETE", "/faults")
    again = (await asked_now(rig, "user-auth"))["prod-pagerduty"]
    assert (again["stale"], again["fault"], again["warnings"]) == (False, "", [])


async def test_nobody_is_said_plainly(begin: Begin) -> None:
    """A gap in the schedule now, and one to come."""
    rig = await begin()
    daily = {"people": [None, "ada"], "hours": 24, "from": "2026-11-16T00:00:00Z"}
    await rig.control("POST", "/opsgenie/schedules/Payments_schedule", daily)
    found = (await asked_now(rig, "payment-service"))["prod-opsgenie"]
    assert (found["gap"], found["current"]) == (True, [])
    assert found["warnings"] == ["nobody is on call until 2026-11-17 00:00 UTC: a page there reaches nobody"]
    tomorrow = (await told(rig, "payment-service", at="2026-11-17T12:00:00Z"))["prod-opsgenie"]
    assert tomorrow["warnings"] == ["from 2026-11-18 00:00 UTC nobody is on call until 2026-11-19 00:00 UTC"]


async def test_the_same_of_jsm(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSM tells by ids; people have the names that Jira tells."""
    own = "    custom:\n      cloud_id: c1\n      email: bot@example.com\n      api_token: t\n      priority_mapping"
    text = HUB.replace("    type: opsgenie\n", "    type: jsm\n").replace("${OPSGENIE_URL}", "${JSM_URL}")
    rig = await begin(config=text.replace("    custom:\n      priority_mapping", own))
    found = (await asked_now(rig, "payment-service"))["prod-opsgenie"]
    assert [(one["person"], one["name"]) for one in found["current"]] == [("bo@example.com", "Bo")]
    assert found["warnings"] == []
