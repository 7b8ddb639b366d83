"""What time is it for every node, whatever its own clock says? (S49)"""

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plug import Plug
from tocsin.engine.clock import SLEW, HubClock, Seen, moved_by
from tocsin.engine.keep_time import follow
from tocsin.engine.tick import tick
from tocsin.store import anchors
from tocsin.store.database import DatabaseAway

from .conftest import OpenNode
from .office import NOON, Office, create

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class Watches:
    """A node's own clock and the steady one, in the test's hand."""

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        self.seconds, self.ahead = 100.0, ahead

    def wall(self) -> Any:
        return NOON + timedelta(seconds=self.seconds - 100) + self.ahead

    def steady(self) -> float:
        return self.seconds

    def there(self) -> Any:
        return NOON + timedelta(seconds=self.seconds - 100)


@pytest.mark.parametrize(
    ("seconds", "set_"),
    [
        pytest.param(60, False, id="a minute: corrected gently"),
        pytest.param(61, True, id="more: it was set"),
        pytest.param(-60, False, id="a minute back"),
        pytest.param(-61, True, id="more, back"),
    ],
)
def test_s49_more_than_a_minute_is_a_jump(seconds: int, set_: bool) -> None:
    """S49: against the steady clock."""
    watches = Watches()
    clock = HubClock(watches.wall, watches.steady)
    clock.observe(watches.there(), 100, 100)
    by = timedelta(seconds=seconds)

    assert clock.observe(watches.there() + by, 100, 100).jump == (by if set_ else None)


def test_s49_a_node_an_hour_ahead_has_the_databases_time_from_the_first_look() -> None:
    watches = Watches(ahead=HOUR)
    clock = HubClock(watches.wall, watches.steady)
    seen = clock.observe(watches.there(), 100, 100)
    watches.seconds += 60

    assert clock() == watches.there()
    assert (seen.skew, seen.jump) == (HOUR, None)


def test_s49_the_nodes_own_clock_is_set_and_nothing_follows() -> None:
    watches = Watches()
    clock = HubClock(watches.wall, watches.steady)
    clock.observe(watches.there(), 100, 100)
    watches.ahead, watches.seconds = -HOUR, 101.0

    assert clock() == watches.there()
    assert clock.observe(watches.there(), 101, 101) == Seen(-HOUR, None)


@pytest.mark.parametrize("off", [timedelta(seconds=1.5), timedelta(seconds=-1.5)])
def test_s49_a_small_difference_is_corrected_gently_and_time_never_runs_back(off: timedelta) -> None:
    watches = Watches()
    clock = HubClock(watches.wall, watches.steady)
    clock.observe(watches.there(), 100, 100)
    times = [clock()]
    for _ in range(40):
        watches.seconds += 1
        clock.observe(watches.there() + off, watches.seconds, watches.seconds)
        times.append(clock())

    assert times == sorted(times)
    assert max(b - a for a, b in itertools.pairwise(times)) <= timedelta(seconds=1) + SLEW
    assert times[-1] == watches.there() + off


@pytest.mark.parametrize(
    ("jump", "since_last", "expected"),
    [
        pytest.param(None, 1, None, id="nothing happened"),
        pytest.param(3600, 3601, 3600, id="set an hour ahead, and we are the first to see it"),
        pytest.param(3600, 1, None, id="set an hour ahead, another node has moved everything"),
        pytest.param(-3600, -3599, -3600, id="set back an hour"),
        pytest.param(None, -3599, -3599, id="set back while nobody was up"),
        pytest.param(None, 7200, None, id="nobody was up for two hours: downtime, S46"),
        pytest.param(900, 1, None, id="this node slept while others did not"),
    ],
)
def test_s49_one_node_moves_what_is_due(jump: int | None, since_last: int, expected: int | None) -> None:
    """S49."""
    seen = Seen(timedelta(0), None if jump is None else timedelta(seconds=jump))
    by = moved_by(seen, timedelta(seconds=since_last))
    assert by == (None if expected is None else timedelta(seconds=expected))


CONFIG = """
services: {web: {}, database: {}}
routing: [{name: all, page: everybody}]
escalation_policies: {everybody: [{all: [east]}, {after: 10m, all: [west]}]}
connectors:
  east: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}
  west: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}
"""


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_s49_a_clock_that_is_set_fires_nothing_early_and_nothing_late(
    office: Office, jump: timedelta
) -> None:
    """S49: Ten minutes until the next step stay ten minutes."""
    await office.configure(CONFIG)
    await office.page(create())
    office.clock.at += jump
    await office.hub.database.transact(lambda c: anchors.move(c, jump, office.clock()))
    asked: list[int] = []
    for minutes in (0, 9, 1):
        office.clock.advance(minutes=minutes)
        await tick(office.hub)
        asked.append(await office.value("SELECT count(*) FROM remote WHERE connector = 'west'"))

    assert asked == [0, 0, 1]


class Looks:
    """One node's looks at a database whose clock is set by `off`."""

    def __init__(self, office: Office) -> None:
        self.office, self.off = office, timedelta(0)
        self.watches = Watches()
        self.clock = HubClock(self.watches.wall, self.watches.steady)
        self.clock.observe(self.watches.there(), 100, 100)

    async def look(self, since_last: timedelta) -> None:
        seconds = self.watches.seconds
        seen = self.clock.observe(self.watches.there() + self.off, seconds, seconds)
        await follow(self.office.hub, self.clock, seen, since_last)

    async def due(self) -> timedelta:
        """How far off the next step is, by this node's time."""
        at = await self.office.value("SELECT due FROM timer WHERE kind = 'page'")
        return timedelta(seconds=(at - self.clock()).total_seconds())


async def waiting(office: Office) -> Looks:
    """A step is due in ten minutes."""
    await office.configure(CONFIG)
    await office.page(create())
    await office.value("UPDATE timer SET due = $1 RETURNING true", NOON + timedelta(minutes=10))
    return Looks(office)


@pytest.mark.parametrize("off", [HOUR, -HOUR])
async def test_s49_the_database_goes_before_what_is_due_was_moved(
    node: OpenNode, plug: Plug, off: timedelta
) -> None:
    """Never is an hour gone that did not pass: not while it is away, not at the look after."""
    looks = await waiting(await node(dsn=plug.dsn))
    looks.off = off
    await plug.pull()
    with pytest.raises(DatabaseAway):
        await looks.look(off + SECOND)
    meanwhile = looks.clock()
    await plug.plug_in()
    await looks.look(SECOND)

    assert meanwhile <= NOON, "set ahead, its time is the old one until all is moved"
    assert looks.clock() == NOON + off
    assert await looks.due() == timedelta(minutes=10)


async def test_s49_a_node_that_moves_nothing_follows_one_look_later(office: Office) -> None:
    """Set ahead, another node saw it first and is about to move what is due: for a second this one keeps the old
    time, or it would ask the next step at once."""
    looks = await waiting(office)
    looks.off = HOUR
    await looks.look(SECOND)
    before = await looks.due()
    await office.hub.database.transact(lambda c: anchors.move(c, HOUR, NOON + HOUR))
    await looks.look(SECOND)

    assert before == timedelta(minutes=10)
    assert await looks.due() == timedelta(minutes=10)


async def test_s49_a_clock_that_is_off_is_told_once_and_until_it_is_right(
    node: OpenNode, tmp_path: Path
) -> None:
    office = await node(folder=tmp_path)
    await office.configure()
    watches = Watches()
    clock = HubClock(watches.wall, watches.steady)
    for _ in range(3):
        await follow(office.hub, clock, Seen(HOUR), SECOND)
    sounded = await office.rows("SELECT key, times FROM alarm WHERE cleared_at IS NULL")
    skew = office.hub.skew
    await follow(office.hub, clock, Seen(timedelta(seconds=0.1)), SECOND)

    assert [(key.partition("/")[0], times) for key, times in sounded] == [("clock-skew", 1)]
    assert skew == HOUR
    assert office.hub.skew == timedelta(0)
    assert await office.value("SELECT count(*) FROM alarm WHERE cleared_at IS NULL") == 0


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        pytest.param(2, 0, id="two seconds"),
        pytest.param(2.1, 1, id="more"),
        pytest.param(-2.1, 1, id="more, behind"),
    ],
)
async def test_s49_more_than_two_seconds_of_skew_are_told(office: Office, seconds: float, told: int) -> None:
    """S49: a warning, since timers run by the database's clock all the same."""
    watches = Watches()
    clock = HubClock(watches.wall, watches.steady)
    await follow(office.hub, clock, Seen(timedelta(seconds=seconds)), SECOND)

    assert await office.value("SELECT count(*) FROM alarm") == told
