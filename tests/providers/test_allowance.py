"""How much of its rate limit is left, as each provider says it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.allowance import Allowance
from tocsin.core.ports import Response
from tocsin.providers.opsgenie.limits import allowance as opsgenie
from tocsin.providers.pagerduty.limits import allowance as pagerduty

SAID = {
    "PagerDuty, plenty": (
        pagerduty, 200, {"ratelimit-limit": "960", "ratelimit-remaining": "950", "ratelimit-reset": "12"},
        Allowance(limit=960, remaining=950, resets_in=timedelta(seconds=12)),
    ),
    "PagerDuty, refused without figures": (pagerduty, 429, {}, Allowance(throttled=True)),
    "PagerDuty, silent": (pagerduty, 200, {}, None),
    "PagerDuty, nonsense": (pagerduty, 200, {"ratelimit-limit": "many", "ratelimit-remaining": "-1"}, None),
    "Opsgenie, well": (opsgenie, 202, {"x-ratelimit-state": "OK"}, Allowance()),
    "Opsgenie, refused": (
        opsgenie, 429, {"x-ratelimit-state": "THROTTLED", "x-ratelimit-period-in-sec": "60"},
        Allowance(throttled=True, resets_in=timedelta(seconds=60)),
    ),
    "JSM, refused": (opsgenie, 429, {"retry-after": "7"}, Allowance(throttled=True, resets_in=timedelta(seconds=7))),
    "JSM, silent": (opsgenie, 200, {}, None),
}  # fmt: skip


@pytest.mark.parametrize(("read", "status", "headers", "told"), SAID.values(), ids=SAID)
def test_what_an_answer_says(
    read: object, status: int, headers: dict[str, str], told: Allowance | None
) -> None:
    assert read(Response(status, headers)) == told  # type: ignore[operator]


@given(
    st.dictionaries(
        st.sampled_from(
            ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "x-ratelimit-state", "retry-after"]
        ),
        st.text(),
    ),
    st.integers(200, 599),
)
def test_no_answer_trips_it(headers: dict[str, str], status: int) -> None:
    for read in (pagerduty, opsgenie):
        said = read(Response(status, headers))
        assert said is None or said.throttled in (True, False)
