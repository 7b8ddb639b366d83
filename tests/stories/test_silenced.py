"""A silence that somebody makes at night: previewed, made, ended early; and what it hid comes back."""

from datetime import timedelta
from typing import Any

import pytest

from rig import Begin, Rig

from .conftest import HUB

DISK = {"source": "probe", "severity": "high", "service_name": "user-auth", "title": "Disk fills"}
WINDOW = """
maintenance:
  - {name: backup, when: 'service.name == "database"', every: "sun 02:00-04:00", owner: ada, comment: nightly backup}
"""


def asked(rig: Rig, **more: Any) -> dict[str, Any]:
    ends = (rig.clock.at + timedelta(hours=2)).isoformat()
    return {
        "match": {"service": "user-auth"},
        "ends_at": ends,
        "owner": "ada",
        "comment": "new disks",
        **more,
    }


async def dropped(rig: Rig) -> list[Any]:
    return list((await rig.call("GET", "/api/v1/alerts?status=dropped", want=200))["items"])


async def test_made_after_a_look_and_ended_early(begin: Begin) -> None:
    """The preview names what is covered; the incident under way goes on; a new key is quiet; ended, it is paged."""
    rig = await begin()
    await rig.alert(**DISK, dedup_key="one")
    await rig.quiet()
    seen = await rig.call("POST", "/api/v1/silences/preview", asked(rig), want=200)
    assert [(a["dedup_key"], a["incident"]) for a in seen["alerts"]] == [("one", "INC-1")]
    assert (await rig.call("GET", "/api/v1/silences", want=200))["items"] == [], "a look makes nothing"

    made = await rig.call("POST", "/api/v1/silences", asked(rig), want=201)
    assert (made["state"], made["owner"], made["name"]) == ("active", "ada", "new disks")
    await rig.alert(**DISK, dedup_key="two")
    await rig.quiet()
    (quiet,) = await dropped(rig)
    assert quiet["muted_by"] == "silence “new disks”"
    assert quiet["decision"]["mutes"][0]["id"] == made["id"]
    assert (await rig.incident())["status"] == "open", "what is under way goes on"
    assert len(await rig.pagerduty()) == 1

    ended = await rig.call("DELETE", f"/api/v1/silences/{made['id']}", want=200)
    assert ended["state"] == "over"
    await rig.quiet()
    assert await dropped(rig) == []
    assert len(await rig.pagerduty()) == 2
    await rig.call("DELETE", f"/api/v1/silences/{made['id']}", want=409)
    await rig.call("PATCH", f"/api/v1/silences/{made['id']}", {"comment": "x"}, want=409)


async def test_one_for_later_and_one_that_is_moved(begin: Begin) -> None:
    """Before its start it mutes nothing; moved to another service, what it kept quiet is paged."""
    rig = await begin()
    starts = rig.clock.at + timedelta(hours=1)
    made = await rig.call("POST", "/api/v1/silences", asked(rig, starts_at=starts.isoformat()), want=201)
    assert (made["state"], made["next_at"][:16]) == ("pending", starts.isoformat()[:16])
    assert (await rig.alert(**DISK, dedup_key="before"))["status"] == "open"
    await rig.advance(hours=1)
    assert (await rig.alert(**DISK, dedup_key="in it"))["status"] == "dropped"
    await rig.call("PATCH", f"/api/v1/silences/{made['id']}", {"match": {"service": "web"}}, want=200)
    await rig.quiet()
    assert await dropped(rig) == []


async def test_a_window_of_the_configuration_is_listed_and_changed_there(begin: Begin) -> None:
    rig = await begin(config=HUB + WINDOW)
    (written,) = (await rig.call("GET", "/api/v1/maintenance", want=200))["items"]
    assert (written["origin"], written["id"], written["every"]) == (
        "configuration",
        None,
        ["sun 02:00-04:00"],
    )
    refused = await rig.call("DELETE", "/api/v1/maintenance/backup", want=409)
    assert "stands in the configuration" in refused["detail"]
    made = await rig.call(
        "POST", "/api/v1/maintenance", asked(rig, name="racks", every=["mon 11:00-13:00"]), want=201
    )
    assert made["state"] == "active"
    assert (await rig.alert(**DISK, dedup_key="k"))["status"] == "dropped"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        pytest.param({"ends_at": None}, "ends_at", id="no end"),
        pytest.param({"owner": ""}, "owner", id="no owner"),
        pytest.param({"match": {}}, "match", id="everything by accident"),
        pytest.param({"match": {}, "when": "alert.titel == 'x'"}, "when", id="a misspelt name"),
        pytest.param({"until": "tomorrow"}, "until", id="an unknown field"),
        pytest.param({"ends_at": "tomorrow"}, "ends_at", id="no time"),
        pytest.param({"starts_at": "2026-11-16T12:00:00"}, "starts_at", id="a time without its offset"),
    ],
)
async def test_bad_input_names_its_field(begin: Begin, body: dict[str, Any], where: str) -> None:
    """TR-6: a problem document with the field; nothing is half done."""
    rig = await begin()
    refused = await rig.call("POST", "/api/v1/silences", asked(rig, **body), want=422)
    assert where in {fault["field"] for fault in refused["faults"]}
    assert (await rig.call("GET", "/api/v1/silences?state=all", want=200))["items"] == []
