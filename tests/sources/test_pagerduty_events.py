"""Is a sender of PagerDuty's Events API v2 answered as PagerDuty would?"""

import json

import pytest

from tocsin.core.model import Action, Event
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import Severity
from tocsin.sources.pagerduty_events.adapter import accepted, accepted_change, parse, refusal, routing_key

KEY = "0123456789abcdef0123456789abcdef"
PAYLOAD = {"summary": "s", "source": "o", "severity": "critical"}
SEVERITY_FAULT = (
    "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
)
TRIGGER = {"routing_key": KEY, "event_action": "trigger", "payload": PAYLOAD}


def request(body: object, path: str = "/v2/enqueue", **headers: str) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method="POST", path=path, headers=headers, body=raw)


def read(body: dict, path: str = "/v2/enqueue") -> Event:
    assert refusal(request(body, path)) is None
    [event] = parse(request(body, path), SourceContext(integration="pd"))
    return event


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"routing_key": KEY[:-1]}, ["Length of 'routing_key' is incorrect (should be 32 characters)"]),
        ({"routing_key": None}, ["'routing_key' is missing or blank"]),
        ({"routing_key": 5}, ["'routing_key' is missing or blank"]),
        ({"event_action": ""}, ["'event_action' is missing or blank"]),
        (
            {"event_action": "close"},
            ["'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge', 'resolve')"],
        ),
        ({"payload": None}, ["'payload' is missing or blank"]),
        ({"payload": []}, ["'payload' is invalid"]),
        (
            {"payload": {}},
            [f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity")],
        ),
        ({"payload": PAYLOAD | {"summary": " "}}, ["'payload.summary' is missing or blank"]),
        (
            {"payload": PAYLOAD | {"severity": "high"}},
            [SEVERITY_FAULT],
        ),
        ({"dedup_key": "k" * 256}, ["'dedup_key' is too long (should be at most 255 characters)"]),
        ({"dedup_key": 5}, ["'dedup_key' must be a string"]),
        ({"event_action": "resolve"}, ["'dedup_key' is missing or blank"]),
        ({"event_action": "acknowledge", "dedup_key": ""}, ["'dedup_key' is missing or blank"]),
    ],
)
def test_what_is_refused_has_pagerdutys_form(changes: dict, errors: list[str]) -> None:
    answer = refusal(request(TRIGGER | changes))
    assert answer is not None
    assert answer[0] == 400
    assert json.loads(answer[1]) == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": errors,
    }
    if "routing_key" not in changes:
        with pytest.raises(Malformed) as caught:
            parse(request(TRIGGER | changes), SourceContext(integration="pd"))
        assert caught.value.message == errors[0]


def test_broken_json_has_its_own_form() -> None:
    answer = refusal(request(b'{"routing_key"'))
    assert answer is not None
    assert answer[0] == 400
    assert json.loads(answer[1]) == {
        "status": "Unrecognized object",
        "message": "Event object format is unrecognized",
        "errors": ["JSON parse error"],
    }


@pytest.mark.parametrize(
    ("word", "severity", "quiet"),
    [
        ("critical", Severity.CRITICAL, False),
        ("error", Severity.HIGH, False),
        ("warning", Severity.MEDIUM, False),
        ("info", Severity.LOW, True),
    ],
)
def test_severities(word: str, severity: Severity, quiet: bool) -> None:
    event = read(TRIGGER | {"payload": PAYLOAD | {"severity": word}})
    assert (event.severity, event.quiet) == (severity, quiet)


@pytest.mark.parametrize("payload", [None, {}, "x", {"severity": "page the cat", "summary": 5, "source": []}])
@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_the_payload_of_an_acknowledge_or_resolve_is_forgiven(action: str, payload: object) -> None:
    event = read({"routing_key": KEY, "event_action": action, "dedup_key": "k", "payload": payload})
    assert (event.action, event.dedup_key) == (Action(action), "k")


@pytest.mark.parametrize(
    ("custom", "details"),
    [
        ({"a": 1}, {"a": 1}),
        ("text", {"custom_details": "text"}),
        ([1, 2], {"custom_details": [1, 2]}),
        (None, {}),
    ],
)
def test_custom_details_of_any_type_are_taken(custom: object, details: dict) -> None:
    assert read(TRIGGER | {"payload": PAYLOAD | {"custom_details": custom}}).details == details


def test_a_trigger_without_a_key_leaves_it_to_admission() -> None:
    assert read(TRIGGER).dedup_key == ""


@pytest.mark.parametrize("path", ["/v2/change/enqueue", "/pagerduty/v2/change/enqueue/"])
def test_a_change_event_is_kept_and_pages_nobody(path: str) -> None:
    event = read({"routing_key": KEY, "payload": {"summary": "deployed"}}, path)
    assert (event.action, event.title, event.severity) == (Action.OTHER, "deployed", None)
    refused = refusal(request({"routing_key": KEY, "payload": {}}, path))
    assert refused is not None
    assert json.loads(refused[1])["errors"] == ["'payload.summary' is missing or blank"]


def test_the_routing_key_is_found_in_body_and_header() -> None:
    assert routing_key(request(TRIGGER)) == KEY
    assert routing_key(request({}, **{"x-routing-key": KEY})) == KEY
    assert routing_key(request(b"{", **{"x-routing-key": KEY})) == KEY
    assert routing_key(request(b"[]")) == ""


def test_the_answers_to_what_is_taken() -> None:
    assert json.loads(accepted('a"b')) == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": 'a"b',
    }
    assert json.loads(accepted_change()) == {"status": "success", "message": "Change event processed"}


def test_a_long_summary_is_the_description_too() -> None:
    event = read(TRIGGER | {"payload": PAYLOAD | {"summary": "x" * 1_024}})
    assert (len(event.title), event.description) == (500, "x" * 1_024)
