"""The type jsm: Opsgenie's dialect at another address, read by another API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tocsin.core.ports import (
    Call,
    ConnectorSettings,
    Effect,
    EffectKind,
    Rejected,
    RemoteRef,
    Request,
    Response,
)
from tocsin.core.severity import Severity
from tocsin.providers import discover
from tocsin.providers.opsgenie import options

JSM = discover()["jsm"]
REST = {"cloud_id": "c1", "email": "bot@example.com", "api_token": "a-token"}


def connector(**settings: Any) -> ConnectorSettings:
    return ConnectorSettings(name="j", settings={"type": "jsm", "api_key": "a-key", **settings})


def effect(kind: EffectKind, **more: Any) -> Effect:
    told: dict[str, Any] = {"key": "tocsin:h:1:web:1", "incident": "1", "title": "Down", "description": ""}
    return Effect(kind=kind, severity=Severity.HIGH, remote_id="A1", **(told | more))


def url_of(call: object) -> str:
    assert isinstance(call, Call)
    assert isinstance(call.send, Request)
    return call.send.url


@pytest.mark.parametrize(
    ("base", "url"),
    [
        pytest.param("", "https://api.atlassian.com/jsm/ops/integration/v2/alerts", id="none: Atlassian's own"),
        pytest.param("http://127.0.0.1:8904", "http://127.0.0.1:8904/jsm/ops/integration/v2/alerts", id="the sandbox's"),
        pytest.param("https://api.atlassian.com/jsm/ops/integration", "https://api.atlassian.com/jsm/ops/integration/v2/alerts", id="with its path written out"),
    ],
)  # fmt: skip
def test_where_a_page_goes(base: str, url: str) -> None:
    assert url_of(JSM.module.first_call(effect(EffectKind.CREATE), connector(base_url=base))) == url


@pytest.mark.parametrize(
    "kind", [EffectKind.CREATE, EffectKind.ACKNOWLEDGE, EffectKind.RESOLVE, EffectKind.NOTE]
)
def test_nothing_is_looked_up_first_since_nothing_can_be(kind: EffectKind) -> None:
    """S29: the alias keeps a create that is sent again from being a second alert."""
    call = JSM.module.first_call(effect(kind, look_first=True, reread=True, note="n"), connector())
    assert isinstance(call, Call)
    assert not call.reads


def test_an_update_comes_as_a_note() -> None:
    call = JSM.module.first_call(effect(EffectKind.UPDATE), connector())
    assert isinstance(call, Call)
    assert isinstance(call.send, Request)
    assert url_of(call).endswith("/v2/alerts/A1/notes?identifierType=id")
    assert json.loads(call.send.body)["note"] == "Now SEV-2: Down"


@pytest.mark.parametrize(
    ("custom", "field"),
    [
        pytest.param({}, None, id="none of the three: writes alone"),
        pytest.param(REST, None, id="all three: read back too"),
        pytest.param({"cloud_id": "c1"}, "custom.cloud_id", id="one of them"),
        pytest.param({"email": "x@example.com", "api_token": "t"}, "custom.email", id="two of them"),
    ],
)
def test_the_rest_api_needs_all_three(custom: dict[str, str], field: str | None) -> None:
    faults = JSM.module.check_settings({"type": "jsm", "api_key": "k", "custom": custom})
    assert [name for name, _ in faults] == ([field] if field else [])
    if not field and custom:
        told = JSM.module.check_settings({"type": "opsgenie", "api_key": "k", "custom": custom})
        assert {name for name, _ in told} == {f"custom.{name}" for name in REST}


def test_what_is_read_back_and_how() -> None:
    """One by its id, many by their aliases, none without the REST API."""
    refs = [RemoteRef(key="k1", remote_id="A1"), RemoteRef(key="k2")]
    assert JSM.module.read_states(refs, connector()) == []
    (one,) = JSM.module.read_states(refs[:1], connector(custom=REST))
    assert url_of(one) == "https://api.atlassian.com/jsm/ops/api/c1/v1/alerts/A1"
    (many,) = JSM.module.read_states(refs, connector(custom=REST))
    assert "query=alias" in url_of(many)

    alert = {"id": "A1", "alias": "k1", "status": "open", "acknowledged": True}
    for call, body in ((one, alert), (many, {"values": [alert]})):
        (state,) = JSM.module.states_of(call, Response(200, {}, json.dumps(body).encode()))
        assert (state.remote_id, state.key, state.status.value) == ("A1", "", "acknowledged")


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        pytest.param(Response(404, {}, b'{"message": "Request not found. It might not be processed, yet."}'), True, id="only a good key hears that"),
        pytest.param(Response(200, {}, b'{"values": []}'), True, id="the REST API's list"),
        pytest.param(Response(401, {}, b'{"message": "Unauthorized"}'), False, id="a bad key"),
        pytest.param(Response(404, {}, b"<html>not here</html>"), False, id="another address"),
    ],
)  # fmt: skip
def test_is_it_set_up_well(answer: Response, good: bool) -> None:
    assert (JSM.module.healthy(answer) == "") is good


def test_a_refusal_names_jsm_and_no_secret() -> None:
    answer = Response(422, {}, b'{"message": "a-key and a-token are not processable"}')
    outcome = JSM.module.outcome_of(effect(EffectKind.RESOLVE), connector(custom=REST), "write", answer)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith("JSM Operations answered 422")
    assert not any(secret in outcome.reason for secret in ("a-key", "a-token"))
    assert options.secrets(connector(custom=REST).settings) == ["a-token", "a-key"]
