"""`im serve` as a process: it comes up, says what stops it, drains, and comes back after being killed."""

import asyncio
import os
import signal
import socket
import stat

import pytest

from rig import KEYS
from tocsin.sandbox.server import Sandbox

from .served import TOKEN, Served, until

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def fault(served: Served, sandbox: Sandbox, vendor: str, kind: str, **more: object) -> None:
    body = {"vendor": vendor, "kind": kind, **more}
    async with served.http.post(f"{sandbox.control_url}/faults", json=body) as answer:
        assert answer.status < 400, await answer.text()


async def listed(served: Served, sandbox: Sandbox, path: str) -> list[dict[str, object]]:
    async with served.http.get(f"{sandbox.control_url}/{path}") as answer:
        found = await answer.json()
    return found if isinstance(found, list) else next(v for v in found.values() if isinstance(v, list))


async def test_a_life(served: Served, sandbox: Sandbox) -> None:
    """Ready; a second one on the same folder is refused; SIGTERM lets the call under way end and exits 0."""
    await served.start()
    private = [served.folder / "data" / name for name in ("url", "hub.lock")]
    assert (served.folder / "data/url").read_text().strip() == served.url
    assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o600] * 2
    said = await served.refused()
    assert f"pid {served.process.pid}" in said
    assert "--data" in said
    assert "Traceback" not in said
    await fault(served, sandbox, "pagerduty", "latency", delay_ms=1500)
    assert await served.post(ALERT) == 202

    async def under_way() -> bool:
        return bool(await listed(served, sandbox, "opsgenie/alerts"))

    await until(under_way, "the page is on its way", log=served.log)
    began = asyncio.get_running_loop().time()
    postmaster = served.postmaster
    assert await served.stop() == 0
    assert asyncio.get_running_loop().time() - began < 10
    assert len(await listed(served, sandbox, "pagerduty/incidents")) == 1
    assert not (served.folder / "data/url").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(postmaster, 0)
    for secret in (TOKEN, *KEYS.values(), "pd-webhook-secret", "og-webhook-token"):
        assert secret not in served.log.read_text()


async def test_it_stops_in_time_whatever_hangs(served: Served, sandbox: Sandbox) -> None:
    """A provider and a mail server that never answer do not keep it: under ten seconds, exit 0."""
    silent = socket.create_server(("127.0.0.1", 0), backlog=50)
    served.environment["SMTP_URL"] = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
    usual = "- {failover: [prod-pagerduty, prod-opsgenie, ops-mail], within: 3s}\n\nrouting"
    text = served.file.read_text()
    assert usual in text
    served.file.write_text(text.replace(usual, "- {all: [prod-opsgenie, ops-mail]}\n\nrouting"))
    await fault(served, sandbox, "opsgenie", "hang", seconds=60)
    await served.start()
    assert await served.post({"title": "Cart", "severity": "medium", "service_name": "web"}) == 202
    connection = await served.database()

    async def hanging() -> bool:
        sql = "SELECT count(DISTINCT connector) FROM effect WHERE state = 'leased'"
        return int(await connection.fetchval(sql)) == 2

    await until(hanging, "a mail and a page hang", log=served.log)
    await connection.close()
    began = asyncio.get_running_loop().time()
    assert await served.stop() == 0
    assert asyncio.get_running_loop().time() - began < 10
    silent.close()


async def test_killed_it_comes_back(served: Served) -> None:
    """kill -9 of the hub, then of its postmaster: what was accepted is there, new alerts are taken."""
    await served.start()
    assert await served.post(ALERT) == 202
    await served.kill()
    await served.start()
    first = (await served.get("/api/v1/alerts"))["items"]
    assert [alert["title"] for alert in first] == ["Login is down"]
    old = served.postmaster
    os.kill(old, signal.SIGKILL)

    async def taken() -> bool:
        return (
            await served.post({**ALERT, "title": "After the database died"}) == 202
            and served.postmaster != old
        )

    await until(taken, "alerts are taken again", log=served.log)

    async def decided() -> bool:
        # kept on disk while the database starts, so the list may not answer yet
        items = (await served.get("/api/v1/alerts")).get("items", [])
        return len(items) == 2 and all(item["incident"] for item in items)

    await until(decided, "the loops are at work again", log=served.log)
    await served.until_ready()
    assert served.process.returncode is None
    assert await served.stop() == 0


async def test_what_stops_a_start_is_said(served: Served) -> None:
    """A sentence with the next step, exit code 1, no traceback, nothing left running, no password shown."""
    good = served.file.read_text()
    served.file.write_text(good.replace("routing:", "ruoting:"))
    line = good.splitlines().index("routing:") + 1
    misspelt = await served.refused()

    assert f"line {line}" in misspelt
    assert "ruoting" in misspelt
    served.file.write_text(good)
    with socket.create_server(("127.0.0.1", served.port)):
        taken = await served.refused()
    assert f"127.0.0.1:{served.port}" in taken
    assert "--port" in taken
    # a folder that has served before would take alerts without its database (S47)
    fresh = ("--data", str(served.folder / "fresh"))
    away = await served.refused(*fresh, DATABASE_URL="postgresql://hub:pass-word-0001@127.0.0.1:1/hub")
    assert "DATABASE_URL" in away
    for said in (misspelt, taken, away):
        assert "Traceback" not in said
        assert "pass-word-0001" not in said
    assert not (served.folder / "data/postgres/cluster/postmaster.pid").exists(), "nothing is left running"
