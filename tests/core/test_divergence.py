"""When do both sides differ, what is decided, and when is it over (S36, S40, S41)?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.divergence import (
    DifferenceKind,
    agree,
    listed_only,
    merged,
    missing,
    over_because,
    refused,
    unapplied,
)
from tocsin.core.model import IncidentStatus
from tocsin.core.ports import ChangeKind, EffectKind, RemoteStatus

from .values import MITIGATED, OPEN, RESOLVED

TRIGGERED, ACKED, OVER, UNKNOWN = (
    RemoteStatus.TRIGGERED, RemoteStatus.ACKNOWLEDGED, RemoteStatus.RESOLVED, RemoteStatus.UNKNOWN,
)  # fmt: skip
KIND = DifferenceKind


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (OPEN, TRIGGERED, True),
        (MITIGATED, ACKED, True),
        (RESOLVED, OVER, True),
        (IncidentStatus.CLOSED, OVER, True),
        (OPEN, ACKED, False),
        (MITIGATED, OVER, False),
        (RESOLVED, TRIGGERED, False),
        (RESOLVED, UNKNOWN, False),
    ],
)
def test_which_words_mean_the_same(ours: IncidentStatus, theirs: RemoteStatus, same: bool) -> None:
    assert agree(ours, theirs) is same


@pytest.mark.parametrize(
    ("ours", "theirs", "person", "rings", "kind", "decision"),
    [
        pytest.param(OPEN, OVER, "", True, KIND.TIMER, "opened there again", id="S40: closed by a timer while it fires and nobody has it"),
        pytest.param(MITIGATED, OVER, "", False, KIND.TIMER, "somebody has it here", id="S40: closed by a timer while somebody has it"),
        pytest.param(MITIGATED, TRIGGERED, "", False, KIND.TIMER, "nothing is changed here", id="S40: an acknowledgement that lapsed there"),
        pytest.param(RESOLVED, ACKED, "Bo", False, KIND.STATUS, "nothing is changed here", id="an acknowledgement that came too late"),
    ],
)  # fmt: skip
def test_what_is_not_applied_is_listed_with_its_decision(
    ours: IncidentStatus, theirs: RemoteStatus, person: str, rings: bool, kind: DifferenceKind, decision: str
) -> None:
    found = unapplied(ChangeKind.RESOLVED, ours, theirs, person=person, why="because", rings_again=rings)
    assert found is not None
    assert (found.kind, found.reason) == (kind, "because")
    assert decision in found.decision


def test_what_agrees_all_the_same_is_no_difference() -> None:
    found = unapplied(ChangeKind.RESOLVED, RESOLVED, OVER, person="Bo", why="", rings_again=False)
    assert found is None


@pytest.mark.parametrize(
    ("kind", "what", "ours", "theirs", "over"),
    [
        pytest.param(KIND.OUTBOUND, "acknowledged", OPEN, ACKED, False, id="S36: it stands while both differ"),
        pytest.param(KIND.OUTBOUND, "acknowledged", MITIGATED, ACKED, True, id="S36: acknowledged here too: over"),
        pytest.param(KIND.OUTBOUND, "note", OPEN, TRIGGERED, False, id="a note has no state that could agree"),
        pytest.param(KIND.OUTBOUND, "note", RESOLVED, OVER, True, id="it ends with the incident"),
        pytest.param(KIND.OUTBOUND, "note", RESOLVED, TRIGGERED, True, id="whatever the provider says"),
        pytest.param(KIND.MISSING, "reading", OPEN, UNKNOWN, False, id="S41: still not seen there"),
        pytest.param(KIND.MISSING, "reading", OPEN, ACKED, True, id="S41: seen there again"),
        pytest.param(KIND.MISSING, "reading", RESOLVED, UNKNOWN, True, id="S41: over here, nothing left to see"),
        pytest.param(KIND.TIMER, "resolved", OPEN, TRIGGERED, True, id="S40: opened there again"),
        pytest.param(KIND.REFUSED, "resolve", RESOLVED, TRIGGERED, False, id="a refused resolve stands"),
        pytest.param(KIND.REFUSED, "resolve", RESOLVED, OVER, True, id="until it is resolved there"),
        pytest.param(KIND.REFUSED, "update", RESOLVED, OVER, True, id="a refused text ends with the incident"),
    ],
)  # fmt: skip
def test_when_it_is_over(
    kind: DifferenceKind, what: str, ours: IncidentStatus, theirs: RemoteStatus, over: bool
) -> None:
    assert bool(over_because(kind, what, ours, theirs)) is over


@given(st.sampled_from(list(IncidentStatus)), st.sampled_from(list(RemoteStatus)), st.text(max_size=20))
def test_every_difference_has_a_decision_and_a_reason(
    ours: IncidentStatus, theirs: RemoteStatus, words: str
) -> None:
    """Never silently applied, never without a why."""
    for found in (
        missing(ours, "404"),
        refused(EffectKind.RESOLVE, ours, theirs, words or "no"),
        listed_only(ChangeKind.RESOLVED, ours, theirs, "outbound"),
        merged(ours, "Q1"),
    ):
        assert found.decision
        assert found.reason
