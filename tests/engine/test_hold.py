"""Is this database the one we knew, or an older copy? (S48) And what waits after downtime? (S46)"""

from datetime import timedelta
from pathlib import Path

import pytest

from tocsin.core.errors import Conflict
from tocsin.core.hold import Gate, Hold, gate
from tocsin.core.severity import Severity
from tocsin.engine import hold
from tocsin.engine.hold import OLDER, UNKNOWN, Watch
from tocsin.engine.tick import tick
from tocsin.store import marks

from .conftest import OpenNode
from .office import NOON, Office, create

CRITICAL = Severity.CRITICAL.rank
HELD = Hold(since=NOON, until=NOON + timedelta(minutes=2), reason="older")


@pytest.mark.parametrize(
    ("held", "barrier", "seconds", "expected"),
    [
        pytest.param(None, None, 0, Gate(), id="an ordinary night"),
        pytest.param(HELD, None, 119, Gate(CRITICAL, NOON), id="S48: held, but for what is new and critical"),
        pytest.param(HELD, None, 120, Gate(), id="S48: two minutes are over"),
        pytest.param(None, 10, 9, Gate(CRITICAL), id="S46: below critical waits for the backlog"),
        pytest.param(None, 10, 10, Gate(), id="S46: ten seconds at most"),
    ],
)
def test_the_gate(held: Hold | None, barrier: int | None, seconds: int, expected: Gate) -> None:
    """S46, S48: after downtime ten seconds at most and critical none; held, two minutes."""
    until = None if barrier is None else NOON + timedelta(seconds=barrier)
    assert gate(held, until, NOON + timedelta(seconds=seconds)) == expected


async def look(office: Office) -> None:
    await Watch(office.hub).look(await marks.beat(office.hub.database))


@pytest.fixture
async def folder_node(node: OpenNode, tmp_path: Path) -> Office:
    office = await node(folder=tmp_path)
    await office.configure()
    return office


async def change(office: Office, sql: str) -> None:
    await office.hub.database.transact(lambda c: c.execute(sql))


@pytest.mark.parametrize(
    ("sql", "forget", "reason"),
    [
        pytest.param("UPDATE mark SET number = number + 5", False, "", id="another node looked in meanwhile"),
        pytest.param("UPDATE mark SET number = 2", False, OLDER, id="it has less than was remembered"),
        pytest.param("UPDATE mark SET number = number - 1", False, OLDER, id="it has lost the last moment"),
        pytest.param("UPDATE mark SET at = now() - interval '2 h'", True, UNKNOWN, id="nothing remembered, long unused"),
        pytest.param("UPDATE mark SET at = now() - interval '1 min'", True, "", id="a new node beside living ones"),
        pytest.param("UPDATE mark SET at = now() - interval '9 h'", False, "", id="nobody was up for a night"),
    ],
)  # fmt: skip
async def test_s48_an_older_copy_is_known_by_what_is_remembered(
    folder_node: Office, tmp_path: Path, sql: str, forget: bool, reason: str
) -> None:
    """S48."""
    for _ in range(5):
        await look(folder_node)
    await change(folder_node, sql)
    if forget:
        (tmp_path / "mark.json").unlink()
    await look(folder_node)

    assert (folder_node.hub.hold.reason if folder_node.hub.hold else "") == reason


async def test_s48_every_node_holds_and_every_node_is_let_go(folder_node: Office, node: OpenNode) -> None:
    other = await node()
    await look(folder_node)
    await change(folder_node, "UPDATE mark SET number = 0")
    await look(folder_node)
    await look(other)
    held = other.hub.hold
    await hold.resume(other.hub, "Ada")
    await look(folder_node)

    assert held is not None
    assert folder_node.hub.hold is None
    with pytest.raises(Conflict):
        await hold.resume(other.hub, "Ada")


async def test_s48_what_waited_is_held_listed_and_looked_for_before_it_is_sent(folder_node: Office) -> None:
    await folder_node.say(create("old", severity=Severity.CRITICAL))
    await folder_node.decide()
    await change(
        folder_node, "INSERT INTO timer (kind, incident_id, due) SELECT 'page', id, opened_at FROM incident"
    )
    await look(folder_node)
    await change(folder_node, "UPDATE mark SET number = 0")
    folder_node.clock.advance(seconds=1)
    await look(folder_node)
    held = folder_node.hub.hold
    assert held is not None
    waiting = await hold.would_page(folder_node.hub, held)
    claimed = await folder_node.deliver()
    await tick(folder_node.hub)
    unsure = await folder_node.value("SELECT bool_and(ambiguous) FROM effect")
    timers = await folder_node.value("SELECT count(*) FROM timer")
    folder_node.clock.advance(minutes=2)
    await look(folder_node)
    after = await folder_node.deliver()

    assert {(w.incident, w.connector) for w in waiting} >= {("INC-1", "east")}
    assert claimed.jobs == []
    assert unsure
    assert timers == 1
    assert [job.effect.look_first for job in after.jobs] == [True]


async def test_s48_alerts_from_before_are_not_decided_in_the_hold(folder_node: Office) -> None:
    await folder_node.say(create("old"))
    await look(folder_node)
    await change(folder_node, "UPDATE mark SET number = 0")
    folder_node.clock.advance(seconds=1)
    await look(folder_node)
    await folder_node.say(create("new"))

    assert await folder_node.decide() == 1
    assert await folder_node.rows("SELECT title FROM incident") == [("new is down",)]


@pytest.mark.parametrize(
    ("minutes", "backlog", "waits"),
    [
        pytest.param(2, True, True, id="down for minutes, and something was left"),
        pytest.param(2, False, False, id="down for minutes, nothing was left"),
        pytest.param(0, True, False, id="a quick restart"),
    ],
)
async def test_s46_a_start_with_a_backlog_waits_for_it(
    folder_node: Office, minutes: int, backlog: bool, waits: bool
) -> None:
    """S46: ten seconds at most."""
    if backlog:
        await folder_node.say(create("left"))
    await look(folder_node)
    await change(folder_node, f"UPDATE mark SET at = now() - interval '{minutes} min'")
    folder_node.clock.advance(seconds=1)
    await look(folder_node)

    until = folder_node.clock() + timedelta(seconds=10)
    assert folder_node.hub.barrier_until == (until if waits else None)
