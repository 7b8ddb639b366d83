"""Which parts does the demo need, and what may it show of them? It builds the stage and tells the story."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import aiohttp

from tocsin.config import Settings
from tocsin.daemon import Daemon
from tocsin.demo.story import Story
from tocsin.engine import logs
from tocsin.sandbox.server import Sandbox, SandboxSettings


async def run(*, port: int, sandbox_port: int, data: Path | None, once: bool) -> None:
    """Build the stage, tell the story, serve until SIGTERM or Ctrl-C (or end at once)."""
    logs.set_up("text", level=logging.ERROR)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    folder = data or Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    if data is None:
        # as root PostgreSQL runs under another account, which must be able to pass through
        folder.chmod(0o711)
    sandbox = Sandbox(SandboxSettings(port=_free(sandbox_port, 6), data=folder / "sandbox", tls=True))
    story = Story(sys.stdout)
    daemon: Daemon | None = None
    try:
        began = loop.time()
        await sandbox.start()
        story.stage(
            f"sandbox: PagerDuty and Opsgenie simulated, look at {sandbox.control_url}", loop.time() - began
        )
        began = loop.time()
        daemon = await _start_hub(folder, _free(port, 1), sandbox)
        story.stage(f"hub with its own PostgreSQL: {daemon.url}", loop.time() - began)
        async with aiohttp.ClientSession() as http:
            await _register_webhooks(http, sandbox, daemon.url)
            await story.tell(http, daemon.url, sandbox.control_url)
            await story.farewell(http, daemon.url, sandbox.control_url, once=once)
        if not once:
            await stopped.wait()
            sys.stdout.write("\nStopping ...\n")
    finally:
        if daemon is not None:
            await daemon.stop()
        await sandbox.stop()
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


async def _start_hub(folder: Path, port: int, sandbox: Sandbox) -> Daemon:
    keys = {
        "PAGERDUTY_URL": sandbox.pagerduty_url, "PAGERDUTY_API_KEY": "demo-pagerduty-key",
        "PAGERDUTY_WEBHOOK_SECRET": _WEBHOOK_SECRET, "OPSGENIE_URL": sandbox.opsgenie_url,
        "OPSGENIE_API_KEY": "demo-opsgenie-key", "OPSGENIE_WEBHOOK_TOKEN": _WEBHOOK_TOKEN, "SMTP_URL": sandbox.smtp_url,
        "AM_KEY": "demo-alertmanager", "PD_IN_KEY": "demopagerdutykey0000000000000001", "WH_KEY": "demo-webhook-key",
    }  # fmt: skip
    os.environ.update(keys)
    config = folder / "demo.yaml"
    config.write_text((files("tocsin.demo") / "hub.yaml").read_text("utf-8"), "utf-8")
    settings = Settings(
        TOCSIN_DATA=folder / "hub", TOCSIN_HOST="127.0.0.1", TOCSIN_PORT=port, TOCSIN_CONFIG=config, DATABASE_URL="",
        TOCSIN_PUBLIC_URL="",
    )  # type: ignore[call-arg]  # fmt: skip
    daemon = Daemon(settings, demo=True)
    await daemon.start()
    return daemon


_WEBHOOK_SECRET, _WEBHOOK_TOKEN = secrets.token_urlsafe(24), secrets.token_urlsafe(24)


async def _register_webhooks(http: aiohttp.ClientSession, sandbox: Sandbox, hub: str) -> None:
    for body in (
        {"vendor": "pagerduty", "url": f"{hub}/connectors/prod-pagerduty/webhook", "secret": _WEBHOOK_SECRET},
        {"vendor": "opsgenie", "url": f"{hub}/connectors/prod-opsgenie/webhook", "token": _WEBHOOK_TOKEN},
    ):
        async with http.post(f"{sandbox.control_url}/webhooks", json=body) as answer:
            answer.raise_for_status()


def _free(port: int, ports: int) -> int:
    """`port` when it and what follows it are free on loopback, else 0 (any), which is told by the address."""
    try:
        for offset in range(ports):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port + offset))
    except OSError:
        return 0
    return port
