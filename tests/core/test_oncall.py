"""Who is on call at an instant, by what a provider told? Tables, and what must hold for any roster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.oncall import Roster, Rung, Shift, joined, standing

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def shift(person: str, start: float | None, end: float | None, level: int = 1) -> Shift:
    """Hours from noon."""
    begins = None if start is None else NOON + start * HOUR
    return Shift(level=level, person=person, start=begins, end=None if end is None else NOON + end * HOUR)


def roster(*shifts: Shift, rungs: tuple[Rung, ...] = ()) -> Roster:
    return Roster(policy="p", since=NOON, until=NOON + timedelta(days=14), shifts=shifts, rungs=rungs)


@pytest.mark.parametrize(
    ("shifts", "now", "until", "following", "said"),
    [
        pytest.param([shift("ada", -3, 9), shift("bo", 9, 33)], ["ada"], 9, ["bo"], "", id="a hand-over to come"),
        pytest.param([shift("ada", None, None)], ["ada"], None, [], "", id="always the same"),
        pytest.param([shift("ada", -3, 0), shift("ada", 0, 9), shift("bo", 9, 10)], ["ada"], 9, ["bo"], "", id="a shift cut at now is one"),
        pytest.param([shift("ada", -3, 0), shift("bo", 0, 5)], ["bo"], 5, [], "from", id="the end is not hers any more"),
        pytest.param([shift("bo", 2, 9)], [], None, ["bo"], "a page there reaches nobody", id="a gap now"),
        pytest.param([shift("bo", 2, 9), shift("cy", None, None, 2)], [], None, ["bo"], "goes to cy at once", id="a gap that the second level fills"),
        pytest.param([], [], None, [], "nobody is on call", id="nobody at all"),
        pytest.param([shift("ada", -3, 9), shift("di", -1, 2), shift("ada", 9, 20)], ["ada", "di"], 20, [], "from", id="two at once"),
    ],
)  # fmt: skip
def test_who_stands_where(
    shifts: list[Shift], now: list[str], until: float | None, following: list[str], said: str
) -> None:
    found = standing(roster(*shifts), NOON)
    assert [one.person for one in found.current] == now
    assert [one.person for one in found.following] == following
    ends = [one.end for one in found.current if one.end]
    assert max(ends, default=None) == (NOON + until * HOUR if until is not None else None)
    assert said in " ".join(found.gaps)
    assert bool(said) is bool(found.gaps)


def test_an_end_beyond_what_was_asked_is_no_hand_over() -> None:
    """A schedule of one person is handed over to nobody: "until" would be where the answer ends."""
    weeks = [shift("ada", n * 168, (n + 1) * 168) for n in range(3)]
    found = standing(roster(*weeks), NOON)
    assert [(one.person, one.end) for one in found.current] == [("ada", None)]
    assert (found.following, found.gaps) == ((), ())


def test_who_is_asked_then_is_who_has_the_turn_by_then() -> None:
    """The document's "After 15 minutes → team-lead": by the clock of the fifteenth minute, not of now."""
    rungs = (
        Rung(level=1, after=timedelta(0), targets=("schedule first",)),
        Rung(level=2, after=timedelta(minutes=15), targets=("schedule leads",)),
        Rung(level=3, after=timedelta(minutes=45), targets=("schedule nobody",)),
    )
    shifts = (
        shift("ada", None, None),
        shift("old-lead", None, 0.1, 2),
        shift("lead", 0.1, 9, 2),
    )
    found = standing(roster(*shifts, rungs=rungs), NOON).escalation
    assert [(int(e.after.total_seconds()) // 60, e.to) for e in found] == [
        (15, ("lead",)),
        (45, ("schedule nobody",)),
    ]


HOURS = st.integers(-40, 40)
SHIFTS = st.builds(
    lambda person, start, length, level, open_: shift(
        person, None if open_ == "start" else start, None if open_ == "end" else start + length, level
    ),
    st.sampled_from(["ada", "bo", "cy"]), HOURS, st.integers(1, 30), st.integers(1, 3), st.sampled_from(["", "start", "end"]),
)  # fmt: skip


@given(shifts=st.lists(SHIFTS, max_size=12), at=st.integers(-30, 30))
def test_joining_changes_nobodys_turn(shifts: list[Shift], at: int) -> None:
    """Whoever is on call before the shifts are joined is after it, at every level, and never twice."""
    when = NOON + at * HOUR
    for level in (1, 2, 3):
        before = {one.person for one in shifts if one.level == level and one.covers(when)}
        after = [one.person for one in joined(shifts) if one.level == level and one.covers(when)]
        assert sorted(after) == sorted(before)


@given(shifts=st.lists(SHIFTS, max_size=12), at=st.integers(-30, 30))
def test_what_is_told_of_an_instant_is_so(shifts: list[Shift], at: int) -> None:
    """Current turns cover it and are whole; the next begins later and is the first; a gap is said and only then."""
    when = NOON + at * HOUR
    found = standing(roster(*shifts), when)
    covering = {one.person for one in shifts if one.level == 1 and one.covers(when)}
    assert {one.person for one in found.current} == covering
    for turn in found.current:
        if turn.end is None:
            continue
        still = standing(roster(*shifts), turn.end - timedelta(seconds=1))
        assert turn.person in {one.person for one in still.current}
    starts = [one.start for one in shifts if one.level == 1 and one.start and one.start > when]
    for turn in found.following:
        assert turn.start in starts
    assert (not found.current) is any(
        "nobody is on call" in s and not s.startswith("from") for s in found.gaps
    )
