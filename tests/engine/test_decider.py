"""Deciding in batches: one rule, one alert or one group never spoils the others'."""

import asyncio

from tocsin.core.dedup import Reading
from tocsin.core.severity import Severity
from tocsin.engine.decider import decide_some

from .conftest import OpenNode
from .office import CONFIG, Office, create, resolve

RAISES = CONFIG.replace(
    "routing: [{name: all, page: everybody}]",
    """
routing:
  - {name: divides by nothing, when: "1 / int(alert.labels.zero) == 1", page: everybody}
  - {name: all, page: everybody}
classification:
  - {name: raises too, when: "int(alert.labels.zero) > 0", set: {severity: critical}}
  - {name: holds, when: 'alert.labels.zero == "0"', set: {severity: low}}
""",
)
GROUPS = CONFIG + "grouping: [{name: one cluster, by: alert.labels.cluster, within: 10m, at_most: 1h}]\n"


async def test_a_rule_that_raises_stops_nobody(office: Office) -> None:
    """It counts as not met and is told; the rules after it hold, the alert is paged."""
    await office.configure(RAISES)
    await office.say(create("a", labels={"zero": "0"}), create("b", labels={"zero": "no number"}))

    assert await office.decide() == 2
    assert await office.rows("SELECT rule, severity FROM incident ORDER BY number") == [
        ("all", "low"), ("all", "high"),
    ]  # fmt: skip
    told = str(await office.rows("SELECT text FROM timeline"))
    assert "divides by nothing" in told
    assert "raises too" in told


async def test_a_batch_with_several_of_one_group_makes_one_incident(office: Office) -> None:
    """Decided together they find each other; another group and another batch too."""
    await office.configure(GROUPS)
    await office.say(*(create(f"k{n}", labels={"cluster": "east" if n % 3 else "west"}) for n in range(9)))
    await office.decide()
    office.clock.advance(minutes=1)
    await office.say(create("late", labels={"cluster": "east"}))
    await office.decide()

    found = await office.rows("SELECT incident_id, count(*) FROM alert GROUP BY 1 ORDER BY 2")
    assert [count for _, count in found] == [3, 7]
    assert await office.value("SELECT count(*) FROM effect WHERE kind = 'create'") == 2


async def test_two_nodes_at_once_make_one_incident_of_a_group(office: Office, node: OpenNode) -> None:
    """Each decides its share of the same group at the same moment."""
    await office.configure(GROUPS)
    other = await node()
    await office.say(*(create(f"k{n}", labels={"cluster": "east"}) for n in range(150)))
    for _ in range(10):
        if not sum(await asyncio.gather(decide_some(office.hub), decide_some(other.hub))):
            break

    assert await office.value("SELECT count(*) FROM alert WHERE incident_id IS NULL") == 0
    assert await office.value("SELECT count(*) FROM incident WHERE status = 'open'") == 1


async def test_an_alert_nobody_can_decide_holds_up_nobody(office: Office) -> None:
    """A row that breaks the decision (made unreadable by hand here): the others pass, whatever their age."""
    await office.say(create("broken"))
    office.clock.advance(seconds=1)
    await office.say(create("a"), create("b"))
    await office.hub.database.read(
        lambda c: c.execute("UPDATE alert SET decided_event = -1 WHERE dedup_key = 'broken'")
    )
    await office.hub.database.read(
        lambda c: c.execute("UPDATE event SET body = '{\"action\": \"no such\"}' WHERE dedup_key = 'broken'")
    )
    for _ in range(3):
        await decide_some(office.hub)

    rows = dict(await office.rows("SELECT dedup_key, incident_id IS NOT NULL FROM alert"))
    assert rows["a"]
    assert rows["b"]


async def test_nothing_to_decide_is_nothing(office: Office) -> None:
    """Zero, and an incident number is not wasted."""
    assert await decide_some(office.hub) == 0
    await office.say(create())
    assert await decide_some(office.hub) == 1
    assert await decide_some(office.hub) == 0
    assert await office.rows("SELECT number FROM incident") == [(1,)]


async def test_an_alert_that_came_and_went_before_its_decision(office: Office) -> None:
    """Created, worse, resolved before anybody decided: told in order, no page left waiting."""
    await office.say(create(severity=Severity.LOW), create(severity=Severity.CRITICAL), resolve())
    await office.decide()
    await office.deliver()

    assert office.bell.calls == []
    assert await office.rows("SELECT status, undecided_since FROM alert") == [("resolved", None)]
    (again,) = await office.say(create())
    assert again.reading is Reading.NEW
