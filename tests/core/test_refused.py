"""What does the hub say of itself when it refuses senders (S17)?"""

from datetime import timedelta

import pytest

from tocsin.core.refused import OVER_AFTER, Full, Tally, alarm_of, is_over, key_of
from tocsin.core.severity import Severity
from tocsin.engine.refused import Refused

from .values import T0, at


@pytest.mark.parametrize(
    ("full", "title", "following"),
    [
        pytest.param(Full.QUEUE, "hub1 refuses alerts: its queue is full", "`im status`", id="the queue"),
        pytest.param(Full.DISK, "hub1 refuses alerts: its disk is full", "make room on that disk", id="the disk"),
    ],
)  # fmt: skip
def test_s17_the_alarm_says_whose_alerts_may_be_lost(full: Full, title: str, following: str) -> None:
    senders = {"scripts": 1, "prometheus from 10.0.0.7": 40}
    alarm = alarm_of("hub1", Tally(since=T0, by_sender=senders, full=full))
    assert (alarm.key, alarm.title, alarm.severity) == (key_of("hub1"), title, Severity.CRITICAL)
    assert "Since 2026-11-18 10:00:00 UTC 41 requests were answered 429" in alarm.text
    assert "prometheus from 10.0.0.7 (40), scripts (1)" in alarm.text, "the loudest first"
    assert following in alarm.text


def test_s17_many_senders_are_counted_and_some_are_named() -> None:
    senders = {f"i{number:02}": 1 for number in range(14)}
    text = alarm_of("hub1", Tally(since=T0, by_sender=senders, full=Full.QUEUE)).text
    assert "14 requests" in text
    assert "i09 (1) and 4 more" in text


def test_s17_it_is_over_when_nobody_was_refused_for_five_minutes() -> None:
    assert not is_over(T0, T0 + OVER_AFTER - timedelta(seconds=1))
    assert is_over(T0, T0 + OVER_AFTER)


def test_s17_a_flood_of_addresses_is_bounded_and_still_counted() -> None:
    refused, told = Refused(), list[tuple[str, Full]]()
    refused.counted.append(lambda name, full: told.append((name, full)))
    for number in range(1000):
        refused.note("scripts", f"10.0.{number // 250}.{number % 250}", Full.QUEUE, at(number))
    assert refused.tally is not None
    assert refused.tally.requests == len(told) == 1000
    assert len(refused.by_sender) <= 201
    assert refused.tally.since == T0
