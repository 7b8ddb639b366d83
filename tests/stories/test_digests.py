"""The quiet ones: collected, told once a period, promoted when they are not so quiet after all (S23)."""

import re

import pytest

from rig import Begin, Rig

from .conftest import HUB

QUIET = '  - {name: the quiet ones, when: "!urgent", digest: {to: [ops-mail], every: 1h, promote: {count: 5, age: 24h}}}\n'
DEV = (
    "  - {name: development is quiet, when: 'alert.labels.env == \"dev\"', suppress: {promote: {age: 24h}}}\n"
)
CONFIG = HUB.replace(
    "  - {name: default, page: standard}", DEV + QUIET + "  - {name: default, page: standard}"
)
LOW = {"source": "probe", "severity": "low", "service_name": "web"}


async def digests(rig: Rig) -> list[dict[str, str]]:
    return [mail for mail in await rig.mails() if "Digest" in mail["subject"]]


async def test_a_period_is_one_mail(begin: Begin) -> None:
    """S23: two alerts and a repeat are one mail at the hour, naming whom they would have paged; nobody is paged, and
    the next hour, in which nothing came, has none."""
    rig = await begin(config=CONFIG)
    for title in ("Cache is cold", "Cache is cold", "Queue grows"):
        answer = await rig.alert(**LOW, title=title)
        assert (answer["status"], answer["incident"]) == ("dropped", None)
    await rig.advance(minutes=59)
    await rig.quiet()
    assert await digests(rig) == [], "not a minute early"
    await rig.advance(minutes=1)
    await rig.quiet()
    (mail,) = await digests(rig)
    assert mail["subject"] == "Digest “the quiet ones”: 2 alerts of 1 service, the worst low"
    assert re.search(
        r"^web +low +2 +3 +12:00:00 +12:00:00 +prod-pagerduty, prod-opsgenie, ops-mail$",
        mail["text"],
        re.MULTILINE,
    )
    await rig.advance(hours=1)
    await rig.quiet()
    assert len(await digests(rig)) == 1, "an empty period sends nothing"
    assert (await rig.pagerduty(), await rig.opsgenie()) == ([], [])


async def test_it_gets_worse_and_is_paged(begin: Begin) -> None:
    """S6, S23: a rise to what the rule does not take, or takes still, is paged at once."""
    rig = await begin(config=CONFIG)
    await rig.alert(**LOW, title="Cache is cold", dedup_key="cache")
    await rig.alert(**{**LOW, "severity": "medium"}, title="Cache is cold", dedup_key="cache")
    await rig.quiet()
    (line,) = [line for line in await rig.timeline() if line["kind"] == "promoted"]
    assert "low -> medium" in line["text"]
    assert len(await rig.pagerduty()) == 1


async def test_so_many_repeats_are_an_incident(begin: Begin) -> None:
    """S23: `promote.count`; identical repeats of a dropped alert are decided one by one (ADR 0006)."""
    rig = await begin(config=CONFIG)
    for _ in range(5):
        await rig.alert(**LOW, title="Cache is cold")
    assert await rig.pagerduty() == []
    await rig.alert(**LOW, title="Cache is cold")
    await rig.quiet()
    assert "promoted" in await rig.kinds()
    assert len(await rig.pagerduty()) == 1


@pytest.mark.parametrize("labels", [{}, {"env": "dev"}], ids=["in a digest", "suppressed"])
async def test_what_goes_on_for_a_day_is_an_incident(begin: Begin, labels: dict[str, str]) -> None:
    """S23: `promote.age`, without another word of the sender."""
    rig = await begin(config=CONFIG)
    await rig.alert(**LOW, title="Cache is cold", labels=labels)
    await rig.advance(hours=23, minutes=59)
    await rig.quiet()
    assert await rig.pagerduty() == []
    await rig.advance(minutes=1)
    await rig.quiet()
    (line,) = [line for line in await rig.timeline() if line["kind"] == "promoted"]
    assert line["reason"] == "age"
    assert len(await rig.pagerduty()) == 1


async def test_a_digest_that_cannot_be_delivered_twice_takes_the_default_route(begin: Begin) -> None:
    """S23: the mail server is broken; after the second try the digest is paged by the default route, once, and what is
    delivered later ends that."""
    rig = await begin(config=CONFIG)
    await rig.alert(**LOW, title="Cache is cold")
    await rig.fault("smtp", "refused")
    await rig.advance(hours=1)
    await rig.quiet()
    assert await rig.pagerduty() == [], "one failure is none yet"
    await rig.advance(minutes=1)
    await rig.until(rig.pagerduty, "the default route is asked")
    incident = await rig.incident()
    assert incident["title"].startswith("Not delivered: Digest “the quiet ones”")
    assert "Cache is cold" in incident["description"]
    await rig.quiet()
    assert len(await rig.pagerduty()) == 1

    await rig.heal()
    await rig.alert(**LOW, title="Queue grows")
    await rig.advance(hours=1)
    await rig.until(lambda: digests(rig), "the next one is delivered")

    async def over() -> bool:
        return bool((await rig.incident())["status"] == "resolved")

    await rig.until(over, "the alarm is over")


async def test_a_restart_sends_it_once(begin: Begin) -> None:
    """What was collected is rows: a hub that stops before the hour tells it after, and not twice."""
    rig = await begin(config=CONFIG)
    await rig.alert(**LOW, title="Cache is cold")
    await rig.daemon.stop()
    rig.clock.at = rig.clock.at.replace(hour=13)
    await rig.start_hub()
    await rig.until(lambda: digests(rig), "the digest")
    await rig.quiet()
    assert len(await digests(rig)) == 1


async def test_it_is_seen_and_sent_by_hand(begin: Begin) -> None:
    """S23: what is collected is listed with its text, and leaves when somebody wants it now."""
    rig = await begin(config=CONFIG)
    assert (await rig.call("GET", "/api/v1/digests", want=200))["items"] == []
    await rig.alert(**LOW, title="Cache is cold")
    (now,) = (await rig.call("GET", "/api/v1/digests", want=200))["items"]
    assert (now["state"], now["alerts"], now["to"]) == ("collecting", 1, ["ops-mail"])
    assert "Cache is cold" in now["text"]
    sent = await rig.call("POST", "/api/v1/digests/the quiet ones/send", {}, want=200)
    assert sent["alerts"] == 1
    await rig.quiet()
    assert len(await digests(rig)) == 1
    (past,) = (await rig.call("GET", "/api/v1/digests?name=the quiet ones", want=200))["items"]
    assert (past["state"], past["delivered"]) == ("sent", {"ops-mail": "done"})
    again = await rig.call("POST", "/api/v1/digests/the quiet ones/send", {}, want=200)
    assert again["alerts"] == 0, "an empty one sends nothing"
    problem = await rig.call("POST", "/api/v1/digests/no such/send", {}, want=404)
    assert "im digest list" in str(problem)


async def test_what_a_rule_suppressed_is_told_for_its_review(begin: Begin) -> None:
    """S23: two alerts and a repeat are suppressed; at the end of the review's period one mail tells them and asks whether
    the rule is still right. Nobody is paged, and the rule goes on."""
    config = CONFIG.replace("suppress: {promote: {age: 24h}}", "suppress: {review: 1h}")
    rig = await begin(config=config)
    for title in ("Cache is cold", "Cache is cold", "Queue grows"):
        answer = await rig.alert(**LOW, title=title, labels={"env": "dev"})
        assert (answer["status"], answer["incident"]) == ("dropped", None)
    assert any("told for its review" in reason for reason in answer["reasons"])
    (now,) = (await rig.call("GET", "/api/v1/digests", want=200))["items"]
    assert (now["name"], now["review"], now["alerts"]) == ("development is quiet", True, 2)
    await rig.advance(minutes=59)
    await rig.quiet()
    assert await rig.mails() == [], "not a minute early"
    await rig.advance(minutes=1)
    await rig.quiet()
    (mail,) = await rig.mails()
    assert mail["subject"] == "Review of “development is quiet”: 2 alerts of 1 service, the worst low"
    assert "is that still right?" in mail["text"]
    assert "prod-pagerduty" in mail["text"], "whom it would have paged"
    answer = await rig.alert(**LOW, title="Disk is slow", labels={"env": "dev"})
    assert answer["status"] == "dropped"
    assert (await rig.pagerduty(), await rig.opsgenie()) == ([], [])
