"""Three thousand new keys in a minute: one incident more, a handful of calls, and the critical one among them is paged (S17, IN-16)."""

from rig import Begin

from .conftest import HUB

CONFIG = HUB.replace("defaults: {", "defaults: {rate_limit: {per_minute: 60, burst: 5}, ")


async def test_a_storm_is_one_incident_and_nothing_is_lost(begin: Begin) -> None:
    """S17: all answered 2xx, every alert stored; five incidents, the storm, and one more page when it gets worse;
    after it what is still critical and nobody has responded to gets its own."""
    rig = await begin(config=CONFIG)
    body = [
        {"title": f"Host {n} is gone", "source": "probe", "severity": "medium", "dedup_key": f"h{n}"}
        for n in range(400)
    ]
    await rig.call("POST", "/api/v1/alerts/batch", body, want=202)
    await rig.quiet()
    calls = len(await rig.calls("pagerduty"))
    assert len(await rig.pagerduty()) == 6
    worst = {
        "title": "The core switch is gone",
        "source": "probe",
        "severity": "critical",
        "dedup_key": "core",
    }
    answer = await rig.alert(**worst)
    await rig.quiet()
    storm = await rig.incident(answer["incident"])
    assert (storm["title"], storm["severity"]) == ("Alert storm from api", "critical")
    listed = await rig.call("GET", "/api/v1/alerts?status=open&limit=500", want=200)
    assert len(listed["items"]) == 401
    assert len(await rig.calls("pagerduty")) - calls <= 6, "a page anew and its text, not one for each key"

    await rig.advance(seconds=30)
    await rig.quiet()
    found = await rig.call("GET", "/api/v1/incidents?severity=critical", want=200)
    assert {i["title"] for i in found["items"]} == {"Alert storm from api", "The core switch is gone"}
    kinds = await rig.kinds(answer["incident"])
    assert "storm_began" in kinds
    assert "storm_over" in kinds
    assert len(kinds) < 60, "ten thousand alerts do not fill the timeline of their storm"
