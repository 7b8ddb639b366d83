"""How does `im sandbox` start and stop? It opens the ports of every simulated API over http and https."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from tocsin.sandbox import control
from tocsin.sandbox.clock import Clock
from tocsin.sandbox.listener import Listener
from tocsin.sandbox.tls import server_context
from tocsin.sandbox.world import World

HTTPS_STEP = 100
_SMTP_OFFSET = 5
_Maker = Callable[[], web.Application]


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """`port` P: control P, PagerDuty REST P+1, its Events P+2, Opsgenie P+3, JSM P+4, SMTP P+5; https 100 higher.

    `port` 0 takes free ports for everything. `data` keeps the CA (None: a folder that goes with the sandbox).
    """

    host: str = "127.0.0.1"
    port: int = 8900
    data: Path | None = None
    tls: bool = True
    seed: str = "tocsin"


class Sandbox:
    """A running sandbox. The addresses and `ca_file` are there after `start`; https ones are empty without tls."""

    control_url = pagerduty_url = pagerduty_events_url = opsgenie_url = jsm_url = smtp_url = ""
    https_control_url = https_pagerduty_url = https_pagerduty_events_url = https_opsgenie_url = (
        https_jsm_url
    ) = ""
    ca_file: Path

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._listeners: list[Listener] = []
        self._ticking: asyncio.Task[None] | None = None
        self._own_folder: Path | None = None
        self.world = World(Clock(_wall_clock), settings.seed)

    async def start(self) -> None:
        """Open every port. Raises OSError naming the port that is taken; nothing stays open then."""
        try:
            await self._open_all(self._context())
        except OSError:
            await self.stop()
            raise
        self._ticking = asyncio.get_running_loop().create_task(self.world.clock.run())

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self.world.stop()
        for listener in self._listeners:
            await listener.stop()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def _context(self) -> ssl.SSLContext | None:
        folder = self._settings.data
        if folder is None:
            folder = self._own_folder = Path(tempfile.mkdtemp(prefix="tocsin-sandbox-"))
        context, self.ca_file = server_context(folder, _wall_clock())
        return context if self._settings.tls else None

    async def _open_all(self, context: ssl.SSLContext | None) -> None:
        world = self.world
        for offset, name, key, make in self._apis():
            for step, chosen in ((0, None), (HTTPS_STEP, context)):
                if step == 0 or chosen is not None:
                    listener = await self._open(offset + step, chosen, make())
                    scheme = "https" if chosen else "http"
                    attribute = f"https_{name}" if chosen else name
                    setattr(self, attribute, f"{scheme}://{self._shown_host}:{listener.port}")
                    if key is not None:
                        world.harbour.setdefault(key, []).append(listener)
        smtp = Listener(self._settings.host, self._port(_SMTP_OFFSET), None)
        self._listeners.append(smtp)
        await smtp.serve_protocol(world.mails.protocol)
        world.harbour[("smtp", "mail")] = [smtp]
        self.smtp_url = f"smtp://{self._shown_host}:{smtp.port}"

    def _apis(self) -> list[tuple[int, str, tuple[str, str] | None, _Maker]]:
        world, gate = self.world, self.world.gate
        return [
            (0, "control_url", None, lambda: control.application(world)),
            (1, "pagerduty_url", ("pagerduty", "rest"), lambda: world.pagerduty.rest.application(gate)),
            (
                2,
                "pagerduty_events_url",
                ("pagerduty", "events"),
                lambda: world.pagerduty.events.application(gate),
            ),
            (3, "opsgenie_url", ("opsgenie", "alert"), lambda: world.opsgenie.rest.application(gate)),
            (4, "jsm_url", ("jsm", "alert"), lambda: world.jsm.rest.application(gate)),
        ]

    async def _open(self, offset: int, context: ssl.SSLContext | None, app: web.Application) -> Listener:
        listener = Listener(self._settings.host, self._port(offset), context)
        self._listeners.append(listener)
        await listener.serve_app(app)
        return listener

    def _port(self, offset: int) -> int:
        return self._settings.port + offset if self._settings.port else 0

    @property
    def _shown_host(self) -> str:
        return "127.0.0.1" if self._settings.host in ("", "0.0.0.0") else self._settings.host


async def run(settings: SandboxSettings) -> None:
    """Run until SIGTERM or SIGINT; says on standard output where everything is."""
    sandbox = Sandbox(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await sandbox.start()
    try:
        sys.stdout.write("\n".join(_banner(sandbox)) + "\n")
        sys.stdout.flush()
        await stopping.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await sandbox.stop()


def _banner(sandbox: Sandbox) -> Iterator[str]:
    yield "Tocsin sandbox: rehearsal copies of the vendors. Nobody outside is called."
    rows = (
        ("control and page", sandbox.control_url, sandbox.https_control_url),
        ("PagerDuty REST", sandbox.pagerduty_url, sandbox.https_pagerduty_url),
        ("PagerDuty Events", sandbox.pagerduty_events_url, sandbox.https_pagerduty_events_url),
        ("Opsgenie", sandbox.opsgenie_url, sandbox.https_opsgenie_url),
        ("JSM Operations", sandbox.jsm_url, sandbox.https_jsm_url),
        ("e-mail sink", sandbox.smtp_url, ""),
    )
    for name, plain, secure in rows:
        yield f"  {name:<18}{plain:<26}{secure}".rstrip()
    yield f"  CA for https      {sandbox.ca_file}"
    yield "Any API token is accepted (the word `revoked` is refused). Try:"
    yield f"  curl -H 'Authorization: Token token=any' {sandbox.pagerduty_url}/services"
    yield f"""  curl {sandbox.control_url}/faults -d '{{"vendor": "pagerduty", "kind": "500", "times": 3}}'"""


def _wall_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 the entry point: the sandbox's only reading of the real clock
