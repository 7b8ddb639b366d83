"""What the nights of tests/model found, each as a story of its own."""

from rig import Begin

LOGIN = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def test_resolved_reopened_and_resolved_within_one_instant(begin: Begin) -> None:
    """By a clock that stands, or was set back, the second resolve has the time of the first; it is another all the
    same, since the incident was reopened in place between them. It was taken for said, and PagerDuty rang on."""
    rig = await begin(webhooks=False)
    await rig.alert(**LOGIN)
    await rig.quiet()
    await rig.advance(seconds=1)
    for act in ("resolve", "reopen", "resolve"):
        await rig.call("POST", f"/api/v1/incidents/INC-1/{act}", {}, want=200)
        await rig.quiet()

    assert [p["status"] for p in await rig.pagerduty()] == ["resolved"]
    assert {a["status"] for a in await rig.opsgenie()} == {"closed"}
