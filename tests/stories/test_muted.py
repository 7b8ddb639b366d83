"""The mute that hides nothing: a Sunday window over a disk, on ordinary and on odd nights."""

from datetime import UTC, datetime

import pytest
from whenever import ZonedDateTime

from rig import Begin, Rig

from .conftest import HUB

WINDOW = """
maintenance:
  - {{name: disks, when: 'alert.title.contains("Disk")', every: "{every}", timezone: {zone}, except: [critical], owner: ada, comment: the disks are changed}}
"""
DISK = {"source": "probe", "severity": "high", "service_name": "user-auth"}


def wall(zone: str, day: str, clock: str) -> datetime:
    year, month, date = map(int, day.split("-"))
    hour, minute = map(int, clock.split(":"))
    return (
        ZonedDateTime(year, month, date, hour, minute, tz=zone, disambiguation="compatible")
        .to_instant()
        .to_stdlib()
        .astimezone(UTC)
    )


async def muted(rig: Rig) -> dict[str, dict[str, object]]:
    """Dedup key -> the alert, of those that page nobody."""
    listed = await rig.call("GET", "/api/v1/alerts?status=dropped", want=200)
    return {alert["dedup_key"]: alert for alert in listed["items"]}


async def until(rig: Rig, at: datetime) -> None:
    await rig.advance(seconds=(at - rig.clock.at).total_seconds())
    await rig.quiet()


@pytest.mark.parametrize(
    ("zone", "day", "every"),
    [
        pytest.param("Europe/Berlin", "2026-11-15", "sun 02:00-04:00", id="Berlin, any Sunday"),
        pytest.param("Europe/Berlin", "2026-10-25", "sun 02:00-04:00", id="Berlin, clocks go back"),
        pytest.param("Europe/Berlin", "2026-03-29", "sun 01:00-04:00", id="Berlin, clocks go forward"),
        pytest.param("Europe/London", "2026-10-25", "sun 01:00-04:00", id="London, clocks go back"),
        pytest.param("Europe/London", "2026-03-29", "sun 00:30-04:00", id="London, clocks go forward"),
        pytest.param("America/New_York", "2026-11-01", "sun 01:00-04:00", id="New York, clocks go back"),
        pytest.param("America/New_York", "2026-03-08", "sun 01:00-04:00", id="New York, clocks go forward"),
        pytest.param("Europe/Berlin", "2026-04-06", "mon 02:00-04:00", id="Berlin, Easter Monday"),
        pytest.param("Europe/London", "2026-04-06", "mon 02:00-04:00", id="London, Easter Monday"),
        pytest.param("America/New_York", "2026-04-06", "mon 02:00-04:00", id="New York, Easter Monday, no holiday there"),
    ],
)  # fmt: skip
async def test_the_mute_that_hides_nothing(begin: Begin, zone: str, day: str, every: str) -> None:
    """02:10 muted, and it shows whom it would have paged; 02:40 critical: paged now; 04:00 its sibling still
    fires: paged then, as new (S6, S7)."""
    # where 02:10 does not come on the wall that night, 03:10 is what the clock shows then
    rig = await begin(at=wall(zone, day, "02:10"), config=HUB + WINDOW.format(every=every, zone=zone))
    for name in ("one", "two"):
        answer = await rig.alert(**DISK, title=f"Disk {name} fills", dedup_key=name)
        assert answer["status"] == "dropped"
    await rig.quiet()

    quiet = await muted(rig)
    assert set(quiet) == {"one", "two"}
    decision = quiet["one"]["decision"]
    assert isinstance(decision, dict)
    assert decision["mutes"][0]["shown"] == "maintenance window “disks”"
    assert datetime.fromisoformat(decision["muted_until"]) == wall(zone, day, "04:00")
    assert decision["would_page"]["targets"], "it says whom it would have paged"
    assert (await rig.pagerduty(), await rig.opsgenie()) == ([], [])

    await until(rig, max(wall(zone, day, "02:40"), rig.clock.at))
    await rig.alert(**{**DISK, "severity": "critical"}, title="Disk one is full", dedup_key="one")
    await rig.quiet()
    assert (await rig.incident())["severity"] == "critical"
    assert len(await rig.pagerduty()) == 1
    assert set(await muted(rig)) == {"two"}

    await until(rig, wall(zone, day, "03:59"))
    assert len(await rig.pagerduty()) == 1, "not a minute early"
    await until(rig, wall(zone, day, "04:00"))
    assert await muted(rig) == {}
    listed = await rig.call("GET", "/api/v1/incidents", want=200)
    assert {i["title"] for i in listed["items"]} == {"Disk one is full", "Disk two fills"}
    rung = {page["title"]: page["notification_count"] for page in await rig.pagerduty()}
    assert rung["Disk two fills"] == 1, "at four, and once"
    assert rung["Disk one is full"] >= 1  # by then PagerDuty has escalated it by its own rules
    (second,) = [i["name"] for i in listed["items"] if i["title"] == "Disk two fills"]
    (ended,) = [line for line in await rig.timeline(second) if line["kind"] == "mute_ended"]
    assert "maintenance window “disks”" in ended["text"]


async def test_a_child_waits_while_its_parent_is_paged(begin: Begin) -> None:
    """S16: the database is down and paged; what depends on it is muted under its incident, until five minutes
    after it is over."""
    rig = await begin()
    await rig.alert(title="Database is down", source="probe", severity="critical", service_name="database")
    await rig.quiet()
    answer = await rig.alert(
        title="Payments fail",
        source="probe",
        severity="high",
        service_name="payment-service",
        dedup_key="pay",
    )
    assert answer["status"] == "dropped"
    assert "INC-1" in str((await muted(rig))["pay"]["muted_by"])
    await rig.advance(minutes=10)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    over = rig.clock.at
    await rig.advance(minutes=4, seconds=59)
    await rig.quiet()
    assert set(await muted(rig)) == {"pay"}
    await rig.advance(seconds=1)
    await rig.quiet()
    assert (rig.clock.at - over).total_seconds() == 300
    listed = await rig.call("GET", "/api/v1/incidents", want=200)
    assert [i["title"] for i in listed["items"]] == ["Payments fail"]
