"""How long does an acknowledgement last (S25)?"""

from datetime import timedelta
from typing import Any

import pytest

from tocsin.core.lapse import hold, holder_first, holder_way, restarts, timeout_of
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, Incident
from tocsin.core.plan import Plan, PlannedStep, Way
from tocsin.core.policy import Mode, Service, User

from .values import (
    ADA,
    BOB_AT_PD,
    CLOSED,
    MITIGATED,
    OPEN,
    RESOLVED,
    SENDER,
    TIMER,
    C,
    H,
    M,
    at,
    incident,
    policy,
)

HOUR = timedelta(hours=1)
BOB = Actor(BOB_AT_PD.kind, "Bob", "pd")
OWN = policy(
    services={"web": Service(name="web", ack_timeout=timedelta(minutes=20)), "db": Service(name="db")}
)


@pytest.mark.parametrize(
    ("held", "timeout"),
    [
        pytest.param(incident(MITIGATED, severity=C), HOUR, id="critical: an hour"),
        pytest.param(incident(MITIGATED, severity=H), timedelta(hours=4), id="high: four hours"),
        pytest.param(incident(MITIGATED, severity=M), None, id="medium: it lasts"),
        pytest.param(incident(MITIGATED, severity=C, parts={"web": MITIGATED, "db": MITIGATED}), timedelta(minutes=20), id="a service's own"),
    ],
)  # fmt: skip
def test_s25_how_long(held: Incident, timeout: timedelta | None) -> None:
    """S25: critical an hour, high four."""
    assert timeout_of(held, OWN) == timeout


def test_s25_the_holder_is_warned_once_five_minutes_before_the_end() -> None:
    """S25."""
    held = incident(MITIGATED, severity=C)
    begun = hold(Plan(), held, HOUR, at(0))
    assert (begun.plan.held_until, begun.next_at, begun.warning) == (at(minutes=60), at(minutes=55), None)
    warned = hold(begun.plan, held, HOUR, at(minutes=55))
    assert warned.warning is not None
    assert warned.warning.text.startswith("Ada: this acknowledgement ends at 11:00:00 UTC")
    again = hold(warned.plan, held, HOUR, at(minutes=56))
    assert (again.warning, again.next_at, again.over) == (None, at(minutes=60), False)
    assert hold(warned.plan, held, HOUR, at(minutes=60)).over


@pytest.mark.parametrize("status", [OPEN, RESOLVED, CLOSED])
def test_s25_what_nobody_holds_has_no_end(status: Any) -> None:
    held = hold(Plan(held_until=at(9), warned=True), incident(status, severity=C), HOUR, at(minutes=99))
    assert (held.plan, held.next_at, held.over, held.warning) == (Plan(), None, False, None)


@pytest.mark.parametrize(
    ("act", "actor", "starts_over"),
    [
        pytest.param(Act.NOTE, ADA, True, id="the holder leaves a note"),
        pytest.param(Act.ACKNOWLEDGE, ADA, True, id="the holder acknowledges again"),
        pytest.param(Act.ACKNOWLEDGE, BOB, True, id="another acknowledges"),
        pytest.param(Act.NOTE, BOB, False, id="another leaves a note"),
        pytest.param(Act.ACKNOWLEDGE, SENDER, False, id="a machine acknowledges"),
        pytest.param(Act.NOTE, TIMER, False, id="our own warning"),
    ],
)  # fmt: skip
def test_s25_any_act_of_the_holder_starts_it_over(act: Act, actor: Actor, starts_over: bool) -> None:
    """S25."""
    assert restarts(incident(MITIGATED, severity=C), act, actor) is starts_over


def test_s25_the_holder_is_asked_first() -> None:
    """S25: step 1, the holder first."""
    known = policy(users={"ada": User(id="ada", name="Ada", email="ada@x")})
    way = holder_way(incident(MITIGATED, severity=C), known, "mail")
    assert way == Way("mail", "ada@x")
    first = PlannedStep(mode=Mode.FAILOVER, ways=(Way("pd"), Way("og")))
    once = holder_first(Plan(steps=(first,)), way)
    assert [step.ways for step in once.steps] == [(way,), (Way("pd"), Way("og"))]
    assert holder_first(once, way) == once, "and never twice"
    everybody = PlannedStep(mode=Mode.ALL, ways=(Way("pd"), Way("og")))
    assert holder_first(Plan(steps=(everybody,)), way).steps[0].ways == (way, Way("pd"), Way("og"))
    assert holder_way(incident(MITIGATED, severity=C, acknowledged_by="a bot"), known, "mail") is None
