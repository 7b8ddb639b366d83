"""What may the button of an ack link do now, and what is told instead (S52)?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tocsin.core.ack_link import LASTS, AckLink
from tocsin.core.lifecycle import Act, rule
from tocsin.core.model import Incident
from tocsin.core.press import Presser, Standing, ended, holder, stands
from tocsin.core.values import replace

from .values import ADA, BOB_AT_PD, CLOSED, MITIGATED, OPEN, RESOLVED, SENDER, at, incident

LINK = AckLink(UUID(int=7), 2, at() + LASTS, b"whomwhom")
ME = Presser("Ada", frozenset(("ada", "Ada", "ada@example.com")))
BOX = Presser("ops@example.com", frozenset(("ops@example.com",)), shared=True)


def held(by: str, **more: Any) -> Incident:
    return replace(incident(MITIGATED), acknowledged_by=by, assignee=by, acknowledged_at=at(), **more)


@pytest.mark.parametrize(
    ("presser", "found", "over_in", "standing"),
    [
        pytest.param(ME, incident(OPEN), None, Standing.OPEN, id="nobody has it: a button"),
        pytest.param(ME, incident(OPEN), 1, Standing.OPEN, id="open again, and this link was sent since"),
        pytest.param(ME, held("Ada"), None, Standing.YOURS, id="theirs: a button that keeps it"),
        pytest.param(ME, held("ada@example.com"), None, Standing.YOURS, id="theirs, by their address"),
        pytest.param(ME, held("Grace"), None, Standing.TAKEN, id="somebody else has it: no button"),
        pytest.param(ME, replace(held("Ada"), assignee="Grace"), None, Standing.TAKEN, id="given to somebody else since"),
        pytest.param(ME, replace(held("Ada"), snoozed_until=at(60)), None, Standing.YOURS, id="they snoozed it: pressing ends that"),
        pytest.param(ME, held("", snoozed_until=at(60)), None, Standing.TAKEN, id="nobody named has it: still not theirs"),
        pytest.param(BOX, held("ops@example.com"), None, Standing.YOURS, id="the mailbox has it: who reads it keeps it"),
        pytest.param(BOX, held("Ada"), None, Standing.TAKEN, id="a person has it: the mailbox takes it from nobody"),
        pytest.param(ME, incident(RESOLVED), None, Standing.OVER, id="resolved: dead"),
        pytest.param(ME, incident(CLOSED), None, Standing.OVER, id="closed: dead"),
        pytest.param(ME, incident(OPEN), 2, Standing.OVER_SINCE, id="over since and open again: stays dead"),
        pytest.param(ME, held("Ada"), 3, Standing.OVER_SINCE, id="also for who has the new life"),
        pytest.param(ME, incident(RESOLVED), 2, Standing.OVER, id="over twice: it is told of the last"),
        pytest.param(None, incident(OPEN), None, Standing.NOBODY, id="the address is nobody's any more"),
        pytest.param(ME, None, None, Standing.NO_INCIDENT, id="the incident is not kept any more"),
    ],
)  # fmt: skip
def test_s52_how_a_link_stands(
    presser: Presser | None, found: Incident | None, over_in: int | None, standing: Standing
) -> None:
    """S52: per person, dead after resolve, and after a reopen it stays dead."""
    got = stands(LINK, presser, found, over_in, at())
    assert got is standing
    assert got.acts == (standing in (Standing.OPEN, Standing.YOURS))


def test_s52_a_lapse_does_not_end_a_link() -> None:
    """S25, S52: the life rises when an acknowledgement lapses and it rings again; the first mail is as good then."""
    rung_again = replace(incident(OPEN), life=5)
    assert stands(LINK, ME, rung_again, None, at()) is Standing.OPEN


def test_a_link_lasts_a_week_whatever_became_of_its_incident() -> None:
    last = LINK.ends_at
    assert stands(LINK, ME, incident(OPEN), None, last - (at(1) - at())) is Standing.OPEN
    assert stands(LINK, ME, incident(OPEN), None, last) is Standing.TOO_OLD
    assert stands(LINK, ME, incident(RESOLVED), None, last) is Standing.TOO_OLD
    assert stands(None, None, None, None, last) is Standing.NOT_OURS


def test_nothing_of_the_incident_is_told_by_a_link_that_says_nothing() -> None:
    """A scanner learns no more than the mail told it."""
    silent = {standing for standing in Standing if not standing.tells}
    assert silent == {Standing.TOO_OLD, Standing.NOBODY, Standing.NO_INCIDENT, Standing.NOT_OURS}


def test_what_the_button_does_makes_it_theirs() -> None:
    pressed = rule(incident(OPEN), Act.ACKNOWLEDGE, ME.actor, at(5)).incident
    assert holder(pressed) == "Ada"
    assert stands(LINK, ME, pressed, None, at(5)) is Standing.YOURS
    (line,) = rule(incident(OPEN), Act.ACKNOWLEDGE, ME.actor, at(5)).lines
    assert line.text == "Acknowledged by Ada via mail link"


@pytest.mark.parametrize(
    ("act", "actor", "who"),
    [
        pytest.param(Act.RESOLVE, ADA, "Ada", id="a person here"),
        pytest.param(Act.RESOLVE, BOB_AT_PD, "Bob", id="a person at a provider"),
        pytest.param(Act.CLOSE, ADA, "Ada", id="closed at once"),
        pytest.param(Act.RESOLVE, SENDER, "", id="its last alert"),
    ],
)
def test_s52_who_ended_it_and_when(act: Act, actor: Any, who: str) -> None:
    """S52: a dead link says by whom and when."""
    assert ended(rule(incident(OPEN), act, actor, at(90)).incident) == (who, at(90))
