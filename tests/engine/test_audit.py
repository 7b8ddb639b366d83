"""The audit log under several hubs, over the years, and with thousands of decisions a second (TR-4)."""

from __future__ import annotations

import asyncio
from typing import Any

from tocsin.core.model import Actor, ActorKind
from tocsin.engine import audit as chain
from tocsin.engine.acting import tell
from tocsin.engine.forget import forget
from tocsin.store import audit
from tocsin.store.audit import AuditFilter
from tocsin.store.migrate import keep_partitions_ahead

from .office import CONFIG, Office, create

ADA = Actor(ActorKind.PERSON, "ada", "cli")


async def act(office: Office, n: int) -> None:
    async def work(connection: Any) -> None:
        await tell(connection, office.hub, "incident.note", f"INC-{n}", after={"n": n}, actor=ADA)

    await office.hub.database.transact(work)


async def linked(office: Office) -> None:
    while await chain.link_some(office.hub):
        pass


async def faults(office: Office) -> list[str]:
    found = await chain.verify(office.hub)
    assert not found.more
    return [fault.text for fault in found.faults]


async def test_acts_and_linkers_of_several_hubs_at_once_are_one_chain(office: Office) -> None:
    """Two that link at the same moment, as when the duty changes hands, take turns; no act waits for another."""
    for round_ in range(4):
        acts = [act(office, round_ * 10 + n) for n in range(10)]
        await asyncio.gather(*acts, chain.link_some(office.hub), chain.link_some(office.hub))
    await linked(office)

    assert await faults(office) == []
    rows = await office.rows("SELECT seq FROM audit ORDER BY seq")
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert (
        await office.value("SELECT count(DISTINCT subject) FROM audit WHERE action = 'incident.note'") == 40
    )


async def test_an_act_that_commits_after_a_later_one_gets_the_later_place(office: Office) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(connection: Any) -> None:
        await tell(connection, office.hub, "incident.note", "INC-1", actor=ADA)
        begun.set()
        await go.wait()

    waiting = asyncio.create_task(office.hub.database.transact(slow))
    await begun.wait()
    await act(office, 2)
    await linked(office)
    go.set()
    await waiting
    await linked(office)

    rows = await office.rows("SELECT subject FROM audit WHERE action = 'incident.note' ORDER BY seq")
    assert [row[0] for row in rows] == ["INC-2", "INC-1"]
    assert await faults(office) == []


async def test_machine_decisions_write_nothing_into_it(office: Office) -> None:
    """They are told with their reasons in the timeline: a burst of alerts costs the audit log nothing."""
    before = await office.value("SELECT count(*) FROM audit")
    for n in range(20):
        await office.say(create(f"k{n}"))
    await office.decide()
    await office.deliver()

    assert await office.value("SELECT count(*) FROM incident") > 0
    assert await office.value("SELECT count(*) FROM audit") == before


async def test_what_is_old_enough_goes_and_the_chain_holds_over_the_gap(office: Office) -> None:
    await office.configure(CONFIG + "defaults: {retention: {audit: 30d}}\n")
    for n in range(5):
        await act(office, n)
    await linked(office)
    for weeks in (1, 7, 7, 7):
        office.clock.advance(weeks=weeks)
        await keep_partitions_ahead(office.hub.database, office.clock.at.date())
        for n in range(3):
            await act(office, n)
        await linked(office)
        await forget(office.hub)
        await linked(office)
        assert await faults(office) == []

    first = await office.value("SELECT min(seq) FROM audit")
    assert first > 8
    await office.rows("DELETE FROM audit WHERE seq = $1", first)
    assert await faults(office) == [f"entry {first} is missing"], "and what goes without being told is missed"


async def test_what_has_no_place_yet_is_never_forgotten(office: Office) -> None:
    await act(office, 1)
    office.clock.advance(days=2000)
    await keep_partitions_ahead(office.hub.database, office.clock.at.date())
    await forget(office.hub)

    found = await office.hub.database.read(
        lambda c: audit.page(c, AuditFilter(action="incident"), before=None, most=9)
    )
    assert [one.entry.object for one in found] == ["INC-1"]


async def test_the_end_is_kept_for_good_once_an_hour(office: Office, tmp_path: Any) -> None:
    from tocsin.engine.seen import HOURLY, NEWEST, anchors

    office.hub.folder = tmp_path
    for minutes in (0, 20, 20, 20, 20):
        office.clock.advance(minutes=minutes)
        await act(office, minutes)
        await linked(office)
        await chain.remember(office.hub)

    assert len((tmp_path / HOURLY).read_text().splitlines()) == 2
    assert len((tmp_path / NEWEST).read_text().splitlines()) == 1
    assert [anchor.seq for anchor in anchors(tmp_path)] == [2, 5, 6]
