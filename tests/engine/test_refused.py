"""Whom the door refuses for want of room is counted and told; nobody else is told to slow down (S17)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tocsin.api import problems
from tocsin.core.alarm import Alarm
from tocsin.core.errors import Busy, Unavailable
from tocsin.core.refused import OVER_AFTER, Full, Tally, alarm_of
from tocsin.engine import admission, alarm, room
from tocsin.store import alarms, nodes
from tocsin.store.database import DatabaseAway

from .office import Office, create

GOING_ON = "SELECT key FROM alarm WHERE cleared_at IS NULL"


async def _refused(office: Office) -> None:
    with pytest.raises(Busy):
        await office.say(create("a"), create("b"))


async def _told(office: Office) -> list[tuple[str, ...]]:
    await room.look(office.hub)
    while await alarm.tell(office.hub):
        pass
    return await office.rows(GOING_ON)


async def test_s17_a_full_queue_is_an_alarm_that_names_the_sender(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S17: it is told at the next look, counts on, and is over when nobody was refused for five minutes."""
    monkeypatch.setattr(admission, "MOST_WAITING", 1)
    assert await _told(office) == []
    await _refused(office)
    assert await _told(office) == [(f"refused/{office.hub.name}",)]
    await _refused(office)
    await _told(office)
    text = await office.value("SELECT text FROM alarm")
    assert "2 requests were answered 429" in text
    assert "prometheus" in text
    monkeypatch.setattr(admission, "MOST_WAITING", 100)
    assert len(await office.say(create("c"))) == 1
    office.clock.at += OVER_AFTER
    assert await _told(office) == []


async def test_s17_a_full_disk_of_its_own_database_takes_nothing_more(office: Office, tmp_path: Path) -> None:
    """S17: what is taken already must be decided and sent, so the last room is the database's; with room again, more is
    taken at once."""
    office.hub.folder, office.hub.own_database = tmp_path, True
    await room.look(office.hub, least_room=1 << 60)
    with pytest.raises(Busy, match="disk is full"):
        await office.say(create("a"))
    assert await office.value("SELECT count(*) FROM alert") == 0
    await room.look(office.hub, least_room=0)
    assert office.hub.refused.tally is None
    assert "its disk is full" in await office.value("SELECT title FROM alarm")
    assert len(await office.say(create("a"))) == 1


async def test_s17_what_a_node_said_that_is_gone_is_ended_by_the_one_on_duty(office: Office) -> None:
    """S17: while it is up it ends its own alarm, or is refusing still; gone for good it can do neither."""
    gone, up = "gone:8000", "up:8000"

    async def spoke(connection: Any) -> None:
        now = office.clock.at
        for name in (gone, up):
            tally = Tally(since=now, by_sender={"prometheus": 1}, full=Full.QUEUE)
            await alarms.sound(connection, [alarm_of(name, tally)], now)
        east = Alarm(key="refused/east", title="east refuses", text="it does", connector="east")
        await alarms.sound(connection, [east], now)

    async def heard_of(connection: Any, name: str) -> None:
        await nodes.here_i_am(connection, uuid4(), "all", "host", office.clock.at, name=name)

    await office.hub.database.transact(spoke)
    every = [f"refused/{name}" for name in ("east", gone, up)]
    assert sorted(key for (key,) in await _told(office)) == every
    office.clock.at += OVER_AFTER
    await office.hub.database.transact(lambda c: heard_of(c, up))
    assert sorted(key for (key,) in await _told(office)) == every, "this node is not on duty"
    office.hub.duty_until = asyncio.get_running_loop().time() + 60
    assert sorted(key for (key,) in await _told(office)) == ["refused/east", f"refused/{up}"]


async def test_s17_the_disk_of_another_machines_database_is_not_ours_to_judge(
    office: Office, tmp_path: Path
) -> None:
    """S17: with a database elsewhere the data folder may be full, and alerts are taken all the same."""
    office.hub.folder = tmp_path
    await room.look(office.hub, least_room=1 << 60)
    assert len(await office.say(create("a"))) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param(Busy("full", retry_after_seconds=5), 429, id="queue or disk full"),
        pytest.param(
            Unavailable("stopping", retry_after_seconds=5), 503, id="it stops, or cannot take it now"
        ),
        pytest.param(DatabaseAway("gone"), 503, id="the database is away"),
    ],
)
def test_s17_only_what_is_full_is_429(fault: Busy | Unavailable | DatabaseAway, status: int) -> None:
    """S17: each says when to come again."""
    found, headers, _ = problems.raw(fault)
    assert (found, dict(headers)[b"retry-after"]) == (status, b"5")
