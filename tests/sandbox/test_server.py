"""Does the sandbox start, record, repeat itself and stop as promised?"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
import smtplib
import socket
import ssl
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tocsin.sandbox.server import Sandbox, SandboxSettings

from .conftest import House, until


async def test_https_is_vouched_for_by_its_own_ca_alone(house: House) -> None:
    sandbox = house.sandbox
    trusting = ssl.create_default_context(cafile=str(sandbox.ca_file))
    headers = {"Authorization": "Token token=x"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for url in (
            sandbox.https_pagerduty_url,
            sandbox.https_pagerduty_url.replace("127.0.0.1", "localhost"),
        ):
            async with session.get(f"{url}/services", ssl=trusting) as answer:
                assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"{sandbox.https_opsgenie_url}/v2/alerts")


async def test_the_ca_is_kept_in_the_data_folder_with_a_private_key_for_its_owner(tmp_path: Path) -> None:
    kept = []
    for _ in range(2):
        sandbox = Sandbox(SandboxSettings(port=0, data=tmp_path))
        await sandbox.start()
        kept.append(sandbox.ca_file.read_bytes())
        await sandbox.stop()
    assert kept[0] == kept[1]
    assert (tmp_path / "sandbox-server.pem").stat().st_mode & 0o077 == 0


async def test_calls_are_recorded_without_secrets(house: House) -> None:
    secret = "very-secret-token"
    await house.pd("GET", "/services?limit=1", Authorization=f"Token token={secret}")
    await house.og("POST", "/v2/alerts", {"message": "m"}, Authorization=f"GenieKey {secret}")
    await house.events(
        "POST", "/v2/enqueue", {"routing_key": secret.ljust(32, "x"), "event_action": "resolve"}
    )
    recorded = (await house.control("GET", "/calls")).json["calls"]
    assert [(c["vendor"], c["api"], c["method"], c["status"]) for c in recorded] == [
        ("pagerduty", "rest", "GET", 200),
        ("opsgenie", "alert", "POST", 202),
        ("pagerduty", "events", "POST", 400),
    ]
    assert (recorded[0]["query"], recorded[0]["path"], recorded[1]["body"]) == (
        {"limit": ["1"]},
        "/services",
        {"message": "m"},
    )
    assert secret not in str(recorded)
    later = (await house.control("GET", f"/calls?vendor=pagerduty&since={recorded[0]['seq']}")).json["calls"]
    assert [call["api"] for call in later] == ["events"]
    assert (await house.control("DELETE", "/calls")).status == 204
    assert (await house.control("GET", "/calls")).json["calls"] == []


async def rehearse(house: House) -> list[str]:
    incident = await house.incident()
    alert = await house.alert(alias="a")
    event = {"routing_key": "sandboxpweb001routingkey00000000", "event_action": "trigger"}
    payload = {"summary": "s", "source": "x", "severity": "info"}
    sent = await house.events("POST", "/v2/enqueue", {**event, "payload": payload})
    return [incident["id"], alert["id"].rsplit("-", 1)[0], alert["tinyId"], sent.json["dedup_key"]]


async def test_after_a_reset_the_same_calls_give_the_same_ids(house: House) -> None:
    first = await rehearse(house)
    await house.fault("any", "500")
    await house.control("POST", "/webhooks", {"vendor": "opsgenie", "url": "http://127.0.0.1:9/"})
    assert (await house.control("POST", "/reset", {"keep_webhooks": True})).status == 200
    assert (await house.control("GET", "/pagerduty/incidents")).json["incidents"] == []
    assert len((await house.control("GET", "/webhooks")).json["webhooks"]) == 1
    await house.control("POST", "/reset")
    assert (await house.control("GET", "/webhooks")).json["webhooks"] == []
    assert await rehearse(house) == first


async def test_the_clock_only_goes_forward(house: House) -> None:
    before = (await house.control("GET", "/clock")).json["offset_seconds"]
    assert (await house.control("POST", "/clock", {"advance": 3600})).json["offset_seconds"] == pytest.approx(
        before + 3600, abs=5
    )
    for wrong in (-1, "soon", True, None):
        assert (await house.control("POST", "/clock", {"advance": wrong})).status == 400


async def test_time_passes_by_itself_too(house: House) -> None:
    await house.control("POST", "/settings", {"opsgenie": {"processing_delay_ms": 30}})
    answer = await house.og("POST", "/v2/alerts", {"message": "m"})

    async def processed() -> bool:
        return (await house.og("GET", f"/v2/alerts/requests/{answer.json['requestId']}")).status == 200

    await until(processed)


def send_mail(address: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = (
        "Nobody acknowledges",
        "tocsin@example.com",
        "ops@example.com",
    )
    message.set_content("INC-1 is still open.\n")
    host, port = address.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port), timeout=5) as client:
        client.send_message(message)


async def test_mails_are_kept_and_the_sink_can_be_out_of_order(house: House) -> None:
    await asyncio.to_thread(send_mail, house.sandbox.smtp_url)
    (mail,) = (await house.control("GET", "/mails")).json["mails"]
    assert (mail["subject"], mail["to"], mail["text"]) == (
        "Nobody acknowledges",
        ["ops@example.com"],
        "INC-1 is still open.\n",
    )
    await house.fault("smtp", "refused")
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(send_mail, house.sandbox.smtp_url)


async def test_people_act_from_the_page_and_mistakes_are_explained(house: House) -> None:
    async with aiohttp.ClientSession() as session, session.get(house.sandbox.control_url) as answer:
        page = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
    assert not re.search(r"""(src|href)=["']?https?://""", page)
    incident = await house.incident()
    path = f"/pagerduty/incidents/{incident['id']}"
    for act, body, status in (
        ("acknowledge", {"user": "ada"}, 200),
        ("acknowledge", {"user": "nobody"}, 400),
        ("dance", {"user": "ada"}, 404),
        ("reassign", {"user": "ada", "to": "cy"}, 200),
        ("escalate", {"user": "ada"}, 400),
        ("delegate", {"user": "ada", "policy": "PLEAD01"}, 200),
        ("escalate", {"user": "ada"}, 200),
        ("acknowledge", {"user": "bo"}, 200),
        ("snooze", {"user": "bo", "seconds": 60}, 200),
        ("resolve", {"user": "bo"}, 200),
        ("reopen", {"user": "bo"}, 200),
    ):
        answered = await house.control("POST", f"{path}/{act}", body)
        assert answered.status == status, (act, answered.json)
    assert (await house.control("POST", "/pagerduty/incidents/QNONE/resolve", {"user": "ada"})).status == 404


async def jsm(
    house: House, method: str, path: str, key: str = "GenieKey any", **body: Any
) -> tuple[int, Any]:
    url = house.sandbox.jsm_url + path
    async with (
        aiohttp.ClientSession(headers={"Authorization": key}) as session,
        session.request(method, url, json=body or None) as answer,
    ):
        return answer.status, await answer.json()


BASIC = "Basic " + base64.b64encode(b"bot@example.com:any").decode()
EVENTS, CLOUD = "/jsm/ops/integration/v2/alerts", "/jsm/ops/api/cloud-1/v1/alerts"


async def test_jsm_is_opsgenie_s_machine_behind_two_doors(house: House) -> None:
    """Created by the events API, whose request status is flat; read and closed by the REST API."""
    await house.control("POST", "/settings", {"jsm": {"processing_delay_ms": 0}})
    status, taken = await jsm(
        house, "POST", EVENTS, message="Down", alias="k", responders=[{"type": "team", "name": "Ops"}]
    )
    assert status == 202
    _, done = await jsm(house, "GET", f"{EVENTS}/requests/{taken['requestId']}")
    assert (done["isSuccess"], done["alias"]) == (True, "k")
    assert (await jsm(house, "POST", f"{EVENTS}/k/acknowledge?identifierType=alias"))[0] == 202

    _, listed = await jsm(house, "GET", f'{CLOUD}?query=alias: ("k")', BASIC)
    assert [a["acknowledged"] for a in listed["values"]] == [True]
    _, one = await jsm(house, "GET", f"{CLOUD}/{done['alertId']}", BASIC)
    assert one["alias"] == "k"


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        pytest.param("GET", EVENTS, "GenieKey any", 405, id="the events API has no list"),
        pytest.param("PUT", f"{EVENTS}/k/priority", "GenieKey any", 404, id="nor a verb for the priority"),
        pytest.param("GET", CLOUD, "GenieKey any", 401, id="the REST API takes no GenieKey"),
        pytest.param("POST", EVENTS, BASIC, 401, id="the events API takes no API token"),
        pytest.param("POST", EVENTS, "GenieKey revoked", 401, id="a revoked key"),
    ],
)  # fmt: skip
async def test_jsm_refuses_what_the_real_one_refuses(
    house: House, method: str, path: str, key: str, status: int
) -> None:
    assert (await jsm(house, method, path, key))[0] == status


def free_block() -> int:
    """A port with the next five and the https twins free just now."""
    for base in range(28_000 + os.getpid() % 500 * 10, 60_000, 210):
        try:
            for port in [*range(base, base + 6), *range(base + 100, base + 105)]:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError("no block of ports is free")


async def test_run_says_where_everything_is_and_stops_at_a_signal(tmp_path: Path) -> None:
    base = free_block()
    code = (
        "import asyncio, pathlib, sys; from tocsin.sandbox.server import SandboxSettings, run; "
        "asyncio.run(run(SandboxSettings(port=int(sys.argv[1]), data=pathlib.Path(sys.argv[2]))))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(base), str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines: list[Any] = []
    async with asyncio.timeout(15):
        while not any("faults" in line for line in lines):
            lines.append((await process.stdout.readline()).decode())
            assert lines[-1], "".join(lines)
    said = "".join(lines)
    for offset in (0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104):
        assert f"127.0.0.1:{base + offset}" in said
    assert str(tmp_path / "sandbox-ca.pem") in said
    taken = Sandbox(SandboxSettings(port=base, data=tmp_path))
    with pytest.raises(OSError, match=str(base)):
        await taken.start()
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
