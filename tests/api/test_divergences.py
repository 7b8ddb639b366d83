"""Where providers and the hub differ, as everybody may read it (PR-9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tocsin.core.divergence import listed_only
from tocsin.core.model import IncidentStatus
from tocsin.core.ports import ChangeKind, RemoteStatus
from tocsin.store import divergences, outbox
from tocsin.store.database import Connection

if TYPE_CHECKING:
    from conftest import Office


async def differ(office: Office, what: ChangeKind) -> None:
    """The first remote is changed at an outbound connector."""
    found = listed_only(what, IncidentStatus.OPEN, RemoteStatus.ACKNOWLEDGED, "it is outbound")

    async def work(connection: Connection) -> None:
        row = await connection.fetchrow("SELECT * FROM remote ORDER BY id LIMIT 1")
        assert row is not None
        await divergences.see(connection, outbox.remote_of(row), found, office.at)

    await office.hub.database.transact(work)


async def test_a_difference_is_listed_with_decision_and_reason(office: Office) -> None:
    await office.incident()
    await differ(office, ChangeKind.ACKNOWLEDGED)
    told = await office.get("/api/v1/divergences")

    (one,) = told["items"]
    assert (one["incident"], one["ours"], one["theirs"]) == ("INC-1", "open", "acknowledged")
    assert (one["decision"], one["reason"]) == ("it is listed only", "it is outbound")
    assert one["ended_at"] is None
    connectors = (await office.get("/api/v1/connectors"))["items"]
    assert {c["name"]: c["divergences"] for c in connectors if c["divergences"]} == {one["connector"]: 1}


async def test_the_list_can_be_narrowed_and_paged(office: Office) -> None:
    await office.incident()
    for what in (ChangeKind.ACKNOWLEDGED, ChangeKind.RESOLVED, ChangeKind.REOPENED):
        await differ(office, what)
    first = await office.get("/api/v1/divergences?limit=2")
    rest = await office.get(f"/api/v1/divergences?limit=2&cursor={first['next_cursor']}")

    assert [one["what"] for one in first["items"] + rest["items"]] == ["reopened", "resolved", "acknowledged"]
    assert rest["next_cursor"] is None
    assert (await office.get("/api/v1/divergences?state=ended"))["items"] == []
    assert len((await office.get("/api/v1/divergences?incident=INC-1&state=all"))["items"]) == 3
    other = "ops-mail" if first["items"][0]["connector"] != "ops-mail" else "prod-pagerduty"
    assert (await office.get(f"/api/v1/divergences?connector={other}"))["items"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("connector=nowhere", 404, id="a connector nobody configured"),
        pytest.param("incident=INC-404", 404, id="an incident that is not there"),
        pytest.param("state=maybe", 422, id="a word the list does not know"),
        pytest.param("cursor=nonsense", 422, id="a cursor of another list"),
    ],
)
async def test_what_is_asked_wrongly_is_named(office: Office, query: str, status: int) -> None:
    answer = await office.ask("GET", f"/api/v1/divergences?{query}")
    assert answer.status_code == status, answer.text
