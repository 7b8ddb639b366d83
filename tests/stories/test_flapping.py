"""A check on the edge: it comes and goes, pages now and then, and its incident waits until it is quiet (S15)."""

from rig import Begin, Rig

CHECK = {
    "source": "probe",
    "severity": "high",
    "service_name": "user-auth",
    "title": "Login is slow",
    "dedup_key": "login",
}


async def comes_and_goes(rig: Rig, minutes: float = 2) -> str:
    answer = await rig.alert(**CHECK)
    await rig.quiet()
    await rig.advance(minutes=minutes)
    await rig.call("POST", "/api/v1/alerts?wait=decision", {**CHECK, "action": "resolve"})
    await rig.quiet()
    await rig.advance(minutes=minutes)
    return str(answer["status"])


async def test_it_pages_now_and_then_and_is_held_open_until_it_is_quiet(begin: Begin) -> None:
    rig = await begin()
    seen = [await comes_and_goes(rig) for _ in range(6)]
    assert seen == ["open", "open", "dropped", "dropped", "dropped", "dropped"]
    assert len(await rig.pagerduty()) == 2, "two pages before it is known to flap"
    await rig.advance(minutes=11)  # 35 min after the first page, 31 after the second

    assert await comes_and_goes(rig) == "open"
    assert len(await rig.pagerduty()) == 3
    (held,) = (await rig.call("GET", "/api/v1/incidents", want=200))["items"]
    assert "held_open" in await rig.kinds(held["name"])
    await rig.advance(minutes=27)
    await rig.quiet()
    assert (await rig.incident(held["name"]))["status"] == "open"
    await rig.advance(minutes=2)
    await rig.quiet()
    assert (await rig.incident(held["name"]))["status"] == "resolved"
