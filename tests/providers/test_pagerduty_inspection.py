"""What at PagerDuty would surprise somebody who relies on the hub (S40)?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tocsin.core.ports import Call, ConnectorSettings, Request, Response
from tocsin.providers import discover

PAGERDUTY = discover()["pagerduty"].module
SETTINGS = {
    "api_key": "k",
    "custom": {
        "service_id": "PGEN",
        "service_mappings": {"web": "PWEB", "default": "PGEN"},
        "from_email": "a@b",
    },
}


def connector(**more: Any) -> ConnectorSettings:
    return ConnectorSettings(name="pd", settings={**SETTINGS, **more})


def told(code: int = 200, **service: Any) -> list[str]:
    call = Call(Request(method="GET"), "service:PWEB", reads=True)
    body = json.dumps({"service": {"id": "PWEB", "name": "Web", **service}}).encode()
    return PAGERDUTY.warnings_of(call, Response(code, {}, body))


def test_each_mapped_service_is_read_once() -> None:
    assert [call.step for call in PAGERDUTY.inspect(connector())] == ["service:PGEN", "service:PWEB"]
    assert PAGERDUTY.inspect(ConnectorSettings(name="e", settings={"routing_key": "r"})) == []


@pytest.mark.parametrize(
    ("service", "words"),
    [
        pytest.param({"auto_resolve_timeout": 14400}, ["resolves by itself after 4 h"], id="S40: auto-resolve"),
        pytest.param({"acknowledgement_timeout": 1800}, ["takes an acknowledgement back after 30 min"], id="S40: the acknowledgement lapses"),
        pytest.param({"auto_resolve_timeout": None, "acknowledgement_timeout": 0}, [], id="both off"),
        pytest.param({"status": "disabled"}, ["is disabled"], id="S28: it reaches nobody"),
        pytest.param({"auto_resolve_timeout": "soon"}, [], id="a value nobody knows"),
    ],
)  # fmt: skip
def test_what_is_told(service: dict[str, Any], words: list[str]) -> None:
    found = told(**service)
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))


def test_a_service_that_is_not_there_is_told_once() -> None:
    """By `missing`, which names the fields too; here it is no second line."""
    assert told(404) == []
    read = next(call for call in PAGERDUTY.mappings(connector()) if "web" in call.step)
    assert PAGERDUTY.missing(read, Response(404, {}, b"")) == "the service PWEB is not at PagerDuty (404)"


def test_what_is_named_twice_is_read_once() -> None:
    steps = [call.step for call in PAGERDUTY.mappings(connector())]
    assert steps == ["custom.service_mappings.web", "custom.service_mappings.default|custom.service_id"]
    assert PAGERDUTY.mappings(ConnectorSettings(name="e", settings={"routing_key": "r"})) == []


@pytest.mark.parametrize("status", [200, 401, 403, 429, 500])
def test_only_a_404_says_that_something_is_gone(status: int) -> None:
    """S41: who may not look, or cannot answer, has not said so."""
    for name in ("pagerduty", "opsgenie"):
        module = discover()[name].module
        settings = {**SETTINGS, "custom": {"service_id": "P", "service_mappings": {"web": "team:Ops"}}}
        (read, *_) = module.mappings(ConnectorSettings(name="c", settings=settings))
        assert module.missing(read, Response(status, {}, b"")) == ""
