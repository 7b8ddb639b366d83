"""What does a reading say that was not known (S41, S43, S44)?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tocsin.core.ports import ChangeKind, RemoteRef, RemoteState, RemoteStatus
from tocsin.core.reading import changes_of, is_about
from tocsin.core.remote import Expected

from .values import T0, at

K, S = ChangeKind, RemoteStatus


@dataclass(frozen=True)
class Side:
    id: int = 7
    key: str = "tocsin:hub:1:web:1"
    remote_id: str = "Q1"
    status: RemoteStatus = S.TRIGGERED
    notified_at: datetime | None = T0
    asked_at: datetime = T0
    failed_at: datetime | None = None
    exhausted_at: datetime | None = None
    resolved_at: datetime | None = None
    there_at: datetime | None = None
    expected: tuple[Expected, ...] = ()


def kinds(known: Side, **state: Any) -> list[ChangeKind]:
    said = RemoteState(**{"remote_id": "Q1", **state})
    return [change.kind for change in changes_of(known, said, at(60), read_at=at(60))]


ACKED_BY_US = (Expected("acknowledged", at(40)),)


@pytest.mark.parametrize(
    ("known", "state", "told"),
    [
        pytest.param(Side(), {"status": S.TRIGGERED}, [], id="as it was: nothing"),
        pytest.param(Side(), {"status": S.ACKNOWLEDGED}, [K.ACKNOWLEDGED], id="somebody took it"),
        pytest.param(Side(), {"status": S.RESOLVED}, [K.RESOLVED], id="somebody resolved it"),
        pytest.param(Side(status=S.RESOLVED, resolved_at=at(9)), {"status": S.RESOLVED}, [], id="resolved, as we know"),
        pytest.param(Side(status=S.RESOLVED), {"status": S.RESOLVED}, [K.RESOLVED], id="S37: a write of ours met it resolved, nobody has judged that yet"),
        pytest.param(Side(status=S.ACKNOWLEDGED), {"status": S.TRIGGERED}, [K.UNACKNOWLEDGED], id="given back, or lapsed"),
        pytest.param(Side(status=S.RESOLVED, resolved_at=at(9)), {"status": S.TRIGGERED}, [K.REOPENED], id="reopened"),
        pytest.param(Side(status=S.RESOLVED, resolved_at=at(9)), {"status": S.ACKNOWLEDGED}, [K.REOPENED, K.ACKNOWLEDGED], id="reopened, and somebody has it by now"),
        pytest.param(Side(status=S.RESOLVED, resolved_at=at(41)), {"status": S.TRIGGERED}, [], id="resolved less than half a minute before the reading: the list may be behind"),
        pytest.param(Side(status=S.UNKNOWN), {"status": S.TRIGGERED}, [], id="the first sight of what we asked for"),
        pytest.param(Side(), {"status": S.UNKNOWN}, [], id="S41: a word nobody knows says nothing"),
        pytest.param(Side(notified_at=None), {"status": S.UNKNOWN, "notified": True}, [K.NOTIFIED], id="S27: somebody was rung"),
        pytest.param(Side(notified_at=None, asked_at=at(50)), {"notified": True, "changed_at": at(5)}, [], id="S27: rung for an earlier page of it there"),
        pytest.param(Side(), {"exhausted": True}, [K.EXHAUSTED], id="S32: nobody is left to ask"),
        pytest.param(Side(exhausted_at=at(3)), {"exhausted": True}, [], id="S32: known"),
        pytest.param(Side(status=S.ACKNOWLEDGED), {"exhausted": True}, [], id="S32: somebody has it, so it does not matter"),
        pytest.param(Side(notified_at=None), {"unreachable": "nobody is on call"}, [K.UNREACHABLE], id="S28: it can ring nobody"),
        pytest.param(Side(), {"unreachable": "its service is in maintenance"}, [], id="S28: it rang somebody before"),
        pytest.param(Side(), {"status": S.RESOLVED, "merged_into": "Q9"}, [K.MERGED], id="S41: merged there is no resolve"),
        pytest.param(Side(status=S.ACKNOWLEDGED, expected=ACKED_BY_US), {"status": S.TRIGGERED}, [], id="read before our acknowledgement arrived"),
        pytest.param(Side(expected=ACKED_BY_US), {"status": S.RESOLVED}, [K.RESOLVED], id="a resolve is one, whatever is on its way"),
        pytest.param(Side(there_at=at(50)), {"status": S.ACKNOWLEDGED, "changed_at": at(40)}, [], id="older than what a webhook told"),
        pytest.param(
            Side(status=S.ACKNOWLEDGED, there_at=at(50) + timedelta(milliseconds=400)), {"status": S.RESOLVED, "changed_at": at(50)},
            [K.RESOLVED], id="in the same second as a webhook with milliseconds",
        ),
    ],
)  # fmt: skip
def test_what_a_reading_tells(known: Side, state: dict[str, Any], told: list[ChangeKind]) -> None:
    assert kinds(known, **state) == told


@pytest.mark.parametrize(
    ("ref", "state", "ours"),
    [
        pytest.param(RemoteRef(key="k", remote_id="A"), RemoteState(key="k", remote_id="A"), True, id="its id"),
        pytest.param(RemoteRef(key="k", remote_id="A"), RemoteState(key="k", remote_id="B"), False, id="S43: an older one with our key"),
        pytest.param(RemoteRef(key="k"), RemoteState(key="k", remote_id="B"), True, id="our key, while no id is known"),
        pytest.param(RemoteRef(key="k", remote_id="A"), RemoteState(key="other", remote_id="A"), True, id="its id after a merge"),
        pytest.param(RemoteRef(key=""), RemoteState(key=""), False, id="nothing is no name"),
    ],
)  # fmt: skip
def test_whose_state_it_is(ref: RemoteRef, state: RemoteState, ours: bool) -> None:
    """S43: by the provider's own id where both know it."""
    assert is_about(ref, state) is ours


def test_a_reading_names_the_person_and_the_provider_s_time() -> None:
    said = RemoteState(
        remote_id="Q1", status=S.ACKNOWLEDGED, acknowledged_by="Bo", resolved_by="Ada", changed_at=at(9)
    )
    (change,) = changes_of(Side(), said, at(60), read_at=at(60))

    assert (change.person, change.occurred_at, change.status) == ("Bo", at(9), S.ACKNOWLEDGED)
