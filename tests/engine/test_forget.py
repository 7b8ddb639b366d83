"""What only grows is forgotten by `defaults.retention`; what is still work, and what is true, stays."""

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.core.errors import BadInput
from tocsin.core.retention import Retention
from tocsin.engine.forget import forget
from tocsin.store import retention
from tocsin.store.migrate import keep_partitions_ahead

from .office import CONFIG, NOON, Office, create, resolve

SHORT = (
    CONFIG
    + "defaults: {retention: {requests: 14d, timeline: 60d, deliveries: 21d, webhooks: 7d, audit: 30d, logs: 21d}}\n"
)


async def after(office: Office, **span: float) -> list[str]:
    """Time passes with the house kept; what was dropped, without the partitions that are empty for the future."""
    office.clock.advance(**span)
    await keep_partitions_ahead(office.hub.database, office.clock.at.date())
    return await forget(office.hub)


async def an_ended_incident(office: Office) -> None:
    await office.page(create())
    await office.say(resolve())
    await office.decide()
    await office.deliver()


async def test_each_table_is_kept_as_long_as_it_says(office: Office) -> None:
    """By whole weeks: the week of Monday 16 November goes when all of it is old enough."""
    await office.configure(SHORT)
    await an_ended_incident(office)

    assert await after(office, days=14) == ["hook_20261116"]
    assert await after(office, days=7) == [
        "raw_request_20261116", "event_20261116", "hook_20261123",
    ]  # fmt: skip
    assert await office.value("SELECT count(*) FROM raw_request") == 0
    assert await office.value("SELECT count(*) FROM timeline") > 0
    assert await office.value("SELECT count(*) FROM delivery") > 0
    assert "log_line_20261116" in await after(office, days=7)
    assert await office.value("SELECT count(*) FROM delivery") == 0
    assert await office.value("SELECT count(*) FROM effect") == 0
    await after(office, days=60)
    assert await office.value("SELECT count(*) FROM timeline") == 0
    assert await office.value("SELECT count(*) FROM incident") == 1


async def test_the_defaults_keep_a_month_of_requests(office: Office) -> None:
    await an_ended_incident(office)

    assert await after(office, days=30) == ["log_line_20261116", "log_line_20261123"]
    assert {name.rpartition("_")[0] for name in await after(office, days=7)} == {
        "raw_request",
        "event",
        "hook",
        "log_line",
    }


async def test_an_alert_that_nobody_decided_yet_keeps_its_event(office: Office) -> None:
    """An accepted event is never lost, however long the deciders were away."""
    await office.configure(SHORT)
    await office.say(create())
    await after(office, days=100)
    assert await office.value("SELECT count(*) FROM event") == 1
    await office.decide()

    assert await office.value("SELECT count(*) FROM incident") == 1
    await after(office, days=1)
    assert await office.value("SELECT count(*) FROM event") == 0


async def test_effects_of_a_live_incident_stay(office: Office) -> None:
    """Their names keep the same page from being sent twice."""
    await office.configure(SHORT)
    await office.page(create())
    await after(office, days=100)

    assert await office.value("SELECT count(*) FROM effect") == 1


async def test_an_incident_whose_beginning_is_forgotten_can_say_so(office: Office) -> None:
    """A later one has all its lines."""
    await office.configure(SHORT)
    await an_ended_incident(office)
    await after(office, days=75)
    await office.page(create("later"))

    async def lost(number: int) -> datetime | None:
        incident = await office.value("SELECT id FROM incident WHERE number = $1", number)
        return await office.hub.database.read(lambda c: retention.lines_lost(c, incident))

    assert await lost(1) == datetime(2026, 11, 30, tzinfo=UTC)
    assert await lost(2) is None


async def test_a_table_in_use_is_left_for_the_next_time(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """A drop that waits would let intake wait behind it: it gives up and says so."""
    await an_ended_incident(office)
    office.clock.advance(days=40)
    pool = office.hub.database._pool
    async with pool.acquire() as reader, reader.transaction():
        await reader.fetchval("SELECT count(*) FROM event")
        dropped = await forget(office.hub)

    assert not [name for name in dropped if name.startswith("event")]
    assert "not_forgotten_yet" in "".join(capsys.readouterr())
    assert "event_20261116" in await forget(office.hub)


async def test_small_things_are_trimmed(office: Office) -> None:
    """Sessions that are over and marks of changes that nobody will deliver again."""
    await office.rows(
        "INSERT INTO session SELECT ('\\x0' || n)::bytea, 'session', 'ada', '{}', $1::timestamptz + n * interval '1 day' FROM generate_series(1, 9) n", NOON
    )  # fmt: skip
    await office.rows(
        "INSERT INTO change_seen SELECT 'east', n::text, $1::timestamptz + n * interval '1 day' FROM generate_series(1, 9) n",
        NOON,
    )
    await after(office, days=35)

    assert await office.value("SELECT count(*) FROM session") == 0
    assert await office.value("SELECT count(*) FROM change_seen") == 5


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        pytest.param(
            "requests: 1d", "defaults.retention.requests", id="too short for the checks of an apply"
        ),
        pytest.param(
            "webhooks: 2d", "defaults.retention.webhooks", id="shorter than a provider delivers again"
        ),
        pytest.param("timeline: 20y", "defaults.retention.timeline", id="no duration"),
        pytest.param("audit: 4000d", "defaults.retention.audit", id="over ten years"),
        pytest.param("events: 30d", "defaults.retention.events", id="a misspelt name"),
    ],
)
async def test_bounds_are_told(office: Office, written: str, wrong: str) -> None:
    with pytest.raises(BadInput) as refused:
        await office.configure(CONFIG + f"defaults: {{retention: {{{written}}}}}\n")

    assert [(f.field, bool(f.line)) for f in refused.value.faults] == [(wrong, True)]


async def test_what_is_written_is_what_holds(office: Office) -> None:
    await office.configure(SHORT)

    assert office.hub.policy.defaults.retention == Retention(
        requests=timedelta(days=14), timeline=timedelta(days=60), deliveries=timedelta(days=21),
        webhooks=timedelta(days=7), audit=timedelta(days=30), logs=timedelta(days=21),
    )  # fmt: skip
