"""What does not work in the hub itself becomes an incident, and takes another way than what failed (TR-7, S28, S45)."""

from typing import Any

from rig import Begin, Rig

from .conftest import HUB

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}
WRONG = {"X-PagerDuty-Signature": "v1=" + "0" * 64, "X-Webhook-Subscription": "PSUB1"}


async def wrongly_signed(rig: Rig) -> int:
    url = f"{rig.daemon.url}/connectors/prod-pagerduty/webhook"
    async with rig.http.post(url, data=b'{"event": {}}', headers=WRONG) as answer:
        return answer.status


async def alarm(rig: Rig, title: str) -> Any:
    """The incident with that title, once there is one."""

    async def found() -> Any:
        listed = await rig.call("GET", "/api/v1/incidents?status=open,mitigated,resolved")
        return next((incident for incident in listed["items"] if incident["title"] == title), None)

    return await rig.until(found, title)


async def test_a_wrong_signature_is_one_incident_told_by_another_way(begin: Begin) -> None:
    """S45: three webhooks with a wrong signature are one incident of the hub's own; PagerDuty, of which it speaks,
    is not asked to tell of it."""
    rig = await begin()
    statuses = [await wrongly_signed(rig) for _ in range(3)]
    incident = await alarm(rig, "Webhooks of prod-pagerduty carry a wrong signature")
    await rig.quiet()

    assert [503, 503, 503] == statuses
    assert [] == await rig.pagerduty()
    assert 1 == len(await rig.opsgenie())
    assert "alarm_way" in await rig.kinds(incident["name"])


async def test_it_ends_when_the_signature_is_right_again(begin: Begin) -> None:
    """A genuine webhook clears the alarm, and its incident resolves by itself."""
    rig = await begin()
    await wrongly_signed(rig)
    incident = await alarm(rig, "Webhooks of prod-pagerduty carry a wrong signature")
    await rig.alert(**ALERT)

    async def over() -> bool:
        return bool((await rig.incident(incident["name"]))["status"] == "resolved")

    await rig.until(over, "the alarm is cleared")


async def test_what_refuses_a_page_is_told_once_however_often_it_refuses(begin: Begin) -> None:
    """S28: a 422 fails over at once and raises an alarm; the second refusal is the same alarm."""
    rig = await begin(config=HUB.replace("default: PGEN001", "default: PGONE01"))
    await rig.alert(**ALERT)
    incident = await alarm(rig, "prod-pagerduty refuses what it is asked")
    await rig.alert(**{**ALERT, "title": "Login is down again"})
    await rig.quiet()

    assert [] == await rig.pagerduty()
    listed = await rig.call("GET", "/api/v1/incidents?status=open,mitigated,resolved")
    assert 1 == sum(other["title"] == incident["title"] for other in listed["items"])
