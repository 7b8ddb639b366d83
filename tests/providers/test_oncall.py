"""What does each provider ask about who is on call, and what does it make of the answers, good and bad?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.oncall import Question, Roster, TellsOnCall, Unknown, standing
from tocsin.core.ports import Call, ConnectorSettings, Request, Response
from tocsin.providers import discover

KINDS = {name: kind for name, kind in discover().items() if "oncall" in kind.abilities}
NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
CUSTOM: dict[str, Any] = {
    "pagerduty": {"service_id": "PGEN", "service_mappings": {"api": "PAPI"}},
    "opsgenie": {"service_mappings": {"api": "team:Payments", "both": ["user:a@b", "schedule:S"]}},
    "jsm": {
        "service_mappings": {"api": "team:Payments"}, "cloud_id": "c1", "email": "bot@b", "api_token": "secret-token",
    },
}  # fmt: skip


def settings(kind: str, **more: Any) -> ConnectorSettings:
    own = {"type": kind, "api_key": "secret-key", "custom": CUSTOM[kind] | more}
    return ConnectorSettings(name="c", settings=own)


def tells(kind: str) -> TellsOnCall:
    return cast(TellsOnCall, KINDS[kind].module)


def asked(kind: str, answers: dict[str, Any], *, place: str = "", at: datetime = NOON) -> Roster | Unknown:
    """The whole conversation: `answers` by what the address contains, the first that fits; the rest is 404."""
    module, own = tells(kind), settings(kind)
    question = Question(
        place=place or module.on_call_place("api", own), since=at, until=at + timedelta(days=14)
    )
    told: list[tuple[Call, Response]] = []
    for _ in range(12):
        wanted = module.on_call(question, told, own)
        if not isinstance(wanted, list):
            return wanted
        for call in wanted:
            assert call.reads
            assert isinstance(call.send, Request)
            assert call.send.method == "GET"
            url = call.send.url
            body = next((body for part, body in answers.items() if part in url), None)
            told.append((call, Response(404 if body is None else 200, {}, json.dumps(body).encode())))
    raise AssertionError("it asks without an end")


def test_every_one_that_can_be_asked_is_here() -> None:
    assert set(KINDS) == set(CUSTOM)


@pytest.mark.parametrize(
    ("kind", "service", "more", "place"),
    [
        pytest.param("pagerduty", "api", {}, "service PAPI", id="a mapped service"),
        pytest.param("pagerduty", "other", {}, "service PGEN", id="the default one"),
        pytest.param("pagerduty", "api", {"escalation_policy_id": "PEP"}, "policy PEP", id="the connector names the policy"),
        pytest.param("opsgenie", "api", {}, "team:Payments", id="a team"),
        pytest.param("opsgenie", "both", {}, "user:a@b + schedule:S", id="several"),
        pytest.param("opsgenie", "other", {}, "", id="mapped to nobody"),
        pytest.param("jsm", "api", {}, "team:Payments", id="JSM by its REST API"),
        pytest.param("jsm", "api", {"api_token": ""}, "", id="JSM without its REST API tells nothing"),
    ],
)  # fmt: skip
def test_where_a_service_is_mapped(kind: str, service: str, more: dict[str, Any], place: str) -> None:
    assert tells(kind).on_call_place(service, settings(kind, **more)) == place


PAGERDUTY = {
    "/services/PAPI": {"service": {"id": "PAPI", "escalation_policy": {"id": "PEP"}}},
    "/escalation_policies/PEP": {
        "escalation_policy": {
            "id": "PEP",
            "name": "API",
            "escalation_rules": [
                {"escalation_delay_in_minutes": 15, "targets": [{"summary": "primary"}]},
                {"escalation_delay_in_minutes": 30, "targets": [{"summary": "Lead"}]},
                {"escalation_delay_in_minutes": 30, "targets": [{"summary": "Boss"}]},
            ],
        }
    },
    "/oncalls": {
        "oncalls": [
            {"escalation_level": 1, "schedule": {"summary": "primary"}, "start": "2026-11-10T09:00:00Z", "end": "2026-11-17T09:00:00Z", "user": {"name": "John", "email": "john@b"}},
            {"escalation_level": 1, "schedule": {"summary": "primary"}, "start": "2026-11-17T09:00:00Z", "end": "2026-11-24T09:00:00Z", "user": {"summary": "Jane"}},
            {"escalation_level": 2, "schedule": None, "start": None, "end": None, "user": {"name": "Lead", "email": "lead@b"}},
        ],
        "more": False,
    },
}  # fmt: skip


def test_pagerduty_by_its_escalation_policy() -> None:
    """Shifts with their hand-over, who is always on call, and each rule after the delays of those before it."""
    found = asked("pagerduty", PAGERDUTY)
    assert isinstance(found, Roster)
    now = standing(found, NOON)
    assert [(one.person, one.end) for one in now.current] == [
        ("john@b", datetime(2026, 11, 17, 9, tzinfo=UTC))
    ]
    assert [one.person for one in now.following] == ["Jane"]
    assert [(e.after, e.to) for e in now.escalation] == [
        (timedelta(minutes=15), ("lead@b",)),
        (timedelta(minutes=45), ("Boss",)),
    ]
    assert found.policy == "API"


SCHEDULE = {
    "_parent": {"name": "Payments_schedule"},
    "finalTimeline": {
        "rotations": [
            {
                "periods": [
                    {"startDate": "2026-11-16T09:00:00Z", "endDate": "2026-11-16T12:00:00Z", "type": "historical", "recipient": {"type": "user", "id": "u1", "name": "ada@b"}},
                    {"startDate": "2026-11-16T12:00:00Z", "endDate": "2026-11-16T18:00:00Z", "type": "default", "recipient": {"type": "user", "id": "u1", "name": "ada@b"}},
                    {"startDate": "2026-11-16T18:00:00Z", "endDate": "2026-11-17T09:00:00Z", "type": "default", "recipient": {"type": "none"}},
                    {"startDate": "2026-11-17T09:00:00Z", "endDate": "2026-11-18T09:00:00Z", "type": "default", "recipient": {"type": "team", "id": "t", "name": "T"}, "flattenedRecipients": [{"type": "user", "id": "u2", "name": "bo@b"}]},
                ]
            }
        ]
    },
}  # fmt: skip
RULE = {"isDefault": True, "notify": {"type": "escalation", "id": "e1", "name": "Payments_escalation"}}
ESCALATION = {
    "name": "Payments_escalation",
    "rules": [
        {"delay": {"timeAmount": 10, "timeUnit": "minutes"}, "recipient": {"type": "user", "username": "lead@b", "id": "u9"}},
        {"delay": {"timeAmount": 0, "timeUnit": "minutes"}, "recipient": {"type": "schedule", "id": "s1"}},
    ],
}  # fmt: skip
OPSGENIE = {
    "/routing-rules": {"data": [{"isDefault": False, "notify": {"type": "none"}}, RULE]},
    "/escalations/e1": {"data": ESCALATION},
    "/schedules/s1/timeline": {"data": SCHEDULE},
}


def test_opsgenie_by_its_team() -> None:
    """Team → routing rule → escalation → schedule: a shift cut at now is one, nobody's turn is a gap, a team's turn is its
    people's, and the rule that is not always taken is said."""
    found = asked("opsgenie", OPSGENIE)
    assert isinstance(found, Roster)
    now = standing(found, NOON)
    assert [(one.person, one.end) for one in now.current] == [
        ("ada@b", datetime(2026, 11, 16, 18, tzinfo=UTC))
    ]
    assert [one.person for one in now.following] == ["bo@b"]
    assert [(e.after, e.to) for e in now.escalation] == [(timedelta(minutes=10), ("lead@b",))]
    assert now.gaps == ("from 2026-11-16 18:00 UTC nobody is on call until 2026-11-17 09:00 UTC",)
    assert "2 routing rules" in " ".join(found.notes)


JSM = {
    "/ops/api/c1/v1/teams/t1/routing-rules": {"values": [{"notify": {"type": "escalation", "id": "e1"}}]},
    "/v1/teams/t1/escalations/e1": {
        "name": "E",
        "rules": [
            {"delay": 0, "recipient": {"type": "schedule", "id": "s1"}},
            {"delay": 10, "recipient": {"type": "user", "id": "gone"}},
        ],
    },
    "/v1/teams": {"platformTeams": [{"teamId": "t1", "teamName": "Payments"}]},
    "/v1/schedules/s1/timeline": {
        "finalTimeline": {
            "rotations": [
                {"periods": [{"startDate": "2026-11-16T09:00:00Z", "endDate": "2026-11-17T09:00:00Z", "responder": {"type": "user", "id": "acc-1"}}]}
            ]
        }
    },
    "accountId=acc-1": {"displayName": "Ada", "emailAddress": "ada@b"},
}  # fmt: skip


def test_jsm_by_ids_and_jiras_names() -> None:
    """The same by ids alone; people have the names that Jira tells, and one whose name is hidden keeps the id."""
    found = asked("jsm", JSM)
    assert isinstance(found, Roster)
    now = standing(found, NOON)
    assert [(one.person, one.name) for one in now.current] == [("ada@b", "Ada")]
    assert [(e.after, e.to) for e in now.escalation] == [(timedelta(minutes=10), ("gone",))]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        pytest.param(401, {}, "401", id="a wrong key"),
        pytest.param(403, {}, "403", id="a key that may not"),
        pytest.param(404, {}, "404", id="mapped to what is not there"),
        pytest.param(429, {}, "429", id="too many calls"),
        pytest.param(503, {}, "503", id="it is down"),
        pytest.param(200, "<html>", "not", id="a proxy's page"),
    ],
)  # fmt: skip
def test_a_bad_answer_is_never_nobody(kind: str, status: int, body: Any, said: str) -> None:
    """S41: what cannot be read is unknown, with the reason; nobody is said to be on call, and no secret is told."""
    module, own = tells(kind), settings(kind)
    question = Question(place=module.on_call_place("api", own), since=NOON, until=NOON + timedelta(days=14))
    wanted = module.on_call(question, [], own)
    assert isinstance(wanted, list)
    raw = json.dumps(body) if isinstance(body, dict) else body
    found = module.on_call(question, [(call, Response(status, {}, raw.encode())) for call in wanted], own)
    assert isinstance(found, Unknown)
    assert said in found.reason
    assert "secret" not in found.reason


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["data", "values", "service", "escalation_policy", "oncalls", "rules", "id", "type", "notify",
                         "finalTimeline", "rotations", "periods", "recipient", "user", "escalation_level", "more", "start"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(bodies=st.lists(NONSENSE, max_size=12))
def test_whatever_is_answered_the_conversation_ends(kind: str, bodies: list[Any]) -> None:
    module, own = tells(kind), settings(kind)
    question = Question(place=module.on_call_place("api", own), since=NOON, until=NOON + timedelta(days=14))
    told: list[tuple[Call, Response]] = []
    left = iter(bodies)
    for _ in range(30):
        wanted = module.on_call(question, told, own)
        if not isinstance(wanted, list):
            return
        told += [(call, Response(200, {}, json.dumps(next(left, None)).encode())) for call in wanted]
    raise AssertionError("it asks without an end")
