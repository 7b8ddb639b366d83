"""Debian's real Alertmanager, configured both ways, fires and resolves; both providers follow."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rig import KEYS, Begin, Rig

WEBHOOK = """
receivers:
  - name: hub
    webhook_configs: [{{url: "{hub}/integrations/{am_key}", send_resolved: true}}]
"""
PAGERDUTY = """
receivers:
  - name: hub
    pagerduty_configs: [{{url: "{hub}/v2/enqueue", routing_key: "{pd_key}", send_resolved: true, severity: critical, component: payment-service}}]
"""
ROUTE = (
    "route: {receiver: hub, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
)


@asynccontextmanager
async def alertmanager(program: Path, folder: Path, config: str) -> AsyncIterator[str]:
    """A running Alertmanager; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = folder / "alertmanager.yml"
    file.write_text(ROUTE + config)
    process = await asyncio.create_subprocess_exec(
        str(program), f"--config.file={file}", f"--storage.path={folder / 'am'}", f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def post(rig: Rig, address: str, *, ends: timedelta) -> None:
    """Tell Alertmanager of one alert that ends at now + `ends`."""
    now = datetime.now(UTC)
    alert = {
        "labels": {
            "alertname": "DatabaseDown",
            "severity": "critical",
            "service": "payment-service",
            "instance": "db-1",
        },
        "annotations": {"summary": "db-1 does not answer", "description": "no connection for 2 min"},
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now + ends).isoformat(),
        "generatorURL": "http://prometheus.example.com/graph",
    }

    async def taken() -> bool:
        try:
            async with rig.http.post(f"{address}/api/v2/alerts", json=[alert]) as answer:
                return answer.status == 200
        except OSError:
            return False

    await rig.until(taken, "Alertmanager takes the alert")


@pytest.mark.parametrize(
    "config", [pytest.param(WEBHOOK, id="by webhook"), pytest.param(PAGERDUTY, id="as if we were PagerDuty")]
)
async def test_fires_and_resolves(
    begin: Begin, tmp_path: Path, outside_program: Callable[..., Path], config: str
) -> None:
    """It fires: both providers have it; one side acknowledges, the other knows; it resolves: everybody does."""
    program = outside_program("prometheus-alertmanager", package="prometheus-alertmanager")
    rig = await begin(at=datetime.now(UTC))
    text = config.format(hub=rig.daemon.url, am_key=KEYS["AM_KEY"], pd_key=KEYS["PD_IN_KEY"])
    async with alertmanager(program, tmp_path, text) as address:
        await post(rig, address, ends=timedelta(minutes=5))

        async def created() -> bool:
            listed = await rig.call("GET", "/api/v1/incidents")
            providers = listed["items"][0]["providers"] if listed["items"] else []
            return len(providers) == 2 and all(p["created_at"] for p in providers)

        await rig.until(created, "both providers have it")
        (alert,) = await rig.opsgenie()
        await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "ada@example.com"})

        async def acknowledged() -> bool:
            return [p["status"] for p in await rig.pagerduty()] == ["acknowledged"]

        await rig.until(acknowledged, "PagerDuty is told of the acknowledgement at Opsgenie")
        await post(rig, address, ends=timedelta(seconds=-1))

        async def resolved() -> bool:
            (page,), (other,) = await rig.pagerduty(), await rig.opsgenie()
            return page["status"] == "resolved" and other["status"] == "closed"

        await rig.until(resolved, "resolved everywhere")
    lines = await rig.timeline()

    assert len({line["correlation_id"] for line in lines}) == 1
    assert {"alert_received", "incident_opened", "page_created", "acknowledged", "told", "resolved"} <= {
        line["kind"] for line in lines
    }
