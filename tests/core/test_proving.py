"""When is a canary due, when is it over, and what does it say when it did not arrive (TR-7)?"""

from datetime import UTC, datetime, time, timedelta

import pytest

from tocsin.core.canary import canary_alarm
from tocsin.core.proving import Canary, Sung, canary_due, canary_over

from .values import T0, at

BERLIN = Canary(connectors=(), at=time(10), timezone="Europe/Berlin")


def day(number: int, clock: str) -> datetime:
    """Local Berlin time in March 2027, when clocks change on the 28th."""
    hours, minutes = map(int, clock.split(":"))
    return datetime(2027, 3, number, hours, minutes, tzinfo=UTC) - timedelta(hours=1 if number < 28 else 2)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        pytest.param(None, day(10, "09:59"), False, id="not yet"),
        pytest.param(None, day(10, "10:00"), True, id="the first ever, at its time"),
        pytest.param(None, day(10, "10:59"), True, id="the hub was started a little late"),
        pytest.param(None, day(10, "11:00"), False, id="an hour late: it waits for tomorrow"),
        pytest.param(None, day(10, "03:00"), False, id="never at night, whatever was missed"),
        pytest.param(day(10, "10:00"), day(10, "10:01"), False, id="it went out just now"),
        pytest.param(day(9, "10:00"), day(10, "10:00"), True, id="a day later"),
        pytest.param(day(9, "10:40"), day(10, "10:00"), True, id="yesterday's was a little late"),
        pytest.param(day(9, "15:00"), day(10, "10:00"), False, id="one by hand yesterday afternoon stands for today's"),
        pytest.param(day(27, "10:00"), day(28, "10:00"), True, id="the clocks went forward: the day had 23 hours"),
    ],
)  # fmt: skip
def test_it_is_due_once_a_day_at_its_time(last: datetime | None, now: datetime, due: bool) -> None:
    assert canary_due(BERLIN, last, now) is due


def test_it_may_be_weekly() -> None:
    weekly = Canary(connectors=(), every=timedelta(days=7), at=time(10))
    begun = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
    due = [n for n in range(1, 15) if canary_due(weekly, begun, begun + timedelta(days=n))]
    assert due == list(range(7, 15)), "each day from the seventh on, until it went out"


CREATED, REFUSED, WAITING = (
    Sung(connector="a", created_at=T0),
    Sung(connector="b", failed=True),
    Sung(connector="c"),
)


@pytest.mark.parametrize(
    ("found", "seconds", "over"),
    [
        pytest.param([CREATED], 1, True, id="created everywhere"),
        pytest.param([CREATED, WAITING], 119, False, id="one may still come"),
        pytest.param([CREATED, WAITING], 120, True, id="its time is up"),
        pytest.param([CREATED, REFUSED], 1, True, id="a refusal is an answer"),
    ],
)
def test_it_is_over(found: list[Sung], seconds: float, over: bool) -> None:
    assert canary_over({one.connector: one for one in found}, T0, at(seconds)) is over


@pytest.mark.parametrize(
    ("one", "says"),
    [
        pytest.param(Sung(connector="c", asked_at=T0, fault="503 Service Unavailable"), "503 Service Unavailable", id="its fault"),
        pytest.param(Sung(connector="c", asked_at=T0), "did not confirm", id="silence"),
        pytest.param(Sung(connector="c"), "was not asked", id="it never left"),
    ],
)  # fmt: skip
def test_what_did_not_arrive_is_an_alarm_of_that_connector(one: Sung, says: str) -> None:
    alarm = canary_alarm(one)
    assert (alarm.key, alarm.connector) == ("canary/c", "c")
    assert says in alarm.text
