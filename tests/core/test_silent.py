"""Of what is nothing heard, and when is its holder asked whether it is over (S24)?"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tocsin.core.hours import BUSINESS, USUAL_HOURS, local_facts, office_of, opens
from tocsin.core.model import Incident
from tocsin.core.plan import Plan
from tocsin.core.policy import Team, User
from tocsin.core.silent import (
    MOST_LISTED,
    Seen,
    Silent,
    Whom,
    is_held,
    office_for,
    over_by,
    see,
    subject_of,
    text_of,
    whom,
    withdrawn,
)
from tocsin.core.values import replace
from tocsin.policy.times import spans

from .values import CLOSED, MITIGATED, OPEN, RESOLVED, T0, C, L, M, at, incident, policy

DAY = timedelta(hours=24)
BERLIN = Team(
    name="payments", timezone="Europe/Berlin", business_hours=spans("mon-fri 09:00-18:00"), members=("ada", "bo"), lead="ada"
)  # fmt: skip
HELD = incident(MITIGATED, severity=M)  # Ada has it since Wednesday the 18th, 11:00 in Berlin
NEXT_MORNING = datetime(2026, 11, 20, 8, tzinfo=UTC)
FRESH, OWED = Plan(), Plan(asks_at=NEXT_MORNING)


def look(plan: Plan = FRESH, held: Incident = HELD, **more: Any) -> Seen:
    given: dict[str, Any] = {"heard_at": None, "muted_by": "", "now": at(hours=24), **more}
    return see(plan, held, BERLIN, after=DAY, **given)


@pytest.mark.parametrize(
    ("team", "now", "opens_at"),
    [
        pytest.param(BERLIN, "2026-11-19 10:00", "2026-11-20 08:00", id="in hours: the next morning"),
        pytest.param(BERLIN, "2026-11-20 05:30", "2026-11-20 08:00", id="before them: the same morning"),
        pytest.param(BERLIN, "2026-11-20 08:00", "2026-11-23 08:00", id="at their beginning: the next one, over a weekend"),
        pytest.param(replace(BERLIN, holidays=frozenset({date(2026, 11, 23)})), "2026-11-20 12:00", "2026-11-24 08:00", id="a holiday"),
        pytest.param(BERLIN, "2026-03-27 12:00", "2026-03-30 07:00", id="clocks were put forward"),
        pytest.param(replace(BERLIN, business_hours=spans("mon-fri 22:00-06:00")), "2026-11-18 23:00", "2026-11-19 21:00", id="hours at night"),
        pytest.param(replace(BERLIN, business_hours=spans("mon-sun 00:00-24:00")), "2026-11-21 12:00", "2026-11-23 08:00", id="never closed: as usual there"),
        pytest.param(replace(BERLIN, business_hours=()), "2026-11-21 12:00", "2026-11-23 08:00", id="no hours: as usual there"),
        pytest.param(None, "2026-11-21 12:00", "2026-11-23 09:00", id="no team: as usual in UTC"),
    ],
)  # fmt: skip
def test_s24_when_business_hours_begin(team: Team | None, now: str, opens_at: str) -> None:
    def utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    office = office_of(team)
    assert opens(office, utc(now)) == utc(opens_at)
    assert local_facts(office, utc(opens_at)).hours == BUSINESS


def test_s24_holidays_without_end_delay_no_question_for_ever() -> None:
    days = frozenset(date(2026, 11, 1) + timedelta(days=n) for n in range(400))
    assert opens(office_of(replace(BERLIN, holidays=days)), at(hours=24)) == NEXT_MORNING


def test_s24_silent_for_a_day_is_told_and_asked_the_next_morning() -> None:
    found = look()
    assert (found.plan.asks_at, found.look_at, found.ask) == (NEXT_MORNING, NEXT_MORNING, False)
    (line,) = found.lines
    assert line.text == (
        "Nothing has been heard of it and nobody has acted for 24 h: Ada is asked by digest whether it is over,"
        " Fri 20 Nov 09:00 Europe/Berlin, unless that changes"
    )
    asked = look(found.plan, now=NEXT_MORNING)
    monday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert (asked.ask, asked.look_at, asked.plan.asks_at) == (True, monday, monday), "and again then"


@pytest.mark.parametrize(
    ("plan", "held", "more", "look_at", "kinds", "ask"),
    [
        pytest.param(Plan(), HELD, {"heard_at": at(hours=3)}, at(hours=27), [], False, id="heard since: a day from then"),
        pytest.param(Plan(), HELD, {"heard_at": T0}, NEXT_MORNING, ["silent"], False, id="heard a day ago to the second"),
        pytest.param(OWED, HELD, {"now": NEXT_MORNING, "heard_at": at(hours=40)}, at(hours=64), ["asking_withdrawn"], False, id="it spoke again before the morning"),
        pytest.param(OWED, HELD, {"now": NEXT_MORNING, "muted_by": "silence “disks”"}, NEXT_MORNING + timedelta(days=3), ["page_muted"], False, id="muted: not asked, and told"),
        pytest.param(replace(OWED, asks_muted_by="silence “disks”"), HELD, {"now": NEXT_MORNING, "muted_by": "silence “disks”"}, NEXT_MORNING + timedelta(days=3), [], False, id="muted still: told once"),
        pytest.param(OWED, HELD, {"now": datetime(2026, 11, 20, 21, tzinfo=UTC)}, NEXT_MORNING + timedelta(days=3), [], False, id="missed the day: not in the evening"),
        pytest.param(OWED, HELD, {"now": datetime(2026, 11, 20, 12, tzinfo=UTC)}, NEXT_MORNING + timedelta(days=3), [], True, id="late, and still business hours"),
        *(pytest.param(OWED, incident(status), {"now": NEXT_MORNING}, None, [], False, id=f"{status.value} meanwhile") for status in (OPEN, RESOLVED, CLOSED)),
        pytest.param(OWED, replace(HELD, snoozed_until=at(hours=99)), {"now": NEXT_MORNING}, None, [], False, id="snoozed: it has its own end"),
    ],
)  # fmt: skip
def test_s24_what_a_look_says(
    plan: Plan, held: Incident, more: Any, look_at: datetime | None, kinds: list[str], ask: bool
) -> None:
    found = look(plan, held, **more)
    assert (found.look_at, [line.kind for line in found.lines], found.ask) == (look_at, kinds, ask)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        pytest.param(incident(OPEN), "it is open", id="asked again, or given back"),
        pytest.param(incident(RESOLVED), "it is resolved now", id="resolved"),
        pytest.param(replace(HELD, snoozed_until=at(hours=30)), "it is snoozed until 2026-11-19 16:00 UTC", id="snoozed"),
    ],
)  # fmt: skip
def test_s24_what_withdraws_it_is_said(now: Incident, why: str) -> None:
    assert not is_held(now)
    plan, line = withdrawn(OWED, now, over_by(now))
    assert plan == Plan()
    assert line.text.endswith(f"is not asked by digest any more whether it is over: {why}")


PEOPLE = policy(
    users={"ada": User(id="ada", name="Ada", email="ada@x"), "bo": User(id="bo", name="Bo", email="bo@x"), "cy": User(id="cy", name="Cy")},
    teams={
        "payments": BERLIN,
        "security": Team(name="security", timezone="America/New_York", business_hours=USUAL_HOURS, members=("bo", "cy"), lead="cy"),
        "nobody": Team(name="nobody"),
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        pytest.param({}, Whom("Ada", ("ada@x",)), id="who acknowledged it"),
        pytest.param({"assignee": "bo"}, Whom("Bo", ("bo@x",)), id="whom it is assigned to"),
        pytest.param({"acknowledged_by": "Cy", "team": "payments"}, Whom("Ada of team payments", ("ada@x",)), id="no address: the lead"),
        pytest.param({"acknowledged_by": "Cy", "team": "security"}, Whom("Bo of team security", ("bo@x",)), id="nor the lead: the members"),
        pytest.param({"acknowledged_by": "a bot", "team": "nobody"}, Whom("whoever reads its own box"), id="nobody is known: the box"),
    ],
)  # fmt: skip
def test_s24_whom_it_goes_to(held: dict[str, str], asked: Whom) -> None:
    assert whom(incident(MITIGATED, **held), PEOPLE) == asked


@pytest.mark.parametrize(
    ("held", "zone"),
    [
        pytest.param({"team": "payments"}, "Europe/Berlin", id="the incident's team, which the holder belongs to"),
        pytest.param({"team": "payments", "acknowledged_by": "a bot"}, "Europe/Berlin", id="a holder whom nobody knows"),
        pytest.param({"team": "security"}, "Europe/Berlin", id="a holder of another team: theirs"),
        pytest.param({"team": "security", "assignee": "bo"}, "America/New_York", id="one of both: the incident's"),
        pytest.param({"acknowledged_by": "a bot"}, "UTC", id="no team at all"),
    ],
)  # fmt: skip
def test_s24_whose_hours_count(held: dict[str, str], zone: str) -> None:
    assert office_for(incident(MITIGATED, **held), PEOPLE).timezone == zone


def test_s24_the_digest_names_the_worst_first_and_says_what_to_do() -> None:
    low = Silent(incident(MITIGATED, number=1, severity=L, title="Cache is cold"), None)
    worst = Silent(
        incident(MITIGATED, number=2, severity=C, parts={"web": MITIGATED}, title="Checkout"), at(5), "https://hub/i/INC-2"
    )  # fmt: skip
    text = text_of([low, worst], DAY)
    assert subject_of([low, worst]) == "Is it over? 2 incidents are acknowledged and silent"
    assert text.index("INC-2  critical (web): Checkout") < text.index("INC-1  low: Cache is cold")
    assert "Acknowledged by Ada since 2026-11-18 10:00 UTC; last heard of 2026-11-18 10:00 UTC" in text
    assert "https://hub/i/INC-2" in text
    assert "im resolve" in text


def test_s24_a_long_list_ends_and_says_how_many_more() -> None:
    many = [Silent(incident(MITIGATED, number=n), None) for n in range(1, MOST_LISTED + 4)]
    text = text_of(many, DAY)
    assert "and 3 more" in text
    assert text.count("Acknowledged by Ada") == MOST_LISTED
