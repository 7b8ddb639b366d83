"""Does the simulated Opsgenie treat alerts as Opsgenie documents it?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from .conftest import House


async def act(
    house: House, alias: str, verb: str, body: dict[str, Any] | None = None, method: str = "POST"
) -> dict[str, Any]:
    answer = await house.og(method, f"/v2/alerts/{alias}/{verb}?identifierType=alias", body or {})
    assert answer.status == 202, answer.json
    return await house.processed(answer)


async def state(house: House, alias: str) -> dict[str, Any]:
    return dict((await house.og("GET", f"/v2/alerts/{alias}?identifierType=alias")).json["data"])


async def test_a_write_is_accepted_then_processed_then_reported(house: House) -> None:
    await house.control("POST", "/settings", {"opsgenie": {"processing_delay_ms": 60_000}})
    answer = await house.og("POST", "/v2/alerts", {"message": "m", "alias": "a"})
    path = f"/v2/alerts/requests/{answer.json['requestId']}"
    assert (answer.status, answer.json["result"]) == (202, "Request will be processed")
    assert (await house.og("GET", path)).status == 404
    assert (await house.og("GET", "/v2/alerts/a?identifierType=alias")).status == 404
    await house.advance(61)
    result = (await house.og("GET", path)).json["data"]
    assert (result["success"], result["isSuccess"], result["status"], result["alias"]) == (
        True,
        True,
        "Created alert",
        "a",
    )
    assert (await house.og("GET", f"/v2/alerts/{result['alertId']}")).json["data"]["status"] == "open"


async def test_an_alias_has_one_open_alert_and_its_count_stops_at_100(house: House) -> None:
    first = await house.alert(alias="a", responders=[{"type": "team", "name": "Payments"}])
    for _ in range(119):
        await house.og("POST", "/v2/alerts", {"message": "again", "alias": "a"})
    await house.advance(1)
    repeated = (await house.control("GET", f"/opsgenie/alerts/{first['id']}")).json["alert"]
    assert (repeated["count"], repeated["notification_count"], repeated["message"]) == (100, 1, "Ledger lag")
    await act(house, "a", "close")
    assert (await house.alert(alias="a"))["id"] != first["id"]
    assert (await state(house, "a"))["status"] == "open"


async def test_states_open_acknowledged_snoozed_closed(house: House) -> None:
    await house.alert(alias="a")
    assert (await act(house, "a", "acknowledge", {"user": "ada@example.com"}))["success"] is True
    seen = await state(house, "a")
    assert (seen["status"], seen["acknowledged"], seen["report"]["acknowledgedBy"]) == (
        "open",
        True,
        "ada@example.com",
    )
    assert (await act(house, "a", "acknowledge"))["success"] is False
    await act(house, "a", "unacknowledge")
    assert (await act(house, "a", "snooze", {"endTime": "2199-01-01T00:00:00Z"}))["success"] is True
    assert (await state(house, "a"))["snoozed"] is True
    await act(house, "a", "close", {"note": "fixed"})
    closed = await state(house, "a")
    assert (closed["status"], closed["snoozed"]) == ("closed", False)
    assert (await act(house, "a", "acknowledge"))["status"] == "There is no open alert"


async def test_a_snooze_ends_by_itself_and_rings_again(house: House) -> None:
    alert = await house.alert(alias="a", responders=[{"type": "user", "username": "cy@example.com"}])
    now = datetime.fromisoformat((await house.control("GET", "/clock")).json["now"])
    await act(house, "a", "snooze", {"endTime": (now + timedelta(minutes=30)).isoformat()})
    await house.advance(1801)
    whole = (await house.control("GET", f"/opsgenie/alerts/{alert['id']}")).json["alert"]
    assert (whole["snoozed"], whole["notification_count"]) == (False, 2)


@pytest.mark.parametrize(
    ("verb", "body", "method", "field", "value"),
    [
        pytest.param("tags", {"tags": ["x", "y"]}, "POST", "tags", ["x", "y"], id="tags"),
        pytest.param("details", {"details": {"k": "v"}}, "POST", "details", {"k": "v"}, id="details"),
        pytest.param("message", {"message": "new"}, "PUT", "message", "new", id="message"),
        pytest.param("description", {"description": "long"}, "PUT", "description", "long", id="description"),
        pytest.param("priority", {"priority": "P1"}, "PUT", "priority", "P1", id="priority"),
        pytest.param(
            "assign",
            {"owner": {"username": "ada@example.com"}},
            "POST",
            "owner",
            "ada@example.com",
            id="owner",
        ),
    ],
)
async def test_a_field_may_be_changed(
    house: House, verb: str, body: Any, method: str, field: str, value: Any
) -> None:
    await house.alert(alias="a")
    assert (await act(house, "a", verb, body, method))["success"] is True
    assert (await state(house, "a"))[field] == value


async def test_tags_and_details_can_be_taken_away(house: House) -> None:
    await house.alert(alias="a", tags=["x", "y"], details={"k": "v", "l": "w"})
    for path in ("tags?tags=x&identifierType=alias", "details?keys=k&identifierType=alias"):
        assert (await house.og("DELETE", f"/v2/alerts/a/{path}")).status == 202
    await house.advance(1)
    left = await state(house, "a")
    assert (left["tags"], left["details"]) == (["y"], {"l": "w"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "message", id="no message"),
        pytest.param({"message": "m" * 131}, "message", id="message over 130"),
        pytest.param({"message": "m", "alias": "a" * 513}, "alias", id="alias over 512"),
        pytest.param(
            {"message": "m", "description": "d" * 15_001}, "description", id="description over 15000"
        ),
        pytest.param({"message": "m", "priority": "P9"}, "priority", id="unknown priority"),
        pytest.param({"message": "m", "tags": ["t"] * 21}, "tags", id="too many tags"),
        pytest.param({"message": "m", "details": {"k": "v" * 8000}}, "details", id="details over 8000"),
        pytest.param(
            {"message": "m", "responders": [{"type": "crowd", "name": "x"}]},
            "responders",
            id="responder type",
        ),
        pytest.param(
            {"message": "m", "responders": [{"type": "team"}]}, "responders", id="nameless responder"
        ),
    ],
)
async def test_422_names_the_field(house: House, body: Any, field: str) -> None:
    answer = await house.og("POST", "/v2/alerts", body)
    assert (answer.status, list(answer.json["errors"])) == (422, [field])
    assert answer.json["message"] == "Request body is not processable. Please check the errors."


async def test_an_action_on_nothing_is_accepted_and_fails_later(house: House) -> None:
    result = await act(house, "nothing", "close")
    assert (result["success"], result["status"]) == (False, "Alert does not exist")
    await house.fault("opsgenie", "processing_failed", operation="create", times=1)
    answer = await house.og("POST", "/v2/alerts", {"message": "m", "alias": "a"})
    assert (answer.status, (await house.processed(answer))["success"]) == (202, False)


async def test_identifiers_by_id_tiny_id_and_alias(house: House) -> None:
    alert = await house.alert(alias="svc/web db")
    for path in (
        alert["id"],
        f"{alert['tinyId']}?identifierType=tiny",
        "svc%2Fweb%20db?identifierType=alias",
    ):
        assert (await house.og("GET", f"/v2/alerts/{path}")).json["data"]["id"] == alert["id"], path


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("status:open", ["b", "c"], id="by status"),
        pytest.param("status: closed AND alias: a", ["a"], id="two conditions"),
        pytest.param('alias:"b"', ["b"], id="quoted"),
        pytest.param("alias: (a OR c)", ["a", "c"], id="any of"),
        pytest.param("alias:a OR alias:b", ["a", "b"], id="or"),
        pytest.param("NOT status:open", ["a"], id="not"),
        pytest.param("tag: red", ["c"], id="by tag"),
        pytest.param("createdAt > 1000", ["a", "b", "c"], id="by time"),
    ],
)
async def test_search(house: House, query: str, found: list[str]) -> None:
    for alias, tags in (("a", []), ("b", []), ("c", ["red"])):
        await house.alert(alias=alias, tags=tags)
    await act(house, "a", "close")
    listed = await house.og("GET", f"/v2/alerts?query={query.replace(' ', '%20')}&order=asc")
    assert [alert["alias"] for alert in listed.json["data"]] == found
    counted = await house.og("GET", f"/v2/alerts/count?query={query.replace(' ', '%20')}")
    assert counted.json["data"]["count"] == len(found)


async def test_a_search_it_does_not_understand_is_refused_and_lists_page(house: House) -> None:
    assert (await house.og("GET", "/v2/alerts?query=whatever:1")).status == 422
    for number in range(3):
        await house.alert(alias=str(number))
    first = (await house.og("GET", "/v2/alerts?limit=2")).json
    assert (len(first["data"]), "offset=2" in first["paging"]["next"]) == (2, True)
    assert (await house.og("GET", "/v2/alerts?offset=19990&limit=100")).status == 422


async def test_the_escalation_of_the_example_configuration_goes_on_until_acknowledged(house: House) -> None:
    responder = [{"type": "escalation", "name": "DB lead"}]
    left, taken = (
        await house.alert(alias="left", responders=responder),
        await house.alert(alias="taken", responders=responder),
    )
    await act(house, "taken", "acknowledge")
    await house.advance(601)
    rung = [
        [
            n["user"]
            for n in (await house.control("GET", f"/opsgenie/alerts/{a['id']}")).json["alert"][
                "notifications"
            ]
        ]
        for a in (left, taken)
    ]
    assert rung == [["di@example.com", "bo@example.com"], ["di@example.com"]]


async def test_keys_reads_and_heartbeats(house: House) -> None:
    assert (await house.og("GET", "/v2/alerts", Authorization="GenieKey revoked")).json[
        "message"
    ] == "Could not authenticate"
    assert (await house.og("GET", "/v2/alerts", Authorization="Basic x")).status == 401
    pong = await house.og("POST", "/v2/heartbeats/hub/ping")
    assert (pong.status, pong.json["result"][:4]) == (202, "PONG")
    assert list((await house.control("GET", "/opsgenie/heartbeats")).json["pings"]) == ["hub"]
    on_calls = await house.og(
        "GET", "/v2/schedules/Ops_schedule/on-calls?scheduleIdentifierType=name&flat=true"
    )
    assert on_calls.json["data"]["onCallRecipients"] == ["di@example.com"]
    assert [team["name"] for team in (await house.og("GET", "/v2/teams")).json["data"]] == ["Payments", "Ops"]


async def test_notes_and_logs_are_read_back(house: House) -> None:
    await house.alert(alias="a")
    await act(house, "a", "notes", {"note": "looking", "user": "ada@example.com"})
    notes = (await house.og("GET", "/v2/alerts/a/notes?identifierType=alias")).json["data"]
    assert [(note["note"], note["owner"]) for note in notes] == [("looking", "ada@example.com")]
    logs = (await house.og("GET", "/v2/alerts/a/logs?identifierType=alias")).json["data"]
    assert logs[-1]["log"].startswith("Alert created")
