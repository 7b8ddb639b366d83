"""Keys that join an alert by its title, at the door: kept, locked, counted the long way, given back (IN-6, S11)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plug import Plug
from tocsin.core.dedup import Reading
from tocsin.core.lifecycle import Act
from tocsin.core.model import Action, Actor, ActorKind, Event
from tocsin.engine import configure
from tocsin.engine.explain import explain_alert
from tocsin.engine.forget import forget
from tocsin.engine.respond import respond
from tocsin.store import anchors

from .conftest import OpenNode
from .office import CONFIG, Office, resolve

ADA = Actor(ActorKind.PERSON, "Ada", "cli")
JOINS = CONFIG.replace("urgency: high}}", "urgency: high, auto_aggregate: 30m}}")


def create(key: str, title: str = "Disk full", **more: Any) -> Event:
    return Event(action=Action.CREATE, dedup_key=key, title=title, services=("web",), **more)


@pytest.fixture
async def joins(office: Office) -> Office:
    """A node whose integration joins alerts by title, half an hour back."""
    await office.configure(JOINS)
    return office


async def alerts(office: Office) -> list[tuple[Any, ...]]:
    return await office.rows(
        "SELECT dedup_key, status, count FROM alert ORDER BY first_event_at, dedup_key, status DESC"
    )


async def lines(office: Office, kind: str) -> list[str]:
    return [
        text for (text,) in await office.rows("SELECT text FROM timeline WHERE kind = $1 ORDER BY id", kind)
    ]


async def test_s11_the_second_key_is_an_alias_of_the_first_alert(joins: Office) -> None:
    """In requests of their own: counted there, answered under its own key, kept as what was said under it."""
    (first,) = await joins.say(create("a"))
    (second,) = await joins.say(create("b"))
    assert (second.alert_id, second.reading, second.duplicate) == (first.alert_id, Reading.SAME, True)
    assert (second.dedup_key, second.reason) == (
        "b", f"counted to alert {first.alert_id} because the title is the same",
    )  # fmt: skip
    assert await alerts(joins) == [("a", "queued", 1)]
    said = await joins.rows("SELECT dedup_key, reading, reason FROM event ORDER BY id")
    assert said[1] == ("b", "same", second.reason)

    (one_over,) = await joins.say(resolve("a"))
    assert (one_over.reading, one_over.status) == (Reading.KEY_OVER, "queued")
    (all_over,) = await joins.say(resolve("b"))
    assert (all_over.reading, all_over.status) == (Reading.RESOLVED, "resolved")


async def test_s11_in_one_request_it_is_the_same(joins: Office) -> None:
    answers = await joins.say(create("a"), create("b"), resolve("a"), create("c"), resolve("b"), resolve("c"))
    assert [a.reading for a in answers] == [
        Reading.NEW, Reading.SAME, Reading.KEY_OVER, Reading.SAME, Reading.KEY_OVER, Reading.RESOLVED,
    ]  # fmt: skip
    assert await alerts(joins) == [("a", "resolved", 2)]
    assert await joins.rows("SELECT dedup_key, over_at IS NOT NULL, live FROM alias ORDER BY dedup_key") == [
        ("a", True, False), ("b", True, False), ("c", True, False),
    ]  # fmt: skip


async def test_s11_the_look_back_counts_from_creation(joins: Office) -> None:
    """One second before half an hour is over, and then: repeats in between prolong nothing."""
    await joins.say(create("a"))
    joins.clock.advance(minutes=29, seconds=59)
    await joins.say(create("b"))
    joins.clock.advance(seconds=1)
    await joins.say(create("c"))
    assert await alerts(joins) == [("a", "queued", 1), ("c", "queued", 0)]
    (late,) = await joins.say(create("b", "Disk fuller"))
    assert late.reading is Reading.SAME, "b is a's since it joined"


async def test_two_nodes_at_once_open_one_alert(joins: Office, node: OpenNode) -> None:
    """Forty new keys with one title, twenty at each node, all at the same moment; then all their resolves."""
    other = await node()
    places = [(joins if n % 2 else other, f"k{n}") for n in range(40)]
    said = await asyncio.gather(*(office.say(create(key)) for office, key in places))
    assert len({a.alert_id for (a,) in said}) == 1
    assert sorted(a.reading for (a,) in said) == [Reading.NEW] + [Reading.SAME] * 39
    over = await asyncio.gather(*(office.say(resolve(key)) for office, key in places))
    assert sorted(a.reading for (a,) in over) == [Reading.KEY_OVER] * 39 + [Reading.RESOLVED]
    assert await joins.rows("SELECT status, count FROM alert") == [("resolved", 39)]


async def test_a_key_and_a_title_that_cross_between_two_nodes(joins: Office, node: OpenNode) -> None:
    """One key under two titles, two keys under one, at both nodes: no key is live twice, and no event is lost."""
    other = await node()
    words = [("a", "One"), ("b", "One"), ("a", "Two"), ("c", "Two"), ("b", "Two"), ("c", "One")] * 5
    await asyncio.gather(
        *((joins, other)[n % 2].say(create(key, title)) for n, (key, title) in enumerate(words))
    )
    assert await joins.value("SELECT sum(count + 1) FROM alert") == len(words)
    for key in "abc":
        await joins.say(resolve(key))
    assert await joins.value("SELECT count(*) FROM alert WHERE status <> 'resolved'") == 0


async def test_identical_repeats_of_one_key_are_still_counted_the_short_way(joins: Office) -> None:
    await joins.say(create("a"))
    await asyncio.gather(*(joins.say(create("a")) for _ in range(50)))
    assert await alerts(joins) == [("a", "queued", 50)]
    assert await joins.value("SELECT count(*) FROM event") < 5


async def test_s11_a_repeat_that_another_node_remembers_still_says_that_its_key_fires(
    joins: Office, node: OpenNode
) -> None:
    """Both say word for word the same, and the first node has counted a's repeats the short way. Elsewhere b joined
    and a was resolved; a fires again here: b's resolve must not end it."""
    await joins.say(create("a"))
    await joins.say(create("a"))
    other = await node()
    await other.say(create("b"))
    await other.say(resolve("a"))
    await joins.say(create("a"))
    (over,) = await other.say(resolve("b"))
    assert over.reading is Reading.KEY_OVER
    assert await alerts(joins) == [("a", "queued", 3)]


async def test_a_key_of_an_alert_that_a_person_resolved_begins_anew(joins: Office) -> None:
    """S9: nothing is counted to what is over, though its sender never said so."""
    await joins.page(create("a"), create("b"))
    await respond(joins.hub, "INC-1", Act.RESOLVE, ADA)
    (again,) = await joins.say(create("b"))
    assert again.reading is Reading.NEW
    (too,) = await joins.say(create("a"))
    assert too.alert_id == again.alert_id
    (late,) = await joins.say(resolve("nothing"))
    assert late.reading is Reading.IGNORED


@pytest.mark.parametrize(
    "again",
    [
        pytest.param("a", id="the alert's own key"),
        pytest.param("b", id="a key that was an alias"),
        pytest.param("new", id="a key that nobody knew, with the same title"),
        pytest.param("", id="no key, with the same title"),
    ],
)
async def test_s9_s10_what_came_before_counts_by_every_key_and_by_the_title(
    joins: Office, again: str
) -> None:
    """Resolved by a person, and it goes on: five minutes of grace, then the same incident is opened again."""
    await joins.page(create("a"))
    await joins.page(create("b"))
    await respond(joins.hub, "INC-1", Act.RESOLVE, ADA)
    joins.clock.advance(minutes=1)
    await joins.page(create(again))
    assert await joins.rows("SELECT status, muted_by <> '' FROM alert WHERE status <> 'resolved'") == [
        ("dropped", True)
    ]
    joins.clock.advance(minutes=5)
    await joins.page(create(again))
    assert await joins.rows("SELECT number, status FROM incident") == [(1, "open")]


async def test_the_timeline_says_what_was_joined_and_what_is_over(joins: Office) -> None:
    await joins.page(create("a"))
    await joins.page(create("b"), create("c"))
    joins.clock.advance(minutes=2)
    await joins.page(create(""))
    await joins.page(resolve("b"))
    repeated = await lines(joins, "alert_repeated")
    assert "also under b and c: counted here because the title is the same" in repeated[0]
    assert "also without a key: counted here because the title is the same" in repeated[1]
    (over,) = await lines(joins, "key_over")
    assert over.startswith("b is over, ")
    assert over.endswith(" still fire: the alert goes on")
    assert await joins.rows("SELECT number, status FROM incident") == [(1, "open")]
    assert list(joins.bell.rings.values()) == [1], "nobody was paged twice"


async def test_explain_says_why_it_is_counted_there(joins: Office) -> None:
    (first,) = await joins.say(create("a"))
    await joins.say(create("b"))
    await joins.decide()
    assert first.alert_id is not None
    told = (await explain_alert(joins.hub, first.alert_id)).joined
    assert told == (
        f"b: counted to alert {first.alert_id} since 2026-11-16 12:00:00 UTC because the title is the same",
    )  # fmt: skip


async def test_a_title_that_changes_is_the_one_that_joins(joins: Office) -> None:
    await joins.say(create("a", "One"))
    await joins.say(create("a", "Two"))
    (one,), (two,) = await joins.say(create("b", "One")), await joins.say(create("c", "Two"))
    assert (one.reading, two.reading) == (Reading.NEW, Reading.SAME)


async def test_without_the_option_nothing_of_it_is_asked_or_kept(office: Office) -> None:
    await office.page(create("a"), create("b"))
    await office.say(resolve("a"))
    assert await alerts(office) == [("a", "resolved", 0), ("b", "open", 0)]
    assert await office.value("SELECT count(*) FROM alias") == 0
    assert office.hub.active.joining.scopes == frozenset()


async def test_an_alert_from_before_the_option_is_joined_once_it_says_something_new(office: Office) -> None:
    await office.say(create("a"))
    await office.configure(JOINS)
    (apart,) = await office.say(create("b"))
    assert apart.reading is Reading.NEW, "nothing was noted of a's title"
    await office.say(resolve("b"))
    await office.say(create("a", description="worse"))
    (joined,) = await office.say(create("c"))
    assert (joined.reading, await alerts(office)) == (
        Reading.SAME, [("a", "queued", 2), ("b", "resolved", 0)],
    )  # fmt: skip


async def test_s11_where_the_option_is_taken_away_what_joined_stays_joined(
    joins: Office, node: OpenNode
) -> None:
    """Also at a node that begins afterwards; a new key joins nothing any more."""
    await joins.say(create("a"), create("b"))
    await joins.configure(CONFIG)
    other = await node()
    for office in (joins, other):
        (apart,) = await office.say(create(f"new at {office.hub.node or id(office)}"))
        assert apart.reading is Reading.NEW
    (over,) = await other.say(resolve("a"))
    assert over.reading is Reading.KEY_OVER
    (again,) = await joins.say(create("b"))
    assert again.reading is Reading.SAME
    (ended,) = await joins.say(resolve("b"))
    assert ended.reading is Reading.RESOLVED


async def test_the_house_forgets_titles_of_what_ended(joins: Office) -> None:
    """People ended it, and nobody came with that title since: no configuration to come asks after it."""
    await joins.page(create("a"))
    await respond(joins.hub, "INC-1", Act.RESOLVE, ADA)
    assert await joins.value("SELECT live FROM alias") is True
    await forget(joins.hub)
    assert await joins.value("SELECT live FROM alias") is False


# ---- without the database ------------------------------------------------------------------------------------


@pytest.fixture
async def kept(node: OpenNode, plug: Plug, tmp_path: Path) -> Office:
    """A node that joins by title and keeps a journal, reached through the plug."""
    office = await node(dsn=plug.dsn, folder=tmp_path)
    await office.configure(JOINS)
    return office


async def test_s47_the_journal_s_replay_joins_as_the_door_does(kept: Office, plug: Plug) -> None:
    """a was there before; b joins it in the outage. c and d came in the outage alone: one alert, as they were
    answered. A restart in between makes no difference."""
    await kept.say(create("a", "Before"))
    await plug.pull()
    assert kept.keeper
    (b,) = await kept.say(create("b", "Before"))
    (c,), (d,) = await kept.say(create("c")), await kept.say(create("d"))
    (c_over,) = await kept.say(resolve("c"))
    assert (b.kept, c.reading, d.reading) == (True, Reading.NEW, Reading.SAME)
    assert (d.alert_id, d.dedup_key, c_over.reading) == (c.alert_id, "d", Reading.KEY_OVER)
    assert set(kept.keeper.waiting) == {("prometheus", "b"), ("prometheus", "c")}, "a page each"
    await kept.say(resolve("a"))
    await plug.plug_in()
    await kept.keeper.look()

    assert await alerts(kept) == [("a", "queued", 1), ("c", "queued", 1)]
    (b_over,), (d_over,) = await kept.say(resolve("b")), await kept.say(resolve("d"))
    assert (b_over.reading, d_over.reading) == (Reading.RESOLVED, Reading.RESOLVED)


async def test_s47_the_look_back_of_what_is_given_back_counts_from_when_it_came(
    kept: Office, plug: Plug
) -> None:
    """It came within the half hour; that the database was away for longer changes nothing."""
    await kept.say(create("a"))
    await plug.pull()
    kept.clock.advance(minutes=29)
    await kept.say(create("b"))
    kept.clock.advance(hours=2)
    await plug.plug_in()
    assert kept.keeper
    await kept.keeper.look()
    assert await alerts(kept) == [("a", "queued", 1)]
    assert kept.clock.at - await kept.value("SELECT first_event_at FROM alert") == timedelta(
        hours=2, minutes=29
    )


async def test_a_version_applied_elsewhere_is_heeded(joins: Office, node: OpenNode) -> None:
    """A node takes the option into use with the version that has it."""
    other = await node()
    await joins.configure(CONFIG)
    await configure.refresh(other.hub)
    (first,), (second,) = await other.say(create("x")), await other.say(create("y"))
    assert (first.reading, second.reading) == (Reading.NEW, Reading.NEW)


async def test_s49_the_look_back_goes_on_when_the_database_s_clock_is_set(joins: Office) -> None:
    """Twenty minutes of thirty are left before and after an hour's jump."""
    await joins.say(create("a"))
    joins.clock.advance(minutes=10, hours=1)
    await joins.hub.database.transact(lambda c: anchors.move(c, timedelta(hours=1), joins.clock()))
    joins.clock.advance(minutes=19, seconds=59)
    (before,) = await joins.say(create("b"))
    joins.clock.advance(seconds=1)
    (after,) = await joins.say(create("c"))
    assert (before.reading, after.reading) == (Reading.SAME, Reading.NEW)
