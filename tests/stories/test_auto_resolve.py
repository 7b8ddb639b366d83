"""A sender that never says that it is over: its alerts end by themselves, and are believed when they come back (S14, S10)."""

from rig import KEYS, Begin, Rig

from .conftest import HUB

CONFIG = HUB.replace('key: "${WH_KEY}",', 'key: "${WH_KEY}", auto_resolve: 24h,')


async def say(rig: Rig) -> None:
    body = {"title": "Backup failed", "severity": "high", "id": "backup"}
    await rig.call("POST", f"/integrations/{KEYS['WH_KEY']}", body)
    await rig.quiet()


async def test_it_ends_after_a_day_also_across_a_restart(begin: Begin) -> None:
    """S14: since creation; the providers are told, and the timeline says why."""
    rig = await begin(config=CONFIG)
    await say(rig)
    assert (await rig.incident())["status"] == "open"
    await rig.advance(hours=23, minutes=59)
    await rig.quiet()
    assert (await rig.incident())["status"] == "open"
    await rig.daemon.stop()
    await rig.start_hub()
    await rig.advance(minutes=1)
    await rig.quiet()
    assert (await rig.incident())["status"] == "resolved"
    lines = await rig.timeline()
    assert any("auto_resolve of anything" in line["text"] for line in lines)
    assert [one["status"] for one in await rig.opsgenie()] == ["closed"]
