"""Is waiting work still wanted when its turn comes (S29, S31, S39, PR-3)?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.model import IncidentStatus
from tocsin.core.ports import EffectKind, RemoteStatus
from tocsin.core.stale import no_longer_wanted, sent_as

from .values import CLOSED, MITIGATED, OPEN, RESOLVED

ASSIGN = EffectKind.ASSIGN
CREATE, ACK, RES, NOTE, UPDATE, REOPEN = (
    EffectKind.CREATE, EffectKind.ACKNOWLEDGE, EffectKind.RESOLVE, EffectKind.NOTE, EffectKind.UPDATE, EffectKind.REOPEN,
)  # fmt: skip
TRIGGERED, ACKED, OVER, UNKNOWN = (
    RemoteStatus.TRIGGERED, RemoteStatus.ACKNOWLEDGED, RemoteStatus.RESOLVED, RemoteStatus.UNKNOWN,
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "status", "there", "why"),
    [
        pytest.param(CREATE, OPEN, UNKNOWN, "", id="a page for what is open is sent"),
        pytest.param(CREATE, MITIGATED, UNKNOWN, "acknowledged meanwhile", id="S31: acknowledged meanwhile: not paged"),
        pytest.param(CREATE, RESOLVED, UNKNOWN, "resolved meanwhile", id="PR-3: what resolved meanwhile is never paged"),
        pytest.param(CREATE, CLOSED, UNKNOWN, "resolved meanwhile", id="nor what was closed"),
        pytest.param(REOPEN, OPEN, OVER, "", id="a reopen of what is open again is sent"),
        pytest.param(REOPEN, MITIGATED, OVER, "acknowledged meanwhile", id="a reopen of what somebody has is not"),
        pytest.param(REOPEN, RESOLVED, OVER, "resolved meanwhile", id="a reopen of what is over again is not"),
        pytest.param(ACK, MITIGATED, TRIGGERED, "", id="an acknowledgement of what is held is told"),
        pytest.param(ACK, MITIGATED, UNKNOWN, "", id="S41: unknown there is not resolved there: it is told"),
        pytest.param(ACK, MITIGATED, OVER, "would reopen", id="S39: never an acknowledgement of what is resolved there"),
        pytest.param(ACK, OPEN, TRIGGERED, "open again", id="given back meanwhile: not told"),
        pytest.param(ACK, RESOLVED, TRIGGERED, "the resolve follows", id="resolved meanwhile: the resolve is told instead"),
        pytest.param(RES, RESOLVED, TRIGGERED, "", id="a resolve of what is over is told"),
        pytest.param(RES, RESOLVED, ACKED, "", id="whoever has it there"),
        pytest.param(RES, CLOSED, UNKNOWN, "", id="S41: unknown there is not resolved there: the resolve is told"),
        pytest.param(RES, RESOLVED, OVER, "resolved there already", id="what is resolved there is not resolved twice"),
        pytest.param(RES, OPEN, TRIGGERED, "open again", id="reopened meanwhile: its old resolve is not told"),
        pytest.param(RES, MITIGATED, TRIGGERED, "open again", id="nor when somebody has the reopened one"),
        pytest.param(UPDATE, OPEN, TRIGGERED, "", id="a new text of what is open is told"),
        pytest.param(UPDATE, MITIGATED, ACKED, "", id="also while somebody has it"),
        pytest.param(UPDATE, RESOLVED, TRIGGERED, "over", id="a new text of what is over is not"),
        pytest.param(UPDATE, OPEN, OVER, "over", id="nor of what is over there"),
        pytest.param(ASSIGN, OPEN, TRIGGERED, "", id="whose an open one is, is told"),
        pytest.param(ASSIGN, MITIGATED, ACKED, "", id="and who has it now"),
        pytest.param(ASSIGN, RESOLVED, TRIGGERED, "over", id="not once it is over"),
        pytest.param(ASSIGN, OPEN, OVER, "over", id="nor where it is over there"),
        pytest.param(NOTE, RESOLVED, OVER, "", id="a note is wanted even after the end"),
    ],
)  # fmt: skip
def test_what_is_still_wanted(
    kind: EffectKind, status: IncidentStatus, there: RemoteStatus, why: str
) -> None:
    told = no_longer_wanted(kind, status, there, perhaps_applied=False, superseded=False)
    assert why in told
    assert bool(told) is bool(why)


@pytest.mark.parametrize("kind", [CREATE, REOPEN])
@pytest.mark.parametrize("status", list(IncidentStatus))
def test_s29_a_page_that_may_have_arrived_is_always_settled_by_looking(
    kind: EffectKind, status: IncidentStatus
) -> None:
    for superseded in (True, False):
        assert no_longer_wanted(kind, status, UNKNOWN, perhaps_applied=True, superseded=superseded) == ""


@pytest.mark.parametrize("kind", [CREATE, REOPEN])
def test_s31_a_waiting_page_of_another_target_is_withdrawn_as_superseded(kind: EffectKind) -> None:
    told = no_longer_wanted(kind, OPEN, UNKNOWN, perhaps_applied=False, superseded=True)
    assert told.startswith("superseded")


@given(*(st.sampled_from(list(e)) for e in (EffectKind, IncidentStatus, RemoteStatus)), st.booleans())
def test_an_acknowledgement_never_reaches_what_is_resolved_there(
    kind: EffectKind, status: IncidentStatus, there: RemoteStatus, superseded: bool
) -> None:
    """S39: at PagerDuty it would reopen it."""
    sent = not no_longer_wanted(kind, status, there, perhaps_applied=False, superseded=superseded)
    if sent and kind is ACK:
        assert there is not OVER
    if sent and kind in (CREATE, REOPEN):
        assert status is OPEN


@pytest.mark.parametrize(
    ("status", "superseded", "sent"),
    [
        pytest.param(OPEN, False, CREATE, id="still wanted: sent as it is, after a look"),
        pytest.param(
            IncidentStatus.MITIGATED, False, ACK, id="acknowledged meanwhile: what is found is acknowledged"
        ),
        pytest.param(
            IncidentStatus.RESOLVED,
            False,
            EffectKind.RESOLVE,
            id="resolved meanwhile: what is found is resolved",
        ),
        pytest.param(
            IncidentStatus.CLOSED, True, EffectKind.RESOLVE, id="closed meanwhile: what is found is resolved"
        ),
        pytest.param(
            OPEN,
            True,
            EffectKind.UPDATE,
            id="another target has it: what is found is adopted, nothing is created",
        ),
    ],
)
def test_s29_a_page_not_wanted_any_more_is_settled_without_creating(
    status: IncidentStatus, superseded: bool, sent: EffectKind
) -> None:
    assert sent is sent_as(CREATE, status, perhaps_applied=True, superseded=superseded)
    assert CREATE is sent_as(CREATE, status, perhaps_applied=False, superseded=superseded)


@pytest.mark.parametrize("kind", [ACK, EffectKind.RESOLVE, EffectKind.NOTE, EffectKind.UPDATE])
def test_what_was_never_created_there_hears_nothing(kind: EffectKind) -> None:
    assert no_longer_wanted(kind, OPEN, UNKNOWN, perhaps_applied=False, superseded=True)
