"""What the nights of tests/model found, each as a story of its own."""

from datetime import timedelta

import pytest

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


@pytest.mark.parametrize(
    "set_back", [pytest.param(0, id="the clock stands"), pytest.param(30, id="the clock was set back")]
)
async def test_reopened_in_the_instant_its_page_began(begin: Begin, set_back: int) -> None:
    """Whom this page has asked was told by the time of asking. Of a page that began anew in the instant of the last one,
    or before it by a clock that was set back, everybody counted as asked already, and nobody was."""
    rig = await begin(webhooks=False)
    await rig.alert(**LOGIN)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    rig.clock.at -= timedelta(seconds=set_back)
    await rig.call("POST", "/api/v1/incidents/INC-1/reopen", {}, want=200)
    await rig.quiet()

    assert [p["status"] for p in await rig.pagerduty()] == ["triggered"]
    assert sorted(a["status"] for a in await rig.opsgenie()) == ["closed", "open"]


async def test_closed_there_and_only_our_own_write_finds_out(begin: Begin) -> None:
    """Bo closes it at Opsgenie, the webhook is lost, and our acknowledgement, which waited, meets it closed. That
    was taken for known and never judged, so nobody here ever heard that it is over."""
    rig = await begin(webhooks=False)
    await rig.alert(**LOGIN)
    await rig.quiet()
    await rig.fault("opsgenie", kind="500", times=1)
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()
    (alert,) = await rig.opsgenie()
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/close", {"user": "bo@example.com"})
    await rig.advance(seconds=6)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    await rig.advance(minutes=5)

    async def over() -> bool:
        return bool((await rig.incident())["status"] == "resolved")

    await rig.until(over, "the reading finds out that it is over")
    assert "not_written" in await rig.kinds()
