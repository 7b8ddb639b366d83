"""Which alert is a key of, where an integration joins alerts by title, and when are all its keys over (IN-6, S11)?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.alias import Alias, Joining, joining, named, told
from tocsin.core.dedup import TITLE_MOST, UNTITLED, Admission, Fresh, Reading
from tocsin.core.model import Action, Alert, AlertId, AlertStatus, CorrelationId, Event
from tocsin.core.policy import Integration
from tocsin.core.ring import Ring
from tocsin.core.values import replace

from .values import T0, acknowledge, alert, at, create, event, resolve

WINDOW = timedelta(minutes=30)
JOINING = Joining({"I1": WINDOW, "I2": WINDOW}, frozenset({"I1", "I2"}))


@dataclass
class Door:
    """The hub's door without a database: events go in, alerts A1, A2 … come out."""

    joining: Joining = JOINING
    every: dict[AlertId, Alert] = field(default_factory=dict)
    heard: list[Admission] = field(default_factory=list)
    kept: dict[tuple[AlertId, str], Alias] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ring = Ring(self.joining)

    def take(self, said: Event, now: datetime = T0, *, integration: str = "I1", scope: str = "") -> Admission:
        number = 100 + len(self.heard)
        fresh = Fresh(AlertId(UUID(int=number)), CorrelationId(f"c{number}"))
        admission = self.ring.take(
            said, integration=integration, scope=scope or integration, source="webhook", fresh=fresh, now=now
        )  # fmt: skip
        if admission.alert is not None:
            self.every[admission.alert.id] = admission.alert
        self.heard.append(admission)
        return admission

    def by_person(self, number: int, status: AlertStatus) -> None:
        """A person acknowledges or resolves A1, A2 … here: the next batch finds it so, with its keys as they were kept."""
        known = self.named(number)
        self.every[known.id] = replace(known, status=status)
        self.next_batch()

    def next_batch(self) -> None:
        """Another transaction, or another node: what it knows is what was kept."""
        kept: dict[AlertId, dict[str, Alias]] = {}
        self.kept |= {(one.id, alias.key): alias for one, alias in self.ring.changed}
        for (alert_id, key), alias in self.kept.items():
            kept.setdefault(alert_id, {})[key] = alias
        self.ring = Ring(self.joining)
        for one in self.every.values():
            if one.live:
                self.ring.learn(one, kept.get(one.id, {}))

    def named(self, number: int) -> Alert:
        """A1, A2 … in the order in which they began."""
        return list(self.every.values())[number - 1]

    def story(self) -> list[tuple[str, str, int]]:
        """(A1, status, repeats) of every alert there ever was."""
        return [(f"A{n}", a.status.value, a.count) for n, a in enumerate(self.every.values(), start=1)]


# ---- the document's own words: auto aggregate, and its four worked examples where it is on ----------------


def test_pagertree_auto_aggregate_counts_alerts_of_one_title_as_one() -> None:
    """IN-6: "aggregate incoming alerts by title … with an exact match on the title string"."""
    door = Door()
    door.take(create("k1"))
    joined = door.take(create("k2"))
    assert joined.reading is Reading.SAME
    assert "because the title is the same" in joined.reason
    assert door.take(create("k3", title="disk full")).reading is Reading.NEW, "letters count"
    assert door.take(create("k4", title="Disk full ")).reading is Reading.NEW, "so do blanks"
    assert door.story() == [("A1", "queued", 1), ("A2", "queued", 0), ("A3", "queued", 0)]


def test_pagertree_auto_aggregate_example_1_simple() -> None:
    """Opening and resolving in turn: a create after the resolve is a new alert, though the title is the same."""
    door = Door()
    door.take(create("123"))
    assert door.take(resolve("123")).reading is Reading.RESOLVED
    assert door.take(create("123")).reading is Reading.NEW
    assert door.take(create("124")).reading is Reading.SAME
    assert door.story() == [("A1", "resolved", 0), ("A2", "queued", 1)]


def test_pagertree_auto_aggregate_example_2_dedup() -> None:
    """The noisy integration, each time with another id: one alert, counted; it is over when each id is."""
    door = Door()
    for key in ("123", "124", "125", "123"):
        door.take(create(key))
    assert door.story() == [("A1", "queued", 3)]
    assert [door.take(resolve(key)).reading for key in ("124", "123", "125")] == [
        Reading.KEY_OVER, Reading.KEY_OVER, Reading.RESOLVED,
    ]  # fmt: skip
    door.take(create("124"))
    assert door.story() == [("A1", "resolved", 3), ("A2", "queued", 0)]


def test_pagertree_auto_aggregate_example_3_multiple_integrations() -> None:
    """ "The scope of the aggregation is limited to alerts created by the integration"."""
    door = Door()
    door.take(create("123"), integration="I1")
    door.take(create("124"), integration="I2")
    door.take(resolve("123"), integration="I1")
    for key in ("125", "126", "124"):
        assert door.take(create(key), integration="I2").reading is Reading.SAME
    assert door.story() == [("A1", "resolved", 0), ("A2", "queued", 3)]


def test_pagertree_auto_aggregate_example_4_user_intervention() -> None:
    """An acknowledged alert is joined; one that a person resolved is not, although no key of it was resolved."""
    door = Door()
    door.take(create("123"))
    door.by_person(1, AlertStatus.ACKNOWLEDGED)
    assert door.take(create("124")).reading is Reading.SAME
    door.by_person(1, AlertStatus.RESOLVED)
    assert door.take(create("124")).reading is Reading.NEW
    assert door.take(create("123")).reading is Reading.SAME, "and the first key joins the second's alert"
    assert door.story() == [("A1", "resolved", 1), ("A2", "queued", 1)]


# ---- what may be joined, and for how long --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "said", "after", "reading"),
    [
        pytest.param({}, {}, WINDOW - timedelta(seconds=1), Reading.SAME, id="one second before its window ends"),
        pytest.param({}, {}, WINDOW, Reading.NEW, id="S11: when the window has passed since it began"),
        pytest.param({"last_event_at": at(minutes=29), "count": 9}, {}, WINDOW, Reading.NEW, id="S11: repeats do not prolong it"),
        pytest.param({"status": AlertStatus.OPEN}, {}, timedelta(), Reading.SAME, id="an open one"),
        pytest.param({"status": AlertStatus.ACKNOWLEDGED}, {}, timedelta(), Reading.SAME, id="an acknowledged one"),
        pytest.param({"status": AlertStatus.DROPPED}, {}, timedelta(), Reading.SAME, id="a muted one"),
        pytest.param({"integration": "I2", "scope": "*"}, {}, timedelta(), Reading.NEW, id="S12: another integration's, in the same account"),
        pytest.param({"title": UNTITLED}, {"title": ""}, timedelta(), Reading.NEW, id="no title is no title in common"),
        pytest.param({"title": UNTITLED}, {"title": UNTITLED}, timedelta(), Reading.NEW, id="nor is the word that stands for it"),
        pytest.param({"title": "x" * TITLE_MOST}, {"title": "x" * 900}, timedelta(), Reading.SAME, id="a long one, as it is kept"),
        pytest.param({}, {}, -timedelta(minutes=1), Reading.SAME, id="one received before it and admitted after"),
    ],
)  # fmt: skip
def test_which_alert_an_unknown_key_joins(
    there: dict[str, Any], said: dict[str, Any], after: timedelta, reading: Reading
) -> None:
    scope = there.get("scope", "I1")
    door = Door(replace(JOINING, scopes=frozenset({"I1", "I2", "*"})))
    known = alert(**{"status": AlertStatus.OPEN, "number": 9, **there})
    door.ring.learn(known, {})
    assert door.take(create("new", **said), T0 + after, scope=scope).reading is reading


def test_s11_a_key_that_joined_stays_when_the_window_is_over() -> None:
    """The look-back finds the alert once; after that the key is the alert's, as long as its sender does not resolve it."""
    door = Door()
    door.take(create("k1"))
    door.take(create("k2"), at(minutes=29))
    assert door.take(create("k2"), at(hours=9)).reading is Reading.SAME
    assert door.take(create("k2", title="Disk fuller"), at(hours=9)).reading is Reading.SAME, (
        "whatever it says then"
    )
    assert door.take(create("k3"), at(hours=9)).reading is Reading.NEW
    assert door.story() == [("A1", "queued", 3), ("A2", "queued", 0)]


def test_of_two_with_one_title_the_one_that_began_last_is_joined() -> None:
    """PagerTree looks by created_at, the newest first."""
    door = Door()
    door.take(create("k1", title="One"))
    door.take(create("k2", title="Two"), at(minutes=1))
    door.take(create("k1", title="Two"), at(minutes=2))
    assert door.take(create("k3", title="Two"), at(minutes=3)).alert == door.named(2)


def test_s8_events_without_a_key_are_counted_by_title_each_with_a_key_of_its_own() -> None:
    """Mail has no ids: one alert, and no other key's resolve ends what was said without one."""
    door = Door()
    first, second = door.take(create("")), door.take(create(""))
    assert (first.reading, second.reading) == (Reading.NEW, Reading.SAME)
    door.take(create("k"))
    assert door.take(resolve("k")).reading is Reading.KEY_OVER
    assert door.take(resolve(second.key)).reading is Reading.KEY_OVER
    assert first.alert is not None
    assert door.take(resolve(first.alert.dedup_key)).reading is Reading.RESOLVED


# ---- when it is over -----------------------------------------------------------------------------------------


def test_s11_the_alert_resolves_when_all_its_keys_have() -> None:
    door = Door()
    for key in ("k1", "k2", "k3"):
        door.take(create(key))
    first = door.take(resolve("k1"))
    assert (first.reading, first.reason) == (
        Reading.KEY_OVER,
        "k1 is over, k2 and k3 still fire: the alert goes on",
    )
    assert door.take(resolve("k1")).reading is Reading.IGNORED, "the same word again"
    assert door.take(resolve("k3")).reason == "k3 is over, k2 still fires: the alert goes on"
    assert door.take(resolve("k3")).reading is Reading.IGNORED, "it is no key of the alert any more"
    assert door.take(resolve("k2")).reading is Reading.RESOLVED


def test_s11_the_alert_s_own_key_that_fires_again_must_be_resolved_again() -> None:
    """IN-4: while the alert lives a create of its own key counts to it, however long ago it began."""
    door = Door()
    door.take(create("k1"))
    door.take(create("k2"))
    door.take(resolve("k1"))
    assert door.take(create("k1", title="Other"), at(hours=5)).reading is Reading.SAME
    assert door.take(resolve("k2"), at(hours=6)).reading is Reading.KEY_OVER
    assert door.take(resolve("k1"), at(hours=6)).reading is Reading.RESOLVED


@pytest.mark.parametrize(
    ("later", "title", "reading"),
    [
        pytest.param(timedelta(minutes=5), "Disk full", Reading.SAME, id="in its window it joins by its title again"),
        pytest.param(timedelta(hours=5), "Disk full", Reading.NEW, id="later it is an alert of its own: in doubt it pages"),
        pytest.param(timedelta(minutes=5), "Disk on fire", Reading.NEW, id="with another title too"),
    ],
)  # fmt: skip
def test_s11_a_further_key_is_free_once_its_sender_resolved_it(
    later: timedelta, title: str, reading: Reading
) -> None:
    door = Door()
    door.take(create("k1"))
    door.take(create("k2"))
    door.take(resolve("k2"))
    assert door.take(create("k2", title=title), T0 + later).reading is reading
    ended = door.take(resolve("k2"), T0 + later)
    assert ended.reading is (Reading.KEY_OVER if reading is Reading.SAME else Reading.RESOLVED)


def test_s13_the_sender_s_clock_orders_within_one_key_only() -> None:
    """k1 is heard of later than k2's resolve was sent, which is no late one for that; k1's own is."""
    door = Door()
    door.take(create("k1", sent_at=at(0)))
    door.take(create("k2", sent_at=at(10)))
    door.take(create("k1", sent_at=at(60)))
    assert door.take(resolve("k2", sent_at=at(5))).reading is Reading.IGNORED
    assert door.take(resolve("k2", sent_at=at(30))).reading is Reading.KEY_OVER
    assert door.take(resolve("k1", sent_at=at(50))).reading is Reading.IGNORED
    assert door.take(resolve("k1", sent_at=at(60))).reading is Reading.RESOLVED


def test_a_sender_that_acknowledges_one_key_acknowledges_the_alert() -> None:
    door = Door()
    door.take(create("k1"))
    door.take(create("k2"))
    assert door.take(acknowledge("k2")).reading is Reading.ACKNOWLEDGED
    assert door.story() == [("A1", "acknowledged", 1)]


# ---- where it counts ---------------------------------------------------------------------------------------------


def test_where_alerts_are_joined() -> None:
    """The integrations that say so, their scopes, and those in which earlier ones joined."""
    one = Integration(name="one", source="webhook", key_hash="1", auto_aggregate=WINDOW)
    account = Integration(
        name="two", source="opsgenie", key_hash="2", auto_aggregate=WINDOW, key_scope="account"
    )
    none = Integration(name="three", source="webhook", key_hash="3")
    found = joining({i.name: i for i in (one, account, none)}, {"gone"})
    assert found == Joining({"one": WINDOW, "two": WINDOW}, frozenset({"one", "*", "gone"}))
    assert joining({"three": none}) == Joining()


def test_s12_a_key_of_the_account_finds_its_alert_from_another_integration() -> None:
    """I3 joins nothing by title, but knows the key that I1 joined."""
    door = Door(Joining({"I1": WINDOW}, frozenset({"*"})))
    door.take(create("k1"), integration="I1", scope="*")
    door.take(create("k2"), integration="I1", scope="*")
    assert door.take(create("k2"), integration="I3", scope="*").reading is Reading.SAME
    assert door.take(create("k3"), integration="I3", scope="*").reading is Reading.NEW
    assert door.take(resolve("k1"), integration="I3", scope="*").reading is Reading.KEY_OVER
    assert door.take(resolve("k2"), integration="I3", scope="*").reading is Reading.RESOLVED


def test_where_the_option_was_taken_away_what_joined_stays_joined() -> None:
    """No new key joins; a resolve still does not end what another key keeps firing."""
    door = Door()
    door.take(create("k1"))
    door.take(create("k2"))
    door.joining = Joining({}, frozenset({"I1"}))
    door.by_person(1, AlertStatus.OPEN)
    assert door.take(create("k3")).reading is Reading.NEW
    assert door.take(resolve("k1")).reading is Reading.KEY_OVER
    assert door.take(create("k2")).reading is Reading.SAME
    assert door.take(resolve("k2")).reading is Reading.RESOLVED
    assert all(one.id == door.named(1).id for one, _ in door.ring.changed), "of the new alert nothing is kept"


def test_keys_in_a_sentence() -> None:
    assert named(["a"]) == "a"
    assert named(["b", "a"]) == "a and b"
    assert named(["c", "b", "a"]) == "a, b and c"
    assert named(["d", "c", "b", "a"]) == "a, b, c and others"
    assert len(named(["x" * 900])) < 200


def test_why_it_is_counted_there_is_a_sentence() -> None:
    keys = [Alias(key="123", made_at=T0), Alias(key="k2", made_at=at(5), over_at=at(9))]
    assert told(alert(), keys) == (
        f"k2: counted to alert {UUID(int=1)} since 2026-11-18 10:00:05 UTC because the title is the same; over since 10:00:09 UTC",
    )  # fmt: skip


# ---- properties ------------------------------------------------------------------------------------------------

ACTIONS = st.sampled_from([Action.CREATE, Action.CREATE, Action.RESOLVE, Action.ACKNOWLEDGE, Action.OTHER])
TRAFFIC = st.lists(
    st.tuples(ACTIONS, st.sampled_from(["a", "b", "c", ""]), st.sampled_from(["T", "U", ""]), st.integers(0, 20)), max_size=40
)  # fmt: skip


def played(
    traffic: list[tuple[Action, str, str, int]], batch: int = 99
) -> tuple[Door, list[tuple[Event, Admission]]]:
    door, minute, log = Door(), 0, []
    for number, (action, key, title, passes) in enumerate(traffic):
        minute += passes
        if number % batch == batch - 1:
            door.next_batch()
        said = event(action, key, title=title)
        log.append((said, door.take(said, at(minutes=minute))))
    return door, log


@given(TRAFFIC)
def test_in_any_order_no_event_is_lost_and_every_create_is_counted_once(
    traffic: list[tuple[Action, str, str, int]],
) -> None:
    door, log = played(traffic)
    creates = [admission for said, admission in log if said.action is Action.CREATE]
    assert all(a.alert is not None and a.reading in (Reading.NEW, Reading.SAME) for a in creates)
    assert sum(1 + a.count for a in door.every.values()) == len(creates)


@given(TRAFFIC)
def test_s11_in_any_order_an_alert_lives_exactly_as_long_as_a_key_of_it_fires(
    traffic: list[tuple[Action, str, str, int]],
) -> None:
    """Which keys fire is told here by the events alone: a create under a key makes it fire at the alert that it was
    counted to, a resolve of it ends that."""
    door, log = played(traffic)
    fires: dict[str, AlertId] = {}
    unkeyed: set[AlertId] = set()
    ended: set[AlertId] = set()
    for said, admission in log:
        found = admission.alert.id if admission.alert else None
        if said.action is Action.CREATE:
            assert found is not None
            assert found not in ended, "what is over is never counted to"
            if said.dedup_key:
                assert fires.get(said.dedup_key, found) == found, "a key that fires stays with its alert"
                fires[said.dedup_key] = found
            else:
                unkeyed.add(found)
        elif said.action is Action.RESOLVE and said.dedup_key:
            mine = fires.pop(said.dedup_key, None)
            others = mine is not None and (mine in fires.values() or mine in unkeyed)
            expected = Reading.IGNORED if mine is None else Reading.KEY_OVER if others else Reading.RESOLVED
            assert admission.reading is expected
            if mine is not None and not others:
                ended.add(mine)
    assert {a.id for a in door.every.values() if a.live} == {*fires.values(), *unkeyed}


@given(TRAFFIC, st.integers(1, 5))
def test_however_events_fall_into_batches_they_are_decided_alike(
    traffic: list[tuple[Action, str, str, int]], batch: int
) -> None:
    """What one batch keeps is all that the next must know."""
    whole, parts = played(traffic)[0], played(traffic, batch)[0]
    assert parts.heard == whole.heard
    assert parts.every == whole.every


@given(TRAFFIC)
def test_without_the_option_it_is_as_ever(traffic: list[tuple[Action, str, str, int]]) -> None:
    """A scope that is still looked at joins nothing and keeps nothing."""
    door = Door(Joining({}, frozenset({"I1"})))
    for action, key, title, _ in traffic:
        door.take(event(action, key, title=title))
    assert door.ring.changed == []
    keyed = [a.dedup_key for a in door.every.values() if a.live]
    assert len(keyed) == len(set(keyed))
    assert not any(a.reading is Reading.KEY_OVER for a in door.heard)
