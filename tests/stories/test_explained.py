"""In the morning: why was it this one and not the other? (RO-9)"""

from typing import Any

from rig import Begin

ALERT = {"title": "Deploy hangs", "source": "probe", "severity": "medium", "service_name": "web"}


async def test_who_was_asked_and_why_the_others_were_not(begin: Begin) -> None:
    """PagerDuty does not answer and Opsgenie has it: both are told with how far they came."""
    rig = await begin()
    await rig.fault("pagerduty", kind="500")
    await rig.alert(**ALERT)
    await rig.advance(seconds=4)
    await rig.quiet()
    told = await rig.call("POST", "/api/v1/explain", {"incident": "INC-1"}, want=200)
    targets: dict[str, Any] = {one["target"]: one for one in told["targets"]}

    assert list(targets) == ["prod-pagerduty", "prod-opsgenie"]
    assert targets["prod-opsgenie"]["state"] == "triggered"
    assert targets["prod-pagerduty"]["state"] == "superseded"
    assert (
        "another target has it; this one failed before: PagerDuty answered 500"
        in targets["prod-pagerduty"]["why"]
    )
