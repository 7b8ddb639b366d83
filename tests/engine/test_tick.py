"""Time passed while somebody else works on the same incident."""

import asyncio

import pytest

from tocsin.engine.tick import tick
from tocsin.store import incidents
from tocsin.store.database import Connection
from tocsin.store.sheet import Sheet, save
from tocsin.store.timers import PAGE

from .conftest import OpenNode
from .office import Office, create

FAILOVER = """
services: {web: {}}
routing: [{name: all, page: one by one}]
escalation_policies: {one by one: [{failover: [east, west], within: 30s}]}
integrations: {prometheus: {source: webhook, key: "${AM_KEY}", urgency: high}}
connectors:
  east: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}
  west: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}
"""


@pytest.fixture
async def paged(office: Office) -> Office:
    """One page is under way, and the time of its first target is over."""
    await office.configure(FAILOVER)
    await office.say(create())
    await office.decide()
    office.clock.advance(seconds=31)
    return office


async def test_an_incident_in_other_hands_is_looked_at_afterwards(paged: Office) -> None:
    """Locked, as by an outcome that is being recorded: the look waits for nobody, and comes when it is free.

    It had deleted the timer first and waited for the incident with it, while the outcome waited for the timer:
    a deadlock, found by PostgreSQL after a second, for each outcome of a busy minute.
    """
    locked, let_go = asyncio.Event(), asyncio.Event()

    async def hold(connection: Connection) -> None:
        (incident_id,) = await connection.fetchrow("SELECT id FROM incident")
        (kept,) = (await incidents.lock(connection, [incident_id])).values()
        locked.set()
        await let_go.wait()
        sheet = Sheet()
        sheet.timers[(PAGE, kept.incident.id)] = paged.clock.at
        await save(connection, sheet, paged.clock.at)

    holding = asyncio.create_task(paged.hub.database.transact(hold))
    await locked.wait()
    meanwhile, wait = await asyncio.wait_for(tick(paged.hub), 5)
    let_go.set()
    await holding
    afterwards, _ = await tick(paged.hub)

    assert (0, 1) == (meanwhile, afterwards)
    assert 0 < wait <= 1, "looked for again soon, and not at once"
    assert {"east", "west"} == {name for (name,) in await paged.rows("SELECT connector FROM effect")}


async def test_two_nodes_look_once(paged: Office, node: OpenNode) -> None:
    """Both see the timer due; one has it."""
    other = await node()

    looks = await asyncio.gather(tick(paged.hub), tick(other.hub))

    assert 1 == sum(count for count, _ in looks)
