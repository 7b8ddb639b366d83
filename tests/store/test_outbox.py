"""Outgoing work: who may claim what when, and that one effect is saved once."""

from datetime import datetime, timedelta

import pytest

from tocsin.core.breaker import Breaker, BreakerState
from tocsin.core.ports import EffectKind
from tocsin.store import outbox
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Database
from tocsin.store.outbox import Work
from tocsin.store.outcomes import Outcomes, Settled, save_outcomes

from .rows import LEASE, NOON, an_incident, column, effect_on, save_effects, seconds, value


async def claim(
    database: Database, most: int = 10, *, at: datetime = NOON, connector: str = "pd"
) -> list[Work]:
    return await database.transact(lambda c: outbox.claim(c, connector, most, at, LEASE))


def marks(works: list[Work]) -> list[str]:
    return [str(work.body["mark"]) for work in works]


async def test_an_effect_is_saved_once(database: Database) -> None:
    """The same sheet saved again, or one that names the effect twice, changes nothing."""
    incident = an_incident()
    effect = effect_on(incident, "e1")
    await save_effects(database, incident, effect, effect)
    await save_effects(database, incident, effect)

    assert await column(database, "SELECT key FROM effect") == ["e1"]
    assert await value(database, "SELECT count(*) FROM remote") == 1


async def test_only_the_head_of_a_queue_is_claimed(database: Database) -> None:
    """The acknowledgement waits for the page before it, other incidents do not."""
    first, second = an_incident(), an_incident()
    await save_effects(
        database, first, effect_on(first, "page"), effect_on(first, "ack", EffectKind.ACKNOWLEDGE)
    )
    await save_effects(database, second, effect_on(second, "other page"))
    works = await claim(database)

    assert marks(works) == ["page", "other page"]
    assert await claim(database) == [], "what is leased is not claimed twice, what is behind it waits"
    await database.transact(lambda c: outbox.settle(c, works[0].id, "done", "", NOON))
    assert marks(await claim(database)) == ["ack"]


@pytest.mark.parametrize("end", ["done", "failed", "withdrawn"])
async def test_whatever_ends_the_head_frees_the_next(database: Database, end: str) -> None:
    """A page that failed or was withdrawn does not hold up what follows."""
    incident = an_incident()
    await save_effects(
        database, incident, effect_on(incident, "page"), effect_on(incident, "note", EffectKind.NOTE)
    )
    (work,) = await claim(database)
    await database.transact(lambda c: outbox.settle(c, work.id, end, "because", NOON))

    assert marks(await claim(database)) == ["note"]


async def test_the_urgent_go_first(database: Database) -> None:
    """With room for two, the two most urgent heads, whatever their age."""
    for key, urgent in (("low", 0), ("critical", 3), ("medium", 1), ("high", 2)):
        incident = an_incident()
        await save_effects(database, incident, effect_on(incident, key, urgent=urgent))

    assert set(marks(await claim(database, 2))) == {"critical", "high"}
    assert marks(await claim(database, 1)) == ["medium"]


async def test_what_is_not_due_is_left(database: Database) -> None:
    """And `next_due` says when to come again: the head's time, not that of what stands behind it."""
    incident = an_incident()
    later = NOON + timedelta(minutes=1)
    await save_effects(
        database, incident, effect_on(incident, "page", due=later), effect_on(incident, "ack", EffectKind.ACKNOWLEDGE)
    )  # fmt: skip

    assert await claim(database) == []
    assert await database.read(lambda c: outbox.next_due(c, "pd")) == later
    (work,) = await claim(database, at=later)
    assert await database.read(lambda c: outbox.next_due(c, "pd")) == later + LEASE
    assert await database.read(lambda c: outbox.next_due(c, "og")) is None
    assert work.attempts == 1


async def test_a_lease_that_ran_out_is_taken_over_as_ambiguous(database: Database) -> None:
    """Its call may have been sent; before it runs out nobody touches it."""
    incident = an_incident()
    await save_effects(database, incident, effect_on(incident, "page"))
    (first,) = await claim(database)

    assert (first.attempts, first.ambiguous) == (1, False)
    assert await claim(database, at=NOON + LEASE) == []
    (second,) = await claim(database, at=NOON + LEASE + seconds(1))
    assert (second.id, second.attempts, second.ambiguous) == (first.id, 2, True)
    again = Outcomes(settled=[Settled(effect=second.id, state="waiting", reason="503", due=NOON)])
    await database.transact(lambda c: save_outcomes(c, again, NOON))
    (third,) = await claim(database, at=NOON + LEASE * 3)
    assert third.ambiguous, "once ambiguous, always: nobody knows what became of the first call"


async def test_two_claimers_share_the_work(database: Database) -> None:
    """While one transaction holds its rows, the other takes the rest instead of waiting."""
    for key in "abc":
        incident = an_incident()
        await save_effects(database, incident, effect_on(incident, key))
    taken: list[list[str]] = []

    async def outer(one: object) -> None:
        mine = await outbox.claim(one, "pd", 2, NOON, LEASE)
        taken.append(marks(mine))
        taken.append(marks(await claim(database)))

    await database.transact(outer)

    assert taken == [["a", "b"], ["c"]]


async def test_behind_a_row_another_holds_nothing_is_claimed(database: Database) -> None:
    """Order holds across claimers too: the second of a queue is not taken while the first is being taken."""
    incident = an_incident()
    await save_effects(
        database, incident, effect_on(incident, "page"), effect_on(incident, "ack", EffectKind.ACKNOWLEDGE)
    )
    seen: list[list[str]] = []

    async def outer(one: object) -> None:
        await outbox.claim(one, "pd", 1, NOON, LEASE)
        seen.append(marks(await claim(database)))

    await database.transact(outer)

    assert seen == [[]]


async def test_waiting_pages_are_withdrawn_unless_perhaps_sent(database: Database) -> None:
    """A page surely never sent can be withdrawn; one leased or ambiguous must be settled by looking."""
    incidents = {key: an_incident() for key in ("waiting", "leased", "ambiguous")}
    for key, incident in incidents.items():
        await save_effects(database, incident, effect_on(incident, key))
    await database.read(
        lambda c: c.execute(
            "UPDATE effect SET state = CASE key WHEN 'leased' THEN 'leased' ELSE 'waiting' END, ambiguous = key = 'ambiguous'"
        )
    )
    remotes = await column(database, "SELECT id FROM remote")
    gone = await database.transact(
        lambda c: outbox.withdraw_waiting(c, remotes, [EffectKind.CREATE], "resolved meanwhile", NOON)
    )

    assert len(gone) == 1
    assert await column(database, "SELECT key FROM effect WHERE state = 'withdrawn'") == ["waiting"]


async def test_updates_do_not_pile_up(database: Database) -> None:
    """One waits at most, none while the page itself waits, and the next is due a minute after the last."""
    incident = an_incident()
    await save_effects(database, incident, effect_on(incident, "page"))
    await save_effects(database, incident, effect_on(incident, "u0", EffectKind.UPDATE))
    (page,) = await claim(database)
    await database.transact(lambda c: outbox.settle(c, page.id, "done", "", NOON))
    await save_effects(database, incident, effect_on(incident, "u1", EffectKind.UPDATE))
    await save_effects(database, incident, effect_on(incident, "u2", EffectKind.UPDATE))
    (update,) = await claim(database)
    await database.transact(lambda c: outbox.settle(c, update.id, "done", "", NOON))
    soon = NOON + seconds(5)
    await save_effects(
        database, incident, effect_on(incident, "u3", EffectKind.UPDATE, due=soon, made_at=soon)
    )

    assert marks([page, update]) == ["page", "u1"]
    assert await column(database, "SELECT key FROM effect ORDER BY id") == ["page", "u1", "u3"]
    assert await value(database, "SELECT due FROM effect WHERE key = 'u3'") == NOON + seconds(60)


async def test_the_first_time_of_a_fact_is_kept(database: Database) -> None:
    """Accepted, created and notified are rungs: reached once; a fact nobody knows is refused."""
    incident = an_incident()
    await save_effects(database, incident, effect_on(incident, "page"))
    (remote,) = await database.read(lambda c: outbox.remotes_of(c, incident.id))
    for at in (NOON, NOON + seconds(9)):
        facts = {"created_at": at, "acknowledged_at": at, "remote_id": "Q1"}
        await database.transact(lambda c, facts=facts: outbox.update_remote(c, remote.id, facts))
    (after,) = await database.read(lambda c: outbox.remotes_of(c, incident.id))

    assert (after.created_at, after.acknowledged_at) == (NOON, NOON + seconds(9))
    with pytest.raises(ValueError, match="connector"):
        await database.transact(lambda c: outbox.update_remote(c, remote.id, {"connector": "x"}))
    for remote_id, key in (("Q1", ""), ("", "key pd"), ("unknown", "key pd")):
        found = await database.read(lambda c, i=remote_id, k=key: outbox.find_remotes(c, "pd", i, k))
        assert [r.id for r in found] == [remote.id]
    assert await database.read(lambda c: outbox.find_remotes(c, "pd", "", "")) == []


async def test_a_breaker_is_shared_by_everybody(database: Database) -> None:
    """What one node saves, the other reads."""
    tripped = Breaker(
        state=BreakerState.OPEN, failures=5, trips=1, opened_at=NOON, probe_at=NOON + seconds(1)
    )

    async def trip(connection: object) -> None:
        state = await outbox.lock_state(connection, "pd", NOON)
        assert state.breaker == Breaker()
        state.breaker, state.last_error = tripped, "500"
        await outbox.save_state(connection, state)

    await database.transact(trip)

    assert (await database.read(outbox.states))["pd"].breaker == tripped
    assert await database.read(lambda c: open_breakers(c, NOON)) == {"pd": BreakerState.OPEN}
