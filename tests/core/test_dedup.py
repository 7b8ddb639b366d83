"""Is an event a new alert, one more of a known one, or its end (IN-4, S5, S8, S9, S12, S13)?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.dedup import TITLE_MOST, UNTITLED, Reading, default_key
from tocsin.core.model import Action, ActorKind, Alert, AlertStatus, Event, Link

from .values import T0, C, Door, L, acknowledge, alert, at, create, event, resolve

# ---- the four worked examples of PagerTree's document -------------------------------------------------


def test_pagertree_example_1_simple() -> None:
    """Opening and resolving in turn: every create after a resolve is a new alert."""
    door = Door()
    assert door.take(create()).reading is Reading.NEW
    assert door.take(resolve()).reading is Reading.RESOLVED
    assert door.take(create()).reading is Reading.NEW
    assert door.story() == [("A1", "resolved", 0), ("A2", "queued", 0)]


def test_pagertree_example_2_dedup() -> None:
    """A second create of the same key is counted on the alert that is there."""
    door = Door()
    door.take(create())
    assert door.take(create()).reading is Reading.SAME
    assert door.story() == [("A1", "queued", 1)]
    door.take(resolve())
    door.take(create())
    assert door.story() == [("A1", "resolved", 1), ("A2", "queued", 0)]


def test_pagertree_example_3_multiple_integrations() -> None:
    """The same key from two integrations is two alerts; one's resolve does not touch the other's."""
    door = Door()
    door.take(create(), integration="I1")
    door.take(create(), integration="I2")
    door.take(resolve(), integration="I1")
    for minute in range(3):
        assert door.take(create(), at(minutes=minute), integration="I2").reading is Reading.SAME
    assert door.story() == [("A1", "resolved", 0), ("A2", "queued", 3)]
    door.take(resolve(), integration="I2")
    assert door.story() == [("A1", "resolved", 0), ("A2", "resolved", 3)]


def test_pagertree_example_4_user_intervention() -> None:
    """An acknowledged alert goes on counting; after a person resolved it a create makes a new one."""
    door = Door()
    door.take(create())
    door.by_person(1, AlertStatus.ACKNOWLEDGED)
    assert door.take(create()).reading is Reading.SAME
    assert door.story() == [("A1", "acknowledged", 1)]
    door.by_person(1, AlertStatus.RESOLVED)
    assert door.take(create()).reading is Reading.NEW
    assert door.story() == [("A1", "resolved", 1), ("A2", "queued", 0)]


# ---- one event against one live alert -----------------------------------------------------------------

Q, O, A, D = AlertStatus.QUEUED, AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED, AlertStatus.DROPPED
R = AlertStatus.RESOLVED


@pytest.mark.parametrize(
    ("live", "said", "reading", "status"),
    [
        pytest.param(None, create(), Reading.NEW, Q, id="a create of an unknown key is a new alert, not yet decided"),
        pytest.param(Q, create(), Reading.SAME, Q, id="a create while queued counts"),
        pytest.param(O, create(), Reading.SAME, O, id="a create while open counts"),
        pytest.param(A, create(), Reading.SAME, A, id="a create while acknowledged counts and stays acknowledged"),
        pytest.param(D, create(), Reading.SAME, D, id="a create while dropped counts: a mute never starts a second alert"),
        pytest.param(None, resolve(), Reading.IGNORED, None, id="S13: a resolve of an unknown key changes nothing"),
        pytest.param(Q, resolve(), Reading.RESOLVED, R, id="a resolve before the decision ends it"),
        pytest.param(O, resolve(), Reading.RESOLVED, R, id="a resolve ends an open alert"),
        pytest.param(A, resolve(), Reading.RESOLVED, R, id="a resolve ends an acknowledged alert"),
        pytest.param(D, resolve(), Reading.RESOLVED, R, id="S7: a resolve passes a mute"),
        pytest.param(None, acknowledge(), Reading.IGNORED, None, id="an acknowledge of an unknown key changes nothing"),
        pytest.param(Q, acknowledge(), Reading.ACKNOWLEDGED, A, id="a sender may acknowledge before the decision"),
        pytest.param(O, acknowledge(), Reading.ACKNOWLEDGED, A, id="a sender acknowledges an open alert"),
        pytest.param(A, acknowledge(), Reading.IGNORED, A, id="acknowledging twice is once"),
        pytest.param(None, event(Action.OTHER, reason="a test ping"), Reading.OTHER, None, id="IN-3: other makes no alert"),
        pytest.param(O, event(Action.OTHER, reason="a test ping"), Reading.OTHER, O, id="IN-3: other leaves a live alert alone"),
    ],
)  # fmt: skip
def test_what_an_event_turns_out_to_be(
    live: AlertStatus | None, said: Event, reading: Reading, status: AlertStatus | None
) -> None:
    """IN-4, S5, S13: by the status of the live alert with its key."""
    door = Door()
    if live is not None:
        door.put(alert(live))
    admission = door.take(said)
    assert admission.reading is reading
    assert (admission.alert.status if admission.alert else None) is status
    assert admission.reason


def test_the_reason_of_an_other_event_is_the_source_s() -> None:
    assert Door().take(event(Action.OTHER, reason="a test ping")).reason == "a test ping"


def test_a_sender_s_resolve_tells_who_and_when_and_ends_the_mute() -> None:
    door = Door()
    door.put(alert(D, muted_by="maintenance"))
    ended = door.take(resolve(), at(9)).alert
    assert ended is not None
    assert (ended.resolved_at, ended.resolved_by, ended.muted_by) == (at(9), ActorKind.SENDER, "")


def test_an_event_without_a_key_is_always_a_new_alert_of_its_own_name() -> None:
    """S8: never a guessed merge. The door looks nothing up for it."""
    door = Door()
    first, second = door.take(create("")).alert, door.take(create("")).alert
    assert first is not None
    assert second is not None
    assert first.dedup_key == str(first.id)
    assert first.dedup_key != second.dedup_key


@pytest.mark.parametrize(
    ("first", "repeat", "kept"),
    [
        pytest.param({"title": "cpu"}, {"title": "heat"}, {"title": "heat"}, id="the title is that of the latest repeat"),
        pytest.param({"title": "cpu"}, {"title": ""}, {"title": "cpu"}, id="a repeat that says no title keeps the old one"),
        pytest.param({"title": ""}, {"title": ""}, {"title": UNTITLED}, id="an alert always has a title"),
        pytest.param({"title": "x" * 900}, {"title": "y" * 900}, {"title": "y" * TITLE_MOST}, id="a title is cut, first and repeated"),
        pytest.param({"details": {"a": 1}}, {"details": {"b": 2}}, {"details": {"b": 2}}, id="details are replaced, not mixed"),
        pytest.param({"links": (Link("http://a"),)}, {"links": (Link("http://b"),)}, {"links": (Link("http://b"),)}, id="links are those of the latest repeat"),
        pytest.param({"severity": C}, {"severity": L}, {"sender_severity": L}, id="the sender's word is its latest; the worst is kept by the decision"),
        pytest.param({"severity": C}, {}, {"sender_severity": C}, id="a repeat without a severity leaves the sender's word"),
        pytest.param({"quiet": True}, {"quiet": False}, {"quiet": False}, id="one repeat that is not quiet makes it loud"),
        pytest.param({"quiet": False}, {"quiet": True}, {"quiet": False}, id="a quiet repeat never silences a loud alert"),
    ],
)  # fmt: skip
def test_what_a_repeat_refreshes(first: dict[str, Any], repeat: dict[str, Any], kept: dict[str, Any]) -> None:
    door = Door()
    door.take(create(**first))
    now = door.take(create(**repeat), at(60)).alert
    assert now is not None
    assert {name: getattr(now, name) for name in kept} == kept
    assert (now.first_event_at, now.last_event_at, now.correlation_id) == (T0, at(60), "c1")


@pytest.mark.parametrize(
    ("created", "repeated", "resolved", "reading"),
    [
        pytest.param(at(10), None, at(20), Reading.RESOLVED, id="a resolve sent after the create ends it"),
        pytest.param(at(10), None, at(10), Reading.RESOLVED, id="sent in the same instant it ends it"),
        pytest.param(at(10), None, at(5), Reading.IGNORED, id="sent before the create it is late and ignored"),
        pytest.param(at(10), at(30), at(20), Reading.IGNORED, id="sent before the newest create it is ignored"),
        pytest.param(at(30), at(10), at(20), Reading.IGNORED, id="the newest create counts, whatever came in last"),
        pytest.param(None, None, at(-9999), Reading.RESOLVED, id="without a clock at the create, receipt order counts"),
        pytest.param(at(10), None, None, Reading.RESOLVED, id="without a clock at the resolve, receipt order counts"),
        pytest.param(at(10), None, at(hours=-24 * 400), Reading.RESOLVED, id="a clock a year off orders nothing: the resolve counts"),
        pytest.param(at(hours=24 * 400), None, at(5), Reading.RESOLVED, id="a create dated next year does not hold off every resolve"),
    ],
)  # fmt: skip
def test_s13_the_sender_s_clock_orders_within_one_key(
    created: datetime | None, repeated: datetime | None, resolved: datetime, reading: Reading
) -> None:
    """S13: a resolve older than the newest create of its key is ignored; what has no clock goes by receipt."""
    door = Door()
    door.take(create(sent_at=created))
    if repeated:
        door.take(create(sent_at=repeated))
    assert door.take(resolve(sent_at=resolved), at(60)).reading is reading


def test_s12_account_wide_keys_meet_but_two_senders_clocks_are_not_compared() -> None:
    """S12: I2's clock is an hour behind: its resolve of what I1 opened is no late one."""
    door = Door()
    door.take(create(sent_at=at(0)), integration="I1", scope="*")
    assert door.take(create(sent_at=at(hours=5)), integration="I2", scope="*").reading is Reading.SAME
    assert door.take(resolve(sent_at=at(hours=-1)), integration="I2", scope="*").reading is Reading.RESOLVED
    door.take(create(sent_at=at(0)), integration="I1", scope="*")
    door.take(create(sent_at=at(hours=5)), integration="I2", scope="*")
    assert door.take(resolve(sent_at=at(9)), integration="I1", scope="*").reading is Reading.RESOLVED


# ---- properties -----------------------------------------------------------------------------------------

ACTIONS = st.sampled_from([Action.CREATE, Action.CREATE, Action.RESOLVE, Action.ACKNOWLEDGE, Action.OTHER])
TRAFFIC = st.lists(st.tuples(ACTIONS, st.sampled_from("ab"), st.sampled_from(["I1", "I2"])), max_size=40)


@given(TRAFFIC)
def test_in_any_order_a_key_has_one_live_alert_and_every_create_is_counted(
    traffic: list[tuple[Action, str, str]],
) -> None:
    door = Door()
    for second, (action, key, integration) in enumerate(traffic):
        door.take(event(action, key), at(second), integration=integration)
    living = [(a.scope, a.dedup_key) for a in door.every.values() if a.live]
    assert len(living) == len(set(living))
    creates = sum(1 for action, _, _ in traffic if action is Action.CREATE)
    assert sum(1 + a.count for a in door.every.values()) == creates
    joined = [a for _, a in door.heard if a.reading is Reading.SAME]
    assert sum(a.count for a in door.every.values()) == len(joined)


@given(TRAFFIC)
def test_a_second_resolve_right_after_the_first_changes_nothing(
    traffic: list[tuple[Action, str, str]],
) -> None:
    once, twice = Door(), Door()
    for second, (action, key, integration) in enumerate(traffic):
        for door, times in ((once, 1), (twice, 2 if action is Action.RESOLVE else 1)):
            for _ in range(times):
                door.take(event(action, key), at(second), integration=integration)
    assert once.every == twice.every


@given(TRAFFIC)
def test_a_resolved_alert_never_changes_again(traffic: list[tuple[Action, str, str]]) -> None:
    door = Door()
    over: dict[object, Alert] = {}
    for second, (action, key, integration) in enumerate(traffic):
        door.take(event(action, key), at(second), integration=integration)
        over |= {a.id: over.get(a.id, a) for a in door.every.values() if not a.live}
    assert all(door.every[a.id] == a for a in over.values())


@given(st.text(), st.text(), st.text())
def test_s8_the_key_of_a_caller_who_gives_none_is_stable_and_short(
    source: str, service: str, title: str
) -> None:
    """S8: a hash of source, service and title, each of them, and never of two run together."""
    key = default_key(source, service, title)
    assert key == default_key(source, service, title)
    assert len(key) == 32
    assert key != default_key(source, service, title + "!")
    assert key != default_key(source, service + "!", title)
    assert key != default_key(source + "!", service, title)
    assert default_key("a", "", "b") != default_key("", "a", "b")


def test_the_receipt_time_and_not_the_sender_s_counts_for_the_alert() -> None:
    """S13: every timer uses receipt time."""
    door = Door()
    door.take(create(sent_at=T0 - timedelta(hours=3)), at(5))
    (only,) = door.every.values()
    assert (only.first_event_at, only.newest_sent_at) == (at(5), T0 - timedelta(hours=3))
