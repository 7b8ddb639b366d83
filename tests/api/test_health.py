"""How the hub says that it is well, and that it is not (IM-9)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tocsin.core.breaker import Breaker, BreakerState
from tocsin.store import outbox
from tocsin.store.database import Connection
from tocsin.store.outcomes import Delivery, Outcomes, save_outcomes

if TYPE_CHECKING:
    from conftest import Office


async def trip(office: Office, connector: str) -> None:
    async def work(connection: Connection) -> None:
        state = await outbox.lock_state(connection, connector, office.at)
        state.breaker = Breaker(
            state=BreakerState.OPEN, failures=5, trips=1, opened_at=office.at, probe_at=office.at
        )
        state.last_error, state.last_failure_at = "503 Service Unavailable", office.at
        await outbox.save_state(connection, state)

    await office.hub.database.transact(work)


async def attempts(office: Office, connector: str, outcomes: str, *, ago: timedelta) -> None:
    """One attempt for each letter: a = accepted, r = retry, x = rejected, s = skipped."""
    names = {"a": "accepted", "r": "retry", "x": "rejected", "s": "skipped"}
    incident = office.hub.installation

    deliveries = [
        Delivery(
            at=office.at - ago, effect=number, incident_id=incident, connector=connector, service="", kind="create",
            attempt=1, step="create", outcome=names[letter], reason="", status=201, took_ms=100.0 * (number + 1), calls=1,
        )
        for number, letter in enumerate(outcomes)
    ]  # fmt: skip
    await office.hub.database.transact(lambda c: save_outcomes(c, Outcomes(deliveries=deliveries), office.at))


async def test_a_healthy_hub_answers_as_the_day_137_document_prints_it(office: Office) -> None:
    told = await office.get("/api/v1/health")

    assert (told["system_status"], told["active_incidents"]) == ("healthy", 0)
    assert {kind: entry["healthy"] for kind, entry in told["integrations"].items()} == {
        "pagerduty": True, "opsgenie": True, "email": True,
    }  # fmt: skip
    assert [one["name"] for one in told["connectors"]] == ["prod-pagerduty", "prod-opsgenie", "ops-mail"]


async def test_an_open_breaker_degrades_and_says_whose(office: Office) -> None:
    await office.incident()
    await trip(office, "prod-opsgenie")
    told = await office.get("/api/v1/health")
    shown = await office.get("/api/v1/connectors/prod-opsgenie")

    assert (told["system_status"], told["active_incidents"]) == ("degraded", 1)
    assert (told["integrations"]["opsgenie"]["healthy"], told["integrations"]["pagerduty"]["healthy"]) == (
        False,
        True,
    )
    assert told["reasons"] == ["prod-opsgenie: its breaker is open"]
    assert (shown["breaker"]["state"], shown["breaker"]["failures"]) == ("open", 5)
    assert (shown["healthy"], shown["last_error"]) == (False, "503 Service Unavailable")


async def test_without_a_worker_the_hub_is_unhealthy_and_not_ready(office: Office) -> None:
    office.worker_alive = False
    told = await office.get("/api/v1/health")
    async with office.client() as client:
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")

    assert told["system_status"] == "unhealthy"
    assert (ready.status_code, ready.json()["checks"]) == (
        503,
        {"intake": True, "database": True, "worker": False},
    )
    assert alive.status_code == 200


async def test_ready_needs_no_token(office: Office) -> None:
    async with office.client() as client:
        ready = await client.get("/readyz")
        office.intake_alive = False
        without = await client.get("/readyz")

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert (without.status_code, without.json()["checks"]["intake"]) == (503, False)


async def test_an_alert_that_waits_too_long_degrades(office: Office) -> None:
    await office.ask("POST", "/api/v1/alerts", {"title": "x"})
    office.pass_time(seconds=61)
    told = await office.get("/api/v1/health")

    assert told["reasons"] == ["an alert has waited 61 s for its decision"]
    assert (await office.get("/api/v1/metrics"))["oldest_undecided_seconds"] == 61.0


async def test_success_is_that_of_the_last_hour(office: Office) -> None:
    await attempts(office, "ops-mail", "asrx", ago=timedelta(minutes=30))
    await attempts(office, "ops-mail", "rrrr", ago=timedelta(minutes=61))
    shown = await office.get("/api/v1/connectors/ops-mail")
    idle = await office.get("/api/v1/connectors/prod-pagerduty")

    assert (shown["success_rate"], shown["average_ms"], shown["attempts"]) == (0.5, 250.0, 4)
    assert (idle["success_rate"], idle["average_ms"], idle["attempts"]) == (None, None, 0)


def sample(text: str, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    assert found, f"{line} is not in:\n{text}"
    return float(found[1])


async def test_prometheus_reads_what_happened_since_the_start(office: Office) -> None:
    await office.incident(connector=["prod-opsgenie"])
    await trip(office, "prod-opsgenie")
    office.pass_time(seconds=30)
    await attempts(office, "ops-mail", "aax", ago=timedelta(seconds=10))
    office.rest.state.metrics.events.labels("new").inc()
    async with office.client(peer="127.0.0.1") as client:
        first = (await client.get("/metrics")).text
        again = (await client.get("/metrics")).text

    for text in (first, again):
        assert sample(text, 'tocsin_deliveries_total{connector="ops-mail",outcome="accepted"}') == 2
        assert sample(text, 'tocsin_deliveries_total{connector="ops-mail",outcome="rejected"}') == 1
        assert sample(text, 'tocsin_breaker_state{connector="prod-opsgenie",state="open"}') == 1
        assert sample(text, 'tocsin_breaker_state{connector="prod-opsgenie",state="closed"}') == 0
        assert sample(text, 'tocsin_outbox_waiting{connector="prod-opsgenie"}') == 1
        assert sample(text, 'tocsin_incidents{status="open"}') == 1
        assert sample(text, 'tocsin_events_total{reading="new"}') == 1
    line = 'tocsin_request_seconds_count{method="POST",route="/api/v1/incidents",status="201"}'
    assert sample(again, line) == 1


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        pytest.param("127.0.0.1", {}, 200, id="a scraper on this machine"),
        pytest.param("203.0.113.9", {}, 401, id="from elsewhere"),
        pytest.param(
            "127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, 401, id="from elsewhere through a proxy here"
        ),
    ],
)
async def test_figures_are_open_to_this_machine_alone(
    office: Office, peer: str, headers: dict[str, str], status: int
) -> None:
    async with office.client(peer=peer, **headers) as client:
        assert (await client.get("/metrics")).status_code == status


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_monitor_may_ask_by_head(office: Office, path: str) -> None:
    """The same status without a body, as monitors of uptime ask."""
    answer = await office.ask("HEAD", path)

    assert (answer.status_code, answer.content) == (200, b"")
