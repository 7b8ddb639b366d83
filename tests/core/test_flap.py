"""A key that comes and goes: never its first page, then one now and then, held open until it is quiet (S15)."""

from datetime import timedelta

import pytest

from tocsin.core.dedup import Reading
from tocsin.core.flap import Life, flapping, next_page_at
from tocsin.core.model import ActorKind, AlertStatus, Incident
from tocsin.core.policy import FlapSettings
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision
from tocsin.core.values import replace

from .deciding import asked, decided, heard, kinds
from .values import OPEN, RESOLVED, C, H, M, alert, at, create, incident, resolve

RULES = FlapSettings()


def lives(
    *began: float, length: float = 1, paged: float | None = 0, severity: Severity = M
) -> tuple[Life, ...]:
    """Lives of a minute each that began so many minutes after T0, the first one paged; the last still fires."""
    found = [
        Life(began=at(minutes=m), ended=at(minutes=m + length), paged_at=at(minutes=paged) if paged == m else None,
             paged_as=severity if paged == m else None)
        for m in began
    ]  # fmt: skip
    return (*found[:-1], replace(found[-1], ended=None))


@pytest.mark.parametrize(
    ("began", "now", "flaps"),
    [
        pytest.param([0], 0, False, id="never its first life"),
        pytest.param([0, 5], 5, False, id="nor its second"),
        pytest.param([0, 5, 10], 10, True, id="the third within an hour"),
        pytest.param([0, 30, 59.9], 60, True, id="just within the hour"),
        pytest.param([0, 30, 60], 60, False, id="not when the first is an hour ago: half-open"),
        pytest.param([0, 40, 80, 120], 120, False, id="slowly it may come and go for ever"),
        pytest.param([0, 5, 10], 39.9, True, id="until just before half an hour without a change"),
        pytest.param(
            [0, 5, 10], 40, False, id="half an hour without a change: it is over, whether it fires or not"
        ),
        pytest.param([0, 5, 10, 41.1], 41.1, False, id="after the quiet it counts from the beginning"),
    ],
)
def test_when_a_key_flaps(began: list[float], now: float, flaps: bool) -> None:
    """S15: by its own history, nothing else."""
    assert (flapping(lives(*began), RULES, at(minutes=now)) is not None) == flaps


@pytest.mark.parametrize(
    ("paged", "was", "severity", "next_minute"),
    [
        pytest.param(0, M, M, 30, id="half an hour after the last page"),
        pytest.param(0, C, C, 10, id="ten minutes when it is critical"),
        pytest.param(0, M, H, None, id="at once when it is worse than what was paged"),
        pytest.param(None, M, M, None, id="at once when nobody was paged yet: never the first page"),
    ],
)
def test_when_it_may_page_again(
    paged: float | None, was: Severity, severity: Severity, next_minute: float | None
) -> None:
    """S15: at most one page per 30 min (critical 10)."""
    found = next_page_at(lives(0, 5, 10, paged=paged, severity=was), severity, RULES)
    assert found == (None if next_minute is None else at(minutes=next_minute))


def came(now: float, *began: float, previous: Incident | None = None, severity: Severity = M) -> Decision:
    """One more life, begun now."""
    new = alert(first_event_at=at(minutes=now), last_event_at=at(minutes=now))
    before = previous or incident(RESOLVED, resolved_by=ActorKind.SENDER)
    return decided(
        new, heard(create(severity=severity)), now=at(minutes=now), previous=before, lives=lives(*began, now)
    )


def test_the_third_life_waits_and_says_so() -> None:
    second, third = came(5, 0), came(10, 0, 5)
    assert asked(second) == ["pd"]
    assert (third.alert.status, third.look_again_at) == (AlertStatus.DROPPED, at(minutes=15))
    assert third.alert.muted_by == "its own flapping"
    assert any("3 times" in line.text for line in third.lines)
    record = third.record or {}
    assert (record["mutes"][0]["kind"], record["muted_until"]) == ("flap", at(minutes=30).isoformat())


def test_what_still_fires_half_an_hour_after_the_page_is_paged() -> None:
    held = came(10, 0, 5).alert
    decision = decided(
        held, (), now=at(minutes=30), previous=incident(RESOLVED, resolved_by=ActorKind.SENDER), lives=lives(0, 5, 10)
    )  # fmt: skip
    assert asked(decision) == ["pd"]
    assert "mute_ended" in kinds(decision)


def test_a_worse_one_is_paged_at_once() -> None:
    assert came(10, 0, 5, severity=H).opened


def over(now: float, history: tuple[Life, ...], status: AlertStatus = AlertStatus.RESOLVED) -> Decision:
    ended = alert(status, incident_id=incident().id, severity=M)
    said = heard(resolve(), first=Reading.RESOLVED) if at(minutes=now) == history[-1].ended else ()
    return decided(ended, said, now=at(minutes=now), incident=incident(OPEN), lives=history)


def test_its_incident_is_held_open_until_it_is_quiet() -> None:
    """S15: the sender's resolve waits; half an hour without a change resolves it."""
    history = (*lives(0, 5, 10)[:-1], Life(began=at(minutes=10), ended=at(minutes=11)))
    held = over(11, history)
    assert held.incident is not None
    assert (held.incident.status, held.look_again_at) == (OPEN, at(minutes=41))
    assert "held_open" in kinds(held)
    later = (*history, Life(began=at(minutes=20), ended=at(minutes=21)))
    again = over(41, later)
    assert (again.look_again_at, kinds(again)) == (at(minutes=51), [])
    quiet = over(51, later)
    assert quiet.incident is not None
    assert quiet.incident.status is RESOLVED


def test_the_settings_are_of_the_installation() -> None:
    """Two lives in ten minutes, five minutes of quiet."""
    own = FlapSettings(lives=2, within=timedelta(minutes=10), quiet=timedelta(minutes=5))
    assert flapping(lives(0, 9), own, at(minutes=9)) is not None
    assert flapping(lives(0, 9), own, at(minutes=14)) is None
