"""Since when can a page have left? (S46, S31)"""

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.core.hold import could_leave_since
from tocsin.core.severity import Severity

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("awake_since", "barrier_until", "severity", "expected"),
    [
        pytest.param(None, None, Severity.HIGH, None, id="it always could"),
        pytest.param(NOON, None, Severity.HIGH, NOON, id="since the hub is back"),
        pytest.param(NOON, LATER, Severity.HIGH, LATER, id="what is less than critical waits at the barrier"),
        pytest.param(NOON, LATER, Severity.CRITICAL, NOON, id="a critical one does not"),
        pytest.param(LATER, NOON, Severity.LOW, LATER, id="a barrier of long ago says nothing"),
        pytest.param(None, LATER, Severity.LOW, LATER, id="a barrier alone"),
    ],
)
def test_s46_nobody_s_patience_runs_out_at_our_own_barrier(
    awake_since: datetime | None,
    barrier_until: datetime | None,
    severity: Severity,
    expected: datetime | None,
) -> None:
    assert could_leave_since(awake_since, barrier_until, severity) == expected
