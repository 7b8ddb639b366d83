"""Does the PagerDuty provider say what section 2.1 of its contract and the rules at the seams ask?"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tocsin.core.ports import (
    Accepted,
    Call,
    ConnectorSettings,
    Effect,
    EffectKind,
    Pending,
    Rejected,
    RemoteStatus,
    Request,
    Response,
    Retry,
    WireFault,
)
from tocsin.core.severity import Severity
from tocsin.providers.pagerduty import provider

KEY = "tocsin:hub:7:web:1"
CUSTOM = {"service_id": "PGEN001", "from_email": "bot@example.com"}
GOOD = {"api_key": "k" * 20, "custom": CUSTOM}
EXAMPLE = {  # the connector of the example configuration
    "type": "pagerduty",
    "base_url": "http://127.0.0.1:8901",
    "api_key": "key",
    "sync_direction": "bidirectional",
    "sync_interval": "2m",
    "enable_webhook": True,
    "custom": {
        **CUSTOM,
        "urgency_mapping": {"SEV-1": "high", "SEV-2": "high", "SEV-3": "low", "SEV-4": "low"},
        "service_mappings": {"payment-service": "PPAY001", "default": "PGEN001"},
        "policy_mappings": {"database-lead": "PLEAD01"},
        "auto_resolve": True,
        "sync_notes": True,
    },
    "sla_mapping": {"SEV-1": {"ack": "15m", "resolve": "1h"}},
}
EVENTS = {"routing_key": "r" * 32}


def connector(settings: dict[str, Any] | None = None, **custom: Any) -> ConnectorSettings:
    settings = dict(GOOD if settings is None else settings)
    return ConnectorSettings(
        name="pd", settings=settings | {"custom": {**settings.get("custom", {}), **custom}}
    )


def effect(kind: EffectKind = EffectKind.CREATE, **over: Any) -> Effect:
    told: dict[str, Any] = {"key": KEY, "incident": "7", "title": "Down", "description": "d"}
    return Effect(kind=kind, **({"severity": Severity.HIGH, **told} | over))


def sent(made: object) -> Request:
    assert isinstance(made, Call)
    assert isinstance(made.send, Request)
    return made.send


def body(made: object) -> Any:
    return json.loads(sent(made).body)


def answer(status: int, content: Any = None, **headers: str) -> Response:
    return Response(status, headers, json.dumps(content).encode())


# ---- settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        pytest.param(GOOD, [], id="key, service and sender are enough"),
        pytest.param(EXAMPLE, [], id="the example configuration's connector"),
        pytest.param(EVENTS, [], id="a routing key alone is enough"),
        pytest.param({"custom": CUSTOM}, ["api_key"], id="no credentials"),
        pytest.param(GOOD | {"api_key": "a b"}, ["api_key"], id="a key with a blank"),
        pytest.param(GOOD | {"api_key": "a\r\nX: y"}, ["api_key"], id="a key that would make a header"),
        pytest.param(
            {"api_key": "k"}, ["custom.service_id", "custom.from_email"], id="neither service nor sender"
        ),
        pytest.param(GOOD | {"base_url": "http://pd.example.com"}, ["base_url"], id="plain http"),
        pytest.param(GOOD | {"base_url": "http://localhost:8901"}, [], id="plain http on loopback"),
        pytest.param(GOOD | {"base_url": "http://pd.lan", "allow_http": True}, [], id="plain http, allowed"),
        pytest.param(GOOD | {"base_url": "https://u:p@pd.lan"}, ["base_url"], id="a password in the address"),
        pytest.param(GOOD | {"base_url": "https://[::1"}, ["base_url"], id="no address at all"),
        pytest.param(GOOD | {"base_url": 7}, ["base_url"], id="an address that is a number"),
        pytest.param(EVENTS | {"events_url": "ftp://x"}, ["events_url"], id="events over ftp"),
        pytest.param(GOOD | {"region": "mars"}, ["region"], id="a region that is none"),
        pytest.param(GOOD | {"region": ["us"]}, ["region"], id="a region as a list"),
        pytest.param(GOOD | {"webhook_secrets": ["a", ""]}, ["webhook_secrets"], id="an empty secret"),
        pytest.param(
            GOOD | {"custom": "x"}, ["custom.service_id", "custom.from_email", "custom"], id="custom a text"
        ),
        pytest.param(
            GOOD | {"custom": CUSTOM | {"service_mapping": {}}},
            ["custom.service_mapping"],
            id="a misspelt setting",
        ),
        pytest.param(
            GOOD | {"custom": CUSTOM | {"urgency_mapping": {"SEV-1": "loud"}}},
            ["custom.urgency_mapping.SEV-1"],
            id="an urgency that is none",
        ),
        pytest.param(
            GOOD | {"custom": CUSTOM | {"urgency_mapping": {"SEV-9": "high"}}},
            ["custom.urgency_mapping.SEV-9"],
            id="a severity that is none",
        ),
        pytest.param(
            GOOD | {"custom": CUSTOM | {"service_mappings": {"web": 7}}},
            ["custom.service_mappings.web"],
            id="an id as number",
        ),
        pytest.param(
            GOOD | {"custom": CUSTOM | {"policy_mappings": ["P1"]}},
            ["custom.policy_mappings"],
            id="a map as a list",
        ),
    ],
)
def test_settings_are_checked_and_the_field_is_named(settings: dict[str, Any], fields: list[str]) -> None:
    assert [field for field, _ in provider.check_settings(settings)] == fields


# ---- pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        pytest.param(GOOD, "https://api.pagerduty.com/incidents", id="US by default"),
        pytest.param(GOOD | {"region": "eu"}, "https://api.eu.pagerduty.com/incidents", id="EU"),
        pytest.param(
            GOOD | {"base_url": "http://[::1]:8901/"}, "http://[::1]:8901/incidents", id="own address"
        ),
        pytest.param(EVENTS | {"region": "eu"}, "https://events.eu.pagerduty.com/v2/enqueue", id="EU events"),
        pytest.param(
            EVENTS | {"events_url": "http://127.0.0.1:8902"},
            "http://127.0.0.1:8902/v2/enqueue",
            id="own events",
        ),
    ],
)
def test_the_address_follows_the_region(settings: dict[str, Any], url: str) -> None:
    assert sent(provider.first_call(effect(), connector(settings))).url == url


@pytest.mark.parametrize(
    ("severity", "urgency", "event_severity"),
    [
        pytest.param(Severity.CRITICAL, "high", "critical", id="critical"),
        pytest.param(Severity.HIGH, "high", "error", id="high"),
        pytest.param(Severity.MEDIUM, "low", "warning", id="medium"),
        pytest.param(Severity.LOW, "low", "info", id="low"),
    ],
)
def test_the_words_for_severity(severity: Severity, urgency: str, event_severity: str) -> None:
    """S54: to Events v2: critical, error, warning, info."""
    page = effect(severity=severity)
    assert body(provider.first_call(page, connector()))["incident"]["urgency"] == urgency
    assert body(provider.first_call(page, connector(EVENTS)))["payload"]["severity"] == event_severity


@pytest.mark.parametrize(
    ("told", "custom", "service", "policy"),
    [
        pytest.param({}, {}, "PGEN001", None, id="nothing mapped: the default service, its own policy"),
        pytest.param(
            {"service": "web"}, {"service_mappings": {"web": "PWEB"}}, "PWEB", None, id="mapped service"
        ),
        pytest.param(
            {"service": "x"}, {"service_mappings": {"default": "PDEF"}}, "PDEF", None, id="the map's default"
        ),
        pytest.param({}, {"escalation_policy_id": "PESC"}, "PGEN001", "PESC", id="the connector's policy"),
        pytest.param(
            {"policy": "lead"},
            {"escalation_policy_id": "PESC", "policy_mappings": {"lead": "PLEAD"}},
            "PGEN001",
            "PLEAD",
            id="a mapped policy before the connector's",
        ),
    ],
)
def test_service_and_policy(told: Any, custom: Any, service: str, policy: str | None) -> None:
    incident = body(provider.first_call(effect(**told), connector(**custom)))["incident"]
    assert incident["service"]["id"] == service
    assert incident.get("escalation_policy", {}).get("id") == policy


def test_a_mapped_priority_is_sent_by_id() -> None:
    incident = body(provider.first_call(effect(), connector(priority_mapping={"high": "PPRIO2"})))["incident"]
    assert incident["priority"] == {"id": "PPRIO2", "type": "priority_reference"}


def test_long_keys_and_titles_are_cut_to_what_pagerduty_takes() -> None:
    """S8: a key over 255 characters becomes its SHA-256."""
    key = "tocsin:" + "x" * 300
    incident = body(provider.first_call(effect(key=key, title="t\nu" * 2000), connector()))["incident"]
    assert incident["incident_key"] == hashlib.sha256(key.encode()).hexdigest()
    assert len(incident["title"]) == 1024
    assert "\n" not in incident["title"]


def test_an_event_over_the_limit_loses_its_details_first() -> None:
    big = effect(title="ü" * 2000, details={"log": "y" * 600_000})
    made = provider.first_call(big, connector(EVENTS))
    assert len(sent(made).body) < 512_000
    event = body(made)
    assert len(event["payload"]["summary"]) == 1024
    assert "left out" in event["payload"]["custom_details"]["error"]


def test_without_a_service_the_page_is_refused_before_it_is_sent() -> None:
    assert isinstance(provider.first_call(effect(), connector({"api_key": "k"})), Rejected)


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


NONE = answer(200, {"incidents": []})
OURS = {"id": "Q1", "status": "triggered", "incident_key": KEY, "assignments": [{}]}
DUPLICATE = answer(
    400,
    {
        "error": {
            "code": 2002,
            "errors": ["Open incident with matching dedup key already exists on this service"],
        }
    },
)


def test_a_page_in_doubt_is_looked_up_made_found_double_and_adopted() -> None:
    log, end = run(effect(look_first=True), [NONE, DUPLICATE, answer(200, {"incidents": [OURS]})])
    assert log == ["GET /incidents", "POST /incidents", "GET /incidents"]
    assert end == Accepted(remote_id="Q1", created=True, adopted=True, status=RemoteStatus.TRIGGERED)


def test_the_chain_of_a_page_ends_even_when_pagerduty_contradicts_itself() -> None:
    log, end = run(effect(look_first=True), [NONE, DUPLICATE, NONE, NONE, NONE])
    assert len(log) == 3
    assert isinstance(end, Retry)


def test_an_open_incident_is_adopted_before_a_resolved_one_and_a_foreign_one_never() -> None:
    listed = [
        {"id": "QX", "status": "triggered", "incident_key": "other"},
        OURS | {"id": "Q0", "status": "resolved"},
        OURS,
    ]
    _, end = run(effect(look_first=True), [answer(200, {"incidents": listed})])
    assert isinstance(end, Accepted)
    assert end.remote_id == "Q1"
    _, again = run(effect(look_first=True), [answer(200, {"incidents": listed[:1]})])
    assert isinstance(again, Call)
    assert again.step == "create"


def test_a_note_found_by_key_in_doubt_goes_to_the_incident_that_was_found() -> None:
    note = effect(EffectKind.NOTE, note="n", look_first=True)
    log, end = run(
        note,
        [answer(200, {"incidents": [OURS]}), answer(200, {"notes": []}), answer(200, {"note": {"id": "N"}})],
    )
    assert log == ["GET /incidents", "GET /incidents/Q1/notes", "POST /incidents/Q1/notes"]
    assert end == Accepted(remote_id="Q1", created=True)


ACTS = [kind for kind in EffectKind if kind not in (EffectKind.CREATE, EffectKind.MESSAGE)]


@pytest.mark.parametrize("kind", ACTS)
def test_nothing_found_by_key_is_gone_and_never_a_resolve(kind: EffectKind) -> None:
    _, end = run(effect(kind), [NONE])
    assert isinstance(end, Rejected)
    assert end.gone


@pytest.mark.parametrize("state", ["triggered", "acknowledged", "resolved"])
def test_an_acknowledgement_that_waited_is_never_written_to_what_is_resolved(state: str) -> None:
    late = effect(EffectKind.ACKNOWLEDGE, remote_id="Q1", reread=True)
    log, end = run(late, [answer(200, {"incident": OURS | {"status": state}})])
    assert log == ["GET /incidents/Q1"]
    assert isinstance(end, Call) == (state == "triggered")


def test_a_remote_id_cannot_leave_its_place_in_the_address() -> None:
    made = provider.first_call(effect(EffectKind.RESOLVE, remote_id="../users?x=\ud800"), connector())
    assert sent(made).url == "https://api.pagerduty.com/incidents/..%2Fusers%3Fx%3D%3F"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "5", "ratelimit-reset": "30"}, 5, id="Retry-After first"),
        pytest.param({"ratelimit-reset": "30"}, 30, id="then the reset of the limit"),
        pytest.param({}, 60, id="neither: a minute"),
        pytest.param({"retry-after": "Fri, 20 Nov 2026 10:00:00 GMT"}, 60, id="a date: a minute"),
        pytest.param({"retry-after": "999999999"}, 3600, id="for ever: an hour"),
        pytest.param({"retry-after": "-5"}, 60, id="the past: a minute"),
    ],
)
def test_a_throttled_call_waits_as_told(headers: dict[str, str], seconds: int) -> None:
    end = provider.outcome_of(effect(), connector(), "create", answer(429, **headers))
    assert isinstance(end, Retry)
    assert end.not_before is not None
    assert end.not_before.total_seconds() == seconds


def test_the_reset_of_the_limit_does_not_delay_after_an_outage() -> None:
    end = provider.outcome_of(effect(), connector(), "create", answer(503, **{"ratelimit-reset": "40"}))
    assert isinstance(end, Retry)
    assert end.not_before is None
