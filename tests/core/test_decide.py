"""What becomes of an alert, and why (S5, S6, S18, S19, S21, S23, IN-17)?"""

from typing import Any

import pytest

from tocsin.core.decide import conclude, understand
from tocsin.core.model import (
    Alert,
    AlertStatus,
    Event,
    Incident,
    IncidentStatus,
    Link,
)
from tocsin.core.policy import (
    Destination,
    GroupingRule,
    Integration,
    Policy,
    RouteKind,
    RoutingRule,
    User,
)
from tocsin.core.severity import Severity
from tocsin.core.situation import Situation
from tocsin.core.values import replace

from .deciding import NEW_ID, PAGER, asked, decided, heard, kinds, member, repeated
from .values import (
    ALWAYS,
    FAILS,
    MITIGATED,
    NEVER,
    OPEN,
    RESOLVED,
    T0,
    C,
    H,
    L,
    M,
    Says,
    SeverityIs,
    acknowledge,
    alert,
    at,
    create,
    incident,
    page_rule,
    policy,
    resolve,
)

DROPPED, ACKED = AlertStatus.DROPPED, AlertStatus.ACKNOWLEDGED


# ---- S6: worse, the same, better -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "before", "of_incident", "said", "severity", "after", "paged"),
    [
        pytest.param(M, OPEN, M, M, M, OPEN, False, id="a repeat as bad as before pages nobody again"),
        pytest.param(M, OPEN, M, L, M, OPEN, False, id="a fall changes text only: severity is the highest so far"),
        pytest.param(M, OPEN, M, C, C, OPEN, True, id="a rise is routed again at once"),
        pytest.param(M, MITIGATED, M, M, M, MITIGATED, False, id="a repeat leaves the holder in peace"),
        pytest.param(M, MITIGATED, M, C, C, OPEN, True, id="a rise asks the holder of an acknowledged incident again"),
        pytest.param(L, MITIGATED, C, M, C, MITIGATED, False, id="IN-17: worse than it was, but not than its incident: no second page"),
        pytest.param(L, OPEN, C, M, C, OPEN, False, id="nor does it take the place of the critical page under way"),
    ],
)  # fmt: skip
def test_s6_what_a_repeat_changes(
    was: Severity, before: IncidentStatus, of_incident: Severity, said: Severity, severity: Severity,
    after: IncidentStatus, paged: bool,
) -> None:  # fmt: skip
    """S6."""
    status = ACKED if before is MITIGATED else AlertStatus.OPEN
    decision = decided(
        member(was, status), repeated(create(severity=said)), incident=incident(before, severity=of_incident)
    )
    assert decision.incident is not None
    assert (decision.incident.severity, decision.incident.status) == (severity, after)
    assert {p.status for p in decision.incident.parts} == {after}
    assert decision.tell_update
    assert asked(decision) == (["pd", "og"] if paged else [])
    assert decision.alert.status is (ACKED if after is MITIGATED else AlertStatus.OPEN)


def test_s6_asking_again_takes_the_acknowledgement_off_its_other_alerts_too() -> None:
    decision = decided(
        member(M, ACKED), repeated(create(severity=C)), incident=incident(MITIGATED), other_live=1
    )
    assert decision.ruling is not None
    assert decision.ruling.alerts_become is AlertStatus.OPEN
    assert decision.ruling.lines[0].text == "Ada is asked again"
    assert decision.incident is not None
    assert decision.incident.acknowledged_at is None


def test_s26_whatever_grows_worse_ends_a_snooze() -> None:
    """S26: It was put off as it was then; though it is not as bad as its incident, the holder is asked again."""
    held = incident(MITIGATED, severity=C, snoozed_until=at(hours=1))
    decision = decided(member(L, ACKED), repeated(create(severity=M)), incident=held)
    assert decision.ruling is not None
    assert decision.incident is not None
    assert (decision.incident.status, decision.incident.snoozed_until) == (OPEN, None)
    assert (
        decision.ruling.lines[0].text
        == "The snooze until 2026-11-18 11:00:00 UTC is over: Ada is asked again"
    )
    same = decided(member(L, ACKED), repeated(create(severity=L)), incident=held).incident
    assert same is not None
    assert same.snoozed_until == at(hours=1), "a repeat as bad as before changes nothing"


def test_s6_a_part_that_is_resolved_stays_resolved_when_another_gets_worse() -> None:
    held = incident(MITIGATED, parts={"api": RESOLVED, "web": MITIGATED})
    decision = decided(member(M, ACKED), repeated(create(severity=C)), incident=held)
    assert decision.incident is not None
    assert [p.status for p in decision.incident.parts] == [RESOLVED, OPEN]


def test_s6_text_details_and_links_are_those_of_the_latest_repeat() -> None:
    links = (Link("http://graph"),)
    latest = member(M, title="heat", description="90 C", labels={"host": "b"}, links=links)
    for said in (M, C):
        decision = decided(latest, repeated(create(title="heat", severity=said)), incident=incident())
        assert decision.incident is not None
        assert (decision.incident.title, decision.incident.description) == ("heat", "90 C")
        assert decision.incident.details["label host"] == "b"
        assert decision.incident.links == links


def test_the_title_of_an_incident_of_several_alerts_is_no_one_s_latest_word() -> None:
    decision = decided(
        member(title="heat"), repeated(create(title="heat")), incident=incident(), other_live=2
    )
    assert decision.incident is not None
    assert decision.incident.title == "Disk full"


@pytest.mark.parametrize(
    ("said", "after", "severity", "paged"),
    [
        pytest.param([acknowledge()], MITIGATED, M, False, id="the sender's acknowledgement is the incident's"),
        pytest.param([create(severity=M), acknowledge()], MITIGATED, M, False, id="also after a repeat"),
        pytest.param([create(severity=C), acknowledge()], MITIGATED, C, False, id="worse, then acknowledged: it is critical, and held"),
        pytest.param([acknowledge(), create(severity=M)], MITIGATED, M, False, id="acknowledged, then repeated: held"),
        pytest.param([acknowledge(), create(severity=C)], OPEN, C, True, id="acknowledged, then worse: that was not acknowledged, it pages"),
    ],
)  # fmt: skip
def test_an_acknowledgement_and_a_rise_heard_together(
    said: list[Event], after: IncidentStatus, severity: Severity, paged: bool
) -> None:
    decision = decided(member(M, ACKED), repeated(*said), incident=incident())
    assert decision.incident is not None
    assert (decision.incident.status, decision.incident.severity) == (after, severity)
    assert bool(asked(decision)) is paged
    assert decision.alert.status is (ACKED if after is MITIGATED else AlertStatus.OPEN)


@pytest.mark.parametrize(
    ("said", "after"),
    [
        pytest.param([create(severity=L), acknowledge()], MITIGATED, id="created and acknowledged before it was decided: held, nobody is paged"),
        pytest.param([create(severity=L), acknowledge(), create(severity=C)], OPEN, id="worse after that acknowledgement: paged"),
    ],
)  # fmt: skip
def test_a_new_alert_that_its_sender_has_acknowledged(said: list[Event], after: IncidentStatus) -> None:
    decision = decided(alert(ACKED), heard(*said))
    assert decision.incident is not None
    assert (decision.incident.status, bool(asked(decision))) == (after, after is OPEN)
    assert (decision.incident.acknowledged_at is not None) is (after is MITIGATED)


# ---- S19: the end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("others", "before", "after", "line"),
    [
        pytest.param(0, {}, RESOLVED, "alert_resolved", id="S19: the last alert resolved resolves the incident"),
        pytest.param(2, {}, OPEN, "waits_for_others", id="S19: others still fire: it stays open"),
        pytest.param(0, {"declared": True}, OPEN, "alert_resolved", id="S40: a declared incident is never closed by a machine"),
    ],
)  # fmt: skip
def test_what_the_end_of_an_alert_does(
    others: int, before: dict[str, Any], after: IncidentStatus, line: str
) -> None:
    decision = decided(
        member(M, AlertStatus.RESOLVED), repeated(resolve()), incident=incident(**before), other_live=others
    )
    assert decision.incident is not None
    assert decision.incident.status is after
    assert decision.alert.status is AlertStatus.RESOLVED
    assert line in kinds(decision)


def test_created_and_resolved_before_it_was_decided_pages_nobody_and_says_so() -> None:
    decision = decided(alert(AlertStatus.RESOLVED), heard(create(), resolve()))
    assert (decision.incident, decision.plan) == (None, None)
    assert "never_paged" in [line.reason for line in decision.lines]


# ---- S5, S7, S23, S54: what opens no incident ----------------------------------------------------------------------


def routed(kind: RouteKind, when: Any = ALWAYS) -> Policy:
    return policy(
        routing=(
            page_rule("loud", SeverityIs(C)),
            RoutingRule(name="hush", when=when, kind=kind),
            page_rule("default", default=True),
        )
    )


@pytest.mark.parametrize(
    ("under", "subject", "said", "why"),
    [
        pytest.param(routed(RouteKind.SUPPRESS), alert(), create(severity=M), 'suppressed by the rule "hush"', id="suppressed, and the rule is named"),
        pytest.param(routed(RouteKind.DIGEST), alert(), create(severity=M), 'for the digest, by the rule "hush"', id="for the digest, and the rule is named"),
        pytest.param(PAGER, alert(quiet=True, sender_severity=L), create(severity=L, quiet=True), "not paged", id="S54: info of a sender is never paged by itself"),
        pytest.param(routed(RouteKind.SUPPRESS), alert(), create(severity=C), "", id="a page rule before it wins"),
        pytest.param(routed(RouteKind.SUPPRESS, FAILS), alert(), create(severity=M), "", id="S2: a suppress rule that fails does not hold"),
        pytest.param(routed(RouteKind.SUPPRESS, NEVER), alert(), create(severity=M), "", id="a suppress rule that does not hold mutes nothing"),
        pytest.param(PAGER, alert(quiet=True, sender_severity=H), create(severity=H, quiet=True), "", id="quiet is for low ones: a rule made it worse"),
    ],
)  # fmt: skip
def test_what_is_not_paged_names_why(under: Policy, subject: Alert, said: Event, why: str) -> None:
    decision = decided(replace(subject, sender_severity=said.severity), heard(said), under=under)
    assert (decision.incident is None) is bool(why)
    assert decision.alert.status is (DROPPED if why else AlertStatus.OPEN)
    assert why in decision.alert.muted_by
    assert decision.record is not None
    assert decision.record["muted_by"] == decision.alert.muted_by


def test_s23_a_worse_repeat_of_a_suppressed_alert_opens_its_incident() -> None:
    under = routed(RouteKind.SUPPRESS)
    muted = alert(DROPPED, severity=M, sender_severity=C, muted_by='suppressed by the rule "hush"')
    decision = decided(muted, repeated(create(severity=C)), under=under)
    assert (decision.opened, decision.alert.status, decision.alert.muted_by) == (True, AlertStatus.OPEN, "")
    assert asked(decision) == ["pd", "og"]


# ---- S21, IN-17: grouping --------------------------------------------------------------------------------------------

IN_API: dict[str, Any] = {"services": ("api",)}


def grouped(by: Any = None, when: Any = ALWAYS) -> Policy:
    return policy(grouping=(GroupingRule(name="g", when=when, by=by),))


@pytest.mark.parametrize(
    ("under", "services", "has_key", "told"),
    [
        pytest.param(grouped(), ("api",), True, False, id="by service, without an expression"),
        pytest.param(grouped(Says("eu-1")), ("api",), True, False, id="by the value of an expression"),
        pytest.param(grouped(Says("")), ("api",), False, False, id="an empty or absent key never groups"),
        pytest.param(grouped(FAILS), ("api",), False, True, id="a key that fails never groups, and says so"),
        pytest.param(grouped(when=FAILS), ("api",), False, True, id="a condition that fails never groups, and says so"),
        pytest.param(grouped(Says(RuntimeError("bug"))), ("api",), False, True, id="a fault of ours in a key loses no alert"),
        pytest.param(grouped(when=Says(KeyError("bug"))), ("api",), False, True, id="a fault of ours in a condition loses no alert"),
        pytest.param(grouped(Says("\ud800")), ("api",), True, False, id="text that is no text is a key like another"),
        pytest.param(grouped(when=NEVER), ("api",), False, False, id="a rule that does not hold does not group"),
        pytest.param(grouped(), (), False, False, id="without a service nothing groups"),
    ],
)  # fmt: skip
def test_s21_what_groups(under: Policy, services: tuple[str, ...], has_key: bool, told: bool) -> None:
    subject = alert(services=services)
    situation = Situation(alert=subject, heard=heard(create(services=services)), integration=None)
    understood = understand(situation, under, T0)
    assert bool(understood.group_key) is has_key
    decision = conclude(situation, understood, None, under, T0, NEW_ID)
    assert decision.opened
    assert asked(decision) == ["pd"]
    assert ("rule_failed" in kinds(decision)) is told


def test_s21_groups_are_scoped_to_service_rule_and_key() -> None:
    def key(service: str, name: str, value: str) -> str:
        under = policy(grouping=(GroupingRule(name=name, when=ALWAYS, by=Says(value)),))
        said = heard(create(services=(service,)))
        return understand(Situation(alert=alert(), heard=said, integration=None), under, T0).group_key

    keys = [key("api", "g", "x"), key("web", "g", "x"), key("api", "h", "x"), key("api", "g", "y")]
    assert len(set(keys)) == 4
    assert key("api", "g", "x") == keys[0]


@pytest.mark.parametrize(
    ("group", "said", "after", "severity", "paged"),
    [
        pytest.param(incident(OPEN), M, OPEN, M, False, id="a later alert joins without a second page"),
        pytest.param(incident(OPEN), C, OPEN, C, True, id="unless it is worse"),
        pytest.param(incident(MITIGATED), L, MITIGATED, M, False, id="a low one joins what is acknowledged in peace"),
        pytest.param(incident(MITIGATED), C, OPEN, C, True, id="a worse one that joins what is acknowledged asks again"),
        pytest.param(incident(MITIGATED, severity=C), H, OPEN, C, False, id="S21: a new high one asks the holder again though it is not worse"),
        pytest.param(incident(MITIGATED, severity=C), M, MITIGATED, C, False, id="S21: a medium one does not"),
        pytest.param(incident(MITIGATED, snoozed_until=at(hours=1)), L, OPEN, M, False, id="S26: any new key ends a snooze"),
    ],
)  # fmt: skip
def test_s21_joining_a_group(
    group: Incident, said: Severity, after: IncidentStatus, severity: Severity, paged: bool
) -> None:
    decision = decided(alert(sender_severity=said), heard(create(severity=said)), group=group)
    assert decision.joined
    assert not decision.opened
    assert decision.incident is not None
    assert (decision.incident.id, decision.incident.status) == (group.id, after)
    assert decision.incident.severity is severity
    assert bool(asked(decision)) is paged
    assert "alert_joined" in kinds(decision)
    asks_again = group.status is MITIGATED and after is OPEN
    assert (decision.ruling is not None) is asks_again
    assert decision.alert.status is (ACKED if after is MITIGATED else AlertStatus.OPEN)
    # S18: the joining alert keeps its own correlation id, the incident's is that of its first alert
    assert (decision.alert.correlation_id, decision.incident.correlation_id) == ("c1", group.correlation_id)


# ---- what opens ------------------------------------------------------------------------------------------------------


def test_an_incident_is_born_with_what_its_alert_knows() -> None:
    subject = alert(labels={"host": "a"}, links=(Link("http://x"),), services=("api", "web", "api"))
    decision = decided(subject, heard(create(severity=C, services=subject.services)))
    born = decision.incident
    assert born is not None
    assert (born.id, born.severity, born.correlation_id) == (NEW_ID, C, subject.correlation_id)
    assert [(p.service, p.status) for p in born.parts] == [("api", OPEN), ("web", OPEN)]
    assert (born.policy, born.rule, born.config_version) == ("loud", "loud", 7)
    assert born.details["key"] == "123"  # S37: the sender's key goes into the details
    assert kinds(decision)[:2] == ["alert_received", "alert_deduplicated"]


def test_s4_people_and_channels_are_asked_besides() -> None:
    """S4: An integration's own user, and a connector that a `continue` rule adds."""
    under = policy(
        users={"ada": User(id="ada", name="Ada", email="ada@x")},
        routing=(
            RoutingRule(name="tell", when=ALWAYS, kind=RouteKind.ADD, channels=("og",), continues=True),
            page_rule("default", default=True),
        ),
    )
    integration = Integration(
        name="I1", source="webhook", key_hash="", destinations=(Destination("user", "ada"),)
    )
    decision = decided(alert(), heard(create()), under=under, integration=integration, mailer="mail")
    assert asked(decision) == ["pd", "og", "mail"]
