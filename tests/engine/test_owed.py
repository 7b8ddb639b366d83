"""The database goes away under a call: what came of it is written down first when it is back, once, and by nobody
who has it no longer (TR-1)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from plug import Plug
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.core.severity import Severity
from tocsin.engine import deliver, post
from tocsin.engine.deliver import Claimed
from tocsin.engine.respond import respond
from tocsin.store import messages, nodes
from tocsin.store.database import DatabaseAway
from tocsin.store.messages import NewMessage

from .bell import Answer, BellServer, status
from .conftest import OpenNode
from .office import Office, create

ADA = Actor(ActorKind.PERSON, "Ada", "cli")


@pytest.fixture
async def kept(node: OpenNode, plug: Plug, tmp_path: Path) -> Office:
    """A node with a journal and a name, reached through the plug."""
    office = await node(dsn=plug.dsn, folder=tmp_path)
    office.hub.node = UUID(int=1)
    await office.configure()
    return office


async def back(office: Office, plug: Plug) -> Claimed:
    """The database is there again; no time has passed."""
    await plug.plug_in()
    assert office.keeper is not None
    await office.keeper.look()
    return await office.deliver()


def meanwhile(plug: Plug, then: Answer) -> Answer:
    """The provider takes the call, the database goes, the provider answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await plug.pull()
        return await then(request)

    return answer


async def pages(office: Office) -> list[tuple[Any, ...]]:
    return await office.rows("SELECT state, attempts FROM effect WHERE kind = 'create' ORDER BY id")


async def deliveries(office: Office) -> list[tuple[Any, ...]]:
    return await office.rows("SELECT outcome, attempt, calls FROM delivery ORDER BY at")


async def test_a_page_that_was_created_while_it_went_is_known_when_it_is_back(
    kept: Office, plug: Plug, bell: BellServer
) -> None:
    """The outage is told at once; afterwards nothing is claimed, nobody is asked again, nothing waits for a lease."""
    bell.script = [meanwhile(plug, bell.well)]
    await kept.page()
    away, owed = kept.hub.away, list(kept.hub.owed.names)
    again = await back(kept, plug)

    assert away is not None
    assert len(owed) == 1
    assert again.jobs == []
    assert bell.calls == ["create"]
    assert await pages(kept) == [("done", 1)]
    assert await deliveries(kept) == [("accepted", 1, 1)]
    assert await kept.value("SELECT created_at IS NOT NULL FROM remote")
    assert list(kept.hub.owed.names) == []
    assert kept.hub.owed.effects.rows == []


async def test_a_page_that_failed_while_it_went_is_tried_again_when_its_time_is_come(
    kept: Office, plug: Plug, bell: BellServer
) -> None:
    bell.script = [meanwhile(plug, status(503, retry_after="17"))]
    await kept.page()
    early = await back(kept, plug)
    kept.clock.advance(seconds=18)
    await kept.deliver()

    assert early.jobs == []
    assert bell.calls == ["create", "create"]
    assert await deliveries(kept) == [("retry", 1, 1), ("accepted", 2, 1)]


async def test_many_outcomes_are_owed_and_written_down_together(
    kept: Office, plug: Plug, bell: BellServer
) -> None:
    await kept.say(*(create(f"k{n}") for n in range(10)))
    await kept.decide()
    bell.script = [meanwhile(plug, bell.well)]
    await kept.deliver()
    owed = len(kept.hub.owed.names)
    await back(kept, plug)

    assert owed == 10
    assert sorted(bell.rings.values()) == [1] * 10
    assert await pages(kept) == [("done", 1)] * 10


async def test_an_outcome_that_was_recorded_although_the_answer_was_lost_is_recorded_once(
    kept: Office, plug: Plug, bell: BellServer
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        plug.lose_next_commit()
        return await bell.well(request)

    bell.script = [answer]
    await kept.page()
    owed = len(kept.hub.owed.names)
    await back(kept, plug)

    assert plug.lost.is_set()
    assert owed == 1
    assert bell.calls == ["create"]
    assert await deliveries(kept) == [("accepted", 1, 1)]
    assert (await kept.kinds()).count("page_created") == 1


async def test_a_claim_whose_answer_was_lost_is_claimed_again_at_once(
    kept: Office, plug: Plug, bell: BellServer
) -> None:
    """The database says that it is leased to this node; this node knows of none."""
    await kept.say(create())
    await kept.decide()
    plug.lose_next_commit()
    with pytest.raises(DatabaseAway):
        await kept.deliver()
    await plug.plug_in()
    leased = await pages(kept)
    again = await back(kept, plug)

    assert leased == [("leased", 1)]
    assert len(again.jobs) == 1
    assert bell.calls == ["look", "create"]
    assert list(bell.rings.values()) == [1]
    assert await pages(kept) == [("done", 2)]


async def half_open(office: Office) -> None:
    """Five failures opened it, a second is over: the next page is the probe."""
    assert office.keeper is not None
    # else the time since the database was made looks like a downtime, and pages wait
    await office.keeper.look()
    office.bell.script = [status(500) for _ in range(5)]
    await office.say(*(create(f"k{n}") for n in range(6)))
    await office.decide()
    await office.deliver(free=5)
    office.clock.advance(seconds=1)


async def test_a_lost_claim_of_a_probe_is_claimed_again_at_once(kept: Office, plug: Plug) -> None:
    """S33: nobody is at work on it, so the page does not wait for the time a probe is given."""
    await half_open(kept)
    plug.lose_next_commit()
    with pytest.raises(DatabaseAway):
        await kept.deliver()
    await back(kept, plug)

    assert len(kept.bell.rings) == 1
    assert await kept.value("SELECT breaker FROM connector_state WHERE connector = 'east'") == "closed"


async def test_the_probe_of_a_node_that_fell_silent_is_taken_over_with_its_lease(
    kept: Office, node: OpenNode
) -> None:
    """S33, TR-2: not before, since its call may be under way; then at once by the page that is due first, and what
    that node had is asked for by looking first."""
    other = await node()
    other.hub.node = UUID(int=2)
    await half_open(kept)
    claimed = await deliver.claim(kept.hub, "east", 24)
    before = await other.deliver()
    kept.clock.advance(seconds=11)
    await kept.hub.database.transact(
        lambda c: nodes.here_i_am(c, UUID(int=2), "all", "b", kept.clock(), name="b")
    )
    probe = await other.deliver(free=1)
    after = [*probe.jobs, *(await other.deliver()).jobs]
    (lost,) = claimed.jobs

    assert (len(before.jobs), len(probe.jobs)) == (0, 1)
    assert [job.effect.look_first for job in after if job.work.id == lost.work.id] == [True]


async def test_what_is_under_way_here_is_not_claimed_a_second_time(
    kept: Office, plug: Plug, bell: BellServer
) -> None:
    """A call that lasts is no lost claim."""
    going, on = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        going.set()
        await on.wait()
        return await bell.well(request)

    bell.script = [answer]
    await kept.say(create())
    await kept.decide()
    sending = asyncio.create_task(kept.deliver())
    await going.wait()
    other = await kept.deliver()
    on.set()
    await sending

    assert other.jobs == []
    assert bell.calls == ["create"]


async def test_what_another_node_took_over_meanwhile_is_its_own(
    kept: Office, plug: Plug, node: OpenNode, bell: BellServer
) -> None:
    """The lease ran out in the outage: the other has looked, found it refused and waits; our word comes too late."""
    bell.script = [meanwhile(plug, bell.well), status(503, retry_after="60")]
    await kept.page()
    kept.clock.advance(seconds=41)
    other = await node()
    other.hub.node = UUID(int=2)
    await other.deliver()
    await back(kept, plug)
    late = await pages(kept)
    kept.clock.advance(seconds=61)
    await other.deliver()

    assert late == [("waiting", 2)]
    assert bell.calls == ["create", "look", "look"]
    assert await pages(kept) == [("done", 3)]
    assert list(bell.rings.values()) == [1]


async def test_what_is_not_wanted_any_more_is_withdrawn_once(
    kept: Office, plug: Plug, bell: BellServer
) -> None:
    bell.script = [status(500)]
    await kept.page()
    kept.clock.advance(seconds=10)
    await respond(kept.hub, "INC-1", Act.RESOLVE, ADA)
    await kept.hub.database.transact(
        lambda c: c.execute("UPDATE effect SET state = 'waiting', due = $1", kept.clock.at)
    )
    claimed = await deliver.claim(kept.hub, "east", 24)
    await plug.pull()
    for job in claimed.jobs:
        await deliver.carry_out(kept.hub, kept.wire, job)
    await back(kept, plug)

    assert [bool(job.stale) for job in claimed.jobs] == [True]
    assert bell.calls == ["create"]
    assert (await pages(kept))[0][0] == "withdrawn"


async def message(office: Office) -> None:
    new = NewMessage(
        key="digest 1", connector="east", severity=Severity.LOW, subject="Quiet", text="Nothing", give_up_at=office.clock.at + timedelta(hours=1),
    )  # fmt: skip
    await office.hub.database.transact(lambda c: messages.put(c, [new], office.clock.at))


async def test_a_message_that_ended_while_it_went_is_settled_when_it_is_back(
    kept: Office, plug: Plug
) -> None:
    """This provider takes no messages: that it refused is what came of it."""
    await message(kept)
    claimed = await deliver.claim(kept.hub, "east", 24)
    await plug.pull()
    for one in claimed.messages:
        await post.carry_out(kept.hub, kept.wire, one)
    again = await back(kept, plug)

    assert len(claimed.messages) == 1
    assert again.messages == []
    assert await kept.rows("SELECT state, attempts FROM message") == [("failed", 1)]


async def test_a_message_whose_claim_was_lost_is_claimed_again(kept: Office, plug: Plug) -> None:
    await message(kept)
    plug.lose_next_commit()
    with pytest.raises(DatabaseAway):
        await kept.deliver()
    again = await back(kept, plug)

    assert [m.key for m in again.messages] == ["digest 1"]


async def test_a_message_of_a_node_that_fell_silent_is_taken_over_in_seconds(
    kept: Office, node: OpenNode
) -> None:
    """TR-2: as an effect is, long before its lease runs out."""
    other = await node()
    other.hub.node = UUID(int=2)
    await message(kept)
    await deliver.claim(kept.hub, "east", 24)
    kept.clock.advance(seconds=8)
    early = await other.deliver()
    await other.hub.database.transact(
        lambda c: nodes.here_i_am(c, UUID(int=2), "all", "other", kept.clock.at)
    )
    taken = await other.deliver()

    assert early.messages == []
    assert [m.key for m in taken.messages] == ["digest 1"]
