"""The hub looks at itself, and what it finds reaches somebody whatever it is that failed (TR-7)."""

import asyncio
import math
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tocsin.engine import alarm
from tocsin.engine.tick import tick
from tocsin.engine.watch import Watch
from tocsin.store import nodes
from tocsin.store.alarms import going_on

from .bell import status
from .conftest import OpenNode
from .office import Office, create

TWO = """
defaults: {last_resort: [west]}
services: {web: {}}
routing: [{name: all, page: everybody}]
escalation_policies: {everybody: [{all: [east]}]}
integrations: {prometheus: {source: webhook, key: "${AM_KEY}", urgency: high}}
connectors:
  east: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}
  west: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}
"""
THIS, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
async def watch(office: Office) -> Watch:
    """That of the node on duty."""
    await office.configure(TWO)
    office.hub.node, office.hub.duty_until = THIS, math.inf
    return Watch(office.hub, office.wire)


async def alarms(office: Office) -> list[str]:
    found = await office.hub.database.read(going_on)
    return sorted(sounded.alarm.key for sounded in found)


async def look_twice(watch: Watch) -> None:
    await watch.look()
    await watch.look()


async def test_a_hub_at_rest_finds_nothing(office: Office, watch: Watch) -> None:
    await office.page()
    await look_twice(watch)
    assert (await alarms(office), watch.faults) == ([], [])


async def test_a_page_that_nobody_sends(office: Office, watch: Watch) -> None:
    """No courier runs: after a minute, by two looks, it is an alarm; when it is sent the alarm ends."""
    await office.say(create())
    await office.decide()
    office.clock.advance(seconds=61)
    await watch.look()
    assert await alarms(office) == [], "one look is not enough"
    await watch.look()
    assert await alarms(office) == ["outbox-stuck/east"]
    assert watch.faults == ["What goes to east is stuck"]
    await office.deliver()
    await look_twice(watch)
    assert await alarms(office) == []


async def test_an_alert_that_nobody_decides(office: Office, watch: Watch) -> None:
    await office.say(create())
    office.clock.advance(seconds=31)
    await look_twice(watch)
    assert await alarms(office) == ["undecided"]


async def test_a_breaker_open_for_long(office: Office, watch: Watch) -> None:
    """Its alarm is told by the other connector."""
    office.bell.script = [status(500)] * 5
    await office.say(*(create(f"k{n}") for n in range(5)))
    await office.decide()
    await office.deliver()
    office.clock.advance(minutes=6)
    await tick(office.hub)
    await office.deliver("west")
    await look_twice(watch)
    assert await alarms(office) == ["breaker-open/east"]
    await alarm.tell(office.hub)
    await office.decide()
    asked = await office.rows(
        "SELECT connector FROM effect JOIN incident i ON i.id = incident_id WHERE i.title LIKE 'east has not worked%'"
    )
    assert asked == [("west",)]


async def test_what_the_alarm_says_does_not_depend_on_what_failed(office: Office, watch: Watch) -> None:
    """Nothing is told, decided or sent any more; after two minutes the watch itself asks the last resort, once."""
    await office.say(create())
    await office.decide()
    office.clock.advance(seconds=61)
    await look_twice(watch)
    await alarm.tell(office.hub)
    await office.decide()
    office.clock.advance(minutes=2)
    await look_twice(watch)

    assert [key.rpartition("/")[0] for key in office.bell.rings] == [
        f"tocsin:{office.hub.installation}:alarm:outbox-stuck"
    ]
    assert await office.value("SELECT direct_to FROM alarm WHERE key = 'outbox-stuck/east'") == "west"
    assert office.bell.calls == ["create"], "once"


async def test_where_nobody_can_be_reached_it_is_tried_again(office: Office, watch: Watch) -> None:
    """The last resort answers 500: asked again at the next look, until it has it."""
    office.bell.script = [status(500)]
    await office.say(create())
    office.clock.advance(seconds=31)
    await look_twice(watch)
    office.clock.advance(minutes=3)
    await look_twice(watch)
    assert len(office.bell.rings) == 1
    assert office.bell.calls == ["create", "create"]


async def test_one_that_got_through_is_not_told_twice(office: Office, watch: Watch) -> None:
    await office.say(create())
    office.clock.advance(seconds=31)
    await look_twice(watch)
    await alarm.tell(office.hub)
    await office.decide()
    await office.deliver()
    office.clock.advance(minutes=5)
    await look_twice(watch)
    assert await office.value("SELECT count(*) FROM alarm WHERE direct_at IS NOT NULL") == 0


async def test_a_node_that_fell_silent_is_named(office: Office, watch: Watch) -> None:
    """Until it speaks again, or another of its name does."""
    database, now = office.hub.database, office.clock.at
    await database.transact(lambda c: nodes.here_i_am(c, OTHER, "all", "h2", now, name="hub2:8000"))
    office.clock.advance(seconds=31)
    await look_twice(watch)
    titles = [s.alarm.title for s in await database.read(going_on)]
    assert titles == ["The node hub2:8000 fell silent"]
    again = office.clock.at
    await database.transact(lambda c: nodes.here_i_am(c, UUID(int=3), "all", "h2", again, name="hub2:8000"))
    await look_twice(watch)
    assert await alarms(office) == []


async def test_a_node_that_said_good_bye_is_not_missed(office: Office, watch: Watch) -> None:
    database, now = office.hub.database, office.clock.at
    await database.transact(lambda c: nodes.here_i_am(c, OTHER, "all", "h2", now, name="hub2:8000"))
    await database.transact(lambda c: nodes.good_bye(c, OTHER))
    office.clock.advance(hours=1)
    await look_twice(watch)
    assert await alarms(office) == []


async def test_a_token_and_partitions_are_looked_after(office: Office, watch: Watch) -> None:
    """A month and a half later nobody made partitions, and a token nears its end."""
    made, ends = office.clock.at, office.clock.at + timedelta(days=50)
    await office.rows(
        "INSERT INTO api_token (id, name, hash, scopes, made_at, expires_at) VALUES ($1, 'cron', 'h', '{intake}', $2, $3)",
        OTHER, made, ends,
    )  # fmt: skip
    office.clock.advance(days=45)
    await look_twice(watch)
    assert await alarms(office) == ["partitions", f"token-ends/{OTHER}"]


async def test_only_one_node_watches(office: Office, watch: Watch, node: OpenNode) -> None:
    """The other looks at its own disk alone."""
    other = await node()
    theirs = Watch(other.hub, other.wire)
    await office.say(create())
    office.clock.advance(seconds=31)
    await look_twice(theirs)
    assert (await alarms(office), theirs.looked_at) == ([], None)


async def test_the_disk_of_a_node(
    office: Office, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told with the node's name, and over when there is room again."""
    office.hub.folder, office.hub.name = tmp_path, "hub1:8000"
    full = shutil_usage(total=10 * 1024**3, free=100 * 1024**2)
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: full)
    await look_twice(watch)
    assert await alarms(office) == ["disk/hub1:8000"]
    await alarm.tell(office.hub)
    monkeypatch.undo()
    await look_twice(watch)
    await alarm.tell(office.hub)
    if await alarms(office):
        pytest.skip("this machine's own disk is nearly full")


def shutil_usage(*, total: int, free: int) -> object:
    from collections import namedtuple

    return namedtuple("usage", "total used free")(total, total - free, free)


# ---- duty ------------------------------------------------------------------------------------------


async def test_the_duty_is_one_nodes(office: Office) -> None:
    """Kept by who has it, taken over when it runs out, given up at once by a node that stops."""
    database = office.hub.database

    async def take(node: UUID) -> bool:
        return await database.transact(lambda c: nodes.take_duty(c, node))

    first = await asyncio.gather(take(THIS), take(OTHER))
    assert sorted(first) == [False, True]
    has, waits = (THIS, OTHER) if first[0] else (OTHER, THIS)
    assert (await take(has), await take(waits)) == (True, False)
    await office.rows("UPDATE duty SET until = clock_timestamp() - interval '1 ms'")
    assert (await take(waits), await take(has)) == (True, False)
    await database.transact(lambda c: nodes.good_bye(c, waits))
    assert await take(has)
