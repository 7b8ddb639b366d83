"""What mutes an alert, until when, and what it would have paged (S5, S7, S16)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tocsin.core.dedup import Reading
from tocsin.core.model import AlertStatus, Incident
from tocsin.core.mute import circle_in, depends_on, holds_until
from tocsin.core.policy import MuteKind, Service, TimedMute
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision, Parent
from tocsin.core.values import replace
from tocsin.policy.times import spans

from .deciding import asked, decided, heard, kinds, member, repeated
from .values import (
    ALWAYS,
    FAILS,
    MITIGATED,
    NEVER,
    RESOLVED,
    T0,
    C,
    H,
    M,
    alert,
    at,
    create,
    incident,
    policy,
)

DROPPED = AlertStatus.DROPPED


def mute(name: str = "disks", **more: Any) -> TimedMute:
    """A silence for an hour from T0."""
    given = {"kind": MuteKind.SILENCE, "id": name, "when": ALWAYS, "start": T0, "end": at(hours=1), **more}
    return TimedMute(name=name, owner="di", comment="new disks", **given)


def ask(*mutes: TimedMute, severity: Severity = M, now: datetime = T0, **more: Any) -> Decision:
    """A new alert under these mutes."""
    return decided(alert(), heard(create(severity=severity)), now=now, mutes=mutes, **more)


@pytest.mark.parametrize(
    ("mutes", "severity", "after", "by"),
    [
        pytest.param([mute()], M, 0, "silence “disks”", id="from its first instant"),
        pytest.param([mute()], M, 59.99, "silence “disks”", id="to just before its end"),
        pytest.param([mute()], M, 60, "", id="not at its end: half-open"),
        pytest.param([mute(start=at(1))], M, 0, "", id="not before it begins"),
        pytest.param([mute(when=NEVER)], M, 0, "", id="not what it does not cover"),
        pytest.param([mute(when=FAILS)], M, 0, "", id="one that fails mutes nothing (S1)"),
        pytest.param([mute(end=None)], M, 0, "", id="one without an end mutes nothing (S7)"),
        pytest.param([mute(except_severities=frozenset({C}))], C, 0, "", id="not a severity that it excepts"),
        pytest.param([mute(except_severities=frozenset({C}))], H, 0, "silence “disks”", id="the others it does"),
        pytest.param([mute(timezone="Mars/Olympus", every=spans("mon-sun 00:00-23:00"))], M, 0, "", id="a zone gone from the machine"),
        pytest.param([mute("a"), mute("b", kind=MuteKind.MAINTENANCE)], M, 0, "silence “a”; maintenance window “b”", id="all are named"),
        pytest.param([mute("a", when=FAILS), mute("b")], M, 0, "silence “b”", id="a failing one leaves the others"),
    ],
)  # fmt: skip
def test_what_a_mute_mutes(mutes: list[TimedMute], severity: Severity, after: float, by: str) -> None:
    """S7: by what, and nothing that is in doubt."""
    decision = ask(*mutes, severity=severity, now=at(minutes=after))
    assert decision.alert.muted_by == by
    assert (decision.alert.status is DROPPED) == bool(by)
    assert bool(asked(decision)) == (not by)


def test_a_mute_that_fails_is_told() -> None:
    """S1: skipped, recorded and told."""
    assert "rule_failed" in kinds(ask(mute(when=FAILS)))


def test_nothing_mutes_the_hubs_own_alarms() -> None:
    """S7: whoever may silence cannot silence the hub when it cannot page."""
    own = alert(integration="tocsin")
    decision = decided(own, heard(create()), mutes=(mute(),))
    assert decision.opened


def test_a_quiet_alert_shows_what_it_would_have_paged() -> None:
    """S5, S23: by what, until when, whose, and whom it would have asked; in the record and in the timeline."""
    decision = ask(mute())
    record = decision.record or {}
    assert record["would_page"]["targets"][0] == "pd"
    assert record["muted_until"] == at(hours=1).isoformat()
    assert record["mutes"][0] | {"owner": "di", "comment": "new disks"} == record["mutes"][0]
    (line,) = [line for line in decision.lines if line.kind == "alert_dropped"]
    assert "until 11:00 UTC (owner di: new disks)" in line.text
    assert "it would have paged pd" in line.text


def test_it_is_told_once_and_looked_at_until_none_holds() -> None:
    """S7: decided again on each repeat; the line stands once; at the first end the second mute is named alone."""
    both = (mute("a", end=at(minutes=3)), mute("b", end=at(minutes=4)))
    first = ask(*both)
    assert first.look_again_at == at(minutes=3)
    again = decided(first.alert, repeated(create()), now=at(minutes=1), mutes=both, muted_since=T0)
    assert "alert_dropped" not in kinds(again)
    assert (again.record or {})["muted_since"] == T0.isoformat()
    alone = decided(again.alert, (), now=at(minutes=3), mutes=both, muted_since=T0)
    assert (alone.alert.muted_by, alone.look_again_at) == ("silence “b”", at(minutes=4))
    ended = decided(alone.alert, (), now=at(minutes=4), mutes=both, muted_since=T0)
    assert ended.opened
    assert asked(ended) == ["pd"]
    (line,) = [line for line in ended.lines if line.kind == "mute_ended"]
    assert "muted until 10:04:00 UTC by silence “b”: it still fires" in line.text


def test_a_long_mute_is_looked_at_now_and_then() -> None:
    """A silence that is ended early on another node, and whose bell is lost, costs minutes and never a page."""
    assert ask(mute()).look_again_at == at(minutes=5)


def test_a_rise_that_a_mute_excepts_pages_at_once() -> None:
    """S6, S7: the same key, worse, in the same window."""
    window = mute(except_severities=frozenset({C}))
    first = ask(window)
    worse = decided(first.alert, repeated(create(severity=C)), now=at(minutes=1), mutes=(window,))
    assert worse.opened
    assert asked(worse) == ["pd", "og"]
    assert any("now critical, which is paged" in line.text for line in worse.lines)


# ---- an alert that has its incident (docs/adr/0015) -------------------------------------------------------


def under_way(status: Any = None, **more: Any) -> Incident:
    return incident(status or incident().status, severity=M, **more)


def test_a_mute_that_starts_later_leaves_the_incident_and_puts_off_what_is_new() -> None:
    """The incident shows that it got worse; nobody is asked anew until the mute ends; then they are."""
    rose = decided(member(), repeated(create(severity=C)), incident=under_way(), mutes=(mute(),))
    assert rose.incident is not None
    assert (rose.incident.severity, rose.incident.status) == (C, incident().status)
    assert (rose.plan, rose.ruling) == (None, None)
    assert rose.alert.muted_by == "silence “disks”"
    assert "page_muted" in kinds(rose)
    kept = decided(rose.alert, (), incident=rose.incident, mutes=(mute(),), now=at(minutes=5), muted_since=T0)
    assert (kept.plan, kinds(kept)) == (None, [])
    paid = decided(rose.alert, (), incident=rose.incident, mutes=(mute(),), now=at(hours=1), muted_since=T0)
    assert asked(paid) == ["pd", "og"]
    assert (paid.alert.muted_by, paid.look_again_at) == ("", None)


@pytest.mark.parametrize(
    ("acknowledged", "again"),
    [
        pytest.param(-1, True, id="acknowledged before it got worse: the holder is asked again"),
        pytest.param(1, False, id="acknowledged after it: they know"),
    ],
)
def test_who_acknowledged_it_before_it_got_worse_is_asked_when_the_mute_ends(
    acknowledged: float, again: bool
) -> None:
    held = under_way(MITIGATED, acknowledged_at=at(minutes=acknowledged))
    owing = replace(member(C, AlertStatus.ACKNOWLEDGED), muted_by="silence “disks”")
    decision = decided(owing, (), incident=held, mutes=(mute(),), now=at(hours=1), muted_since=T0)
    assert (decision.ruling is not None) == again


def test_a_mute_stops_pages_never_state() -> None:
    """S7: the sender's acknowledgement and resolve pass."""
    acked = decided(
        member(), heard(create(), first=Reading.ACKNOWLEDGED), incident=under_way(), mutes=(mute(),)
    )
    assert acked.incident is not None
    assert acked.incident.status is MITIGATED
    over = replace(member(), status=AlertStatus.RESOLVED)
    ended = decided(over, (), incident=under_way(), mutes=(mute(),))
    assert ended.incident is not None
    assert ended.incident.status is RESOLVED


# ---- S16 ------------------------------------------------------------------------------------------------

SERVICES = {
    "web": Service(name="web", depends_on=("api",)),
    "api": Service(name="api", depends_on=("database",)),
    "database": Service(name="database"),
    "left": Service(name="left", depends_on=("right",)),
    "right": Service(name="right", depends_on=("left",)),
    "far": Service(name="far", depends_on=("left", "database")),
}
UNDER = policy(services=SERVICES)


def parent(service: str = "database", severity: Severity = H, **more: Any) -> Parent:
    given = {"created": True, "incident_id": UUID(int=9), "name": "INC-9", **more}
    return Parent(service=service, severity=severity, **given)


@pytest.mark.parametrize(
    ("of", "above", "severity", "muted"),
    [
        pytest.param("api", parent(), M, True, id="what it depends on is down and paged"),
        pytest.param("web", parent(), M, True, id="by two steps"),
        pytest.param("api", parent(), H, True, id="as severe"),
        pytest.param("api", parent(), C, False, id="the child is worse: it pages"),
        pytest.param("api", parent(created=False), M, False, id="the parent's page is not confirmed created: it pages"),
        pytest.param("database", parent("api"), M, False, id="the other way round: it pages"),
        pytest.param("left", parent("right"), M, False, id="a circle: it pages"),
        pytest.param("far", parent(), M, False, id="a circle further on: it pages"),
        pytest.param("", parent(), M, False, id="no service: it pages"),
        pytest.param("api", parent(ended_at=at(minutes=-4.9)), M, True, id="its parent is over since less than 5 min"),
        pytest.param("api", parent(ended_at=at(minutes=-5)), M, False, id="since 5 min: it pages"),
    ],
)  # fmt: skip
def test_a_child_is_muted_while_its_parent_is_paged(
    of: str, above: Parent, severity: Severity, muted: bool
) -> None:
    """S16."""
    said = create(severity=severity, services=(of,) if of else ())
    decision = decided(alert(services=said.services), heard(said), under=UNDER, parents=(above,))
    assert (decision.alert.status is DROPPED) == muted
    assert ("INC-9" in decision.alert.muted_by) == muted


def test_a_child_is_looked_at_before_its_parents_time_can_be_over() -> None:
    """S16: every 2 min while the parent is open, and exactly 5 min after its end."""
    child = alert(services=("api",))
    first = decided(child, heard(create(services=("api",))), under=UNDER, parents=(parent(),))
    assert first.look_again_at == at(minutes=2)
    over = parent(ended_at=at(minutes=1))
    seen = decided(first.alert, (), under=UNDER, parents=(over,), now=at(minutes=2))
    assert seen.look_again_at == at(minutes=6)
    assert decided(seen.alert, (), under=UNDER, parents=(over,), now=at(minutes=6)).opened


def test_circles() -> None:
    assert circle_in(SERVICES) in (("left", "right"), ("right", "left"))
    assert circle_in({name: SERVICES[name] for name in ("web", "api", "database")}) == ()
    assert depends_on("web", SERVICES) == {"api", "database"}
    assert depends_on("left", SERVICES) is None


def test_a_recurring_mute_between_two_times() -> None:
    """Each Sunday, but only in November."""
    sundays = mute(
        every=spans("sun 02:00-04:00"), start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 11, 29, 3, tzinfo=UTC)
    )  # fmt: skip
    assert holds_until(sundays, datetime(2026, 11, 22, 2, tzinfo=UTC)) == datetime(
        2026, 11, 22, 4, tzinfo=UTC
    )
    assert holds_until(sundays, datetime(2026, 11, 29, 2, tzinfo=UTC)) == datetime(
        2026, 11, 29, 3, tzinfo=UTC
    )
    assert holds_until(sundays, datetime(2026, 12, 6, 2, tzinfo=UTC)) is None
