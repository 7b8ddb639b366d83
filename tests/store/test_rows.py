"""What is written is what is read: alerts, events, incidents and pages under way."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.core.model import (
    Action,
    ActorKind,
    Alert,
    AlertStatus,
    Event,
    Incident,
    IncidentStatus,
    Link,
    Part,
)
from tocsin.core.plan import Join, Plan, PlannedStep, Way
from tocsin.core.policy import Mode
from tocsin.core.severity import Severity
from tocsin.store import incidents, intake
from tocsin.store import sheet as sheets
from tocsin.store.database import Connection, Database
from tocsin.store.intake import EventRow, RawRequest
from tocsin.store.rows import event_in, plan_in, plan_out

from .rows import NOON, an_incident, at_the_door

# what PostgreSQL cannot hold is cut off by the sources before it comes here
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
maybe = st.one_of(st.none(), moments)
jsons = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), words),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
names = st.tuples() | st.tuples(words) | st.tuples(words, words)
links = st.lists(st.builds(Link, words, words), max_size=2).map(tuple)
told = {
    "title": words, "description": words, "services": names, "team": words, "labels": st.dictionaries(words, words, max_size=3),
    "tags": names, "details": st.dictionaries(words, jsons, max_size=3), "links": links,
}  # fmt: skip
severities = st.sampled_from([None, *Severity])
alerts = st.builds(
    Alert, id=st.uuids(), integration=words, scope=words, source=words, dedup_key=words,
    status=st.sampled_from([s for s in AlertStatus if s is not AlertStatus.RESOLVED]), correlation_id=words,
    first_event_at=moments, last_event_at=moments, severity=st.none(), sender_severity=severities, quiet=st.booleans(),
    count=st.integers(0, 2**31 - 1), newest_sent_at=maybe, incident_id=st.none(), muted_by=words, resolved_at=maybe,
    resolved_by=st.sampled_from([None, *ActorKind]), **told,
)  # fmt: skip
events = st.builds(
    Event, action=st.sampled_from(Action), dedup_key=words, severity=severities, quiet=st.booleans(), source=words,
    sent_at=maybe, note=words, reason=words, **told,
)  # fmt: skip
parts = st.lists(
    st.builds(Part, service=words, status=st.sampled_from(IncidentStatus), changed_at=moments, changed_by=words),
    max_size=3, unique_by=lambda part: part.service,
).map(tuple)  # fmt: skip
incident_values = st.builds(
    Incident, id=st.uuids(), number=st.integers(1, 2**60), title=words, severity=st.sampled_from(Severity),
    status=st.sampled_from(IncidentStatus), correlation_id=words, opened_at=moments, parts=parts, description=words, team=words,
    life=st.integers(1, 99), declared=st.booleans(), origin=words, policy=words, rule=words, step=st.just(0), group_key=words,
    assignee=words, acknowledged_at=maybe, acknowledged_by=words, resolved_at=maybe,
    resolved_by=st.sampled_from([None, *ActorKind]), closed_at=maybe, recurrence_of=st.none() | st.integers(1, 999),
    merged_into=st.none() | st.integers(1, 999),
    config_version=st.integers(0, 2**40), details=told["details"], links=links,
)  # fmt: skip
spans = st.timedeltas(timedelta(0), timedelta(days=400)).map(
    lambda t: timedelta(seconds=int(t.total_seconds()))
)
ways = st.lists(st.builds(Way, words, words, words), max_size=3).map(tuple)
plans = st.builds(
    Plan,
    steps=st.lists(
        st.builds(PlannedStep, mode=st.sampled_from(Mode), ways=ways, after=spans, within=spans, sent_at=maybe), max_size=3
    ).map(tuple),
    started_at=maybe, hold_until=maybe, last_resort=ways, last_resort_at=maybe, told_exhausted=st.booleans(),
    held_until=maybe, warned=st.booleans(), asked_again_at=maybe, began_in=st.none() | st.integers(1, 99),
    joins=st.lists(st.builds(Join, alert=st.uuids(), title=words, muted_by=words), max_size=3).map(tuple),
)  # fmt: skip
often = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # fmt: skip


def through(database_url: str, work: Any) -> Any:
    """Run `work(connection)` in a transaction on a connection of its own: Hypothesis calls without a loop."""

    async def go() -> Any:
        database = await Database.connect(database_url, most=1)
        try:
            return await database.transact(work)
        finally:
            await database.close()

    return asyncio.run(go())


@often
@given(
    batch=st.lists(
        alerts, min_size=1, max_size=4, unique_by=(lambda a: a.id, lambda a: (a.scope, a.dedup_key))
    )
)
def test_alerts_come_back_as_they_were(database_url: str, batch: list[Alert]) -> None:
    """Written together as born, and again as known: equal in every field the door writes."""

    async def work(connection: Connection) -> None:
        await connection.execute("TRUNCATE alert CASCADE")
        for born in (True, False):
            doors = [at_the_door(alert, born=born) for alert in batch]
            await intake.admitted(connection, NOON, doors=doors)
            found = await intake.live_alerts(connection, [(a.scope, a.dedup_key) for a in batch])
            assert found == {(a.scope, a.dedup_key): a for a in batch}

    through(database_url, work)


@often
@given(said=st.lists(events, min_size=1, max_size=4))
def test_events_come_back_as_they_were(database_url: str, said: list[Event]) -> None:
    """And in the order in which they were admitted."""

    async def work(connection: Connection) -> None:
        await connection.execute("TRUNCATE event")
        rows = [EventRow(NOON, UUID(int=1), UUID(int=2), "i", e.dedup_key, "new", "", e) for e in said]
        await intake.admitted(connection, NOON, events=rows)
        stored = await connection.fetch("SELECT body FROM event ORDER BY id")
        assert [event_in(row["body"]) for row in stored] == said

    through(database_url, work)


@often
@given(incident=incident_values, plan=plans)
def test_incidents_and_their_pages_come_back_as_they_were(
    database_url: str, incident: Incident, plan: Plan
) -> None:
    """Saved new and saved again: the same incident, parts in order, the same page under way."""

    async def work(connection: Connection) -> None:
        await connection.execute("TRUNCATE incident CASCADE")
        for _ in range(2):
            sheet = sheets.Sheet()
            sheet.incidents[incident.id] = (incident, plan)
            await sheets.save(connection, sheet, NOON)
            kept = (await incidents.lock(connection, [incident.id]))[incident.id]
            assert (kept.incident, kept.plan) == (incident, plan)

    through(database_url, work)


@given(plan=plans)
def test_a_plan_survives_its_column(plan: Plan) -> None:
    """Without a database: out and in; an empty column is a page that never began."""
    assert plan_in(plan_out(plan)) == plan
    assert plan_in({}) == Plan()


def test_another_offset_is_the_same_instant(database_url: str) -> None:
    """A plan's times are told in UTC whatever offset they were given in."""
    kolkata = timezone(timedelta(hours=5, minutes=30))
    plan = Plan(started_at=NOON.astimezone(kolkata))

    assert plan_in(plan_out(plan)).started_at == NOON
    assert str(plan_in(plan_out(plan)).started_at) == str(NOON)


async def test_a_raw_request_is_kept_byte_for_byte(database_url: str) -> None:
    """Whatever came, NULs and broken UTF-8 too."""
    database = await Database.connect(database_url, most=1)
    body = bytes(range(256)) * 4
    raw = RawRequest(
        id=UUID(int=9), received_at=NOON, integration="i", source="webhook", method="POST", path="/p", query="a=1",
        headers={"content-type": "x/y"}, body=body, remote_address="203.0.113.9", reading="unreadable", fault="no JSON",
    )  # fmt: skip
    await database.transact(lambda c: intake.admitted(c, NOON, raws=[raw]))
    row = await database.read(lambda c: c.fetchrow("SELECT * FROM raw_request"))

    assert row is not None
    assert (row["body"], row["headers"], row["query"]) == (body, {"content-type": "x/y"}, "a=1")
    await database.close()


async def test_an_incident_is_found_by_any_of_its_names(database_url: str) -> None:
    """INC-7, inc-7, 7 and the id; what is none of these finds nothing and breaks nothing."""
    database = await Database.connect(database_url, most=1)
    incident = an_incident(number=7)
    sheet = sheets.Sheet()
    sheet.incidents[incident.id] = (incident, Plan())
    await database.transact(lambda c: sheets.save(c, sheet, NOON))

    for name in ("INC-7", "inc-7", " 7 ", str(incident.id)):
        assert await database.read(lambda c, n=name: incidents.id_of(c, n)) == incident.id, name
    for name in ("", "INC-", "8", "-7", "٧", "9" * 40, str(UUID(int=5)), "'; DROP TABLE incident"):
        assert await database.read(lambda c, n=name: incidents.id_of(c, n)) is None, name
    await database.close()
