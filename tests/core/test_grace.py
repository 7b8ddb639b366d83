"""After a person's resolve: what counts only, what opens it again, and when it is looked at (S10)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tocsin.core.dedup import Reading
from tocsin.core.model import ActorKind, AlertStatus
from tocsin.core.situation import Decision

from .deciding import asked, decided, heard
from .values import RESOLVED, T0, alert, at, create, incident

BEFORE = incident(RESOLVED, number=41, resolved_at=T0, resolved_by=ActorKind.PERSON)
NOBODY = ()


def took(decision: Decision) -> str:
    """reopened, or the reason of what keeps it quiet, or its silence ("" = nothing new is told)."""
    if decision.joined:
        return "reopened"
    assert decision.alert.status is AlertStatus.DROPPED
    return next((line.reason for line in decision.lines if line.kind == "alert_dropped"), "")


def known(minutes: float) -> dict[str, Any]:
    return {"interval": timedelta(minutes=minutes)}


@pytest.mark.parametrize(
    ("came", "interval", "look_again"),
    [
        pytest.param(1, {}, 5, id="a sender nobody has heard twice: at the end of the time"),
        pytest.param(1, known(60), 5, id="slower than the time: at its end, not an hour later"),
        pytest.param(1, known(1), 5, id="a fast one is waited for; earliest at the end of the time"),
        pytest.param(4.5, known(1), 6.5, id="a fast one that came late has two intervals"),
        pytest.param(1, known(5), 11, id="as slow as the time itself: two intervals"),
    ],
)
def test_what_comes_in_that_time_is_looked_at_again(
    came: float, interval: dict[str, Any], look_again: float
) -> None:
    """S10: every alert that is kept quiet by the time after a resolve has an end."""
    first = at(minutes=came)
    new = alert(first_event_at=first, last_event_at=first)
    decision = decided(new, heard(create()), now=first, previous=BEFORE, **interval)
    assert took(decision) == "resolve_grace"
    assert decision.look_again_at == at(minutes=look_again)


@pytest.mark.parametrize(
    ("last", "now", "interval", "said", "outcome"),
    [
        pytest.param(1, 5, {}, NOBODY, "reopened", id="unknown interval: looked at, it still fires"),
        pytest.param(1, 5, known(60), NOBODY, "reopened", id="slow: looked at, it still fires"),
        pytest.param(1, 6, known(1), heard(create(), first=Reading.SAME), "reopened", id="fast: its next repeat reopens"),
        pytest.param(1, 5, known(1), NOBODY, "sender_silent", id="fast and silent for two intervals: told, nobody is paged"),
        pytest.param(4.5, 5, known(1), NOBODY, "resolve_grace", id="fast, and its next word is not late yet"),
        pytest.param(1, 29, known(1), heard(create(), first=Reading.SAME), "reopened", id="its next word, however late"),
    ],
)  # fmt: skip
def test_at_the_end_of_that_time(
    last: float, now: float, interval: dict[str, Any], said: Any, outcome: str
) -> None:
    """S10: the sender's next word reopens; one that cannot be waited for is looked at; silence is told."""
    held = alert(
        AlertStatus.DROPPED, first_event_at=at(minutes=1), last_event_at=at(minutes=last), muted_by="it"
    )
    decision = decided(held, said, now=at(minutes=now), previous=BEFORE, **interval)
    assert took(decision) == outcome
    assert asked(decision) == (["pd"] if outcome == "reopened" else [])
    waits = outcome == "resolve_grace"
    assert (decision.look_again_at is not None) == waits, "silence is not waited for again"


def test_an_alert_shows_its_own_interval() -> None:
    """Three repeats in this life say more than the life before."""
    last: datetime = at(minutes=4)
    repeating = alert(
        AlertStatus.DROPPED, first_event_at=at(minutes=1), last_event_at=last, count=3, muted_by="it"
    )
    decision = decided(repeating, heard(create(), first=Reading.SAME), now=last, previous=BEFORE, **known(60))
    assert decision.look_again_at == at(minutes=6)
