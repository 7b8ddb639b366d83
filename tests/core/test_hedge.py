"""Created, but was anybody rung? Hedges, pages that reach nobody, exhausted paths and repeats (S27 to S32)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.breaker import BreakerState
from tocsin.core.plan import Plan, PlannedStep, Way
from tocsin.core.policy import Mode
from tocsin.core.severity import Severity

from .test_paging import MAIL, OG, OPEN, PD, SMS, Desk, every, failover, names, steps
from .values import C, H, at

HEDGE = timedelta(seconds=30)
TELLS = frozenset({"pd"})


def desk(*planned: PlannedStep, tells: frozenset[str] = TELLS, severity: Severity = C, **more: Any) -> Desk:
    return Desk(steps(*planned, **more), tells=tells, severity=severity)


def paging(*ways: Way, **more: Any) -> PlannedStep:
    return failover(*ways, **{"hedge": HEDGE, **more})


@pytest.mark.parametrize(
    ("severity", "hedge", "tells", "notified", "asked"),
    [
        pytest.param(C, HEDGE, TELLS, None, ["og"], id="critical, created, nobody notified: the next is asked too"),
        pytest.param(C, HEDGE, TELLS, at(12), [], id="somebody was notified: nobody else"),
        pytest.param(H, HEDGE, TELLS, None, [], id="high: never hedged"),
        pytest.param(C, None, TELLS, None, [], id="hedge: none"),
        pytest.param(C, HEDGE, frozenset(), None, [], id="a provider that cannot tell is taken at its word"),
    ],
)  # fmt: skip
def test_s30_who_is_asked_besides_after_the_hedge(
    severity: Severity, hedge: timedelta | None, tells: frozenset[str], notified: Any, asked: list[str]
) -> None:
    """S30, S27: hedge = not notified in time; for critical alone."""
    d = desk(paging(PD, OG, MAIL, hedge=hedge), tells=tells, severity=severity)
    d.look(at(0))
    d.answer(PD, created=True)
    assert names(d.look(at(29))) == []
    d.answer(PD, notified_at=notified)
    due = d.look(at(30))
    assert names(due) == asked
    assert due.hedged == (("pd",) if asked else ())
    assert [line.kind for line in due.lines] == (["hedged"] if asked else [])


def test_s30_the_first_one_stays_and_the_hedge_has_its_own_time() -> None:
    d = desk(paging(PD, OG, MAIL))
    d.look(at(0))
    d.answer(PD, created=True)
    assert d.look(at(1)).next_at == at(30)
    hedged = d.look(at(30))
    assert (names(hedged), hedged.withdraw, hedged.next_at) == (["og"], (), at(33))
    d.answer(OG, created=True)
    due = d.look(at(31))
    assert (due.ask, due.withdraw, due.next_at) == ((), (), None)


def test_s30_a_hedge_that_still_waits_is_withdrawn_once_somebody_was_notified() -> None:
    d = desk(paging(PD, OG), last_resort=())
    d.look(at(0))
    d.answer(PD, created=True)
    d.look(at(30))
    assert d.look(at(31)).withdraw == ()
    d.answer(PD, notified_at=at(32))
    assert d.look(at(32)).withdraw == ((OG, "pd"),)


def test_s30_when_every_target_has_it_and_none_rang_anybody_the_last_resort_is_asked() -> None:
    d = desk(paging(PD, OG), tells=frozenset({"pd", "og"}), last_resort=(SMS,))
    for second in (0, 30, 60):
        d.look(at(second))
        for way in (PD, OG):
            if way in d.asked:
                d.answer(way, created=True)
    assert d.order == [PD, OG, SMS]


def test_s30_a_slow_provider_is_asked_last_and_its_pages_fail_over() -> None:
    """Over the limit its breaker is open for pages: those to come go elsewhere, those it has are asked elsewhere too."""
    slow = {"pd": BreakerState.SLOW}
    fresh = desk(paging(PD, OG))
    fresh.breakers = slow
    due = fresh.look(at(0))
    assert (names(due), [line.reason for line in due.lines]) == (["og"], ["slow"])
    fresh.breakers = {}
    fresh.answer(OG, created=True)
    assert names(fresh.look(at(90))) == [], "it is not asked when it is fast again, either"
    has_it = desk(paging(PD, OG))
    has_it.look(at(0))
    has_it.answer(PD, created=True)
    has_it.breakers = slow
    due = has_it.look(at(30))
    assert (names(due), due.hedged, [line.kind for line in due.lines]) == (["og"], (), ["failed_over"])


def test_s28_created_but_unable_to_reach_anybody_fails_over_at_once() -> None:
    """S28."""
    d = desk(paging(PD, OG), severity=H)
    d.look(at(0))
    d.answer(PD, created=True, failed=True, fault="its service is in maintenance")
    due = d.look(at(6))
    assert names(due) == ["og"]
    assert due.lines[0].text == "pd: its service is in maintenance; og is asked instead"


def test_s32_an_exhausted_path_brings_the_next_step_forward_once() -> None:
    """S32: the hub's steps start early when the provider says its path is exhausted."""
    d = desk(every(PD), every(MAIL, after=timedelta(minutes=30)), every(SMS, after=timedelta(minutes=30)))
    d.look(at(0))
    d.answer(PD, created=True, notified_at=at(5))
    assert d.look(at(minutes=10)).next_at == at(minutes=30)
    d.answer(PD, exhausted_at=at(minutes=12))
    due = d.look(at(minutes=12))
    assert (names(due), [line.reason for line in due.lines]) == (["mail"], ["path_exhausted"])
    assert d.look(at(minutes=13)).next_at == at(minutes=42)


def test_s32_the_end_of_an_earlier_step_learned_late_hurries_nobody() -> None:
    """Down for hours, the hub has just asked the second step: that the first one's provider had given up long ago
    says nothing of those asked now."""
    d = desk(every(PD), every(MAIL, after=timedelta(minutes=30)), every(SMS, after=timedelta(minutes=30)))
    d.look(at(0))
    d.answer(PD, created=True, notified_at=at(5))
    assert names(d.look(at(minutes=120))) == ["mail"]
    d.answer(PD, exhausted_at=at(minutes=121))
    d.answer(MAIL, created=True)
    due = d.look(at(minutes=121))
    assert (names(due), due.next_at) == ([], at(minutes=150))


def test_s32_while_another_provider_still_asks_the_hub_waits() -> None:
    """S32."""
    d = desk(every(PD, OG), every(MAIL, after=timedelta(minutes=30)), tells=frozenset({"pd", "og"}))
    d.look(at(0))
    d.answer(PD, created=True, exhausted_at=at(minutes=12))
    d.answer(OG, created=True)
    assert names(d.look(at(minutes=12))) == []


def test_s32_a_step_is_repeated_without_a_cap_and_once_after_a_pause() -> None:
    d = desk(every(PD), every(MAIL, after=timedelta(minutes=10), repeat=timedelta(minutes=10)))
    d.look(at(0))
    d.look(at(minutes=10))
    for minute in range(20, 120, 10):
        due = d.look(at(minutes=minute))
        assert due.again == ((1, MAIL),)
        assert due.next_at == at(minutes=minute + 10)
        assert d.look(at(minutes=minute + 5)).again == ()
    assert len(d.look(at(hours=9)).again) == 1
    assert d.look(at(hours=9)).again == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["wait", "created", "notified", "failed", "slow", "healed"]), st.integers(0, 90)
        ),
        max_size=20,
    )
)
def test_an_unacknowledged_critical_page_always_has_a_next_look_or_rang_somebody(
    story: list[tuple[str, int]],
) -> None:
    """Whatever happens: somebody was notified, or a provider that cannot tell has it, or there is a next look, or
    all there is has been asked."""
    d = desk(paging(PD, OG, MAIL), tells=frozenset({"pd", "og"}), last_resort=(SMS,))
    now = 0.0
    due = d.look(at(now))
    for what, seconds in story:
        way = d.order[seconds % len(d.order)]
        match what:
            case "wait":
                now += seconds
            case "created" | "failed":
                d.answer(way, **{what: True})
            case "notified" if d.asked[way].created:
                d.answer(way, notified_at=at(now))
            case "slow":
                d.breakers[way.connector] = BreakerState.SLOW
            case "healed":
                d.breakers.clear()
        due = d.look(at(now))
        rang = any(
            a.created and not a.failed and (a.notified_at or a.way not in (PD, OG)) for a in d.asked.values()
        )
        assert rang or due.next_at is not None or set(d.order) == {PD, OG, MAIL, SMS}
    assert len(d.order) == len(set(d.order))
    assert d.status is OPEN


def test_nothing_is_asked_again_once_it_is_over() -> None:
    d = Desk(
        Plan(
            steps=(PlannedStep(mode=Mode.ALL, ways=(MAIL,), repeat=timedelta(minutes=10)),), started_at=at(0)
        )
    )
    d.look(at(0))
    for status in ("mitigated", "resolved", "closed"):
        d.status = type(OPEN)(status)
        due = d.look(at(hours=1))
        assert (due.ask, due.again, due.next_at) == ((), (), None)
