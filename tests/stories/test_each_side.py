"""`ack: each`: every side must acknowledge for itself (S19, S20, S35)."""

import pytest

from rig import Begin, Rig

from .conftest import HUB

EACH = HUB.replace("ack: any", "ack: each")
LOGIN = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def opsgenie_acknowledges(rig: Rig) -> None:
    (alert,) = await rig.opsgenie()
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "ada@example.com"})

    async def told() -> bool:
        return "acknowledged_there" in await rig.kinds()

    await rig.until(told, "it counts for Opsgenie's side alone")
    await rig.quiet()


@pytest.mark.parametrize(
    "here", [False, True], ids=["then PagerDuty's side does too", "then somebody does here"]
)
async def test_one_side_does_not_silence_the_other(begin: Begin, here: bool) -> None:
    rig = await begin(config=EACH)
    await rig.alert(**LOGIN)
    await rig.quiet()
    await opsgenie_acknowledges(rig)

    assert (await rig.incident())["status"] == "open"
    (page,) = await rig.pagerduty()
    assert page["status"] == "triggered", "PagerDuty goes on ringing"
    if here:
        await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    else:
        await rig.control(
            "POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "ed@example.com"}
        )

    async def whole() -> bool:
        there = (await rig.pagerduty())[0]["status"]
        return (await rig.incident())["status"] == "mitigated" and there == "acknowledged"

    await rig.until(whole, "each side has it")
