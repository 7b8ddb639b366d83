"""What comes back from PagerDuty: are webhooks proven and read, states read in few calls, faults told?"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tocsin.core.ports import (
    Call,
    ChangeKind,
    ConnectorSettings,
    FaultKind,
    Malformed,
    Proof,
    RemoteRef,
    RemoteStatus,
    Request,
    Response,
    WireFault,
)
from tocsin.providers.pagerduty import provider, webhook

KEY = "tocsin:hub:7:web:1"
GOOD = {"api_key": "k" * 20, "custom": {"service_id": "PGEN001", "from_email": "bot@example.com"}}
EVENTS = {"routing_key": "r" * 32}
OURS = {"id": "Q1", "status": "triggered", "incident_key": KEY, "assignments": [{}]}


def connector(settings: dict[str, Any] | None = None, **custom: Any) -> ConnectorSettings:
    settings = dict(GOOD if settings is None else settings)
    return ConnectorSettings(
        name="pd", settings=settings | {"custom": {**settings.get("custom", {}), **custom}}
    )


def sent(made: object) -> Request:
    assert isinstance(made, Call)
    assert isinstance(made.send, Request)
    return made.send


def body(made: object) -> Any:
    return json.loads(sent(made).body)


def answer(status: int, content: Any = None, **headers: str) -> Response:
    return Response(status, headers, json.dumps(content).encode())


# ---- webhooks ------------------------------------------------------------------------------------------

PING = b'{"event":{"id":"E1","event_type":"pagey.ping","resource_type":"pagey","data":{"type":"ping"}}}'


def signed(raw: bytes, *secrets: str) -> str:
    return ",".join("v1=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest() for secret in secrets)


@pytest.mark.parametrize(
    ("headers", "proof"),
    [
        pytest.param({"x-pagerduty-signature": signed(PING, "one")}, Proof.GENUINE, id="the first secret"),
        pytest.param(
            {"x-pagerduty-signature": signed(PING, "two")}, Proof.GENUINE, id="the second, in a rotation"
        ),
        pytest.param(
            {"x-pagerduty-signature": signed(PING, "x", "two")}, Proof.GENUINE, id="the second signature"
        ),
        pytest.param(
            {"x-pagerduty-signature": "v2=00, " + signed(PING, "one")},
            Proof.GENUINE,
            id="a newer version besides",
        ),
        pytest.param({"x-pagerduty-signature": signed(PING + b" ", "one")}, Proof.WRONG, id="another body"),
        pytest.param({"x-pagerduty-signature": signed(PING, "")}, Proof.WRONG, id="the empty secret"),
        pytest.param({"x-pagerduty-signature": "v1="}, Proof.WRONG, id="an empty signature"),
        pytest.param({"x-pagerduty-signature": "v1=ü\udcff"}, Proof.WRONG, id="no hexadecimal"),
        pytest.param({}, Proof.STRANGER, id="no signature"),
    ],
)
def test_signatures(headers: dict[str, str], proof: Proof) -> None:
    request = Request(method="POST", headers=headers, body=PING)
    assert provider.verify_webhook(request, connector(GOOD | {"webhook_secrets": ["one", "two"]})) is proof


def test_while_no_secret_is_set_a_signature_is_wrong_and_pagerduty_tries_again() -> None:
    """S45."""
    request = Request(method="POST", headers={"x-pagerduty-signature": signed(PING, "one")}, body=PING)
    assert provider.verify_webhook(request, connector()) is Proof.WRONG


def test_all_thirty_documented_types_and_the_ping_are_known() -> None:
    assert len((set(webhook.KINDS) | webhook.OTHERS) - {"pagey.ping"}) == 30
    assert not set(webhook.KINDS) & webhook.OTHERS
    for raw_type in webhook.OTHERS:
        [change] = provider.read_webhook(
            Request(method="POST", body=json.dumps({"event": {"event_type": raw_type}}).encode())
        )
        told = ChangeKind.NOTE if change.note else ChangeKind.OTHER
        assert (change.kind, change.raw_type) == (told, raw_type)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"event": 7}', b'{"event": {"event_type": ""}}', b"\xff"]
)
def test_what_cannot_be_read_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        provider.read_webhook(Request(method="POST", body=raw))


def test_a_foreign_incident_key_is_not_taken_for_ours() -> None:
    raw = {
        "event": {
            "id": "E",
            "event_type": "incident.triggered",
            "data": {"type": "incident", "id": "Q", "incident_key": "abc"},
        }
    }
    [change] = provider.read_webhook(Request(method="POST", body=json.dumps(raw).encode()))
    assert (change.key, change.remote_id, change.delivery_id) == ("", "Q", "E")


# ---- reading back and health -----------------------------------------------------------------------------


def test_few_incidents_are_read_one_by_one_and_many_by_list() -> None:
    few = provider.read_states(
        [RemoteRef(key="tocsin:a", remote_id="Q1"), RemoteRef(key="tocsin:b")], connector()
    )
    assert [urlsplit(sent(call).url).path for call in few] == [
        "/incidents/Q1",
        "/incidents/Q1/log_entries",
        "/incidents",
    ]
    many = provider.read_states([RemoteRef(key=f"k{n}", remote_id=f"Q{n}") for n in range(150)], connector())
    assert len(many) == 9, "two pages of what is open, what was resolved last, six of the log"
    assert all(call.reads for call in few + many)
    queries = [parse_qs(urlsplit(sent(call).url).query) for call in many]
    assert [query.get("offset") for query in queries] == [
        ["0"],
        ["100"],
        ["0"],
        None,
        *([str(n)] for n in range(100, 600, 100)),
    ]
    assert queries[2]["statuses[]"] == ["resolved"]
    assert provider.read_states([], connector()) == []
    assert provider.read_states([RemoteRef(key="k")], connector(EVENTS)) == []


@pytest.mark.parametrize(
    ("status", "content", "goes_on"),
    [
        pytest.param(200, {"incidents": [], "more": True}, True, id="there is more"),
        pytest.param(200, {"incidents": [], "more": False}, False, id="that was all"),
        pytest.param(200, {"incidents": []}, False, id="it does not say"),
        pytest.param(200, ["more"], False, id="an answer of another shape"),
        pytest.param(429, {"more": True}, False, id="refused"),
    ],
)
def test_the_list_of_what_is_open_is_read_on_where_there_is_more(
    status: int, content: Any, goes_on: bool
) -> None:
    """What is reopened keeps its place by when it was created, behind hundreds that came since."""
    [first] = provider.list_open(connector())
    found = provider.further(first, answer(status, content))
    assert bool(found) == goes_on
    if found:
        one, other = (parse_qs(urlsplit(sent(call).url).query) for call in (first, found[0]))
        assert other == one | {"offset": ["100"]}
        assert (found[0].step, found[0].reads) == (first.step, True)


def test_the_list_ends_where_pagerduty_gives_no_more() -> None:
    """Offset and limit are 10,000 together at most."""
    [call], pages = provider.list_open(connector()), 1
    while found := provider.further(call, answer(200, {"more": True})):
        [call] = found
        pages += 1
    assert pages == 100


def test_states_name_who_acted_and_the_log_tells_who_was_rung() -> None:
    state, log = provider.read_states([RemoteRef(key=KEY, remote_id="Q1")], connector())
    ada = {"type": "user_reference", "id": "PADA", "summary": "Ada"}
    resolved = OURS | {
        "status": "resolved",
        "last_status_change_by": ada,
        "acknowledgements": [{"acknowledger": ada}],
    }
    [read] = provider.states_of(state, answer(200, {"incident": resolved}))
    assert (read.key, read.status, read.resolved_by, read.acknowledged_by) == (
        KEY,
        RemoteStatus.RESOLVED,
        "Ada",
        "Ada",
    )
    timed_out = resolved | {"last_status_change_by": {"type": "service_reference", "summary": "Web"}}
    [read] = provider.states_of(state, answer(200, {"incident": timed_out}))
    assert read.resolved_by == ""
    [rung] = provider.states_of(
        log, answer(200, {"log_entries": [{"type": "notify_log_entry"}, {"type": "trigger_log_entry"}]})
    )
    assert (rung.remote_id, rung.notified, rung.status) == ("Q1", True, RemoteStatus.UNKNOWN)
    for nothing in (answer(404), answer(403), answer(200, []), Response(200, {}, b"<html>")):
        assert provider.states_of(state, nothing) == []


@pytest.mark.parametrize(
    ("got", "told"),
    [
        pytest.param(answer(200, {"abilities": ["sso"]}), "", id="good"),
        pytest.param(answer(401), "region", id="a wrong key"),
        pytest.param(answer(200, {"hello": "world"}), "base_url", id="another server"),
        pytest.param(WireFault(FaultKind.CONNECT, "name not found"), "name not found", id="no connection"),
    ],
)
def test_health(got: Response | WireFault, told: str) -> None:
    said = provider.healthy(got)
    assert told in said
    assert bool(said) == bool(told)


def test_probes_change_nothing() -> None:
    assert sent(provider.probe(connector())).url.endswith("/abilities")
    probe = provider.probe(connector(EVENTS))
    assert body(probe)["event_action"] == "resolve"
    assert probe.reads
    assert provider.healthy(answer(202, {"status": "success"})) == ""
