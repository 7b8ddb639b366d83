"""What does a change at a provider mean for us (S36 to S43)?"""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.lifecycle import Act, rule
from tocsin.core.model import Actor, ActorKind, IncidentStatus
from tocsin.core.policy import Direction
from tocsin.core.ports import ChangeKind, RemoteChange, RemoteStatus
from tocsin.core.remote import Expected, Judgement, Known, Verdict, confirms, judge, unconfirmed

from .values import MITIGATED, OPEN, RESOLVED, T0, at, incident

OUT, IN, BOTH = Direction.OUTBOUND, Direction.INBOUND, Direction.BIDIRECTIONAL
K = ChangeKind
APPLY, FACT, ECHO, DIVERGENCE, RECORD, FOLLOW, UNDO = (
    Verdict.APPLY, Verdict.FACT, Verdict.ECHO, Verdict.DIVERGENCE, Verdict.RECORD, Verdict.FOLLOW, Verdict.UNDO,
)  # fmt: skip
TRIGGERED, ACKED, OVER = RemoteStatus.TRIGGERED, RemoteStatus.ACKNOWLEDGED, RemoteStatus.RESOLVED


def change(kind: ChangeKind, **more: Any) -> RemoteChange:
    return RemoteChange(kind=kind, delivery_id="d1", **{"remote_id": "PD1", "person": "Bob", **more})


def judged(
    told: RemoteChange,
    *,
    status: IncidentStatus = OPEN,
    direction: Direction = BOTH,
    current_life: bool = True,
    expected: tuple[Expected, ...] = (),
    started: datetime | None = T0,
    life: int = 1,
    now: datetime | None = None,
    there: RemoteStatus = RemoteStatus.UNKNOWN,
    since: datetime | None = None,
) -> Judgement:
    known = Known(there, since, expected, current_life)
    return judge(
        told, incident(status, life=life), known, direction=direction, page_started_at=started, now=now or at(60)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "direction", "verdict", "act", "status"),
    [
        pytest.param(K.ACKNOWLEDGED, BOTH, APPLY, Act.ACKNOWLEDGE, ACKED, id="S36: bidirectional: an acknowledgement there is one here"),
        pytest.param(K.ACKNOWLEDGED, IN, APPLY, Act.ACKNOWLEDGE, ACKED, id="S36: inbound: an acknowledgement there is one here"),
        pytest.param(K.ACKNOWLEDGED, OUT, DIVERGENCE, None, ACKED, id="S36: outbound: an acknowledgement there is listed only"),
        pytest.param(K.RESOLVED, BOTH, APPLY, Act.RESOLVE, OVER, id="S36: bidirectional: a resolve there is one here"),
        pytest.param(K.RESOLVED, OUT, DIVERGENCE, None, OVER, id="S36: outbound: a resolve there is listed only"),
        pytest.param(K.UNACKNOWLEDGED, BOTH, APPLY, Act.UNACKNOWLEDGE, TRIGGERED, id="given back there, given back here"),
        pytest.param(K.REOPENED, BOTH, APPLY, Act.REOPEN, TRIGGERED, id="reopened there, reopened here"),
        pytest.param(K.REOPENED, OUT, DIVERGENCE, None, TRIGGERED, id="S36: outbound: a reopen there is listed only"),
        pytest.param(K.NOTE, BOTH, APPLY, Act.NOTE, None, id="a note there is a note here"),
        pytest.param(K.NOTE, OUT, DIVERGENCE, None, None, id="S36: outbound: a note there is listed only"),
        pytest.param(K.TRIGGERED, BOTH, FACT, None, TRIGGERED, id="S27: created there is a rung, no act"),
        pytest.param(K.TRIGGERED, OUT, FACT, None, TRIGGERED, id="S27: rungs are noted whatever the direction"),
        pytest.param(K.NOTIFIED, OUT, FACT, None, None, id="S27: somebody was rung: a rung, no act"),
        pytest.param(K.MERGED, BOTH, FOLLOW, None, None, id="S41: a merge there follows its target: it is never a resolve"),
        pytest.param(K.MERGED, OUT, FOLLOW, None, None, id="S41: whatever the direction, acts must find their target"),
        pytest.param(K.REASSIGNED, BOTH, RECORD, None, None, id="PR-8: given to nobody that is named: recorded"),
        pytest.param(K.ESCALATED, BOTH, APPLY, Act.NOTE, None, id="PR-8: escalated there is a note here and elsewhere"),
        pytest.param(K.ESCALATED, OUT, DIVERGENCE, None, None, id="S36: outbound: an escalation there is listed only"),
        pytest.param(K.PRIORITY, BOTH, APPLY, Act.NOTE, None, id="PR-8: another priority there is a note here and elsewhere"),
        pytest.param(K.OTHER, BOTH, RECORD, None, None, id="PR-7: an unknown type is recorded"),
    ],
)  # fmt: skip
def test_what_a_person_s_change_becomes(
    kind: ChangeKind, direction: Direction, verdict: Verdict, act: Act | None, status: RemoteStatus | None
) -> None:
    """S36, S41: outbound lists, inbound and bidirectional apply; a merge is followed."""
    found = judged(change(kind), direction=direction)
    assert (found.verdict, found.act, found.status) == (verdict, act, status)
    assert found.reason


# ---- S38: our own write coming back -----------------------------------------------------------------------

OURS = (Expected("acknowledged", at(0)),)


@pytest.mark.parametrize(
    ("told", "expected", "now", "verdict"),
    [
        pytest.param(change(K.ACKNOWLEDGED), OURS, at(60), ECHO, id="equal to our unconfirmed write: an echo"),
        pytest.param(change(K.ACKNOWLEDGED, person=""), OURS, at(119), ECHO, id="just within two minutes"),
        pytest.param(change(K.ACKNOWLEDGED), OURS, at(121), APPLY, id="later than two minutes it is somebody's"),
        pytest.param(change(K.ACKNOWLEDGED), (), at(60), APPLY, id="seen confirmed already: the next one is somebody's"),
        pytest.param(change(K.RESOLVED), OURS, at(60), APPLY, id="another transition than ours is no echo"),
        pytest.param(change(K.ACKNOWLEDGED, agent_id="BOT", person=""), (), at(60), APPLY, id="our own account's id alone is no proof"),
        pytest.param(change(K.RESOLVED), (*OURS, Expected("resolved", at(10))), at(60), ECHO, id="any of several unconfirmed writes counts"),
        pytest.param(change(K.NOTE, note="disk swapped"), (Expected("note", at(0), "disk swapped"),), at(60), ECHO, id="a note with our text is ours"),
        pytest.param(change(K.NOTE, note="Resolved by Ada (via Tocsin)"), (Expected("note", at(0), "Ada (via Tocsin)"),), at(60), ECHO, id="what a provider writes around our signed words is ours"),
        pytest.param(change(K.NOTE, note="looks ok"), (Expected("note", at(0), "ok"),), at(60), APPLY, id="a note that only holds our words is somebody's"),
        pytest.param(change(K.NOTE, note="I am on it"), (Expected("note", at(0), "disk swapped"),), at(60), APPLY, id="a note with another text is somebody's"),
        pytest.param(change(K.NOTE, note="I am on it"), (Expected("note", at(0)),), at(60), APPLY, id="a write of ours without text swallows nobody's note"),
    ],
)  # fmt: skip
def test_s38_an_echo_equals_a_write_of_ours(
    told: RemoteChange, expected: tuple[Expected, ...], now: datetime, verdict: Verdict
) -> None:
    """S38: incident and transition, not seen confirmed, within two minutes; the account's id alone is no proof."""
    assert judged(told, expected=expected, now=now).verdict is verdict


def test_s38_one_write_swallows_one_change() -> None:
    """S38: Bo acknowledges in the very minute in which we do: the second of two equal changes is Bo's own."""
    left = unconfirmed(change(K.ACKNOWLEDGED), (*OURS, Expected("resolved", at(5))))
    assert left == (Expected("resolved", at(5)),)
    assert judged(change(K.ACKNOWLEDGED), expected=left).verdict is APPLY


def test_an_assignee_there_is_one_here() -> None:
    """PR-8."""
    assert judged(change(K.REASSIGNED, assignee="Ed")).act is Act.ASSIGN


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        pytest.param(RESOLVED, UNDO, id="resolved here: it is resolved there again"),
        pytest.param(MITIGATED, RECORD, id="the resolve is not heard of yet: nothing that would make it count as late"),
    ],
)  # fmt: skip
def test_s39_a_reopen_by_our_own_race(status: IncidentStatus, verdict: Verdict) -> None:
    """S39: Our acknowledgement was on its way when somebody resolved it there."""
    assert judged(change(K.REOPENED), status=status, expected=OURS).verdict is verdict
    assert judged(change(K.REOPENED), status=RESOLVED, expected=OURS, now=at(121)).verdict is APPLY


@pytest.mark.parametrize(
    ("here", "kind", "verdict", "act"),
    [
        pytest.param(RESOLVED, K.REOPENED, APPLY, Act.REOPEN, id="its part is over here: reopened"),
        pytest.param(MITIGATED, K.REOPENED, APPLY, Act.UNACKNOWLEDGE, id="somebody has its part here: given back"),
        pytest.param(RESOLVED, K.ACKNOWLEDGED, APPLY, Act.REOPEN, id="acknowledged there after its part was over: the reopen between was lost"),
        pytest.param(OPEN, K.ACKNOWLEDGED, APPLY, Act.ACKNOWLEDGE, id="its part is open here: acknowledged"),
    ],
)  # fmt: skip
def test_s20_a_change_there_is_judged_by_its_part(
    here: IncidentStatus, kind: ChangeKind, verdict: Verdict, act: Act
) -> None:
    """The other part is open all the while."""
    known = Known(OVER, at(10), service="web")
    told = change(kind, occurred_at=at(20))
    both = incident(OPEN, parts={"api": OPEN, "web": here})
    found = judge(told, both, known, direction=BOTH, page_started_at=T0, now=at(60))
    assert (found.verdict, found.act) == (verdict, act)


def test_s39_our_race_is_undone_where_its_part_is_over_though_another_is_open() -> None:
    both = incident(OPEN, parts={"api": OPEN, "web": RESOLVED})
    known = Known(OVER, at(10), OURS, service="web")
    assert (
        judge(change(K.REOPENED), both, known, direction=BOTH, page_started_at=T0, now=at(60)).verdict is UNDO
    )


def test_an_echo_tells_the_state_there_even_when_it_is_of_an_earlier_life() -> None:
    found = judged(change(K.ACKNOWLEDGED), expected=OURS, current_life=False)
    assert (found.verdict, found.status, found.act) == (ECHO, ACKED, None)


# ---- late, early, of another life ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [K.ACKNOWLEDGED, K.RESOLVED, K.REOPENED, K.UNACKNOWLEDGED, K.NOTE, K.TRIGGERED]
)
def test_s37_what_belongs_to_an_earlier_life_touches_nothing(kind: ChangeKind) -> None:
    """S37."""
    found = judged(change(kind), current_life=False)
    assert (found.verdict, found.act) == (RECORD, None)


@pytest.mark.parametrize(
    ("kind", "occurred", "verdict"),
    [
        pytest.param(K.RESOLVED, at(-60), RECORD, id="a resolve from before the reopen does not end the reopened incident"),
        pytest.param(K.ACKNOWLEDGED, at(-60), RECORD, id="nor does an old acknowledgement stop its page"),
        pytest.param(K.ACKNOWLEDGED, at(-29), APPLY, id="half a minute of skew between two clocks is forgiven"),
        pytest.param(K.ACKNOWLEDGED, at(30), APPLY, id="what happened since counts"),
        pytest.param(K.ACKNOWLEDGED, None, APPLY, id="without a time of theirs the order of receipt counts"),
        pytest.param(K.NOTE, at(-60), APPLY, id="a note is worth reading however late it comes"),
    ],
)  # fmt: skip
def test_what_happened_before_the_page_began(
    kind: ChangeKind, occurred: datetime | None, verdict: Verdict
) -> None:
    assert judged(change(kind, occurred_at=occurred), life=2).verdict is verdict
    assert judged(change(kind, occurred_at=occurred)).verdict is APPLY, "a first life has nothing before it"
    assert judged(change(kind, occurred_at=occurred), started=None).verdict is APPLY


@pytest.mark.parametrize(
    ("kind", "occurred", "there", "verdict"),
    [
        pytest.param(K.ACKNOWLEDGED, at(9), OVER, RECORD, id="acknowledged before it was resolved: late"),
        pytest.param(K.ACKNOWLEDGED, at(10), OVER, RECORD, id="in one instant resolve beats acknowledge"),
        pytest.param(K.RESOLVED, at(10), ACKED, APPLY, id="the other way round the resolve counts"),
        pytest.param(K.UNACKNOWLEDGED, at(9), ACKED, RECORD, id="given back before somebody took it"),
        pytest.param(K.REOPENED, at(11), OVER, APPLY, id="reopened after it was resolved"),
        pytest.param(K.RESOLVED, None, ACKED, APPLY, id="without a time of theirs the order of receipt counts"),
        pytest.param(K.NOTE, at(1), OVER, APPLY, id="a note has no order"),
    ],
)  # fmt: skip
def test_the_provider_s_own_clock_orders_what_happened_there(
    kind: ChangeKind, occurred: datetime | None, there: RemoteStatus, verdict: Verdict
) -> None:
    """Webhooks come late and out of order; what is known since 10 s is not undone by what came before."""
    assert judged(change(kind, occurred_at=occurred), there=there, since=at(10)).verdict is verdict


# ---- S40: who wins, judged and ruled together ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "kind", "person", "after"),
    [
        pytest.param(OPEN, K.ACKNOWLEDGED, "Bob", MITIGATED, id="a person acknowledges there"),
        pytest.param(RESOLVED, K.ACKNOWLEDGED, "Bob", RESOLVED, id="resolve beats acknowledge"),
        pytest.param(MITIGATED, K.RESOLVED, "Bob", RESOLVED, id="a person resolves there what Ada holds: the later act wins"),
        pytest.param(OPEN, K.RESOLVED, "", OPEN, id="a provider's resolve timer never closes what still fires"),
        pytest.param(MITIGATED, K.UNACKNOWLEDGED, "", MITIGATED, id="a provider's acknowledgement timer takes nothing from the holder"),
        pytest.param(MITIGATED, K.UNACKNOWLEDGED, "Bob", OPEN, id="a person who gives it back there does"),
    ],
)  # fmt: skip
def test_s40_a_person_s_act_counts_and_a_provider_s_timer_is_recorded(
    before: IncidentStatus, kind: ChangeKind, person: str, after: IncidentStatus
) -> None:
    """S40."""
    found = judged(change(kind, person=person), status=before)
    assert found.act is not None
    actor = Actor(ActorKind.PROVIDER, person or "pd", "pd", person=bool(person))
    ruling = rule(incident(before), found.act, actor, at(60))
    assert ruling.incident.status is after


# ---- properties ------------------------------------------------------------------------------------------------

CHANGES = st.builds(
    change,
    st.sampled_from(list(K)),
    person=st.sampled_from(["", "Bob"]),
    note=st.sampled_from(["", "on it"]),
    occurred_at=st.none() | st.integers(-300, 300).map(at),
)
WRITES = st.lists(
    st.builds(
        Expected,
        st.sampled_from([k.value for k in K]),
        st.integers(-200, 60).map(at),
        st.sampled_from(["", "on it"]),
    ),
    max_size=3,
).map(tuple)
REST = st.tuples(st.sampled_from(list(IncidentStatus)), st.sampled_from(list(Direction)), st.booleans())


@given(CHANGES, WRITES, REST)
def test_only_what_is_applied_names_an_act_and_outbound_never_applies(
    told: RemoteChange, writes: tuple[Expected, ...], rest: tuple[IncidentStatus, Direction, bool]
) -> None:
    status, direction, current = rest
    found = judged(told, status=status, direction=direction, current_life=current, expected=writes)
    assert (found.act is not None) is (found.verdict is APPLY)
    if found.verdict is APPLY:
        assert direction is not OUT
        assert current
    if found.verdict is ECHO:
        assert any(confirms(told, write) for write in writes)
    if found.act is Act.RESOLVE:
        assert told.kind is K.RESOLVED  # S41: nothing else is ever read as a resolve


@pytest.mark.parametrize(
    ("ours", "told", "echo"),
    [
        pytest.param("bo", "bo", True, id="it went to whom we gave it"),
        pytest.param("bo", "ed", False, id="somebody gave it to another at the same moment"),
        pytest.param("bo", "", False, id="it is not told to whom"),
    ],
)
def test_s38_an_assignment_is_an_echo_when_it_is_the_same_person_s(ours: str, told: str, echo: bool) -> None:
    assert confirms(change(K.REASSIGNED, assignee=told), Expected("reassigned", T0, ours)) is echo
