"""Does the Opsgenie provider say what section 2.2 of its contract and the rules at the seams ask?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tocsin.core.ports import (
    Accepted,
    Call,
    ConnectorSettings,
    Effect,
    EffectKind,
    FaultKind,
    Malformed,
    Pending,
    Proof,
    RemoteRef,
    RemoteStatus,
    Request,
    Response,
    Retry,
    WireFault,
)
from tocsin.core.severity import Severity
from tocsin.providers.opsgenie import alerts, provider

KEY = "tocsin:hub:7:web:1"
GOOD = {"api_key": "k" * 36}
EXAMPLE = {  # the connector of the example configuration
    "type": "opsgenie",
    "base_url": "http://127.0.0.1:8903",
    "api_key": "key",
    "sync_direction": "bidirectional",
    "custom": {
        "priority_mapping": {"SEV-1": "P1", "SEV-2": "P2", "SEV-3": "P3", "SEV-4": "P5"},
        "service_mappings": {"payment-service": "team:Payments", "default": "team:Ops"},
        "policy_mappings": {"database-lead": "escalation:DB lead"},
    },
}
TAKEN = Response(202, {}, b'{"requestId": "R1"}')


def connector(**over: Any) -> ConnectorSettings:
    return ConnectorSettings(name="og", settings=GOOD | over)


def effect(kind: EffectKind = EffectKind.CREATE, **over: Any) -> Effect:
    told: dict[str, Any] = {"key": KEY, "incident": "7", "title": "Down", "description": "d"}
    return Effect(kind=kind, **({"severity": Severity.HIGH, **told} | over))


def sent(made: object) -> Request:
    assert isinstance(made, Call)
    assert isinstance(made.send, Request)
    return made.send


def body(made: object) -> Any:
    return json.loads(sent(made).body)


def answer(status: int, content: Any = None) -> Response:
    return Response(status, {}, json.dumps(content).encode())


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        pytest.param(GOOD, [], id="a key is enough"),
        pytest.param(EXAMPLE, [], id="the example configuration's connector"),
        pytest.param({}, ["api_key"], id="no credentials"),
        pytest.param({"api_key": "a\nb"}, ["api_key"], id="a key that would make a header"),
        pytest.param(GOOD | {"base_url": "http://og.example.com"}, ["base_url"], id="plain http"),
        pytest.param(GOOD | {"base_url": "http://127.0.0.1:8903"}, [], id="plain http on loopback"),
        pytest.param(GOOD | {"region": "mars"}, ["region"], id="a region that is none"),
        pytest.param(GOOD | {"region": ["us"]}, ["region"], id="a region as a list"),
        pytest.param(
            GOOD | {"webhook_header": "no colon"}, ["webhook_header"], id="a header without a value"
        ),
        pytest.param(GOOD | {"webhook_token": 7}, ["webhook_token"], id="a token as a number"),
        pytest.param(GOOD | {"custom": 7}, ["custom"], id="custom a number"),
        pytest.param(GOOD | {"custom": {"responders": 1}}, ["custom.responders"], id="an unknown setting"),
        pytest.param(
            GOOD | {"custom": {"priority_mapping": {"SEV-1": "P0", "bad": "P1"}}},
            ["custom.priority_mapping.SEV-1", "custom.priority_mapping.bad"],
            id="priorities and severities that are none",
        ),
        pytest.param(
            GOOD | {"custom": {"service_mappings": {"web": "Payments", "db": ["team:A", "squad:B"]}}},
            ["custom.service_mappings.web", "custom.service_mappings.db"],
            id="responders without a kind, or of an unknown one",
        ),
    ],
)
def test_settings_are_checked_and_the_field_is_named(settings: dict[str, Any], fields: list[str]) -> None:
    assert [field for field, _ in provider.check_settings(settings)] == fields


@pytest.mark.parametrize(
    ("severity", "priority"),
    [(Severity.CRITICAL, "P1"), (Severity.HIGH, "P2"), (Severity.MEDIUM, "P3"), (Severity.LOW, "P5")],
)
def test_the_priorities_by_default_and_by_mapping(severity: Severity, priority: str) -> None:
    """S54: to Opsgenie: P1, P2, P3, P5; P4 by mapping."""
    page = effect(severity=severity)
    assert body(provider.first_call(page, connector()))["priority"] == priority
    mapped = connector(custom={"priority_mapping": {severity.value: "P4"}})
    assert body(provider.first_call(page, mapped))["priority"] == "P4"


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        pytest.param("team:Payments", {"type": "team", "name": "Payments"}, id="team by name"),
        pytest.param(
            "escalation:DB: lead", {"type": "escalation", "name": "DB: lead"}, id="a colon in the name"
        ),
        pytest.param(
            "user:ada@example.com", {"type": "user", "username": "ada@example.com"}, id="user by address"
        ),
        pytest.param(
            "schedule:4513b7ea-3b91-438f-b7e4-e3e54af9147c",
            {"type": "schedule", "id": "4513b7ea-3b91-438f-b7e4-e3e54af9147c"},
            id="anything by id",
        ),
    ],
)
def test_responders(written: str, taken: dict[str, str]) -> None:
    conn = connector(custom={"service_mappings": {"default": written}})
    assert body(provider.first_call(effect(), conn))["responders"] == [taken]


def test_every_field_stays_within_its_limit_and_the_core_facts_come_first() -> None:
    """S8: a key over 512 characters becomes its SHA-256."""
    details = {"log": "y" * 9_000, **{f"k{n}": "z" * 100 for n in range(200)}}
    page = effect(
        title="ü" * 400, description="d" * 20_000, details=details, correlation_id="c-1", service="s" * 600
    )
    made = body(provider.first_call(page, connector()))
    assert len(made["message"]) == 130
    assert len(made["description"]) == 15_000
    assert sum(len(name) + len(value) for name, value in made["details"].items()) <= 8_000
    assert made["details"]["correlation_id"] == "c-1"
    assert "k0" in made["details"]
    assert len(made["entity"]) == 512
    assert all(len(tag) <= 50 for tag in made["tags"])
    assert body(provider.first_call(effect(key="k" * 512), connector()))["alias"] == "k" * 512
    assert len(body(provider.first_call(effect(key="k" * 513), connector()))["alias"]) == 64


def run(what: Effect, answers: list[Response | WireFault]) -> tuple[list[str], object]:
    """The method and path of each call of a chain, and its end."""
    made = provider.first_call(what, connector())
    log = []
    for each in answers:
        assert isinstance(made, Call)
        log.append(f"{sent(made).method} {urlsplit(sent(made).url).path}")
        end = provider.outcome_of(what, connector(), made.step, each)
        if not isinstance(end, Pending):
            return log, end
        made = end.next
    return log, made


def test_a_page_in_doubt_is_looked_up_searched_made_and_judged() -> None:
    done = answer(200, {"data": {"isSuccess": True, "alertId": "A1", "status": "Created alert"}})
    log, end = run(
        effect(look_first=True), [answer(404), answer(200, {"data": []}), TAKEN, answer(404), done]
    )
    path = "/v2/alerts/tocsin%3Ahub%3A7%3Aweb%3A1"
    asked = "GET /v2/alerts/requests/R1"
    assert log == [f"GET {path}", "GET /v2/alerts", "POST /v2/alerts", asked, asked]
    assert end == Accepted(remote_id="A1", created=True, status=RemoteStatus.TRIGGERED)


@pytest.mark.parametrize(
    "never", [answer(404), answer(503), WireFault(FaultKind.AMBIGUOUS, "slow"), answer(200, {"data": {}})]
)
def test_polling_slows_down_and_ends(never: Response | WireFault) -> None:
    log, end = run(effect(), [TAKEN, *[never] * 50])
    assert len(log) == 10
    assert isinstance(end, Retry)
    assert end.ambiguous
    waits = []
    made = provider.outcome_of(effect(), connector(), "create", TAKEN)
    while isinstance(made, Pending):
        waits.append(made.next.after.total_seconds())
        assert made.accepted
        made = provider.outcome_of(effect(), connector(), made.next.step, never)
    assert waits == sorted(waits)
    assert sum(waits) < 60


def test_an_answer_without_the_wrapper_is_read_as_well() -> None:
    end = provider.outcome_of(
        effect(), connector(), "poll:1:R1", answer(200, {"isSuccess": True, "alertId": "A1"})
    )
    assert isinstance(end, Accepted)
    assert end.remote_id == "A1"


def test_an_update_writes_message_description_and_priority_one_after_the_other() -> None:
    done = answer(200, {"data": {"isSuccess": True, "alertId": "A1"}})
    log, end = run(effect(EffectKind.UPDATE, remote_id="A1"), [TAKEN, TAKEN, TAKEN, done])
    assert log == [
        *[f"PUT /v2/alerts/A1/{part}" for part in ("message", "description", "priority")],
        "GET /v2/alerts/requests/R1",
    ]
    assert isinstance(end, Accepted)
    log, _ = run(effect(EffectKind.UPDATE, remote_id="A1", description=""), [TAKEN, TAKEN])
    assert log == ["PUT /v2/alerts/A1/message", "PUT /v2/alerts/A1/priority"]


@pytest.mark.parametrize(
    ("settings", "query", "headers", "proof"),
    [
        pytest.param({"webhook_token": "T"}, "token=T", {}, Proof.GENUINE, id="the token"),
        pytest.param(
            {"webhook_token": ["T", "U"]}, "token=U", {}, Proof.GENUINE, id="the second token, in a rotation"
        ),
        pytest.param(
            {"webhook_header": "X-Key: s: 1"}, "", {"x-key": "s: 1"}, Proof.GENUINE, id="the header"
        ),
        pytest.param(
            {"webhook_header": {"name": "X-Key", "value": "s"}},
            "",
            {"x-key": "s"},
            Proof.GENUINE,
            id="header as map",
        ),
        pytest.param({"webhook_token": "T"}, "token=t", {}, Proof.WRONG, id="another token"),
        pytest.param({"webhook_header": "X-Key: s"}, "", {"x-key": "S"}, Proof.WRONG, id="another value"),
        pytest.param({"webhook_token": "T"}, "", {}, Proof.STRANGER, id="no token"),
        pytest.param({"webhook_token": "T"}, "token=", {}, Proof.STRANGER, id="an empty token"),
        pytest.param(
            {"webhook_token": "T"}, "&".join(["a=1"] * 99), {}, Proof.STRANGER, id="a flood of fields"
        ),
        pytest.param({}, "token=", {"": ""}, Proof.STRANGER, id="nothing set, nothing shown"),
        pytest.param({}, "token=x", {}, Proof.WRONG, id="nothing set, something shown"),
    ],
)
def test_what_a_webhook_proves(settings: Any, query: str, headers: dict[str, str], proof: Proof) -> None:
    request = Request(method="POST", query=query, headers=headers)
    assert provider.verify_webhook(request, connector(**settings)) is proof


def hook(action: str, **alert: Any) -> Any:
    raw = {
        "action": action,
        "alert": {"alertId": "A1", "alias": KEY, "updatedAt": 1795253580546000000, **alert},
    }
    return provider.read_webhook(Request(method="POST", body=json.dumps(raw).encode()))[0]


def test_a_delivery_is_known_by_alert_action_instant_and_note() -> None:
    assert hook("Close").delivery_id == hook("close").delivery_id
    others = [hook("Close"), hook("Acknowledge"), hook("Close", updatedAt=1), hook("Close", alertId="A2")]
    notes = [hook("AddNote", note="a"), hook("AddNote", note="b")]
    assert len({change.delivery_id for change in others + notes}) == 6


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"action": ""}', b"\xff"])
def test_what_cannot_be_read_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        provider.read_webhook(Request(method="POST", body=raw))


@pytest.mark.parametrize(
    "clock",
    [
        1795253580,
        1795253580000,
        1795253580000000,
        1795253580000000000,
        "2026-11-21T09:33:00Z",
        "2026-11-21T10:33:00+01:00",
    ],
)
def test_clocks_of_seconds_milliseconds_and_nanoseconds(clock: Any) -> None:
    assert alerts.instant(clock) == datetime(2026, 11, 21, 9, 33, tzinfo=UTC)


@pytest.mark.parametrize("clock", [None, True, [], "soon", -1, 0, float("nan"), float("inf"), 10**400])
def test_clocks_that_are_none(clock: Any) -> None:
    assert alerts.instant(clock) is None


def test_many_alerts_are_read_in_batches_and_one_directly() -> None:
    [one] = provider.read_states([RemoteRef(key=KEY, remote_id="A1")], connector())
    assert urlsplit(sent(one).url).path == "/v2/alerts/A1"
    refs = [RemoteRef(key=f"{KEY}{n}") for n in range(45)] + [RemoteRef(key="", remote_id="A9")]
    calls = provider.read_states(refs, connector())
    assert len(calls) == 4
    query = parse_qs(urlsplit(sent(calls[1]).url).query)["query"][0]
    assert query.startswith(f'alias: ("{KEY}0" OR "{KEY}1"')
    assert all(call.reads for call in calls)
    assert max(len(sent(call).url) for call in calls) < 4096
    assert provider.read_states([], connector()) == []


def test_states_give_one_for_each_alias_the_open_or_the_latest() -> None:
    [call] = provider.read_states([RemoteRef(key=KEY)], connector())
    old = {"id": "A0", "alias": KEY, "status": "closed", "createdAt": "2026-11-20T08:00:00Z"}
    live = {
        "id": "A1",
        "alias": KEY,
        "status": "open",
        "acknowledged": True,
        "report": {"acknowledgedBy": "ada"},
    }
    [state] = provider.states_of(call, answer(200, {"data": [live, old]}))
    assert (state.remote_id, state.status, state.acknowledged_by) == ("A1", RemoteStatus.ACKNOWLEDGED, "ada")
    closed = old | {"id": "A2", "createdAt": "2026-11-20T09:00:00Z", "report": {"closedBy": "System"}}
    [state] = provider.states_of(call, answer(200, {"data": [closed, old]}))
    assert (state.remote_id, state.status, state.resolved_by) == ("A2", RemoteStatus.RESOLVED, "")
    for nothing in (
        answer(404),
        answer(200, {"data": []}),
        answer(200, {"data": {}}),
        Response(200, {}, b"<html>"),
    ):
        assert provider.states_of(call, nothing) == []


@pytest.mark.parametrize(
    ("got", "told"),
    [
        pytest.param(answer(200, {"data": []}), "", id="good"),
        pytest.param(answer(401), "region", id="a wrong key"),
        pytest.param(answer(403), "read", id="a key that may not read"),
        pytest.param(answer(200, {"hello": "world"}), "base_url", id="another server"),
        pytest.param(WireFault(FaultKind.CONNECT, "name not found"), "name not found", id="no connection"),
    ],
)
def test_health(got: Response | WireFault, told: str) -> None:
    said = provider.healthy(got)
    assert told in said
    assert bool(said) == bool(told)
    assert sent(provider.probe(connector(region="eu"))).url == "https://api.eu.opsgenie.com/v2/alerts?limit=1"
