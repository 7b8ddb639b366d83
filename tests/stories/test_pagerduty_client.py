"""PagerDuty's own Python client, pointed at the hub: it takes the hub for PagerDuty, over TLS as it insists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pagerduty
import pytest

from rig import KEYS, Begin, Rig
from tocsin.sandbox.tls import server_context


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def tls_in_front_of(rig: Rig, folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """(https address, file of its throw-away CA) of a proxy that ends TLS before the hub."""
    context, ca_file = server_context(folder, datetime.now(UTC))
    host, port = rig.daemon.url.removeprefix("http://").split(":")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        pouring.update(
            (asyncio.create_task(pour(reader, inner_writer)), asyncio.create_task(pour(inner_reader, writer)))
        )

    pouring: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", ca_file
    finally:
        server.close()
        for task in pouring:
            task.cancel()
        await asyncio.gather(*pouring, return_exceptions=True)


async def test_trigger_acknowledge_resolve_and_change(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the client does here what it does there."""
    rig = await begin()
    async with tls_in_front_of(rig, tmp_path / "tls") as (url, ca_file):
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
        client = pagerduty.EventsApiV2Client(KEYS["PD_IN_KEY"], base_url=url)

        key = await asyncio.to_thread(
            client.trigger, "Checkout is down", "web-1", custom_details={"component": "payment-service"}
        )
        await rig.quiet()
        seen = [(await rig.incident())["status"]]
        assert await asyncio.to_thread(client.acknowledge, key) == key
        await rig.quiet()
        seen.append((await rig.incident())["status"])
        # given, for the client's own default raises in 7.2.0
        await asyncio.to_thread(client.submit, "deployed 1.2", "ci", timestamp="2026-11-20T10:00:00Z")
        assert await asyncio.to_thread(client.resolve, key) == key
        await rig.quiet()
        seen.append((await rig.incident())["status"])

        wrong = pagerduty.EventsApiV2Client("0" * 32, base_url=url)
        with pytest.raises(pagerduty.Error, match="400"):
            await asyncio.to_thread(wrong.trigger, "nobody", "web-1")
    alerts = (await rig.call("GET", "/api/v1/alerts", want=200))["items"]

    assert seen == ["open", "mitigated", "resolved"]
    assert [(a["dedup_key"], a["title"]) for a in alerts] == [(key, "Checkout is down")], (
        "a change is no alert"
    )
    assert len(key) >= 32
