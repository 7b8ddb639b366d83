"""Do the simulated vendors deliver webhooks as the real ones do: signed, in order, again and again, and not for ever?"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tocsin.core.values import replace
from tocsin.sandbox.clock import Clock
from tocsin.sandbox.faults import Faults
from tocsin.sandbox.pagerduty.subscriptions import MANNERS, signature
from tocsin.sandbox.postman import Parcel, Postman

from .conftest import BOT, House, Receiver, until


def events_of(receiver: Receiver) -> list[str]:
    return [json.loads(body)["event"]["event_type"] for _, body in receiver.got]


async def subscribe(house: House, receiver: Receiver, **more: Any) -> dict[str, Any]:
    body = {"vendor": "pagerduty", "url": receiver.url, **more}
    answer = await house.control("POST", "/webhooks", body)
    assert answer.status == 201, answer.json
    return dict(answer.json)


def test_the_signature_equals_a_captured_one() -> None:
    """A pagey.ping of a real account, published in github.com/Aldaviva/PagerDuty (Tests, 583eee5; read 2026-11-20)."""
    secret = "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8/HlonK5mz"
    body = (
        b'{"event":{"id":"01FKZOXA868SHYEE4DVNWB5P9W","event_type":"pagey.ping","resource_type":"pagey",'
        b'"occurred_at":"2025-04-07T03:00:55.532Z","agent":{"id":"PVE0ZR9","type":"user_reference"},"client":null,'
        b'"data":{"message":"Hello from your friend Pagey!","type":"ping"}}}'
    )
    assert signature(secret, body) == "v1=0e83584cbab86f98c51517cf96a70c90e910532d3d2f067d58c753cc8980a05b"


async def test_an_incidents_life_arrives_signed_and_in_order(house: House, receiver: Receiver) -> None:
    hook = await subscribe(house, receiver)
    incident = await house.incident(incident_key="k")
    path = f"/pagerduty/incidents/{incident['id']}"
    for act, more in (
        ("acknowledge", {}),
        ("note", {"content": "looking"}),
        ("priority", {"priority": "P1"}),
        ("resolve", {}),
    ):
        assert (await house.control("POST", f"{path}/{act}", {"user": "ada", **more})).status == 200
    await until(lambda: len(receiver.got) == 5)
    names = ("triggered", "acknowledged", "annotated", "priority_updated", "resolved")
    assert events_of(receiver) == [f"incident.{name}" for name in names]
    for headers, body in receiver.got:
        expected = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-PagerDuty-Signature"] == f"v1={expected}"
    assert len({headers["X-Webhook-Id"] for headers, _ in receiver.got}) == 5
    bodies = [json.loads(body)["event"] for _, body in receiver.got]
    assert (bodies[0]["agent"]["id"], bodies[1]["agent"]["id"]) == ("PUBOT01", "PUADA01")
    captured_keys = (
        "id type self html_url number status incident_key created_at title service assignees escalation_policy teams "
        "priority urgency conference_bridge resolve_reason incident_type"
    )
    assert list(bodies[0]["data"]) == captured_keys.split()
    assert (bodies[4]["data"]["assignees"], bodies[4]["data"]["number"]) == ([], incident["incident_number"])
    assert bodies[2]["data"]["content"] == "looking"


async def test_the_secret_is_shown_once_and_a_ping_proves_the_way(house: House, receiver: Receiver) -> None:
    wanted = {
        "type": "webhook_subscription",
        "delivery_method": {
            "type": "http_delivery_method",
            "url": receiver.url,
            "custom_headers": [{"name": "X-Hub", "value": "s"}],
        },
        "events": ["incident.triggered"],
        "filter": {"type": "account_reference"},
    }
    made = await house.pd("POST", "/webhook_subscriptions", {"webhook_subscription": wanted})
    method = made.json["webhook_subscription"]["delivery_method"]
    path = f"/webhook_subscriptions/{made.json['webhook_subscription']['id']}"
    later = (await house.pd("GET", path)).json["webhook_subscription"]["delivery_method"]
    assert (later["secret"], later["custom_headers"][0]["value"]) == (None, "-- redacted --")
    assert (await house.pd("POST", f"{path}/ping")).status == 202
    await until(lambda: len(receiver.got) == 1)
    headers, body = receiver.got[0]
    assert (events_of(receiver), headers["X-Hub"]) == (["pagey.ping"], "s")
    assert headers["X-PagerDuty-Signature"] == signature(method["secret"], body)
    assert (await house.pd("DELETE", path)).status == 204
    assert (await house.pd("GET", path)).status == 404


async def test_a_failing_receiver_is_tried_again_with_the_same_id_and_holds_up_its_incident_only(
    house: House, receiver: Receiver
) -> None:
    await subscribe(house, receiver)
    receiver.statuses = [503]
    first = await house.incident()
    await until(lambda: len(receiver.got) == 1)
    await house.update(first, status="acknowledged")
    await house.incident("another")
    await until(lambda: len(receiver.got) == 2)
    await house.advance(11)
    assert events_of(receiver) == [
        "incident.triggered",
        "incident.triggered",
        "incident.triggered",
        "incident.acknowledged",
    ]
    ids = [headers["X-Webhook-Id"] for headers, _ in receiver.got]
    assert (ids[0] == ids[2], len(set(ids))) == (True, 3)


async def test_a_delivery_is_given_up_after_48_hours(house: House, receiver: Receiver) -> None:
    await subscribe(house, receiver, events=["incident.triggered"])
    receiver.statuses = [500] * 1000
    await house.incident()
    await house.advance(47 * 3600)
    tries = len(receiver.got)
    await house.advance(10 * 3600)
    assert 50 < tries < len(receiver.got) <= tries + 2
    ended = len(receiver.got)
    await house.advance(24 * 3600)
    assert len(receiver.got) == ended


async def test_4xx_loses_it_and_three_lost_in_a_row_disable_for_a_day(
    house: House, receiver: Receiver
) -> None:
    hook = await subscribe(house, receiver, events=["incident.triggered"])
    path = f"/webhook_subscriptions/{hook['id']}"
    receiver.statuses = [404, 404, 404]
    for number in range(4):
        await house.incident(f"number {number}")
        await house.advance(0)
    assert len(receiver.got) == 3
    assert (await house.pd("GET", path)).json["webhook_subscription"]["temporarily_disabled"] is True
    await house.advance(24 * 3600)
    await house.incident("the next day")
    await until(lambda: len(receiver.got) == 4)


async def test_enable_revives_at_once(house: House, receiver: Receiver) -> None:
    hook = await subscribe(house, receiver, events=["incident.triggered"])
    receiver.statuses = [410, 410, 410]
    for _ in range(3):
        await house.incident()
        await house.advance(0)
    await house.pd("POST", f"/webhook_subscriptions/{hook['id']}/enable")
    await house.incident()
    await until(lambda: len(receiver.got) == 4)


async def test_filters_choose_by_service_and_event(house: House, receiver: Receiver) -> None:
    only_web = {"type": "service_reference", "id": "PWEB001"}
    await subscribe(house, receiver, filter=only_web, events=["incident.resolved"])
    for service in ("PPAY001", "PWEB001"):
        await house.update(await house.incident(service=service), status="resolved")
    await house.advance(0)
    (delivery,) = receiver.got
    assert json.loads(delivery[1])["event"]["data"]["service"]["id"] == "PWEB001"


async def test_in_a_rotation_both_secrets_sign(house: House, receiver: Receiver) -> None:
    hook = await subscribe(house, receiver, secret="old")
    await house.control("POST", f"/webhooks/{hook['id']}/secrets", {"secret": "new"})
    await house.incident()
    await until(lambda: len(receiver.got) == 1)
    headers, body = receiver.got[0]
    assert headers["X-PagerDuty-Signature"] == f"{signature('old', body)},{signature('new', body)}"


@pytest.mark.parametrize(
    ("kind", "arrives"),
    [
        pytest.param("webhook_double", ["triggered", "triggered", "acknowledged"], id="twice"),
        pytest.param("webhook_drop", ["acknowledged"], id="never"),
        pytest.param("webhook_late", ["acknowledged", "triggered"], id="late"),
        pytest.param("webhook_out_of_order", ["acknowledged", "triggered"], id="out of order"),
        pytest.param("webhook_bad_signature", ["triggered", "acknowledged"], id="badly signed"),
    ],
)
async def test_ordered_webhook_trouble(
    house: House, receiver: Receiver, kind: str, arrives: list[str]
) -> None:
    hook = await subscribe(house, receiver)
    await house.fault("pagerduty", kind, operation="create", times=1)
    await house.update(await house.incident(), status="acknowledged")
    await house.advance(400)
    assert events_of(receiver) == [f"incident.{name}" for name in arrives]
    signed = [
        headers["X-PagerDuty-Signature"] == signature(hook["secret"], body) for headers, body in receiver.got
    ]
    assert signed == [kind != "webhook_bad_signature" or n > 0 for n in range(len(arrives))]
    if kind == "webhook_double":
        assert len({headers["X-Webhook-Id"] for headers, _ in receiver.got}) == 2


async def test_opsgenie_webhooks_are_unsigned_with_header_token_and_odd_clocks(
    house: House, receiver: Receiver
) -> None:
    hook = {"vendor": "opsgenie", "url": receiver.url, "headers": {"X-Hub": "shared"}, "token": "t=1&2"}
    assert (await house.control("POST", "/webhooks", hook)).status == 201
    alert = await house.alert(alias="a", description="d" * 2000, details={"k": "v" * 2000})
    await house.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "ada"})
    await house.control("POST", f"/opsgenie/alerts/{alert['id']}/note", {"user": "ada", "note": "looking"})
    await house.control("POST", f"/opsgenie/alerts/{alert['id']}/close", {"user": "ada"})
    await until(lambda: len(receiver.got) == 4)
    bodies = [json.loads(body) for _, body in receiver.got]
    assert [body["action"] for body in bodies] == ["Create", "Acknowledge", "AddNote", "Close"]
    headers = receiver.got[0][0]
    assert (headers["X-Hub"], headers["path"]) == ("shared", "/hook?token=t%3D1%262")
    assert not [name for name in headers if "signature" in name.lower()]
    created = bodies[0]["alert"]
    assert len(created["description"]) == len(created["details"]["k"]) == 1000
    assert 999_000 < created["updatedAt"] / created["createdAt"] < 1_001_000
    assert ("description" in bodies[1]["alert"], bodies[1]["source"]["name"]) == (False, "ada@example.com")
    assert bodies[2]["alert"]["note"] == "looking"
    assert len({body["alert"]["updatedAt"] for body in bodies}) == 4


async def test_subscriptions_that_make_no_sense_are_refused(house: House) -> None:
    for wrong in (
        {
            "delivery_method": {"url": "ftp://x"},
            "events": ["incident.triggered"],
            "filter": {"type": "account_reference"},
        },
        {
            "delivery_method": {"url": "https://x"},
            "events": ["incident.invented"],
            "filter": {"type": "account_reference"},
        },
        {"delivery_method": {"url": "https://x"}, "events": ["incident.triggered"], "filter": {}},
    ):
        answer = await house.pd("POST", "/webhook_subscriptions", {"webhook_subscription": wrong}, **BOT)
        assert (answer.status, answer.json["error"]["code"]) == (400, 2001)


async def test_a_receiver_without_a_trusted_certificate_loses_the_delivery_at_once(house: House) -> None:
    body = {
        "vendor": "pagerduty",
        "url": f"{house.sandbox.https_control_url}/hook",
        "events": ["incident.triggered"],
    }
    assert (await house.control("POST", "/webhooks", body)).status == 201
    await house.incident()
    await house.advance(3600)
    (tried,) = (await house.control("GET", "/deliveries?vendor=pagerduty")).json["deliveries"]
    assert (tried["status"], tried["then"], "certificate" in tried["problem"]) == (None, None, True)


async def test_a_receiver_that_takes_too_long_is_tried_again(receiver: Receiver) -> None:
    clock = Clock(lambda: datetime(2026, 11, 20, tzinfo=UTC))
    postman = Postman(clock, Faults(), replace(MANNERS, timeout=0.05))
    assert MANNERS.timeout == 5.0
    receiver.silent = True
    parcel = Parcel(
        "id", "pagerduty", "P1", "Q1", "incident.triggered", "create", receiver.url, {}, {}, b"{}"
    )
    postman.post(parcel)
    await postman.settle()
    (tried,) = postman.attempts
    assert (tried["status"], tried["then"], tried["problem"]) == (None, "retry", "no answer within 0.05 s")
    await postman.stop()


async def test_nobody_listening_is_tried_again_later(house: House) -> None:
    body = {"vendor": "opsgenie", "url": "http://127.0.0.1:9/hook"}
    assert (await house.control("POST", "/webhooks", body)).status == 201
    await house.alert(alias="a")
    await house.advance(3600)
    tried = (await house.control("GET", "/deliveries")).json["deliveries"]
    assert [attempt["then"] for attempt in tried] == ["retry", "retry", "retry", None]
