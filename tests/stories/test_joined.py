"""One incident takes several alerts; its holder is asked again for them, at most once in five minutes (S21)."""

from rig import Begin, Rig

from .conftest import HUB

GROUPED = (
    HUB
    + """
grouping:
  - {name: one cluster one incident, by: alert.labels.cluster, within: 30m, at_most: 2h}
"""
)


async def burns(rig: Rig, disk: str, severity: str = "high") -> None:
    await rig.alert(
        title=f"Disk {disk} fails", source="probe", severity=severity, service_name="user-auth",
        dedup_key=disk, labels={"cluster": "eu-1"},
    )  # fmt: skip
    await rig.quiet()


async def acknowledge(rig: Rig) -> None:
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()


async def rung(rig: Rig) -> int:
    """How often people were rung by PagerDuty, all incidents there together."""
    return sum(page["notification_count"] for page in await rig.pagerduty())


async def asked_again_by_the_second(begin: Begin) -> Rig:
    """Acknowledged, asked again at 12:10 by a second disk, acknowledged again, a third disk at 12:11."""
    rig = await begin(config=GROUPED)
    await burns(rig, "a")
    await acknowledge(rig)
    await rig.advance(minutes=10)
    await burns(rig, "b")
    assert "open" == (await rig.incident())["status"]
    assert 2 == await rung(rig), "the second disk asks the holder again, at once"
    await acknowledge(rig)
    await rig.advance(minutes=1)
    await burns(rig, "c")
    assert "mitigated" == (await rig.incident())["status"]
    assert 2 == await rung(rig), "asked a minute ago"
    return rig


async def test_what_joins_within_five_minutes_is_one_asking(begin: Begin) -> None:
    """S21: two more join within five minutes: told at once, and asked about together when those are over."""
    rig = await asked_again_by_the_second(begin)
    await burns(rig, "d")
    told = [line["text"] for line in await rig.timeline() if line["kind"] == "asked_later"]
    assert 2 == len(told)
    assert "asked at 12:10:00 UTC, and will be at 12:15:00 UTC" in told[0]
    await rig.advance(minutes=4)

    async def asked() -> bool:
        return await rung(rig) == 3

    await rig.until(asked, "the holder is asked about both")
    await rig.quiet()
    assert "open" == (await rig.incident())["status"]
    (line,) = [line["text"] for line in await rig.timeline() if line["reason"] == "joined"]
    assert "Disk c fails, Disk d fails" in line
    await acknowledge(rig)
    await rig.advance(minutes=5)
    await burns(rig, "e")
    assert 4 == await rung(rig), "five minutes after the last asking the next is at once"


async def test_whoever_acknowledges_again_knows_what_joined(begin: Begin) -> None:
    """S21: the holder looks meanwhile and acknowledges again: nobody is asked when the five minutes are over."""
    rig = await asked_again_by_the_second(begin)
    await acknowledge(rig)
    await rig.advance(minutes=6)
    await rig.quiet()
    assert "mitigated" == (await rig.incident())["status"]
    assert 2 == await rung(rig)


async def test_what_is_over_by_then_asks_nobody(begin: Begin) -> None:
    """S21: the third disk heals before the five minutes are over."""
    rig = await asked_again_by_the_second(begin)
    (third,) = [a for a in (await rig.call("GET", "/api/v1/alerts"))["items"] if a["dedup_key"] == "c"]
    assert "acknowledged" == third["status"]
    assert "" == (third.get("muted_by") or ""), "it is not muted"
    await rig.alert(
        title="Disk c fails", source="probe", service_name="user-auth", dedup_key="c", action="resolve",
        labels={"cluster": "eu-1"},
    )  # fmt: skip
    await rig.advance(minutes=6)
    await rig.quiet()
    assert "mitigated" == (await rig.incident())["status"]
    assert 2 == await rung(rig)


async def test_a_restart_forgets_no_asking(begin: Begin) -> None:
    """S21: the hub is stopped before the five minutes are over and started after them."""
    rig = await asked_again_by_the_second(begin)
    await rig.daemon.stop()
    await rig.advance_without_hub(minutes=6)
    await rig.start_hub()

    async def asked() -> bool:
        return await rung(rig) == 3

    await rig.until(asked, "the holder is asked about what joined before")
    await rig.quiet()
    assert "open" == (await rig.incident())["status"]
