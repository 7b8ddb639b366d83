"""When an alert resolves by itself, and when it must not (S14, IN-7)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tocsin.core.decide import understand
from tocsin.core.expire import concluded
from tocsin.core.model import ActorKind, AlertStatus, Incident, IncidentId
from tocsin.core.policy import Integration
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision, Situation

from .deciding import PAGER, decided, heard, kinds, repeated
from .values import MITIGATED, RESOLVED, C, H, M, alert, at, create, incident

OPEN, ACKED, DROPPED = AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED, AlertStatus.DROPPED
DAY = timedelta(hours=24)


def look(
    hours: float, *, since: str = "created", last: float = 0, status: AlertStatus = OPEN, severity: Severity = M,
    home: Incident | None = None, said: tuple[Any, ...] = (), **more: Any,
) -> Decision:  # fmt: skip
    """The hub looks at an alert that began at T0 and was last heard `last` hours later."""
    integration = Integration(
        name="I1", source="webhook", key_hash="", auto_resolve=DAY, auto_resolve_from=since
    )
    mine = alert(status, severity=severity, sender_severity=severity, last_event_at=at(hours=last), incident_id=home.id if home else None)  # fmt: skip
    found = Situation(alert=mine, heard=said, integration=integration, incident=home, **more)
    now = at(hours=hours)
    return concluded(found, understand(found, PAGER, now), None, PAGER, now, IncidentId(UUID(int=9)))


@pytest.mark.parametrize(
    ("case", "over"),
    [
        pytest.param({"hours": 24}, True, id="a day since creation"),
        pytest.param({"hours": 23.99}, False, id="not before"),
        pytest.param({"hours": 24, "last": 23}, True, id="repeats do not matter: since creation"),
        pytest.param({"hours": 24, "last": 23, "since": "last_event"}, False, id="from last_event they do"),
        pytest.param({"hours": 47, "last": 23, "since": "last_event"}, True, id="a day since the last repeat"),
        pytest.param({"hours": 24, "severity": C}, True, id="a critical that nobody has acknowledged"),
        pytest.param({"hours": 24, "severity": C, "home": incident(MITIGATED, severity=C)}, False, id="never an acknowledged critical"),
        pytest.param({"hours": 24, "severity": M, "home": incident(MITIGATED, severity=C)}, False, id="nor what belongs to one"),
        pytest.param({"hours": 24, "severity": H, "home": incident(MITIGATED, severity=H)}, True, id="an acknowledged high"),
        pytest.param({"hours": 24, "said": repeated(create())}, False, id="what is heard is decided first"),
    ],
)  # fmt: skip
def test_when_it_is_over(case: dict[str, Any], over: bool) -> None:
    """S14: since creation, or from the last event; never an acknowledged critical."""
    decision = look(**{"home": incident(), **case})
    assert (decision.alert.status is AlertStatus.RESOLVED) is over
    assert ("alert_expired" in kinds(decision)) is over
    if not over:
        assert decision.look_again_at is not None, "it is looked at again, without a word of the sender"


def test_an_acknowledged_critical_is_looked_at_again_soon() -> None:
    """S14: it may be given back, and then nothing keeps it from ending."""
    held = look(24, severity=C, home=incident(MITIGATED, severity=C))
    assert held.look_again_at == at(hours=24.25)


def test_its_incident_ends_with_its_last_alert() -> None:
    alone, one_of_two = look(24, home=incident()), look(24, home=incident(), other_live=1)
    assert alone.incident is not None
    assert alone.incident.status is RESOLVED
    assert alone.incident.resolved_by is ActorKind.TIMER
    assert one_of_two.incident is not None
    assert one_of_two.incident.open
    assert one_of_two.alert.status is AlertStatus.RESOLVED


def test_a_declared_incident_is_not_ended_by_a_timer() -> None:
    """S40: the alert is over, the incident is people's."""
    decision = look(24, home=incident(declared=True))
    assert decision.incident is not None
    assert decision.incident.open


def test_a_quiet_one_is_over_as_well() -> None:
    decision = look(24, status=DROPPED)
    assert decision.alert.status is AlertStatus.RESOLVED
    assert decision.incident is None


@pytest.mark.parametrize(("minutes", "opens"), [(4.9, False), (5, True), (29, True)])
def test_a_repeat_afterwards_follows_the_rule_of_a_persons_resolve(minutes: float, opens: bool) -> None:
    """S10, S14: it only counts for five minutes, then it opens the incident again."""
    before = incident(RESOLVED, resolved_by=ActorKind.TIMER)
    decision = decided(alert(), heard(create(severity=M)), previous=before, now=at(minutes=minutes))
    assert (decision.alert.status is DROPPED) is not opens
    assert ("still_broken" in kinds(decision)) is opens
    if not opens:
        assert "resolved by itself (auto_resolve)" in decision.alert.muted_by
