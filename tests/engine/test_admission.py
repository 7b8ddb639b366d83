"""The door: stored in groups, counted exactly, and nobody suffers for a neighbour."""

import asyncio

import asyncpg
import pytest

from tocsin.core.dedup import Reading
from tocsin.core.errors import Busy, Unavailable
from tocsin.core.model import Action, Event
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.engine import admission
from tocsin.engine.envelope import fingerprint

from .conftest import OpenNode
from .office import Office, create, resolve


async def test_many_waiters_share_few_transactions(office: Office) -> None:
    """Three hundred requests at once: all stored, each with its own alert, in a handful of commits."""
    answers = await asyncio.gather(*(office.say(create(f"k{n}")) for n in range(300)))

    assert len({a.alert_id for (a,) in answers}) == 300
    assert await office.value("SELECT count(*) FROM event") == 300
    assert await office.value("SELECT count(*) FROM raw_request") == 300
    assert await office.value("SELECT count(DISTINCT xmin::text) FROM alert") <= 5


async def test_identical_repeats_are_counted_not_stored(office: Office) -> None:
    """A storm of one alert: one event, and a count that is exact."""
    await office.say(create())
    answers = await asyncio.gather(*(office.say(create()) for _ in range(200)))

    assert {(a.reading, a.duplicate) for (a,) in answers} == {(Reading.SAME, True)}
    assert await office.rows("SELECT count FROM alert") == [(200,)]
    assert await office.value("SELECT count(*) FROM event") < 5


async def test_envelopes_that_mix_keys_count_each_exactly(office: Office) -> None:
    """Repeats of several alerts in one request, the same twice in it, many such requests at once."""
    await office.say(create("a"), create("b"))
    await asyncio.gather(
        *(office.say(create("a"), create("b"), create("a")) for _ in range(20)),
        *(office.say(create("b"), create("new")) for _ in range(5)),
    )

    counts = dict(await office.rows("SELECT dedup_key, count FROM alert"))
    assert counts == {"a": 40, "b": 25, "new": 4}


async def test_a_repeat_beside_one_that_ended_is_counted_once(office: Office, node: OpenNode) -> None:
    """Another node ended b, which this one does not know yet: a counts once, b begins anew."""
    await office.say(create("a"), create("b"))
    other = await node()
    await other.say(resolve("b"))
    found = await office.say(create("a"), create("b"))

    assert [a.reading for a in found] == [Reading.SAME, Reading.NEW]
    rows = await office.rows("SELECT dedup_key, status, count FROM alert ORDER BY first_event_at, id")
    assert sorted(rows) == [("a", "queued", 1), ("b", "queued", 0), ("b", "resolved", 0)]


async def test_order_holds_where_the_short_way_fails(office: Office, node: OpenNode) -> None:
    """A repeat that must go the long way is not overtaken by the resolve sent after it."""
    await office.say(create("a"), create("b"))
    other = await node()
    await other.say(resolve("b"))
    await asyncio.gather(office.say(create("a"), create("b")), office.say(resolve("a")))

    rows = await office.rows("SELECT status, count FROM alert WHERE dedup_key = 'a'")
    assert rows == [("resolved", 1)]


async def test_resolve_and_create_of_one_key_in_one_group(office: Office) -> None:
    """They wait together and are stored together: the old alert ends, a new one begins."""
    (first,) = await office.say(create())
    answers = await asyncio.gather(office.say(resolve()), office.say(create()), office.say(create()))

    readings = [a.reading for (a,) in answers]
    assert readings == [Reading.RESOLVED, Reading.NEW, Reading.SAME]
    assert answers[1][0].alert_id != first.alert_id
    assert await office.rows("SELECT status, count FROM alert ORDER BY status") == [
        ("queued", 1), ("resolved", 0),
    ]  # fmt: skip


async def test_a_poisoned_envelope_stands_alone(office: Office) -> None:
    """What PostgreSQL cannot hold is refused; its neighbours are stored, counted once each."""
    await office.say(create("known"))
    poison = replace(create("bad"), title="nul \x00 here")
    answers = await asyncio.gather(
        *(office.say(create(f"k{n}")) for n in range(5)), office.say(create("known")), office.say(poison),
        *(office.say(create(f"l{n}")) for n in range(5)), office.say(create("known"), create("k0")), return_exceptions=True,
    )  # fmt: skip

    assert [type(a).__name__ for a in answers] == ["list"] * 6 + ["Unavailable"] + ["list"] * 6
    counts = dict(await office.rows("SELECT dedup_key, count FROM alert"))
    assert counts["known"] == 2
    assert counts["k0"] == 1
    assert len(counts) == 11
    assert await office.value("SELECT count(*) FROM event WHERE body::text LIKE '%nul%'") == 0


async def test_busy_above_the_limit(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than may wait is refused at once, with when to come again; what waited is stored."""
    monkeypatch.setattr(admission, "MOST_WAITING", 10)
    answers = await asyncio.gather(
        *(office.say(create(f"a{n}"), create(f"b{n}"), create(f"c{n}")) for n in range(5)),
        return_exceptions=True,
    )
    busy = [a for a in answers if isinstance(a, Busy)]

    assert len(busy) == 2
    assert busy[0].retry_after_seconds > 0
    assert await office.value("SELECT count(*) FROM alert") == 9
    assert len(await office.say(create("later"))) == 1


async def test_the_database_is_away(office: Office, cluster: str, database_url: str) -> None:
    """Refused as not now (S17: it is no flood), nothing is stored; when it is back, the same request is taken."""
    name = database_url.split("?")[0].rsplit("/", 1)[1]
    await _admin(cluster, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await _admin(cluster, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(Unavailable, match="nothing of this request was kept"):
        await office.say(create())
    await _admin(cluster, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    assert await office.value("SELECT count(*) FROM alert") == 0
    (again,) = await office.say(create())
    assert again.reading is Reading.NEW


async def test_who_waits_at_the_end_is_told(office: Office) -> None:
    """The door closes while requests wait: each is refused, none is left hanging."""
    waiting = [asyncio.create_task(office.say(create(f"k{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    office.running[0].cancel()
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)

    assert [type(a) for a in answers] == [Unavailable] * 3
    assert not office.door.open


async def _admin(cluster: str, statement: str) -> None:
    connection = await asyncpg.connect(cluster)
    await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({}, True, id="said again word for word"),
        pytest.param({"labels": {"b": "2", "a": "1"}}, True, id="the same labels in another order"),
        pytest.param({"note": "x"}, True, id="what does not belong to the alert"),
        pytest.param({"title": "k is down!"}, False, id="another title"),
        pytest.param({"severity": Severity.HIGH}, False, id="worse"),
        pytest.param({"quiet": True}, False, id="quiet now"),
        pytest.param({"services": ("web", "database")}, False, id="one service more"),
        pytest.param({"tags": ("a", "b")}, False, id="tags in another order"),
        pytest.param({"details": {"n": [1]}}, False, id="another detail"),
    ],
)
def test_a_fingerprint_is_what_is_said(change: dict[str, object], same: bool) -> None:
    """Equal exactly for what counts as the same."""
    said = replace(create(), labels={"a": "1", "b": "2"}, tags=("b", "a"))

    assert (fingerprint(replace(said, **change)) == fingerprint(said)) is same


async def test_what_touches_no_alert_is_kept_all_the_same(office: Office) -> None:
    """A resolve of a key nobody knows, an event of another kind: stored, answered, nothing decided."""
    answers = await office.say(resolve("unknown"), Event(action=Action.OTHER, reason="a test"))

    assert [a.reading for a in answers] == [Reading.IGNORED, Reading.OTHER]
    assert await office.value("SELECT count(*) FROM event") == 2
    assert await office.decide() == 0
