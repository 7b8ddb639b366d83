"""One incident takes several alerts; its holder is asked again for them, at most once in five minutes (S21)."""

from datetime import timedelta

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
    assert (await rig.incident())["status"] == "open"
    assert await rung(rig) == 2, "the second disk asks the holder again, at once"
    await acknowledge(rig)
    await rig.advance(minutes=1)
    await burns(rig, "c")
    assert (await rig.incident())["status"] == "mitigated"
    assert await rung(rig) == 2, "asked a minute ago"
    return rig


async def test_what_joins_within_five_minutes_is_one_asking(begin: Begin) -> None:
    """S21: two more join within five minutes: told at once, and asked about together when those are over."""
    rig = await asked_again_by_the_second(begin)
    await burns(rig, "d")
    told = [line["text"] for line in await rig.timeline() if line["kind"] == "asked_later"]
    assert len(told) == 2
    assert "asked at 12:10:00 UTC, and will be at 12:15:00 UTC" in told[0]
    shown = await rig.incident()
    assert (shown["asks_again_at"], shown["joined_meanwhile"]) == (
        "2026-11-16T12:15:00Z",
        ["Disk c fails", "Disk d fails"],
    )
    await rig.advance(minutes=4)

    async def asked() -> bool:
        return await rung(rig) == 3

    await rig.until(asked, "the holder is asked about both")
    await rig.quiet()
    assert (await rig.incident())["status"] == "open"
    (line,) = [line["text"] for line in await rig.timeline() if line["reason"] == "joined"]
    assert "Disk c fails, Disk d fails" in line
    shown = await rig.incident()
    assert (shown["asks_again_at"], shown["joined_meanwhile"]) == (None, [])
    await acknowledge(rig)
    await rig.advance(minutes=5)
    await burns(rig, "e")
    assert await rung(rig) == 4, "five minutes after the last asking the next is at once"


async def test_whoever_acknowledges_again_knows_what_joined(begin: Begin) -> None:
    """S21: the holder looks meanwhile and acknowledges again: nobody is asked when the five minutes are over."""
    rig = await asked_again_by_the_second(begin)
    await acknowledge(rig)
    await rig.advance(minutes=6)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    assert await rung(rig) == 2


async def test_what_is_over_by_then_asks_nobody(begin: Begin) -> None:
    """S21: the third disk heals before the five minutes are over."""
    rig = await asked_again_by_the_second(begin)
    (third,) = [a for a in (await rig.call("GET", "/api/v1/alerts"))["items"] if a["dedup_key"] == "c"]
    assert third["status"] == "acknowledged"
    assert (third.get("muted_by") or "") == "", "it is not muted"
    await rig.alert(
        title="Disk c fails", source="probe", service_name="user-auth", dedup_key="c", action="resolve",
        labels={"cluster": "eu-1"},
    )  # fmt: skip
    await rig.advance(minutes=6)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    assert await rung(rig) == 2


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
    assert (await rig.incident())["status"] == "open"


async def silence(rig: Rig, minutes: int) -> None:
    ends = (rig.clock.at + timedelta(minutes=minutes)).isoformat()
    body = {"match": {"service": "user-auth"}, "ends_at": ends, "owner": "ada", "comment": "new disks"}
    await rig.call("POST", "/api/v1/silences", body, want=201)


async def silenced_meanwhile(begin: Begin) -> Rig:
    """The five minutes are over under a silence of ten, and the timeline says why nobody is asked."""
    rig = await asked_again_by_the_second(begin)
    await silence(rig, minutes=10)
    await rig.advance(minutes=5)

    async def told() -> bool:
        return any(line["kind"] == "page_muted" for line in await rig.timeline())

    await rig.until(told, "the timeline says that the silence keeps the holder from being asked")
    await rig.quiet()
    return rig


async def test_silenced_meanwhile_it_is_asked_about_when_the_silence_is_over(begin: Begin) -> None:
    """S21, S7: a silence made before the five minutes are over is kept, said, and hides nothing for good."""
    rig = await silenced_meanwhile(begin)
    assert (await rig.incident())["status"] == "mitigated"
    assert await rung(rig) == 2
    await rig.advance(minutes=6)

    async def asked() -> bool:
        return await rung(rig) == 3

    await rig.until(asked, "the silence is over and the third disk still fires")
    await rig.quiet()
    assert (await rig.incident())["status"] == "open"
    assert len([line for line in await rig.timeline() if line["kind"] == "page_muted"]) == 1


async def test_whoever_acknowledges_under_the_silence_knows_what_joined(begin: Begin) -> None:
    """S21, S7: nothing is owed at the end of the silence when the holder acknowledged again under it."""
    rig = await silenced_meanwhile(begin)
    await rig.advance(minutes=1)
    await acknowledge(rig)
    await rig.advance(minutes=5)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    assert await rung(rig) == 2
