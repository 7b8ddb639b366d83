"""Which component says it, and how often is what anybody can provoke said?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tocsin.core.logline import _OF_EVENT, COMPONENTS, Level, LogLine, Sieve, Wanted, component_of

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def test_every_event_that_has_a_component_is_said_somewhere() -> None:
    """And none of the table is stale."""
    files = [file for file in (ROOT / "src/tocsin").rglob("*.py") if file.name != "logline.py"]
    said = {word for file in files for word in re.findall(r"\"(\w+)\"", file.read_text())}
    named = {event for events in _OF_EVENT.values() for event in events.split()}
    assert named - said == set()
    assert set(_OF_EVENT) < set(COMPONENTS)
    assert component_of("webhook_received") == "webhook"
    assert component_of("clock_set") == "hub"


def test_the_page_names_each_component_and_result() -> None:
    from tocsin.engine.heard import FOLLOWED, RESULTS

    page = (ROOT / "docs/howto/read-the-log.md").read_text()
    for name, meaning in {**COMPONENTS, **RESULTS, **FOLLOWED}.items():
        assert f"| {name} | {meaning} |" in page


def test_what_anybody_can_provoke_is_said_thirty_times_a_minute_and_then_counted() -> None:
    sieve = Sieve()
    said = [sieve.lets(("webhook", "stranger"), NOON)[0] for _ in range(100)]
    assert said.count(True) == 30
    assert sieve.lets(("webhook", "bad signature"), NOON) == (True, 0)
    assert sieve.lets(("webhook", "stranger"), NOON + timedelta(minutes=1)) == (True, 70)
    assert sieve.lets(("webhook", "stranger"), NOON + timedelta(minutes=1)) == (True, 0)


def test_a_line_is_found_by_what_stands_anywhere_in_it() -> None:
    line = LogLine(
        at=NOON, seq=1, level=Level.WARNING, component="webhook", event="webhook_received", text="came", connector="prod-pd",
        data={"type": "pagerduty"},
    )  # fmt: skip
    fitting = [
        Wanted(), Wanted(word="PAGERDUTY"), Wanted(component="webhook", least=Level.WARNING), Wanted(since=NOON),
        Wanted(connector="prod-pd"),
    ]  # fmt: skip
    others = [
        Wanted(word="opsgenie"), Wanted(component="sync"), Wanted(least=Level.ERROR), Wanted(until=NOON), Wanted(incident="INC-1"),
    ]  # fmt: skip
    assert [wanted.fits(line) for wanted in fitting] == [True] * 5
    assert [wanted.fits(line) for wanted in others] == [False] * 5
