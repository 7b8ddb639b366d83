"""Bad input is a problem document that names the field, and nothing is half done (TR-6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Office

DECLARE, TOKENS, EXPLAIN, CONFIG = "/api/v1/incidents", "/api/v1/tokens", "/api/v1/explain", "/api/v1/config"
GOOD = {"title": "x", "severity": "high"}
ACT = "/api/v1/incidents/INC-1/"

TABLE: dict[str, tuple[str, str, Any, str]] = {
    "no title": ("POST", DECLARE, {"severity": "high"}, "title"),
    "an empty title": ("POST", DECLARE, GOOD | {"title": ""}, "title"),
    "a title of spaces": ("POST", DECLARE, GOOD | {"title": "  "}, "title"),
    "a title that is no text": ("POST", DECLARE, GOOD | {"title": 7}, "title"),
    "a title with a NUL": ("POST", DECLARE, GOOD | {"title": "a\x00b"}, "title"),
    "half a character": ("POST", DECLARE, GOOD | {"title": "\ud800"}, "title"),
    "a title without end": ("POST", DECLARE, GOOD | {"title": "x" * 501}, "title"),
    "no severity": ("POST", DECLARE, {"title": "x"}, "severity"),
    "an unknown severity": ("POST", DECLARE, GOOD | {"severity": "purple"}, "severity"),
    "a service that is no text": ("POST", DECLARE, GOOD | {"services": ["web", 1]}, "services.1"),
    "an unknown connector": ("POST", DECLARE, GOOD | {"connector": ["nobody"]}, "connector"),
    "an unknown key": ("POST", DECLARE, GOOD | {"titel": "x"}, "titel"),
    "fields that are a list": ("POST", DECLARE, GOOD | {"fields": ["a"]}, "fields"),
    "a field that is a list": ("POST", DECLARE, GOOD | {"fields": {"a": [1]}}, "fields.a"),
    "a field with a NUL": ("POST", DECLARE, GOOD | {"fields": {"a": "\x00"}}, "fields.a"),
    "a field without end": ("POST", DECLARE, GOOD | {"fields": {"a": "x" * 2001}}, "fields.a"),
    "a field without a name": ("POST", DECLARE, GOOD | {"fields": {"": "x"}}, "fields..[key]"),
    "too many fields": ("POST", DECLARE, GOOD | {"fields": {str(n): "x" for n in range(51)}}, "fields"),
    "a change of nothing": ("PATCH", ACT.rstrip("/"), {}, "body"),
    "a change to no title": ("PATCH", ACT.rstrip("/"), {"title": None}, "body"),
    "a change to a title of spaces": ("PATCH", ACT.rstrip("/"), {"title": "  "}, "title"),
    "a change to an unknown severity": ("PATCH", ACT.rstrip("/"), {"severity": "purple"}, "severity"),
    "a change of what cannot be": ("PATCH", ACT.rstrip("/"), {"status": "open"}, "status"),
    "a list for a body": ("POST", DECLARE, [], "body"),
    "a note that is no text": ("POST", ACT + "acknowledge", {"note": 1}, "note"),
    "an unknown key of an act": ("POST", ACT + "resolve", {"notes": "x"}, "notes"),
    "a note without text": ("POST", ACT + "notes", {}, "text"),
    "an empty note": ("POST", ACT + "notes", {"text": ""}, "text"),
    "an unknown user": ("POST", ACT + "assign", {"user": "nobody"}, "user"),
    "a limit of nothing": ("GET", DECLARE + "?limit=0", None, "limit"),
    "a limit too large": ("GET", DECLARE + "?limit=501", None, "limit"),
    "a limit in words": ("GET", DECLARE + "?limit=all", None, "limit"),
    "an unknown status": ("GET", DECLARE + "?status=open,burning", None, "status"),
    "an unknown severity in a list": ("GET", DECLARE + "?severity=purple", None, "severity"),
    "an unknown question": ("GET", DECLARE + "?state=open", None, "state"),
    "a NUL in a search": ("GET", DECLARE + "?q=%00", None, "q"),
    "a cursor of nobody": ("GET", DECLARE + "?cursor=xyz", None, "cursor"),
    "a cursor that is no base64": ("GET", DECLARE + "?cursor=%C3%A4", None, "cursor"),
    "a cursor of another list": ("GET", ACT + "timeline?cursor=WzFd", None, "cursor"),
    "a cursor of another kind": ("GET", DECLARE + "?cursor=WyJ4Il0", None, "cursor"),
    "a cursor beyond every number": ("GET", DECLARE + "?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTld", None, "cursor"),
    "an alert's id that is none": ("GET", "/api/v1/alerts/INC-1", None, "alert_id"),
    "an unknown status of alerts": ("GET", "/api/v1/alerts?status=mitigated", None, "status"),
    "a token without scopes": ("POST", TOKENS, {"name": "x", "scopes": []}, "role"),
    "a token with an unknown scope": ("POST", TOKENS, {"name": "x", "scopes": ["root"]}, "scopes.0"),
    "a token that is over": ("POST", TOKENS, {"name": "x", "scopes": ["read"], "expires_at": "2026-11-16T12:00:00Z"}, "expires_at"),
    "a time without a zone": ("POST", TOKENS, {"name": "x", "scopes": ["read"], "expires_at": "2027-01-01T00:00:00"}, "expires_at"),
    "nothing to explain": ("POST", EXPLAIN, {}, "body"),
    "two things to explain": ("POST", EXPLAIN, {"incident": "INC-1", "alert": {"title": "x"}}, "body"),
    "an imagined alert without title": ("POST", EXPLAIN, {"alert": {"severity": "high"}}, "alert.title"),
    "an imagined label that is no text": ("POST", EXPLAIN, {"alert": {"title": "x", "labels": {"env": 1}}}, "alert.labels.env"),
    "a configuration without text": ("POST", CONFIG, {"file": "hub.yaml"}, "text"),
    "a configuration with an unknown key": ("POST", CONFIG, {"text": "teams: {}\nroutes: []\n"}, "routes"),
    "a session without code": ("POST", "/api/v1/session", {}, "code"),
    "an alert that is sent without title": ("POST", "/api/v1/alerts", {"severity": "high"}, "title"),
}  # fmt: skip


async def test_every_fault_is_a_problem_that_names_the_field(office: Office) -> None:
    await office.incident()
    for situation, (method, path, body, field) in TABLE.items():
        content = None if body is None else json.dumps(body)
        kind = {"Content-Type": "application/json"}
        answer = await office.ask(method, path, content=content, headers=kind)
        problem = answer.json()

        assert answer.status_code == 422, f"{situation}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json", situation
        assert set(problem) == {"type", "title", "status", "detail", "code", "faults", "hint"}, situation
        assert (problem["status"], problem["code"]) == (422, "bad_input"), situation
        assert problem["type"] == "https://tocsin.dev/problems/bad_input", situation
        assert field in [fault["field"] for fault in problem["faults"]], f"{situation}: {problem['faults']}"
        assert all(fault["message"] for fault in problem["faults"]), situation

    listed = await office.get("/api/v1/incidents?status=all")
    assert [one["name"] for one in listed["items"]] == ["INC-1"]
    assert listed["items"][0]["status"] == "open"
    assert (await office.get("/api/v1/config"))["version"] == 1


@pytest.mark.parametrize(
    ("method", "path", "content", "kind", "status", "code"),
    [
        pytest.param("POST", DECLARE, b"{", "application/json", 422, "bad_input", id="half a document"),
        pytest.param("POST", DECLARE, b"\xff", "application/json", 422, "bad_input", id="bytes that are no text"),
        pytest.param("POST", DECLARE, b"title=x", "application/x-www-form-urlencoded", 422, "bad_input", id="a form"),
        pytest.param("POST", CONFIG, b"teams: {}", "image/png", 422, "bad_input", id="a configuration as a picture"),
        pytest.param("POST", CONFIG, b"\xff\xfe", "text/yaml", 422, "bad_input", id="a configuration that is no text"),
        pytest.param("POST", DECLARE, b"x" * 1_048_577, "application/json", 413, "too_large", id="more than 1 MiB"),
        pytest.param("POST", CONFIG, b"x" * 1_048_577, "text/yaml", 413, "too_large", id="a configuration over 1 MiB"),
        pytest.param("GET", "/api/v1/nothing", None, "", 404, "not_found", id="an unknown address"),
        pytest.param("POST", "/api/v1/nothing", b"{}", "application/json", 404, "not_found", id="a write to nowhere"),
        pytest.param("DELETE", DECLARE, None, "", 405, "method_not_allowed", id="a method it does not take"),
        pytest.param("GET", ACT + "resolve", None, "", 405, "method_not_allowed", id="an act read"),
    ],
)  # fmt: skip
async def test_whatever_is_wrong_with_a_request_is_a_problem(
    office: Office, method: str, path: str, content: bytes | None, kind: str, status: int, code: str
) -> None:
    answer = await office.ask(method, path, content=content, headers={"Content-Type": kind} if kind else {})

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_grows_without_saying_so_is_cut_off(office: Office) -> None:
    async def endless() -> Any:
        for _ in range(2_000):
            yield b"x" * 1024

    answer = await office.ask(
        "POST", DECLARE, content=endless(), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413


async def test_a_fault_of_ours_tells_an_id_and_nothing_else(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("tocsin.api.routes.health.figures.work", breaks)
    answer = await office.ask("GET", "/api/v1/metrics")
    logged = "".join(capsys.readouterr())

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "42" not in answer.text
    assert answer.json()["detail"].split()[-1] in logged


async def test_while_the_database_is_away_every_read_says_so(office: Office) -> None:
    await office.ask("GET", "/api/v1/whoami")
    await office.hub.database.close()
    answer = await office.ask("GET", "/api/v1/incidents")
    ready = await office.client().get("/readyz")

    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert int(answer.headers["retry-after"]) > 0
    assert ready.json() == {"ready": False, "checks": {"intake": True, "database": False, "worker": True}}
