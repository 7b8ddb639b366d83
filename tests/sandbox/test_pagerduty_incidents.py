"""Does the simulated PagerDuty treat incidents as PagerDuty documents it?"""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import BOT, House


def rung(whole: dict[str, Any]) -> list[str]:
    return [notification["user"].split("@")[0] for notification in whole["notifications"]]


async def test_an_incident_rings_the_first_level_once(house: House) -> None:
    whole = await house.whole(await house.incident())
    assert (whole["status"], whole["notification_count"], rung(whole)) == ("triggered", 1, ["bo"])
    assert [action["type"] for action in whole["pending_actions"]] == ["escalate", "resolve"]


async def test_a_second_incident_with_an_open_key_is_refused_with_the_documented_body(house: House) -> None:
    first = await house.incident(incident_key="k")
    wanted = {"type": "incident", "title": "again", "service": {"id": "PPAY001"}, "incident_key": "k"}
    again = await house.pd("POST", "/incidents", {"incident": wanted}, **BOT)
    sentence = "Open incident with matching dedup key already exists on this service"
    assert again.status == 400
    assert again.json == {"error": {"message": "Arguments Caused Error", "code": 2002, "errors": [sentence]}}
    other_service = await house.incident(service="PWEB001", incident_key="k")
    assert other_service["id"] != first["id"]
    await house.update(first, status="resolved")
    assert (await house.incident(incident_key="k"))["id"] != first["id"]


@pytest.mark.parametrize(
    ("start", "wanted", "ends", "webhook"),
    [
        pytest.param(
            [], "acknowledged", "acknowledged", "acknowledge_log_entry", id="triggered may be acknowledged"
        ),
        pytest.param([], "resolved", "resolved", "resolve_log_entry", id="triggered may be resolved"),
        pytest.param(
            ["acknowledged"],
            "triggered",
            "triggered",
            "unacknowledge_log_entry",
            id="acknowledged may go back",
        ),
        pytest.param(
            ["acknowledged"], "resolved", "resolved", "resolve_log_entry", id="acknowledged may be resolved"
        ),
        pytest.param(
            ["resolved"],
            "triggered",
            "triggered",
            "trigger_log_entry",
            id="triggered reopens what is resolved",
        ),
        pytest.param(
            ["resolved"],
            "acknowledged",
            "acknowledged",
            "acknowledge_log_entry",
            id="acknowledged reopens it too",
        ),
    ],
)
async def test_status_may_move(house: House, start: list[str], wanted: str, ends: str, webhook: str) -> None:
    incident = await house.incident()
    for status in start:
        assert (await house.update(incident, status=status)).status == 200
    seen = len((await house.whole(incident))["log"])
    answer = await house.update(incident, status=wanted)
    assert (answer.status, answer.json["incident"]["status"]) == (200, ends)
    whole = await house.whole(incident)
    assert webhook in [entry["type"] for entry in whole["log"][seen:]]


@pytest.mark.parametrize(
    ("start", "change", "code"),
    [
        pytest.param("resolved", {"status": "resolved"}, 1001, id="resolved twice"),
        pytest.param("acknowledged", {"status": "acknowledged"}, 1002, id="acknowledged twice by one user"),
        pytest.param(None, {"status": "closed"}, 1003, id="a status that is none"),
        pytest.param(None, {"escalation_level": 9}, 1006, id="a level the policy lacks"),
        pytest.param(None, {"escalation_policy": {"id": "PNONE"}}, 1014, id="an unknown policy"),
        pytest.param(None, {"priority": {"id": "PNONE"}}, 1020, id="an unknown priority"),
        pytest.param(None, {"assignments": [{"assignee": {"id": "PNONE"}}]}, 1008, id="an unknown user"),
    ],
)
async def test_an_impossible_change_names_its_code(
    house: House, start: str | None, change: Any, code: int
) -> None:
    incident = await house.incident()
    if start:
        await house.update(incident, status=start)
    answer = await house.update(incident, **change)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)


async def test_nobody_answers_and_the_next_level_is_rung_then_round_again(house: House) -> None:
    incident = await house.incident(
        escalation_policy={"id": "PLEAD01", "type": "escalation_policy_reference"}
    )
    await house.advance(10 * 60 + 1)
    assert rung(await house.whole(incident)) == ["di", "bo"]
    await house.advance(30 * 60)
    whole = await house.whole(incident)
    assert rung(whole) == ["di", "bo", "di"]
    assert "repeat_escalation_path_log_entry" in [entry["type"] for entry in whole["log"]]


async def test_an_acknowledgement_stops_the_escalation_and_lapses_after_30_minutes(house: House) -> None:
    incident = await house.incident()
    await house.control("POST", f"/pagerduty/incidents/{incident['id']}/acknowledge", {"user": "bo"})
    await house.advance(1795)
    assert rung(await house.whole(incident)) == ["bo"]
    await house.advance(10)
    whole = await house.whole(incident)
    assert (whole["status"], rung(whole)) == ("triggered", ["bo", "bo"])


async def test_an_incident_nobody_touches_resolves_itself_after_four_hours(house: House) -> None:
    await house.control("POST", "/pagerduty/services/PDAT001", {"auto_resolve_timeout": None})
    tended, left = await house.incident(service="PDAT001"), await house.incident(service="PWEB001")
    await house.advance(14_401)
    assert [(await house.whole(i))["status"] for i in (tended, left)] == ["triggered", "resolved"]


async def test_assigned_to_its_author_it_is_born_acknowledged_and_rings_nobody(house: House) -> None:
    incident = await house.incident(assignments=[{"assignee": {"id": "PUBOT01", "type": "user_reference"}}])
    whole = await house.whole(incident)
    assert (whole["status"], whole["notification_count"], whole["assigned_via"]) == (
        "acknowledged",
        0,
        "direct_assignment",
    )


async def test_a_direct_assignment_does_not_escalate(house: House) -> None:
    incident = await house.incident()
    await house.update(incident, assignments=[{"assignee": {"id": "PUCY001", "type": "user_reference"}}])
    await house.advance(2 * 3600)
    assert rung(await house.whole(incident)) == ["bo", "cy"]


async def test_snooze_holds_an_acknowledged_incident_until_its_time(house: House) -> None:
    incident = await house.incident()
    path = f"/incidents/{incident['id']}/snooze"
    assert (await house.pd("POST", path, {"duration": 60}, **BOT)).json["error"]["code"] == 1012
    await house.update(incident, status="acknowledged")
    assert (await house.pd("POST", path, {"duration": 604_801}, **BOT)).json["error"]["code"] == 1013
    assert (await house.pd("POST", path, {"duration": 7200}, **BOT)).status == 201
    await house.advance(7190)
    assert (await house.whole(incident))["status"] == "acknowledged"
    await house.advance(15)
    assert (await house.whole(incident))["status"] == "triggered"


async def test_merge_resolves_the_source_with_its_reason(house: House) -> None:
    target, source = await house.incident(), await house.incident()
    body = {"source_incidents": [{"id": source["id"], "type": "incident_reference"}]}
    assert (await house.pd("PUT", f"/incidents/{target['id']}/merge", body, **BOT)).status == 200
    merged = await house.whole(source)
    assert (merged["status"], merged["resolve_reason"]["type"]) == ("resolved", "merge_resolve_reason")
    assert (await house.pd("PUT", f"/incidents/{target['id']}/merge", body, **BOT)).json["error"][
        "code"
    ] == 1019


async def test_notes_priority_fields_and_responders_are_kept(house: House) -> None:
    incident = await house.incident(priority={"id": "PPRIO01", "type": "priority_reference"})
    path = f"/incidents/{incident['id']}"
    note = await house.pd("POST", f"{path}/notes", {"note": {"content": "looking"}}, **BOT)
    assert (note.status, note.json["note"]["user"]["id"]) == (200, "PUBOT01")
    await house.update(incident, priority="P3", urgency="low", title="Less bad")
    fields = {"custom_fields": [{"name": "root_cause", "value": "disk"}]}
    assert (await house.pd("PUT", f"{path}/custom_fields/values", fields)).status == 201
    assert (
        await house.pd("PUT", f"{path}/custom_fields/values", {"custom_fields": [{"name": "no"}]})
    ).status == 400
    target = {"responder_request_target": {"id": "PUCY001", "type": "user_reference"}}
    asked = {"requester_id": "PUBOT01", "message": "help", "responder_request_targets": [target]}
    assert (await house.pd("POST", f"{path}/responder_requests", asked)).status == 200
    whole = await house.whole(incident)
    assert (whole["priority"]["name"], whole["urgency"], whole["title"]) == ("P3", "low", "Less bad")
    assert whole["custom_fields"] == {"root_cause": "disk"}
    assert rung(whole) == ["bo", "cy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Authorization": "", **BOT}, 401, id="no token"),
        pytest.param({"Authorization": "Token token=revoked", **BOT}, 401, id="a revoked token"),
        pytest.param({"Authorization": "Token token=read-only", **BOT}, 403, id="a token that may only read"),
        pytest.param({}, 400, id="no From"),
        pytest.param({"From": "stranger@example.com"}, 400, id="From is nobody here"),
    ],
)
async def test_who_may_create(house: House, headers: dict[str, str], status: int) -> None:
    wanted = {"type": "incident", "title": "t", "service": {"id": "PGEN001"}}
    assert (await house.pd("POST", "/incidents", {"incident": wanted}, **headers)).status == status


async def test_one_particular_token_may_be_demanded(house: House) -> None:
    await house.control("POST", "/settings", {"pagerduty": {"token": "right"}})
    assert (await house.pd("GET", "/abilities")).status == 401
    assert (await house.pd("GET", "/abilities", Authorization="Token token=right")).status == 200


async def test_lists_page_and_filter(house: House) -> None:
    for number in range(5):
        await house.incident(f"number {number}", incident_key=f"key-{number}")
    first = (await house.pd("GET", "/incidents?limit=2&total=true")).json
    assert (len(first["incidents"]), first["more"], first["total"]) == (2, True, 5)
    last = (await house.pd("GET", "/incidents?limit=2&offset=4")).json
    assert (len(last["incidents"]), last["more"], last["total"]) == (1, False, None)
    one = (await house.pd("GET", "/incidents?incident_key=key-3&statuses[]=triggered")).json["incidents"]
    assert [incident["title"] for incident in one] == ["number 3"]
    assert (await house.pd("GET", "/incidents?limit=100&offset=9901")).status == 400
    assert (await house.pd("GET", "/incidents?since=2026-01-01&until=2026-10-01")).status == 400


async def test_more_than_250_updates_at_once_are_too_many(house: House) -> None:
    incident = await house.incident()
    entry = {"id": incident["id"], "type": "incident_reference", "title": "x"}
    assert (await house.pd("PUT", "/incidents", {"incidents": [entry] * 251}, **BOT)).status == 413
    assert (await house.pd("PUT", "/incidents", {"incidents": [entry] * 250}, **BOT)).status == 200


async def test_the_account_of_the_example_configuration_is_there(house: House) -> None:
    for path in (
        "/services/PGEN001",
        "/services/PPAY001",
        "/services/PDAT001",
        "/services/PWEB001",
        "/escalation_policies/PLEAD01",
    ):
        assert (await house.pd("GET", path)).status == 200, path
    users = (await house.pd("GET", "/users?query=tocsin-bot")).json["users"]
    assert [user["email"] for user in users] == ["tocsin-bot@example.com"]
    oncalls = (await house.pd("GET", "/oncalls?escalation_policy_ids[]=PLEAD01")).json["oncalls"]
    assert [entry["user"]["summary"] for entry in oncalls] == ["Di", "Bo"]
    assert (await house.pd("GET", "/priorities")).json["priorities"][0]["name"] == "P1"
    for path in (
        "/schedules",
        "/teams",
        "/log_entries",
        "/incidents/types",
        "/incidents/custom_fields",
        "/webhook_subscriptions",
    ):
        assert (await house.pd("GET", path)).status == 200, path


async def test_log_entries_are_a_feed_newest_first(house: House) -> None:
    incident = await house.incident()
    await house.advance(5)
    await house.update(incident, status="acknowledged")
    entries = (await house.pd("GET", f"/incidents/{incident['id']}/log_entries")).json["log_entries"]
    kinds = [entry["type"] for entry in entries]
    assert (kinds[0], kinds[-1]) == ("acknowledge_log_entry", "trigger_log_entry")
    recent = (await house.pd("GET", f"/log_entries?since={entries[0]['created_at']}")).json["log_entries"]
    assert [entry["type"] for entry in recent] == ["acknowledge_log_entry"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {"incident": {"type": "incident", "title": "t", "service": "PGEN001"}}, id="service is no object"
        ),
        pytest.param(
            {"incident": {"type": "incident", "title": 5, "service": {"id": "PGEN001"}}},
            id="title is no text",
        ),
        pytest.param(
            {"incident": {"type": "incident", "title": "t", "service": {"id": "PNONE"}}}, id="unknown service"
        ),
        pytest.param({"title": "t"}, id="not wrapped"),
        pytest.param([], id="no object"),
    ],
)
async def test_a_body_of_another_shape_is_refused(house: House, body: Any) -> None:
    answer = await house.pd("POST", "/incidents", body, **BOT)
    assert (answer.status, bool(answer.json["error"]["message"])) == (400, True)


async def test_who_acknowledges_owns_it_and_a_second_joins(house: House) -> None:
    incident = await house.incident()
    owners = []
    for person in ("ada", "cy"):
        answer = await house.control(
            "POST", f"/pagerduty/incidents/{incident['id']}/acknowledge", {"user": person}
        )
        whole = answer.json["incident"]
        owners.append([entry["assignee"]["summary"] for entry in whole["assignments"]])
    assert owners == [["Ada"], ["Ada", "Cy"]]
    assert [entry["acknowledger"]["summary"] for entry in whole["acknowledgements"]] == ["Ada", "Cy"]
    assert rung(whole) == ["bo"]
