"""How many calls may go now (PR-6)?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.bucket import Rate, seconds_until_one, tokens_now

from .values import T0, at


@pytest.mark.parametrize(
    ("rate", "left", "seconds", "tokens", "wait"),
    [
        pytest.param(Rate(60, 10), 0, 0, 0, 1, id="an empty bucket of one a second waits a second"),
        pytest.param(Rate(60, 10), 0, 1, 1, 0, id="after that second one call may go"),
        pytest.param(Rate(60, 10), 0.5, 0, 0.5, 0.5, id="half a call waits for the other half"),
        pytest.param(Rate(60, 10), 3, 4, 7, 0, id="what was left and what flowed in add up"),
        pytest.param(Rate(60, 10), 3, 9999, 10, 0, id="a bucket never holds more than its burst"),
        pytest.param(Rate(60, 10), 3, -30, 3, 0, id="a clock that went back takes nothing away"),
        pytest.param(Rate(0, 0), 0, 0, float("inf"), 0, id="no rate is no limit"),
        pytest.param(Rate(60), 0, 5, 1, 0, id="a rate without a burst still lets one call through"),
        pytest.param(Rate(6, 0.5), 0, 60, 1, 0, id="a burst below one call counts as one: else nothing would ever go"),
    ],
)  # fmt: skip
def test_what_the_bucket_holds(rate: Rate, left: float, seconds: float, tokens: float, wait: float) -> None:
    held = tokens_now(rate, left, T0, at(seconds))
    assert held == pytest.approx(tokens)
    assert seconds_until_one(rate, held) == pytest.approx(wait)


RATES = st.builds(Rate, st.floats(0.1, 6000), st.floats(0, 500))


@given(RATES, st.floats(0, 1))
def test_after_the_wait_it_names_one_call_may_go(rate: Rate, left: float) -> None:
    wait = seconds_until_one(rate, left)
    later = at(wait) + timedelta(milliseconds=1)  # an instant has no finer grain than a microsecond
    assert tokens_now(rate, left, T0, later) >= 1


@given(RATES, st.lists(st.floats(0, 20), min_size=1, max_size=60))
def test_no_stretch_of_time_sees_more_calls_than_burst_and_rate_allow(rate: Rate, gaps: list[float]) -> None:
    held, since, now, sent = max(rate.burst, 1.0), T0, 0.0, 0
    for gap in gaps:
        now += gap
        held = tokens_now(rate, held, since, at(now))
        since = at(now)
        while held >= 1:
            held, sent = held - 1, sent + 1
    assert sent <= max(rate.burst, 1.0) + now * rate.per_minute / 60 + 0.01
