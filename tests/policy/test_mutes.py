"""What is asked for as a silence or a window: what it covers, and every refusal with its field (S7)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tocsin.core.errors import BadInput
from tocsin.core.facts import fact_sheet
from tocsin.core.model import Alert, AlertId, AlertStatus, CorrelationId
from tocsin.core.mute import covers, holds_until
from tocsin.core.policy import MuteKind, Policy
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.policy import load
from tocsin.policy.mutes import Draft, checked, mute_of

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
UNDER: Policy = load(
    'facts: {disks: alert.title.contains("disk")}', env={}, known_sources=(), known_providers=(), file_name="hub.yaml"
).policy  # fmt: skip


def draft(kind: MuteKind = MuteKind.SILENCE, **more: Any) -> Draft:
    given = {"match": {"service": "database"}, "starts_at": NOW, "ends_at": NOW + timedelta(hours=2), **more}
    return Draft(kind=kind, **{"owner": "di", "comment": "new disks", "name": "disks", **given})


def alert(**more: Any) -> Alert:
    from uuid import UUID

    given = {"labels": {"env": "prod"}, "services": ("database",), "title": "disk full", **more}
    return Alert(
        id=AlertId(UUID(int=1)), integration="I", scope="I", source="probe", dedup_key="k", status=AlertStatus.OPEN,
        correlation_id=CorrelationId("c"), first_event_at=NOW, last_event_at=NOW, **given,
    )  # fmt: skip


def covered(asked: Draft, subject: Alert) -> bool:
    facts = fact_sheet(
        subject, severity=Severity.HIGH, services=subject.services, team="", integration=None, policy=UNDER, now=NOW
    )  # fmt: skip
    return covers(checked(asked, UNDER, NOW), facts, Severity.HIGH)


@pytest.mark.parametrize(
    ("asked", "subject", "does"),
    [
        pytest.param(draft(), alert(), True, id="a text of the alert"),
        pytest.param(draft(), alert(services=("web",)), False, id="another service"),
        pytest.param(draft(match={"env": "prod"}), alert(), True, id="a bare label, as Alertmanager has it"),
        pytest.param(draft(match={"labels.env": "prod"}), alert(), True, id="a label with its path"),
        pytest.param(draft(match={"env": "pro"}), alert(), False, id="exactly, not the beginning"),
        pytest.param(draft(match={"env": "prod", "service": "web"}), alert(), False, id="all of them"),
        pytest.param(draft(match={}, when="disks"), alert(), True, id="a named fact of the configuration"),
        pytest.param(draft(when='alert.labels.env == "dev"'), alert(), False, id="match and when must both hold"),
        pytest.param(draft(match={"env": 'a"b\\c'}), alert(labels={"env": 'a"b\\c'}), True, id="quotes and backslashes"),
        pytest.param(draft(match={}, everything=True, excepted=("critical",)), alert(), True, id="everything, meant"),
    ],
)  # fmt: skip
def test_what_it_covers(asked: Draft, subject: Alert, does: bool) -> None:
    assert covered(asked, subject) is does


@pytest.mark.parametrize(
    ("asked", "where", "says"),
    [
        pytest.param(draft(ends_at=None), "ends_at", "every mute has an end", id="no end"),
        pytest.param(draft(ends_at=None, every=("sun 02:00-04:00",)), "ends_at", "every mute has an end", id="a silence that comes back needs one too"),
        pytest.param(draft(ends_at=NOW - timedelta(hours=1)), "ends_at", "must be after starts_at", id="its end before its start"),
        pytest.param(draft(ends_at=NOW), "ends_at", "must be after starts_at", id="no length"),
        pytest.param(draft(starts_at=NOW - timedelta(hours=2), ends_at=NOW - timedelta(hours=1)), "ends_at", "over already", id="in the past"),
        pytest.param(draft(ends_at=NOW + timedelta(days=367)), "ends_at", "more than a year", id="longer than a year"),
        pytest.param(draft(owner=" "), "owner", "every mute has an owner", id="no owner"),
        pytest.param(draft(comment=""), "comment", "say why", id="no comment"),
        pytest.param(draft(match={}), "match", "covers every alert", id="nothing said"),
        pytest.param(draft(match={}, when="true"), "when", "covers every alert", id="literally true"),
        pytest.param(draft(match={}, when="(1 == 1)"), "when", "covers every alert", id="true in other words"),
        pytest.param(draft(match={}, everything=True), "except", "must hold critical", id="everything, the worst too"),
        pytest.param(draft(match={}, when='alert.titel == "x"'), "when", 'no field titel; did you mean "title"? (at character 7)', id="a misspelt field, and where"),
        pytest.param(draft(match={}, when='serviec.name == "x"'), "when", "there is no serviec", id="a misspelt name"),
        pytest.param(draft(match={}, when="alert.title =="), "when", "is no CEL", id="no CEL"),
        pytest.param(draft(match={}, when="alert.title"), "when", "must be true or false", id="no condition"),
        pytest.param(draft(timezone="Europe/Berln"), "timezone", "Europe/Berlin", id="a misspelt zone"),
        pytest.param(draft(every=("sun 2-4",)), "every", "mon-fri 09:00-18:00", id="hours nobody can read"),
        pytest.param(draft(every=("mon-sun 00:00-24:00",)), "every", "never end", id="hours without an end"),
        pytest.param(draft(excepted=("bad",)), "except", "none of critical", id="no severity"),
        pytest.param(draft(MuteKind.MAINTENANCE, name=""), "name", "has a name", id="a window without a name"),
    ],
)  # fmt: skip
def test_what_is_refused(asked: Draft, where: str, says: str) -> None:
    """Each with its field and what to do; nothing is made."""
    with pytest.raises(BadInput) as refused:
        checked(asked, UNDER, NOW)
    assert [(f.field, says in f.message) for f in refused.value.faults] == [(where, True)]


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        checked(draft(owner="", comment="", ends_at=None, match={}), UNDER, NOW)
    assert {fault.field for fault in refused.value.faults} == {"owner", "comment", "ends_at", "match"}


def test_a_window_that_comes_back_needs_no_last_day() -> None:
    window = checked(
        draft(MuteKind.MAINTENANCE, every=("mon 11:00-13:00",), ends_at=None, timezone="UTC"), UNDER, NOW
    )
    assert holds_until(window, NOW) == NOW + timedelta(hours=1)
    assert holds_until(window, NOW + timedelta(hours=1)) is None


def test_one_in_force_whose_fact_is_gone_no_longer_compiles() -> None:
    asked = draft(match={}, when="disks")
    mute_of(asked, UNDER)
    with pytest.raises(BadInput):
        mute_of(asked, replace(UNDER, facts=()))
