"""A flood of new keys against the database: one storm incident, nothing lost, bounded calls (S17, IN-16)."""

import asyncio

from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.core.severity import Severity
from tocsin.engine import storm
from tocsin.engine.decider import decide_some
from tocsin.engine.respond import respond

from .conftest import OpenNode
from .office import CONFIG, Office, create, resolve

ADA = Actor(ActorKind.PERSON, "Ada", "cli")
LIMITED = CONFIG.replace("urgency: high}", "urgency: high, rate_limit: {per_minute: 60, burst: 5}}")
STORM = "SELECT status, severity, number FROM incident WHERE title LIKE 'Alert storm%'"


async def flood(office: Office, keys: int, **more: object) -> None:
    await office.say(*(create(f"k{n}", **more) for n in range(keys)))
    await office.decide()


async def test_new_keys_past_the_limit_are_one_incident(office: Office) -> None:
    """S17: answered, stored, each with its own key and status; five incidents and the storm."""
    await office.configure(LIMITED)
    await flood(office, 300)
    assert await office.value("SELECT count(*) FROM incident") == 6
    assert (
        await office.value("SELECT count(*) FROM alert WHERE status = 'open' AND incident_id IS NOT NULL")
        == 300
    )
    assert await office.rows(STORM) == [("open", "high", 6)]
    while (await office.deliver()).jobs:
        pass
    assert len(office.bell.rings) == 6
    lines = "SELECT t.kind, count(*) FROM timeline t JOIN incident i ON i.id = t.incident_id WHERE i.number = 6 GROUP BY 1"
    told = dict(await office.rows(lines))
    assert sum(told.values()) < 30, f"its timeline is filled by what it took: {told}"


async def test_a_critical_one_in_a_storm_is_paged(office: Office) -> None:
    """S17: nothing critical is silent."""
    await office.configure(LIMITED)
    await flood(office, 50)
    await office.say(create("worst", severity=Severity.CRITICAL))
    await office.decide()
    assert (await office.rows(STORM))[0][:2] == ("open", "critical")
    assert await office.value("SELECT count(*) FROM timeline WHERE kind = 'severity_rose'") == 1


async def test_repeats_are_free(office: Office) -> None:
    """What counts is new keys."""
    await office.configure(LIMITED)
    for _ in range(40):
        await office.say(create("k", details={"n": str(_)}))
        await office.decide()
    assert await office.rows(STORM) == []


async def test_zero_switches_it_off(office: Office) -> None:
    """`per_minute: 0`: every key has its own incident."""
    await office.configure(LIMITED.replace("per_minute: 60, burst: 5", "per_minute: 0"))
    await flood(office, 40)
    assert await office.value("SELECT count(*) FROM incident") == 40
    assert await office.value("SELECT count(*) FROM storm") == 0


async def test_the_hubs_own_alarms_are_never_in_a_storm(office: Office) -> None:
    await office.configure(
        CONFIG.replace("services:", "defaults: {rate_limit: {per_minute: 1, burst: 1}}\nservices:")
    )
    await flood(office, 3)
    assert [status for status, *_ in await office.rows(STORM)] == ["open"]
    assert await office.value("SELECT count(*) FROM storm WHERE integration = 'tocsin'") == 0


async def test_after_it_what_still_fires_high_gets_its_own_incident_once(office: Office) -> None:
    """S17: two at most here (half a burst); the others stay in the storm, which ends with its last."""
    await office.configure(LIMITED)
    await flood(office, 12)
    inside = "SELECT dedup_key FROM alert a JOIN incident i ON i.id = a.incident_id WHERE i.number = 6 AND a.status = 'open'"
    taken = [key for (key,) in await office.rows(inside)]
    assert len(taken) == 7
    await office.say(*(resolve(key) for key in taken[:3]))
    await office.decide()
    assert await storm.end_quiet(office.hub) == 0, "not quiet yet"
    office.clock.advance(seconds=5)
    assert await storm.end_quiet(office.hub) == 1
    await office.decide()
    assert await office.value("SELECT count(*) FROM incident WHERE number > 6 AND status = 'open'") == 2
    assert await office.decide() == 0
    left = [key for (key,) in await office.rows(inside)]
    assert len(left) == 2
    await office.say(*(resolve(key) for key in left))
    await office.decide()
    assert (await office.rows(STORM))[0][0] == "resolved"


async def test_after_it_nothing_leaves_a_storm_that_somebody_has(office: Office) -> None:
    await office.configure(LIMITED)
    await flood(office, 12)
    await respond(office.hub, "INC-6", Act.ACKNOWLEDGE, ADA)
    office.clock.advance(seconds=5)
    assert await storm.end_quiet(office.hub) == 1
    assert await office.decide() == 0
    assert await office.value("SELECT count(*) FROM incident") == 6


async def test_two_nodes_share_one_bucket(office: Office, node: OpenNode) -> None:
    """However many nodes decide, the limit is the integration's."""
    await office.configure(LIMITED)
    other = await node()
    await office.say(*(create(f"k{n}") for n in range(120)))
    while sum(await asyncio.gather(*(decide_some(hub, 20) for hub in (office.hub, other.hub)))):
        pass
    assert await office.value("SELECT count(*) FROM incident") == 6
    assert await office.value("SELECT count(*) FROM alert WHERE undecided_since IS NULL") == 120
