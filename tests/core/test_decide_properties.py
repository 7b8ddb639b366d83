"""What holds of every decision, whatever came and whatever the rules say (S1, S2, S6, S21)?"""

from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.model import (
    ActorKind,
    AlertStatus,
    Event,
    Incident,
)
from tocsin.core.policy import (
    GroupingRule,
    Policy,
    RouteKind,
    RoutingRule,
)
from tocsin.core.severity import Severity
from tocsin.core.values import replace

from .deciding import asked, decided, heard, member, repeated
from .values import (
    ALWAYS,
    CLOSED,
    FAILS,
    MITIGATED,
    NEVER,
    OPEN,
    RESOLVED,
    C,
    H,
    L,
    M,
    Says,
    SeverityIs,
    alert,
    at,
    create,
    incident,
    page_rule,
    policy,
)

DROPPED, ACKED = AlertStatus.DROPPED, AlertStatus.ACKNOWLEDGED

SEVERITIES = st.sampled_from([None, L, M, H, C])
CREATES = st.lists(
    st.builds(create, severity=SEVERITIES, title=st.sampled_from(["cpu", "heat"])), min_size=1, max_size=5
)
KINDS = st.sampled_from([RouteKind.PAGE, RouteKind.DIGEST, RouteKind.SUPPRESS])
CONDITIONS = st.sampled_from([ALWAYS, NEVER, FAILS, SeverityIs(H), Says(RuntimeError("bug"))])
GROUPINGS = st.lists(
    st.builds(GroupingRule, name=st.just("g"), when=CONDITIONS, by=st.none() | st.sampled_from([FAILS, Says(""), Says("k"), Says(ValueError("x"))])),
    max_size=2,
)  # fmt: skip
RULES = st.lists(
    st.builds(RoutingRule, name=st.just("r"), when=CONDITIONS, kind=KINDS, policy=st.sampled_from(["loud", "gone"])),
    max_size=3,
)  # fmt: skip
POLICIES = st.builds(
    lambda groups, rules: policy(
        grouping=tuple(groups), routing=(*rules, page_rule("default", default=True))
    ),
    GROUPINGS,
    RULES,
)
ANY_INCIDENT = st.sampled_from([OPEN, MITIGATED, RESOLVED, CLOSED]).flatmap(
    lambda status: st.builds(
        lambda severity, by, declared: incident(
            status,
            severity=severity,
            declared=declared,
            **({} if status in (OPEN, MITIGATED) else {"resolved_by": by}),
        ),
        st.sampled_from([L, M, H, C]),
        st.sampled_from(list(ActorKind)),
        st.booleans(),
    )
)
GROUP = st.none() | ANY_INCIDENT.filter(lambda i: i.open)


@given(
    CREATES, POLICIES, st.none() | ANY_INCIDENT, GROUP, st.integers(0, 60), st.sampled_from([(), ("api",)])
)
def test_a_new_alert_is_paged_joined_or_dropped_with_a_reason_and_never_lost(
    said: list[Event], under: Policy, previous: Incident | None, group: Incident | None, minutes: int,
    services: tuple[str, ...],
) -> None:  # fmt: skip
    """S2: whatever the rules say or fail at, it is paged or says by what it is kept quiet."""
    decision = decided(
        alert(services=services), heard(*said), under=under, previous=previous, group=group, now=at(minutes=minutes)
    )  # fmt: skip
    assert decision.alert.severity is not None
    if decision.alert.status is DROPPED:
        assert decision.alert.muted_by
        assert (decision.incident, decision.plan) == (None, None)
        return
    assert decision.incident is not None
    assert decision.incident.open
    assert decision.alert.incident_id == decision.incident.id
    assert decision.incident.severity.rank >= decision.alert.severity.rank
    assert decision.opened is not decision.joined
    reopened = decision.joined and previous is not None and not previous.open and group is None
    if decision.opened or reopened:
        assert decision.plan is not None
        assert asked(decision) != []


@given(CREATES, POLICIES, ANY_INCIDENT.filter(lambda i: i.open))
def test_s21_a_high_alert_never_joins_what_is_acknowledged_in_silence(
    said: list[Event], under: Policy, group: Incident
) -> None:
    decision = decided(alert(), heard(*said), under=under, group=group)
    if decision.joined and decision.alert.severity in (H, C):
        assert decision.incident is not None
        assert decision.incident.status is OPEN
    if decision.joined and decision.incident is not None and decision.incident.severity is not group.severity:
        assert decision.plan is not None


@given(
    CREATES, POLICIES, ANY_INCIDENT.filter(lambda i: i.open), st.integers(0, 2), st.sampled_from([L, M, H, C])
)
def test_an_alert_s_severity_never_falls_and_its_incident_is_never_less_than_it(
    said: list[Event], under: Policy, holder: Incident, others: int, was: Severity
) -> None:
    holder = replace(holder, severity=max(holder.severity, was, key=lambda s: s.rank))
    status = ACKED if holder.status is MITIGATED else AlertStatus.OPEN
    decision = decided(member(was, status), repeated(*said), under=under, incident=holder, other_live=others)
    assert decision.alert.severity is not None
    assert decision.alert.severity.rank >= was.rank
    assert decision.incident is not None
    assert decision.incident.severity.rank >= max(decision.alert.severity.rank, holder.severity.rank)
    if decision.plan is not None:
        assert decision.incident.severity.rank > holder.severity.rank
        assert decision.incident.status is OPEN
    if decision.incident.severity is holder.severity:
        assert decision.incident.status is holder.status
