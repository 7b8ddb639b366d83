"""Does a page to a person leave now, or as one with others that follow it closely (S22)?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.bundle import BUNDLED_FOR, Leaving, Waiting, leaving, named
from tocsin.core.values import replace

from .values import T0

ADA, BO = "ada@example.com", "bo@example.com"
ONE, TWO = UUID(int=1), UUID(int=2)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def page(
    effect: int, asked: float = 0, due: float | None = None, *, to: str = ADA, tried: bool = False
) -> Waiting:
    """Asked for and due so many seconds from T0."""
    due = asked if due is None else due
    return Waiting(effect=effect, recipient=to, asked_at=at(asked), due=at(due), tried=tried)


def sent(effect: int, bundle: UUID | None = None, due: float = 0) -> Waiting:
    """It may have been sent."""
    return replace(page(effect, -5, due), perhaps_sent=True, bundle=bundle)


def groups(found: Leaving) -> list[list[int]]:
    return sorted(sorted(one.effect for one in group) for group in found.groups)


def holds(found: Leaving) -> dict[int, float]:
    return {one.page.effect: (one.until - T0).total_seconds() for one in found.held}


@pytest.mark.parametrize(
    ("waiting", "left", "leave", "held"),
    [
        pytest.param([page(1)], None, [[1]], {}, id="the first leaves at once"),
        pytest.param([page(1)], -2, [], {1: 8}, id="the next waits until ten seconds after it"),
        pytest.param([page(1)], 0, [], {1: 10}, id="even one of the same moment"),
        pytest.param([page(1)], -10, [[1]], {}, id="ten seconds later one is a first again"),
        pytest.param([page(1), page(2), page(3)], None, [[1, 2, 3]], {}, id="those of one moment are one page at once"),
        pytest.param([page(1), page(2, -4, 6)], -4, [], {1: 6}, id="one more joins those that wait"),
        pytest.param([page(1, -10), page(2, -3), page(3, -1, 7)], -10, [[1, 2, 3]], {}, id="over: all leave as one"),
        pytest.param([page(1, -10)], -1, [[1]], {}, id="a page that left meanwhile does not make it wait anew"),
        pytest.param([page(1, -10), page(2, -1, 9)], -1, [[1, 2]], {}, id="and takes with it who waits"),
        pytest.param([page(1, -3, 7)], -3, [], {}, id="not due: it goes on waiting"),
        pytest.param([page(1), page(2, to=BO)], -2, [[2]], {1: 8}, id="another recipient has nothing to do with it"),
        pytest.param([page(1, -1, tried=True)], -1, [[1]], {}, id="nothing came of it yet: tried again, it does not wait"),
        pytest.param([page(1, -1, tried=True), page(2, 0), page(3, -1, 9)], -1, [[1, 2, 3]], {}, id="and all else leaves with it"),
        pytest.param([page(1, -9, 3, tried=True), page(2)], -20, [[1, 2]], {}, id="what waits to be tried again leaves with a first"),
        pytest.param([sent(1, ONE), sent(2, ONE)], -1, [[1, 2]], {}, id="what may have been sent goes again as it was"),
        pytest.param([sent(1, ONE), sent(2, ONE, due=4)], -1, [[1, 2]], {}, id="whole, though a part of it is not due"),
        pytest.param([sent(1, ONE), sent(2, TWO), sent(3)], -1, [[1], [2], [3]], {}, id="not one in the other"),
        pytest.param([sent(1, ONE, due=4)], -1, [], {}, id="not before it is due"),
        pytest.param([sent(1, ONE), page(2)], -1, [[1]], {2: 9}, id="and takes nobody with it: it must stay the same"),
    ],
)  # fmt: skip
def test_s22_who_leaves_now_and_who_waits(
    waiting: list[Waiting], left: float | None, leave: list[list[int]], held: dict[int, float]
) -> None:
    """S22: at T0, with a page that left to Ada so many seconds from then."""
    found = leaving(waiting, {} if left is None else {ADA: at(left)}, T0)
    assert (groups(found), holds(found)) == (leave, held)


@pytest.mark.parametrize(
    ("left", "to", "why"),
    [
        pytest.param(-3, ADA, "mail: a page left to ada@example.com 3 s ago; this one waits until 12:00:07 UTC", id="a person"),
        pytest.param(0, "", "mail: a page left to its recipients just now; this one waits until 12:00:10 UTC", id="the connector's own"),
    ],
)  # fmt: skip
def test_why_it_waits_is_told(left: float, to: str, why: str) -> None:
    noon = T0.replace(hour=12, minute=0, second=0)
    now = Waiting(effect=1, recipient=to, asked_at=noon, due=noon)
    (held,) = leaving([now], {to: noon + timedelta(seconds=left)}, noon).held
    assert held.why("mail", noon).startswith(why)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "INC-1"),
        (5, "INC-1, INC-2, INC-3, INC-4, INC-5"),
        (30, "INC-1, INC-2, INC-3, INC-4, INC-5 and 25 more"),
    ],
)
def test_a_list_of_names_stays_short(count: int, told: str) -> None:
    assert named(f"INC-{number}" for number in range(1, count + 1)) == told


@dataclass(frozen=True)
class Came:
    """A page that was asked for, and what becomes of its attempts: taken, or surely not sent so many times before."""

    at: int
    to: str
    fails: int


_CAME = st.builds(Came, st.integers(0, 600), st.sampled_from([ADA, BO, ""]), st.sampled_from([0, 0, 0, 1, 3]))


@given(st.lists(_CAME, max_size=40))
def test_s22_nobody_waits_longer_than_ten_seconds_and_each_is_told_once(came: list[Came]) -> None:
    """S22: looked at each tenth of a second, as a courier does whenever something is due; what fails is tried again
    after a second. Nothing is tried later than ten seconds after it was asked for, no two pages that get through leave
    to one recipient within less than that, unless the later one was held up by a failure or may wait no longer."""
    waiting: dict[int, Waiting] = {}
    left: dict[str, datetime] = {}
    told: dict[int, datetime] = {}
    first_tried: dict[int, datetime] = {}
    attempts = dict.fromkeys(range(len(came)), 0)
    rung: list[tuple[str, datetime, bool]] = []
    for tick in range(601 + 160):
        now = at(tick / 10)
        waiting |= {n: page(n, tick / 10, to=c.to) for n, c in enumerate(came) if c.at == tick}
        found = leaving(waiting.values(), left, now)
        for held in found.held:
            assert now < held.until <= held.page.asked_at + BUNDLED_FOR
            waiting[held.page.effect] = replace(held.page, due=held.until)
        for group in found.groups:
            assert len({one.recipient for one in group}) == 1
            left[group[0].recipient] = now
            for one in group:
                attempts[one.effect] += 1
                first_tried.setdefault(one.effect, now)
            if any(attempts[one.effect] <= came[one.effect].fails for one in group):
                waiting |= {
                    one.effect: replace(one, due=now + timedelta(seconds=1), tried=True) for one in group
                }
                continue
            rung.append((group[0].recipient, now, any(one.tried for one in group)))
            for one in group:
                assert one.effect not in told, "told twice"
                told[one.effect] = now
                del waiting[one.effect]

    assert told.keys() == set(range(len(came))), "each is told"
    assert all(first_tried[n] - at(c.at / 10) <= BUNDLED_FOR for n, c in enumerate(came))
    for recipient in (ADA, BO, ""):
        times = [(when, failed) for to, when, failed in rung if to == recipient]
        for (before, _), (after, failed) in pairwise(times):
            assert after - before >= BUNDLED_FOR or failed
