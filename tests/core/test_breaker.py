"""May this connector be called now, and what does an answer do to that (S33)?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.breaker import (
    FAILURES_TO_OPEN,
    LONGEST_WAIT,
    PROBE_LEASE,
    Breaker,
    BreakerState,
    Leave,
    after_failure,
    after_success,
    backoff,
    leave,
    probing,
)
from tocsin.core.ports import Accepted, Outcome, Rejected, RemoteStatus, Retry, Skipped

from .values import T0, at

OUTAGE = Retry(reason="503")
DENIED = Rejected(reason="401: the key is wrong", status=401, counts=True)
TOO_MANY = Retry(reason="429", counts=False, throttled=True, not_before=timedelta(seconds=9))
NOT_THIS_ONE = Rejected(reason="400: no such service", status=400)
CREATED = Accepted(created=True)
NEEDLESS = Skipped(reason="resolved there", status=RemoteStatus.RESOLVED)


def answered(breaker: Breaker, *outcomes: Outcome, second: float = 0) -> Breaker:
    """The breaker after these outcomes, in order: they carry whether they count."""
    for outcome in outcomes:
        if isinstance(outcome, Retry | Rejected) and outcome.counts:
            breaker = after_failure(breaker, at(second))
        elif not isinstance(outcome, Retry):
            breaker = after_success(breaker)
    return breaker


def opened(trips: int = 1) -> Breaker:
    """Just opened for the n-th time without a success between."""
    breaker = answered(Breaker(), *[OUTAGE] * FAILURES_TO_OPEN)
    for _ in range(trips - 1):
        assert breaker.probe_at is not None
        breaker = after_failure(probing(breaker, breaker.probe_at), breaker.probe_at)
    return breaker


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        pytest.param([OUTAGE] * 4, BreakerState.CLOSED, id="four failures in a row are not enough"),
        pytest.param([OUTAGE] * 5, BreakerState.OPEN, id="the fifth opens it"),
        pytest.param([DENIED] * 5, BreakerState.OPEN, id="401 and 403 count: nobody is paged there"),
        pytest.param([OUTAGE, DENIED] * 3, BreakerState.OPEN, id="failures of different kinds add up"),
        pytest.param([OUTAGE] * 4 + [CREATED] + [OUTAGE] * 4, BreakerState.CLOSED, id="one success starts the count again"),
        pytest.param([OUTAGE] * 4 + [NEEDLESS, OUTAGE], BreakerState.CLOSED, id="a write that was needless proves the connector too"),
        pytest.param([TOO_MANY] * 50, BreakerState.CLOSED, id="429 never counts: it lives, we are too fast"),
        pytest.param([OUTAGE] * 4 + [TOO_MANY] * 9 + [OUTAGE], BreakerState.OPEN, id="429 is no success either"),
        pytest.param([NOT_THIS_ONE] * 50, BreakerState.CLOSED, id="a 4xx of one incident never counts"),
        pytest.param([OUTAGE] * 4 + [NOT_THIS_ONE] + [OUTAGE] * 4, BreakerState.CLOSED, id="a 4xx of one incident proves that the connector answers"),
    ],
)  # fmt: skip
def test_what_opens_it(outcomes: list[Outcome], state: BreakerState) -> None:
    """S33: 5xx, time-outs, connection faults, 401 and 403 count; 429 and a 4xx of one incident do not."""
    assert answered(Breaker(), *outcomes).state is state


@pytest.mark.parametrize(
    ("trips", "seconds"),
    [
        pytest.param(1, 1, id="the first probe after 1 s"),
        pytest.param(2, 2, id="a failed probe doubles the wait"),
        pytest.param(3, 4, id="and again"),
        pytest.param(5, 16, id="the fifth waits 16 s"),
        pytest.param(6, 30, id="32 s would be too long: 30 s"),
        pytest.param(60, 30, id="after hours of outage it is still asked every 30 s"),
    ],
)
def test_trips_double_the_wait_to_30_s(trips: int, seconds: int) -> None:
    before = opened(trips - 1) if trips > 1 else None
    since = before.probe_at if before and before.probe_at else T0
    breaker = opened(trips)
    assert breaker.probe_at == since + timedelta(seconds=seconds)
    assert breaker.opened_at == T0
    assert breaker.trips == trips


def test_while_open_everything_waits_and_then_exactly_one_probe_goes() -> None:
    """S33: the probe is a real queued write."""
    breaker = opened()
    assert leave(breaker, at(0.999)) is Leave.WAIT
    assert leave(breaker, at(1)) is Leave.PROBE
    breaker = probing(breaker, at(1))
    assert breaker.state is BreakerState.HALF_OPEN
    assert [leave(breaker, at(s)) for s in (1, 5, 15.9)] == [Leave.WAIT] * 3


def test_a_probe_whose_node_died_is_given_up_and_another_may_go() -> None:
    breaker = probing(opened(), at(1))
    assert leave(breaker, at(1) + PROBE_LEASE) is Leave.PROBE


def test_a_probe_that_succeeds_closes_it_and_forgets_everything() -> None:
    closed = after_success(probing(opened(6), at(99)))
    assert closed == Breaker()
    assert leave(closed, at(99)) is Leave.SEND
    assert answered(closed, *[OUTAGE] * 5, second=100).probe_at == at(101)


def test_answers_to_calls_sent_before_it_opened_do_not_lengthen_the_wait() -> None:
    late = answered(opened(), *[OUTAGE] * 9, second=0.5)
    assert (late.trips, late.probe_at, late.state) == (1, at(1), BreakerState.OPEN)


@given(st.lists(st.tuples(st.sampled_from(["fail", "ok", "ask"]), st.floats(0, 40)), max_size=60))
def test_nobody_calls_an_open_connector_but_one_probe_at_a_time(story: list[tuple[str, float]]) -> None:
    breaker, now, probe_since = Breaker(), 0.0, None
    for what, gap in story:
        now += gap
        if what == "fail":
            breaker, probe_since = after_failure(breaker, at(now)), None
        elif what == "ok":
            breaker, probe_since = after_success(breaker), None
        else:
            allowed = leave(breaker, at(now))
            assert (allowed is Leave.SEND) is (breaker.state is BreakerState.CLOSED)
            if allowed is Leave.PROBE:
                assert probe_since is None or at(now) >= at(probe_since) + PROBE_LEASE
                breaker, probe_since = probing(breaker, at(now)), now
        assert breaker.failures < FAILURES_TO_OPEN or breaker.state is not BreakerState.CLOSED
        if breaker.state is not BreakerState.CLOSED:
            # it never waits for ever: at most the longest wait or one lost probe from now
            assert breaker.probe_at is not None
            assert breaker.probe_at <= at(now) + max(LONGEST_WAIT, PROBE_LEASE)


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_doubles_to_a_minute_within_a_fifth(attempt: int, jitter: float) -> None:
    wait = backoff(attempt, jitter).total_seconds()
    plain = min(2.0 ** min(max(attempt, 1) - 1, 6), 60)
    assert plain * 0.8 - 1e-6 <= wait <= plain * 1.2 + 1e-6
