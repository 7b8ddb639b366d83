"""Who is asked now, what gives way to what, and when to look again (S27, S28, S31, S46, PR-4)?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.breaker import BreakerState
from tocsin.core.model import IncidentStatus
from tocsin.core.paging import Look, look
from tocsin.core.plan import Asked, Plan, PlannedStep, Way
from tocsin.core.policy import Mode
from tocsin.core.severity import Severity
from tocsin.core.values import replace

from .values import MITIGATED, OPEN, RESOLVED, T0, C, at

PD, OG, MAIL, SMS = Way("pd"), Way("og"), Way("mail"), Way("sms")
ALL, FAILOVER = Mode.ALL, Mode.FAILOVER
SHUT = {"pd": BreakerState.OPEN}


def steps(*given_steps: PlannedStep, **more: Any) -> Plan:
    return Plan(steps=given_steps, started_at=T0, **more)


def failover(*ways: Way, **more: Any) -> PlannedStep:
    return PlannedStep(mode=FAILOVER, ways=ways, **more)


def every(*ways: Way, **more: Any) -> PlannedStep:
    return PlannedStep(mode=ALL, ways=ways, **more)


@dataclass
class Desk:
    """Looks, and remembers what was asked, as the hub does between looks."""

    plan: Plan
    asked: dict[Way, Asked] = field(default_factory=dict)
    breakers: dict[str, BreakerState] = field(default_factory=dict)
    status: IncidentStatus = OPEN
    severity: Severity = C
    tells: frozenset[str] = frozenset()
    order: list[Way] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def look(self, now: datetime) -> Look:
        due = look(
            self.plan, self.asked, status=self.status, severity=self.severity, breakers=self.breakers, now=now,
            tells_notified=self.tells,
        )  # fmt: skip
        self.plan = due.plan
        for _, way in due.ask:
            self.asked[way] = Asked(way=way, at=now)
            self.order.append(way)
        self.told += [line.kind for line in due.lines]
        return due

    def answer(self, way: Way, **facts: Any) -> None:
        self.asked[way] = replace(self.asked[way], **facts)


def names(due: Look) -> list[str]:
    return [way.connector for _, way in due.ask]


# ---- failover -------------------------------------------------------------------------------------------


def test_s27_not_created_within_the_time_gives_way_to_the_next() -> None:
    """S27: fail over = not created within `within`."""
    desk = Desk(steps(failover(PD, OG, within=timedelta(seconds=3))))
    first = desk.look(at(0))
    assert (names(first), first.next_at) == (["pd"], at(3))
    assert names(desk.look(at(2.9))) == []
    late = desk.look(at(3))
    assert (names(late), late.next_at) == (["og"], at(6))
    assert "not created within 3 s" in late.lines[0].text


@pytest.mark.parametrize(
    ("facts", "breakers", "reason"),
    [
        pytest.param({"failed": True, "fault": "404: no such service"}, {}, "failed", id="S28: what failed for good gives way at once"),
        pytest.param({}, SHUT, "breaker_open", id="S33: what is known to be down gives way at once"),
    ],
)  # fmt: skip
def test_failover_at_once(facts: dict[str, Any], breakers: dict[str, BreakerState], reason: str) -> None:
    desk = Desk(steps(failover(PD, OG)))
    desk.look(at(0))
    desk.answer(PD, **facts)
    desk.breakers = breakers
    due = desk.look(at(0.2))
    assert names(due) == ["og"]
    assert [(line.kind, line.reason) for line in due.lines] == [("failed_over", reason)]
    assert names(desk.look(at(0.3))) == []
    assert desk.told.count("failed_over") == 1


def test_with_its_breaker_open_from_the_start_both_are_asked_in_one_look() -> None:
    """The first one's work waits for it to come back; nobody waits for that."""
    desk = Desk(steps(failover(PD, OG)), breakers=SHUT)
    assert names(desk.look(at(0))) == ["pd", "og"]


def test_half_open_is_worth_the_time_it_takes() -> None:
    desk = Desk(steps(failover(PD, OG)), breakers={"pd": BreakerState.HALF_OPEN})
    assert names(desk.look(at(0))) == ["pd"]


def test_s31_once_one_has_created_it_the_waiting_others_are_withdrawn() -> None:
    """S31: in a failover."""
    desk = Desk(steps(failover(PD, OG)), breakers=SHUT)
    desk.look(at(0))
    desk.answer(OG, created=True)
    due = desk.look(at(1))
    assert due.withdraw == ((PD, "og"),)
    assert due.next_at is None
    desk.answer(PD, superseded=True)
    assert desk.look(at(2)).withdraw == ()


def test_s29_what_both_have_created_is_withdrawn_nowhere() -> None:
    """Twins are acknowledged and resolved together."""
    desk = Desk(steps(failover(PD, OG)))
    desk.look(at(0))
    desk.look(at(3))
    desk.answer(PD, created=True)
    desk.answer(OG, created=True)
    assert desk.look(at(4)).withdraw == ()


# ---- all -----------------------------------------------------------------------------------------------------


def test_s31_in_all_each_target_is_independent() -> None:
    """S31: One failing, one shut and one that has it: all are asked, none gives way, none is withdrawn."""
    desk = Desk(steps(every(PD, OG, MAIL)), breakers=SHUT)
    assert names(desk.look(at(0))) == ["pd", "og", "mail"]
    desk.answer(OG, created=True)
    desk.answer(MAIL, failed=True)
    due = desk.look(at(60))
    assert (due.ask, due.withdraw, due.next_at) == ((), (), None)


# ---- the last resort --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planned", "facts", "when"),
    [
        pytest.param(failover(PD, OG), {"failed": True}, 0, id="every target of a failover failed: at once"),
        pytest.param(failover(PD, OG), {}, 6, id="none created it in its time: after the last one's time"),
        pytest.param(every(PD, OG), {"failed": True}, 0, id="all targets failed: at once"),
        pytest.param(every(PD, OG), {}, 10, id="none of all has created it: after ten seconds"),
        pytest.param(failover(), {}, 0, id="a step without anybody to ask: at once"),
        pytest.param(every(), {}, 0, id="a step for all of nobody: at once"),
    ],
)  # fmt: skip
def test_the_last_resort_is_asked_once(planned: PlannedStep, facts: dict[str, Any], when: float) -> None:
    desk = Desk(steps(planned, last_resort=(SMS,)))
    now = 0.0
    while SMS not in desk.asked:
        assert now <= when
        due = desk.look(at(now))
        for way in (PD, OG):
            if way in desk.asked:
                desk.answer(way, **facts)
        assert due.next_at is not None or due.ask
        now = (due.next_at - T0).total_seconds() if due.next_at and not facts else now
    assert now == when
    for second in range(20, 200, 20):
        assert SMS not in [way for _, way in desk.look(at(second)).ask]
    assert desk.told.count("last_resort") == 1


def test_somebody_who_has_it_keeps_the_last_resort_quiet() -> None:
    desk = Desk(steps(every(PD, OG), last_resort=(SMS,)))
    desk.look(at(0))
    desk.answer(PD, created=True)
    desk.answer(OG, failed=True)
    assert desk.look(at(3600)).ask == ()


def test_an_escalation_that_reaches_nobody_asks_it_although_the_first_step_was_created() -> None:
    """Those who have it do not answer, and those who should be asked next cannot be."""
    desk = Desk(steps(failover(PD), failover(OG, after=timedelta(minutes=15)), last_resort=(SMS,)))
    desk.look(at(0))
    desk.answer(PD, created=True)
    assert names(desk.look(at(minutes=15))) == ["og"]
    desk.answer(OG, failed=True)
    assert names(desk.look(at(minutes=16))) == ["sms"]


def test_a_channel_that_is_told_besides_does_not_stand_in_for_the_page() -> None:
    desk = Desk(steps(failover(PD, OG), every(MAIL), last_resort=(SMS,)))
    assert names(desk.look(at(0))) == ["pd", "mail"]
    desk.answer(MAIL, created=True)
    desk.answer(PD, failed=True)
    desk.look(at(1))
    desk.answer(OG, failed=True)
    assert names(desk.look(at(2))) == ["sms"]
    assert "escalated" not in desk.told


def test_without_any_way_left_it_is_said_once_and_never_in_silence() -> None:
    desk = Desk(steps(failover(PD)))
    desk.look(at(0))
    desk.answer(PD, failed=True)
    desk.look(at(1))
    desk.look(at(2))
    assert desk.told.count("unreachable") == 1
    empty = Desk(steps())
    empty.look(at(0))
    assert empty.told == ["unreachable"]


def test_while_a_later_step_is_to_come_nobody_says_that_none_is_left() -> None:
    desk = Desk(steps(failover(PD), failover(OG, after=timedelta(minutes=5))))
    desk.look(at(0))
    desk.answer(PD, failed=True)
    assert desk.look(at(1)).next_at == at(minutes=5)
    assert "unreachable" not in desk.told


@pytest.mark.parametrize(
    ("last_resort", "wakes_at"),
    [
        pytest.param(
            (), None, id="there is none: what failed is looked at when it comes, and time alone tells nothing"
        ),
        pytest.param((PD,), None, id="it is asked already"),
        pytest.param((MAIL,), at(10), id="it is asked when nobody has created the page by then"),
    ],
)
def test_only_a_last_resort_that_is_left_is_waited_for(
    last_resort: tuple[Way, ...], wakes_at: datetime | None
) -> None:
    desk = Desk(steps(every(PD, OG), last_resort=last_resort))

    assert desk.look(at(0)).next_at == wakes_at
    assert names(desk.look(at(11))) == [way.connector for way in last_resort if wakes_at]


# ---- steps in time --------------------------------------------------------------------------------------------------


def test_nobody_acknowledged_so_the_next_step_is_asked() -> None:
    """S27: escalation = not acknowledged in time."""
    desk = Desk(steps(failover(PD), failover(OG, after=timedelta(minutes=15))))
    assert desk.look(at(0)).next_at == at(3)
    desk.answer(PD, created=True)
    assert desk.look(at(1)).next_at == at(minutes=15)
    due = desk.look(at(minutes=15))
    assert names(due) == ["og"]
    assert due.lines[0].text == "Nobody acknowledged in 15 min: step 2 asks og"


def test_s46_an_overdue_step_is_sent_once_and_the_rest_counts_from_then() -> None:
    """S46."""
    later = [every(way, after=timedelta(minutes=10)) for way in (OG, MAIL)]
    desk = Desk(steps(every(PD), *later))
    desk.look(at(0))
    desk.answer(PD, created=True)
    due = desk.look(at(hours=3))
    assert names(due) == ["og"]
    desk.answer(OG, created=True)
    assert desk.look(at(hours=3, minutes=1)).next_at == at(hours=3, minutes=10)


def test_s46_after_a_night_without_the_hub_one_step_at_a_time() -> None:
    """S46: Steps 2, 3 and 4 are all overdue after two hours: each is sent in its own turn, counted from then."""
    spans = [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=15)]
    later = [every(way, after=span) for way, span in zip((OG, MAIL, SMS), spans, strict=True)]
    desk = Desk(steps(every(PD), *later))
    desk.look(at(0))
    desk.answer(PD, created=True)
    turns = [desk.look(at(hours=2, minutes=minutes)) for minutes in (0, 9, 10, 24, 25)]
    assert [names(turn) for turn in turns] == [["og"], [], ["mail"], [], ["sms"]]


@pytest.mark.parametrize(
    ("awake", "look_at", "expected"),
    [
        pytest.param(None, 7200, ["og"], id="never down: not created in time gives way"),
        pytest.param(7200, 7200, [], id="just up again: the waiting page gets its three seconds"),
        pytest.param(7200, 7203, ["og"], id="up for three seconds: then it gives way"),
        pytest.param(-60, 3, ["og"], id="up long before the page: its own time counts"),
    ],
)
def test_s46_no_target_is_given_up_for_time_without_the_hub(
    awake: int | None, look_at: int, expected: list[str]
) -> None:
    asked = {PD: Asked(way=PD, at=T0)}
    plan = steps(failover(PD, OG, sent_at=T0))
    awake_since = None if awake is None else at(awake)
    due = look(
        plan, asked, status=OPEN, severity=C, breakers={}, now=at(look_at), awake_since=awake_since
    )  # fmt: skip
    assert names(due) == expected


def test_s46_the_last_resort_waits_for_what_the_hub_could_not_send() -> None:
    asked = {PD: Asked(way=PD, at=T0)}
    plan = steps(every(PD, sent_at=T0), last_resort=(SMS,))
    looks = [
        look(plan, asked, status=OPEN, severity=C, breakers={}, now=at(hours=2, seconds=s), awake_since=at(hours=2))
        for s in (0, 10)
    ]  # fmt: skip
    assert [names(due) for due in looks] == [[], ["sms"]]


def test_a_delay_holds_the_page_and_its_steps_count_from_its_end() -> None:
    desk = Desk(steps(every(PD), every(OG, after=timedelta(minutes=5)), hold_until=at(minutes=2)))
    held = desk.look(at(0))
    assert (held.ask, held.next_at) == ((), at(minutes=2))
    assert names(desk.look(at(minutes=2))) == ["pd"]
    desk.answer(PD, created=True)
    assert desk.look(at(minutes=3)).next_at == at(minutes=7)


@pytest.mark.parametrize("status", [MITIGATED, RESOLVED, IncidentStatus.CLOSED])
def test_what_is_not_open_asks_nobody_and_wakes_nobody(status: IncidentStatus) -> None:
    """S32: the hub's steps run while nobody has acknowledged, and no longer."""
    desk = Desk(steps(every(PD), last_resort=(SMS,)), status=status)
    due = desk.look(at(0))
    assert (due.ask, due.withdraw, due.lines, due.next_at, due.plan) == ((), (), (), None, desk.plan)


def test_two_names_of_one_address_are_one_way_asked_once() -> None:
    """`oncall` and `lead` are both Ada: the step goes on to the next target instead of asking her for ever."""
    oncall, lead = Way("mail", "ada@x", "oncall Ada by mail"), Way("mail", "ada@x", "lead Ada by mail")
    desk = Desk(steps(failover(oncall, lead, PD), failover(lead, OG, after=timedelta(minutes=5))))
    for second in (0, 3, 6, 9, 300, 303, 306):
        desk.look(at(second))
    assert desk.order == [oncall, PD, OG]


# ---- properties --------------------------------------------------------------------------------------------------------

WAYS = st.lists(st.sampled_from([PD, OG, MAIL, Way("mail", "ada@x"), Way("mail", "bob@x")]), max_size=4).map(
    tuple
)
MINUTES = st.integers(0, 20).map(lambda m: timedelta(minutes=m))
STEPS = st.builds(
    PlannedStep, mode=st.sampled_from(list(Mode)), ways=WAYS, after=MINUTES,
    within=st.integers(0, 30).map(lambda s: timedelta(seconds=s)),
)  # fmt: skip
PLANS = st.builds(
    Plan, steps=st.lists(STEPS, max_size=4).map(tuple), started_at=st.just(T0),
    hold_until=st.none() | st.just(at(minutes=1)), last_resort=st.sampled_from([(), (SMS,), (SMS, PD)]),
)  # fmt: skip
HAPPENS = st.lists(
    st.tuples(
        st.sampled_from(["wait", "wake", "created", "failed", "shut", "healed", "mitigated", "open"]),
        st.integers(0, 600), st.integers(0, 9),
    ),
    max_size=25,
)  # fmt: skip


def _live(plan: Plan, story: Sequence[tuple[str, int, int]]) -> list[tuple[Desk, Look, float]]:
    """Live through a story, looking after each thing that happens; what was seen at each look."""
    desk, now, seen = Desk(plan), 0.0, []
    next_at: datetime | None = T0
    for what, seconds, which in [("wait", 0, 0), *story]:
        some = sorted(desk.asked, key=str)
        way = some[which % len(some)] if some else None
        if what == "wait":
            now += seconds
        elif what == "wake" and next_at is not None:
            now = max(now, (next_at - T0).total_seconds())
        elif what in ("created", "failed") and way is not None:
            desk.answer(way, **{what: True})
        elif what == "shut" and way is not None:
            desk.breakers[way.connector] = BreakerState.OPEN
        elif what == "healed":
            desk.breakers.clear()
        elif what in ("mitigated", "open"):
            desk.status = IncidentStatus(what)
        due = desk.look(at(now))
        next_at = due.next_at
        seen.append(
            (replace(desk, asked=dict(desk.asked), order=[*desk.order], breakers={**desk.breakers}), due, now)
        )
    return seen


@given(PLANS, HAPPENS)
def test_a_page_that_nobody_has_is_never_forgotten(plan: Plan, story: list[tuple[str, int, int]]) -> None:
    """Open and created nowhere: somebody is asked now, or there is a time to look again, or every way, the
    last resort too, has been asked."""
    for desk, due, _ in _live(plan, story):
        if desk.status is OPEN and not any(a.created for a in desk.asked.values()):
            ways = {way for s in plan.steps for way in s.ways} | set(plan.last_resort)
            assert due.ask or due.next_at is not None or ways <= set(desk.asked)


@given(PLANS, HAPPENS)
def test_no_way_is_asked_twice_in_one_page(plan: Plan, story: list[tuple[str, int, int]]) -> None:
    desk, _, _ = _live(plan, story)[-1]
    assert len(desk.order) == len(set(desk.order))


@given(PLANS, HAPPENS)
def test_nobody_is_asked_while_it_is_not_open_or_held(plan: Plan, story: list[tuple[str, int, int]]) -> None:
    for desk, due, now in _live(plan, story):
        if desk.status is not OPEN or (plan.hold_until and at(now) < plan.hold_until):
            assert due.ask == ()
            assert due.withdraw == ()


@given(PLANS, HAPPENS)
def test_looking_again_at_the_same_moment_finds_nothing_new(
    plan: Plan, story: list[tuple[str, int, int]]
) -> None:
    for desk, due, now in _live(plan, story):
        again = look(
            due.plan, desk.asked, status=desk.status, severity=C, breakers=desk.breakers, now=at(now)
        )
        assert again.ask == ()
        assert again.lines == ()
        assert again.next_at is None or again.next_at > at(now)


@given(PLANS, HAPPENS)
def test_only_what_others_have_is_withdrawn(plan: Plan, story: list[tuple[str, int, int]]) -> None:
    for desk, due, _ in _live(plan, story):
        for way, holder in due.withdraw:
            assert not desk.asked[way].created
            assert any(a.created and a.way.name == holder for a in desk.asked.values())


HELD = at(seconds=9)


def waits(plan: Plan, now: datetime, held_until: datetime | None, **more: Any) -> Look:
    """A page by mail, asked at T0, that waits to leave with others until then."""
    asked = {MAIL: Asked(way=MAIL, at=T0, held_until=held_until), **more.pop("asked", {})}
    plan = replace(plan, steps=tuple(replace(step, sent_at=T0) for step in plan.steps))
    return look(plan, asked, status=OPEN, severity=C, breakers=more.pop("breakers", {}), now=now, **more)


@pytest.mark.parametrize(
    ("held", "seconds", "asked"),
    [
        pytest.param(None, 3, [OG], id="nothing held it: not created within three seconds"),
        pytest.param(HELD, 3, [], id="held: it does not look like one that does not answer"),
        pytest.param(HELD, 11.9, [], id="nor when it has left just now"),
        pytest.param(HELD, 12, [OG], id="three seconds after it left the next is asked"),
        pytest.param(at(seconds=1.1), 4.1, [OG], id="it left early, with another that was tried again"),
    ],
)
def test_s22_a_failover_counts_from_when_the_page_left(
    held: datetime | None, seconds: float, asked: list[Way]
) -> None:
    """S22: time in which a page waits for others is not time in which its connector does not answer."""
    due = waits(steps(failover(MAIL, OG)), at(seconds=seconds), held)
    assert [way for _, way in due.ask] == asked
    if not asked:
        assert due.next_at == at(seconds=12)


def test_s22_a_breaker_that_opens_lets_the_next_be_asked_though_the_page_is_held() -> None:
    due = waits(steps(failover(MAIL, OG)), at(seconds=1), HELD, breakers={"mail": BreakerState.OPEN})
    assert [way for _, way in due.ask] == [OG]


@pytest.mark.parametrize(
    ("held", "failed", "seconds", "asked"),
    [
        pytest.param(None, False, 10, [SMS], id="nothing held it"),
        pytest.param(HELD, False, 10, [], id="held: it has ten seconds from when it left"),
        pytest.param(HELD, False, 19, [SMS], id="and no more"),
        pytest.param(HELD, True, 10, [SMS], id="refused meanwhile: there is nothing to wait for"),
    ],
)
def test_s22_the_last_resort_counts_from_when_the_page_left(
    held: datetime | None, failed: bool, seconds: float, asked: list[Way]
) -> None:
    """S22: beside a provider that does not answer, a page that is held is not given up."""
    there = {PD: Asked(way=PD, at=T0), MAIL: Asked(way=MAIL, at=T0, held_until=held, failed=failed)}
    due = waits(steps(every(PD, MAIL), last_resort=(SMS,)), at(seconds=seconds), held, asked=there)
    assert [way for _, way in due.ask] == asked
