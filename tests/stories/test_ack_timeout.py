"""Somebody acknowledged and then did nothing: they are warned, then it is open and paged again (S25)."""

from datetime import UTC, datetime

from rig import Begin

BY_DAY = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
CHECKOUT = {"title": "Checkout is down", "source": "probe", "severity": "critical", "service_name": "web"}


async def test_s25_an_acknowledgement_ends_unless_its_holder_acts(begin: Begin) -> None:
    """S25: Ed has it at PagerDuty. After 55 minutes every side is told, a note of his starts it over; an hour after that
    it is open and PagerDuty rings him again."""
    rig = await begin(at=BY_DAY)
    await rig.alert(**CHECKOUT)
    await rig.quiet()
    page = await rig.taken_at_pagerduty("ed@example.com")
    await rig.advance(minutes=55)

    async def warned() -> bool:
        notes = (await rig.pagerduty())[0]["notes"]
        return "ack_ends_soon" in await rig.kinds() and any("ends at 08:00:00" in n["content"] for n in notes)

    await rig.until(warned, "the holder is warned here and there")
    await rig.control(
        "POST", f"/pagerduty/incidents/{page}/note", {"user": "ed@example.com", "content": "on it"}
    )

    async def kept() -> bool:
        return "ack_lasts" in await rig.kinds()

    await rig.until(kept, "his note starts it over")
    await rig.advance(minutes=10)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    await rig.advance(minutes=50)

    async def again() -> bool:
        now = await rig.incident()
        there = (await rig.pagerduty())[0]
        return now["status"] == "open" and there["status"] == "triggered" and there["notification_count"] == 2

    await rig.until(again, "it is open and rings again")
    assert len(await rig.pagerduty()) == 1, "in place"
