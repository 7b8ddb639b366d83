"""Several incidents of one recipient leave as one page, once, whatever happens meanwhile (S22)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tocsin.core.breaker import BreakerState
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.core.values import replace
from tocsin.engine import deliver, forget
from tocsin.engine.owed import Owed
from tocsin.engine.respond import respond
from tocsin.engine.tick import tick
from tocsin.store import anchors, nodes, outbox

from .bell import status
from .conftest import OpenNode
from .office import CONFIG, NOON, Office, create

PEOPLE = (
    CONFIG.replace("type: bell", "type: town-crier")
    .replace("{all: [east]}", '{all: ["user:ada"]}')
    .replace("routing: [", "users: {ada: {email: ada@example.com}, bo: {email: bo@example.com}}\nrouting: [")
)
BOTH = PEOPLE.replace('{all: ["user:ada"]}', '{all: ["user:ada", "user:bo"]}')
ADA = Actor(ActorKind.PERSON, "Ada", "cli")


@pytest.fixture
async def crier(node: OpenNode) -> Office:
    """A node whose pages go to people by a provider that bundles; the first of them has left to Ada just now."""
    office = await node()
    await office.configure(PEOPLE, force=True)
    await office.page(create("first"))
    assert list(office.bell.told.values()) == [[]], "the first leaves alone and at once"
    return office


async def asked(office: Office, *keys: str, **more: Any) -> None:
    """These open an incident each, one after the other, and their pages are asked for."""
    for key in keys:
        await office.say(create(key, **more))
        await office.decide()


async def held(office: Office, *keys: str) -> None:
    """These were asked for a second after the first page left, and wait."""
    office.clock.advance(seconds=1)
    await asked(office, *keys)
    assert (await office.deliver()).jobs == []


def bundles(office: Office) -> list[list[str]]:
    """Which incidents the pages of several told, in the order they left."""
    return [
        sorted(title.removesuffix(" is down") for title in told) for told in office.bell.told.values() if told
    ]


async def breaker(office: Office) -> Any:
    return (await office.hub.database.read(outbox.states))["east"].breaker


async def test_s22_the_first_leaves_at_once_and_the_rest_as_one(crier: Office) -> None:
    """S22: three more within the next seconds are one call, ten seconds after the first page, and each incident has it."""
    await held(crier, "b", "c")
    crier.clock.advance(seconds=6)
    await asked(crier, "d")
    waits = await crier.deliver()
    assert (waits.jobs, waits.wait_seconds) == ([], 3)
    crier.clock.advance(seconds=3)
    await crier.deliver()

    assert bundles(crier) == [["b", "c", "d"]]
    assert len(crier.bell.calls) == 2
    created = await crier.rows("SELECT count(*), count(created_at), count(DISTINCT remote_id) FROM remote")
    assert created == [(4, 4, 2)]
    assert await crier.rows("SELECT count(*), sum(calls) FROM delivery WHERE bundle IS NOT NULL") == [(3, 1)]


async def test_s22_each_incident_tells_that_it_waited_and_with_whom_it_left(crier: Office) -> None:
    """S22: in its own timeline, with a reason."""
    await held(crier, "b", "c")
    crier.clock.advance(seconds=9)
    await crier.deliver()
    told = await crier.rows(
        "SELECT t.kind, t.reason, t.text FROM timeline t JOIN incident i ON i.id = t.incident_id"
        " WHERE i.number = 2 AND t.kind IN ('page_held', 'page_created') ORDER BY t.id"
    )

    assert [(kind, reason) for kind, reason, _ in told] == [
        ("page_held", "bundled"),
        ("page_created", "bundled"),
    ]
    assert told[0][2].startswith(
        "east: a page left to ada@example.com 1 s ago; this one waits until 12:00:10 UTC"
    )
    assert told[1][2].endswith("in one page with INC-3")


async def test_s22_another_recipient_is_not_kept_waiting(crier: Office) -> None:
    """S22: Ada had a page just now, Bo had none: his leaves at once."""
    await crier.configure(BOTH, force=True)
    crier.clock.advance(seconds=1)
    await asked(crier, "b")
    await crier.deliver()

    waiting = "SELECT m.recipient FROM effect e JOIN remote m ON m.id = e.remote WHERE e.state = 'waiting'"
    assert await crier.rows(waiting) == [("ada@example.com",)]
    assert len(crier.bell.calls) == 2


async def test_s22_a_provider_gets_one_call_per_incident(office: Office) -> None:
    """S22: one that does not bundle is asked for each at once."""
    await asked(office, "a", "b", "c")
    await office.deliver()
    assert office.bell.calls == ["create"] * 3
    assert [told for told in office.bell.told.values() if told] == []


async def test_s22_no_node_sends_what_another_lets_wait(crier: Office, node: OpenNode) -> None:
    """S22: to whom a page left is known to all nodes; one of them sends the rest, whole."""
    other = await node()
    await held(crier, "b", "c")
    assert (await other.deliver()).jobs == []
    crier.clock.advance(seconds=9)
    first, second = await other.deliver(), await crier.deliver()

    assert (len(first.jobs), len(second.jobs)) == (1, 0)
    assert bundles(crier) == [["b", "c"]]


async def test_s22_one_page_takes_one_token_and_one_slot(crier: Office) -> None:
    """S22: a connector that may be called once a minute tells six incidents in that call."""
    slow = PEOPLE.replace("type: town-crier", "type: town-crier, rate_limit: {per_minute: 1, burst: 1}")
    await held(crier, *"bcdefg")
    await crier.configure(slow, force=True)
    crier.clock.advance(minutes=1)
    claimed = await crier.deliver(free=1)

    assert len(claimed.jobs) == 1
    assert bundles(crier) == [["b", "c", "d", "e", "f", "g"]]
    state = (await crier.hub.database.read(outbox.states))["east"]
    assert state.tokens == 0


@pytest.mark.parametrize(
    ("act", "left"),
    [
        pytest.param(Act.RESOLVE, [["c", "d"]], id="resolved"),
        pytest.param(Act.ACKNOWLEDGE, [["c", "d"]], id="acknowledged"),
    ],
)
async def test_s22_what_is_over_before_it_leaves_is_not_told(
    crier: Office, act: Act, left: list[list[str]]
) -> None:
    """S22: resolved or acknowledged while it waited."""
    await held(crier, "b", "c", "d")
    await respond(crier.hub, "INC-2", act, ADA)
    crier.clock.advance(seconds=9)
    await crier.deliver()
    assert bundles(crier) == left


async def test_s22_one_that_is_left_is_a_page_like_any_other(crier: Office) -> None:
    await held(crier, "b", "c")
    await respond(crier.hub, "INC-2", Act.RESOLVE, ADA)
    crier.clock.advance(seconds=9)
    await crier.deliver()
    assert (bundles(crier), len(crier.bell.rings)) == ([], 2)


async def test_s22_a_failure_counts_once_and_all_are_told_later(crier: Office) -> None:
    """S22: the connector is down for a page of three; its breaker counts one failure, each incident's timeline tells
    it, and the next try is one call again, with what came meanwhile in it."""
    await held(crier, "b", "c", "d")
    crier.clock.advance(seconds=9)
    crier.bell.script = [status(503)]
    await crier.deliver()
    assert (await breaker(crier)).failures == 1
    assert (await crier.kinds()).count("delivery_failed") == 3

    await asked(crier, "e")
    assert (await crier.deliver()).jobs == []
    crier.clock.advance(seconds=2)
    await crier.deliver()
    assert bundles(crier) == [["b", "c", "d", "e"]]
    assert (await breaker(crier)).failures == 0


async def test_s22_a_refusal_is_each_ones_own(crier: Office) -> None:
    """S22, S28: what is refused has failed for each of them, and one alarm says why."""
    await held(crier, "b", "c")
    crier.clock.advance(seconds=9)
    crier.bell.script = [status(400)]
    await crier.deliver()
    assert await crier.value("SELECT count(*) FROM remote WHERE failed_at IS NOT NULL") == 2
    assert await crier.value("SELECT count(*) FROM alarm") == 1


async def test_s22_the_probe_of_a_breaker_may_be_a_page_of_many(crier: Office) -> None:
    """S22, S33: after an outage one call tells what waited, and closes it."""
    crier.clock.advance(seconds=20)
    crier.bell.script = [status(500) for _ in range(5)]
    await asked(crier, "b")
    for _ in range(5):
        await crier.deliver()
        crier.clock.advance(seconds=5)
    assert (await breaker(crier)).state is BreakerState.OPEN
    await asked(crier, "c", "d")
    claimed = await crier.deliver()

    assert len(claimed.jobs) == 1
    assert bundles(crier) == [["b", "c", "d"]]
    assert (await breaker(crier)).state is BreakerState.CLOSED


async def test_s22_what_lost_its_answer_goes_again_as_the_same_page(crier: Office) -> None:
    """S22, S29: nobody knows whether it was taken: it is looked for under the same name, and what came meanwhile
    is not slipped into it."""
    await held(crier, "b", "c")
    crier.clock.advance(seconds=9)
    crier.bell.script = [crier.bell.then_broken]
    await crier.deliver()
    await asked(crier, "d")
    crier.clock.advance(seconds=2)
    await crier.deliver()

    assert crier.bell.calls == ["create", "create", "look"]
    assert bundles(crier) == [["b", "c"]]
    assert await crier.value("SELECT count(*) FROM remote WHERE created_at IS NOT NULL") == 3
    crier.clock.advance(seconds=8)
    await crier.deliver()
    assert await crier.value("SELECT count(*) FROM remote WHERE created_at IS NOT NULL") == 4


@pytest.mark.parametrize("sent", [pytest.param(True, id="it was sent"), pytest.param(False, id="it was not")])
async def test_s22_a_page_taken_over_is_the_same_page(crier: Office, node: OpenNode, sent: bool) -> None:
    """S22: the node died between the claim and what came of it; the next sends the same page under the same name."""
    crier.hub.node = UUID(int=1)
    await held(crier, "b", "c")
    crier.clock.advance(seconds=9)
    (job,) = (await deliver.claim(crier.hub, "east", 24)).jobs
    if sent:  # it died before it could save the answer
        await deliver.converse(
            crier.hub.providers["town-crier"].module, crier.wire, job.effect,
            crier.hub.active.settings_of(crier.hub.policy.connectors["east"]), deliver.Talk(),
        )  # fmt: skip
    other = await node()
    other.hub.node = UUID(int=2)
    crier.clock.advance(seconds=8)
    await other.hub.database.transact(
        lambda c: nodes.here_i_am(c, UUID(int=2), "all", "other", crier.clock.at)
    )
    (again,) = (await deliver.claim(other.hub, "east", 24)).jobs
    await deliver.carry_out(other.hub, other.wire, again)

    assert again.effect.key == job.effect.key
    assert [one.key for one in again.effect.bundled] == [one.key for one in job.effect.bundled]
    assert bundles(crier) == [["b", "c"]]
    assert list(crier.bell.rings.values()) == [1, 1]
    assert await crier.value("SELECT count(*) FROM remote WHERE created_at IS NOT NULL") == 3


async def test_s22_taken_over_what_was_resolved_meanwhile_is_left_out(crier: Office) -> None:
    """S22, S29: the others are the same page under the same name; the one that is over is told that it is."""
    await held(crier, "b", "c", "d")
    crier.clock.advance(seconds=9)
    (lost,) = (await deliver.claim(crier.hub, "east", 24)).jobs
    await respond(crier.hub, "INC-3", Act.RESOLVE, ADA)
    crier.clock.advance(seconds=41)
    crier.hub.owed = Owed()  # the node that had it is gone
    again = (await deliver.claim(crier.hub, "east", 24)).jobs

    told = {job.effect.kind.value: [one.title for one in job.effect.bundled] for job in again}
    assert told == {"create": ["b is down", "d is down"], "resolve": []}
    assert {job.effect.key for job in again if job.bundled} == {lost.effect.key}


@asynccontextmanager
async def locked(dsn: str, sql: str) -> AsyncIterator[None]:
    """Somebody else has these rows in hand."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(sql)
            yield
    finally:
        await connection.close()


async def test_s22_a_part_of_a_page_is_not_sent_under_its_name(crier: Office, database_url: str) -> None:
    """S22: a mailbox that has seen half of it under that name would throw the other half away. So while one of three is
    in other hands the two leave under a new name, and the third under the old one."""
    await held(crier, "b", "c", "d")
    crier.clock.advance(seconds=9)
    crier.bell.script = [crier.bell.then_broken]
    await crier.deliver()
    (name,) = [key for key, told in crier.bell.told.items() if told]
    crier.clock.advance(seconds=2)
    async with locked(
        database_url,
        "SELECT 1 FROM effect e JOIN incident i ON i.id = e.incident_id WHERE i.number = 3 FOR UPDATE OF e",
    ):
        (two,) = (await deliver.claim(crier.hub, "east", 24)).jobs
    (third,) = (await deliver.claim(crier.hub, "east", 24)).jobs

    assert [one.incident_name for one in two.effect.bundled] == ["INC-2", "INC-4"]
    assert two.effect.key != name
    assert [one.incident_name for one in third.effect.bundled] == ["INC-3"]
    assert third.effect.key == name


async def test_s22_what_is_asked_again_leaves_together_too(node: OpenNode) -> None:
    """S22: nobody has acknowledged: what `repeat` asks again within seconds is one page after the first of it, and each
    incident keeps the thread that its first page began."""
    office = await node()
    kinds = dict(office.hub.providers)
    patient = replace(kinds["town-crier"], abilities=kinds["town-crier"].abilities | {"again"})
    office.hub.providers = kinds | {"town-crier": patient}
    await office.configure(PEOPLE.replace('["user:ada"]}', '["user:ada"], repeat: 5m}'), force=True)
    await office.page(create("a"))
    await held(office, "b", "c")
    office.clock.advance(seconds=9)
    await office.deliver()
    threads = await office.rows("SELECT remote_id FROM remote ORDER BY id")
    for seconds in (290, 1, 9):
        office.clock.advance(seconds=seconds)
        await tick(office.hub)
        await office.deliver()

    assert bundles(office) == [["b", "c"], ["b", "c"]]
    assert len(office.bell.calls) == 4
    assert await office.rows("SELECT remote_id FROM remote ORDER BY id") == threads


async def test_s46_s22_a_critical_page_does_not_wait_for_the_others_at_the_barrier(crier: Office) -> None:
    """S22, S46: one of a page that may have been sent is critical: after downtime it leaves without the others."""
    await crier.say(create("b"), create("c"))
    await crier.decide()
    await crier.deliver()
    await crier.hub.database.transact(
        lambda c: c.execute(
            "UPDATE effect SET urgent = 4 WHERE incident_id = (SELECT id FROM incident WHERE number = 3)"
        )
    )
    crier.clock.advance(seconds=10)
    (lost,) = (await deliver.claim(crier.hub, "east", 24)).jobs
    crier.hub.owed = Owed()  # the node that had it is gone
    crier.clock.advance(minutes=1)
    crier.hub.barrier_until = crier.clock.at + timedelta(seconds=10)
    (first,) = (await deliver.claim(crier.hub, "east", 24)).jobs

    assert [one.incident_name for one in first.effect.bundled] == ["INC-3"]
    assert first.effect.key != lost.effect.key
    crier.clock.advance(seconds=10)
    (rest,) = (await deliver.claim(crier.hub, "east", 24)).jobs
    assert ([one.incident_name for one in rest.effect.bundled], rest.effect.key) == (
        ["INC-2"],
        lost.effect.key,
    )


async def test_s49_the_wait_moves_with_the_databases_clock(crier: Office) -> None:
    """S22, S49: its clock was set by an hour; nobody waits an hour, nor leaves early."""
    await held(crier, "b")
    await crier.hub.database.transact(lambda c: anchors.move(c, timedelta(hours=1), crier.clock.at))
    crier.clock.advance(hours=1)
    assert (await crier.deliver()).jobs == []
    crier.clock.advance(seconds=9)
    await crier.deliver()
    assert len(crier.bell.rings) == 2
    assert await crier.value(
        "SELECT held_until FROM remote WHERE held_until IS NOT NULL"
    ) == NOON + timedelta(hours=1, seconds=10)


async def test_to_whom_pages_left_is_forgotten(crier: Office) -> None:
    crier.clock.advance(days=2)
    await forget.forget(crier.hub)
    assert await crier.rows("SELECT * FROM page_left") == []
