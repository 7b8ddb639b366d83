"""Do the vendors' own clients take the sandbox for the real thing?"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import opsgenie_sdk
import pagerduty
import pytest

from tocsin.core.checks import Here
from tocsin.engine.wire import Wire
from tocsin.providers.pagerduty import subscribing
from tocsin.providers.pagerduty.subscriptions import EVENTS

from .conftest import House

PDJS = "@pagerduty/pdjs@2.2.4"
CACHE = Path.home() / ".cache" / "tocsin-tests" / "pdjs-2.2.4"
ROUTING_KEY = "sandboxpweb001routingkey00000000"


async def test_pagerdutys_client_reads_the_subscription_that_we_make(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `im connector webhook --enable` writes there is what PagerDuty's own client understands."""
    monkeypatch.setenv("SSL_CERT_FILE", str(house.sandbox.ca_file))
    settings = {
        "api_key": "any",
        "base_url": house.sandbox.pagerduty_url,
        "custom": {"from_email": "ada@example.com"},
    }
    here = Here(name="prod", address="https://hub.example.com/connectors/prod/webhook")
    wire = Wire()
    made = subscribing.made(await wire.send(subscribing.subscribe(settings, here, "PPAY001").send))
    await wire.close()

    def talk() -> Any:
        client = pagerduty.RestApiV2Client("any", base_url=house.sandbox.https_pagerduty_url)
        return client.rget(f"webhook_subscriptions/{made.id}"), list(client.iter_all("webhook_subscriptions"))

    one, every = await asyncio.to_thread(talk)
    assert one["delivery_method"]["url"] == here.address
    assert one["delivery_method"]["secret"] is None  # told once, to us
    assert made.secret
    assert one["filter"] == {"type": "service_reference", "id": "PPAY001"}
    assert one["events"] == list(EVENTS)
    assert [entry["id"] for entry in every] == [made.id]


async def test_pagerduty_python_rest_client(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.sandbox.ca_file))

    def talk() -> tuple[Any, ...]:
        client = pagerduty.RestApiV2Client(
            "any", default_from="tocsin-bot@example.com", base_url=house.sandbox.https_pagerduty_url
        )
        service = {"id": "PPAY001", "type": "service_reference"}
        for number in range(30):
            made = client.rpost(
                "incidents", json={"type": "incident", "title": f"number {number}", "service": service}
            )
        updated = client.rput(
            f"incidents/{made['id']}", json={"type": "incident_reference", "status": "acknowledged"}
        )
        note = client.rpost(f"incidents/{made['id']}/notes", json={"content": "looking"})
        listed = list(client.iter_all("incidents", params={"statuses[]": ["triggered"]}, page_size=10))
        found = client.find("users", "ada@example.com", attribute="email")
        return (
            updated["status"],
            note["content"],
            len(listed),
            found["name"],
            len(client.list_all("services")),
        )

    assert await asyncio.to_thread(talk) == ("acknowledged", "looking", 29, "Ada", 4)


async def test_pagerduty_python_events_client(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.sandbox.ca_file))

    def talk() -> str:
        client = pagerduty.EventsApiV2Client(ROUTING_KEY, base_url=house.sandbox.https_pagerduty_events_url)
        key = client.trigger("Checkout is slow", "web-1")
        client.acknowledge(key)
        client.submit("deployed 1.2", timestamp="2026-11-20T10:00:00Z")  # its own default is broken in 7.2.0
        client.resolve(key)
        return str(key)

    key = await asyncio.to_thread(talk)
    (incident,) = (await house.control("GET", "/pagerduty/incidents")).json["incidents"]
    assert (incident["status"], incident["alerts"][0]["alert_key"]) == ("resolved", key)


async def test_opsgenie_python_sdk(house: House) -> None:
    await house.control("POST", "/settings", {"opsgenie": {"processing_delay_ms": 0}})

    def talk() -> tuple[Any, ...]:
        configuration = opsgenie_sdk.configuration.Configuration()
        configuration.api_key["Authorization"] = "any"
        configuration.host = house.sandbox.opsgenie_url
        api = opsgenie_sdk.AlertApi(opsgenie_sdk.api_client.ApiClient(configuration=configuration))
        payload = opsgenie_sdk.CreateAlertPayload(
            message="Ledger lag", alias="a", priority="P1", responders=[{"name": "Payments", "type": "team"}]
        )
        made = api.create_alert(create_alert_payload=payload)
        status = api.get_request_status(request_id=made.request_id)
        acknowledge = opsgenie_sdk.AcknowledgeAlertPayload(user="ada@example.com", note="on it")
        api.acknowledge_alert(identifier="a", identifier_type="alias", acknowledge_alert_payload=acknowledge)
        alert = api.get_alert(identifier="a", identifier_type="alias").data
        listed = api.list_alerts(query="status:open").data
        api.close_alert(
            identifier="a", identifier_type="alias", close_alert_payload=opsgenie_sdk.CloseAlertPayload()
        )
        closed = api.get_alert(identifier="a", identifier_type="alias").data
        return (
            made.result,
            status.data.is_success,
            alert.acknowledged,
            alert.tiny_id,
            len(listed),
            closed.status,
        )

    assert await asyncio.to_thread(talk) == ("Request will be processed", True, True, "1", 1, "closed")


@pytest.fixture(scope="module")
def pdjs() -> Path:
    """The folder where npm put PagerDuty's own JavaScript client; kept between runs."""
    node, npm = shutil.which("node"), shutil.which("npm")
    problem = None if node and npm else "node and npm are not installed"
    if npm and not (CACHE / "node_modules" / "@pagerduty" / "pdjs").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            str(CACHE),
            PDJS,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        problem = f"npm could not install {PDJS}: {done.stderr[-300:]}" if done.returncode else problem
    if problem and os.environ.get("CI") == "true":
        pytest.fail(problem)
    if problem:
        pytest.skip(problem)
    return CACHE


SCRIPT = """
const { api, event } = require("@pagerduty/pdjs");
const [rest, events, key] = process.argv.slice(2);
(async () => {
  const sent = await event({ server: events, data: { routing_key: key, event_action: "trigger", dedup_key: "js",
    payload: { summary: "from pdjs", source: "node", severity: "error" } } });
  const listed = await api({ token: "any", server: rest }).get("/incidents", { queryParameters: { limit: 5 } });
  console.log(JSON.stringify({ sent: sent.status, got: listed.status, titles: listed.data.incidents.map((i) => i.title) }));
})().catch((error) => { console.error(error); process.exit(1); });
"""


async def test_pagerduty_javascript_client(house: House, pdjs: Path, tmp_path: Path) -> None:
    script = tmp_path / "talk.cjs"
    script.write_text(SCRIPT)
    hosts = [
        url.removeprefix("https://")
        for url in (house.sandbox.https_pagerduty_url, house.sandbox.https_pagerduty_events_url)
    ]
    environment = {
        **os.environ,
        "NODE_EXTRA_CA_CERTS": str(house.sandbox.ca_file),
        "NODE_PATH": str(pdjs / "node_modules"),
    }
    process = await asyncio.create_subprocess_exec(
        "node",
        str(script),
        *hosts,
        ROUTING_KEY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, problem = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, problem.decode()
    assert json.loads(out) == {"sent": 202, "got": 200, "titles": ["from pdjs"]}


async def test_pagerduty_python_client_reads_who_is_on_call(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shifts of a rotation with an override, page by page, and the schedule's own final entries."""
    monkeypatch.setenv("SSL_CERT_FILE", str(house.sandbox.ca_file))
    daily = {"people": ["ed", "cy"], "hours": 24, "from": "2026-11-16T09:00:00Z"}
    await house.control("POST", "/pagerduty/schedules/PSGEN01", daily)
    stands_in = {"person": "bo", "start": "2026-11-16T18:00:00Z", "end": "2026-11-17T06:00:00Z"}
    await house.control("POST", "/pagerduty/schedules/PSGEN01/overrides", stands_in)
    span = {"since": "2026-11-16T10:00:00Z", "until": "2026-11-18T10:00:00Z"}

    def talk() -> tuple[list[Any], int, list[Any]]:
        client = pagerduty.RestApiV2Client("any", base_url=house.sandbox.https_pagerduty_url)
        asked = {**span, "escalation_policy_ids[]": ["PGENEP1"], "include[]": ["users"]}
        entries = list(client.iter_all("oncalls", params=asked, page_size=2))
        told = [(e["escalation_level"], e["user"]["email"], e["start"], e["end"]) for e in entries]
        earliest = list(client.iter_all("oncalls", params={**asked, "earliest": True}))
        schedule = client.rget("schedules/PSGEN01", params=span)
        final = [e["user"]["summary"] for e in schedule["final_schedule"]["rendered_schedule_entries"]]
        return told, len(earliest), final

    told, earliest, final = await asyncio.to_thread(talk)
    assert told == [
        (1, "ed@example.com", "2026-11-16T09:00:00Z", "2026-11-16T18:00:00Z"),
        (1, "bo@example.com", "2026-11-16T18:00:00Z", "2026-11-17T06:00:00Z"),
        (1, "ed@example.com", "2026-11-17T06:00:00Z", "2026-11-17T09:00:00Z"),
        (1, "cy@example.com", "2026-11-17T09:00:00Z", "2026-11-18T09:00:00Z"),
        (1, "ed@example.com", "2026-11-18T09:00:00Z", "2026-11-19T09:00:00Z"),
        (2, "di@example.com", None, None),
    ]
    assert (earliest, final) == (4, ["Ed", "Bo", "Ed", "Cy", "Ed"])
