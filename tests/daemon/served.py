"""A real `im serve`: its own process, data folder and log, to be asked, stopped and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

TOKEN = "tsn_admin-token-of-the-tests"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """One hub process at a time on one data folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str], config: str) -> None:
        self.folder, self.port = folder, free_port()
        self.file = folder / "hub.yaml"
        self.file.write_text(config)
        self.log = folder / "log"
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: asyncio.subprocess.Process
        self.http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = {
            **kept,
            "TOCSIN_ADMIN_TOKEN": TOKEN,
            "TOCSIN_SECRET_KEY": "a secret key for the tests",
            **environment,
        }

    async def spawn(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        """`im serve` on the data folder, not waited for."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tocsin.main", "serve", "--data", str(self.folder / "data"), "--port", str(self.port),
                "--config", str(self.file), *arguments, stdout=log, stderr=log, cwd=self.folder,
                env={**self.environment, **environment},
            )  # fmt: skip

    async def start(self) -> None:
        """Until /readyz says 200."""
        self.process = await self.spawn()
        await self.until_ready()

    async def until_ready(self, seconds: float = 60) -> None:
        async def ready() -> bool:
            async with self.http.get(f"{self.url}/readyz") as answer:
                return answer.status == 200

        await until(ready, "the hub is ready", seconds=seconds, log=self.log)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 20)

    async def kill(self) -> None:
        """kill -9, the hub alone."""
        self.process.kill()
        await self.process.wait()

    async def refused(self, *arguments: str, **environment: str) -> str:
        """Start one that cannot; what it said. Its exit code must be 1."""
        self.log.write_bytes(b"")
        process = await self.spawn(*arguments, **environment)
        assert await asyncio.wait_for(process.wait(), 20) == 1
        return self.log.read_text()

    async def post(self, alert: Mapping[str, Any]) -> int:
        async with self.http.post(f"{self.url}/api/v1/alerts", json=alert) as answer:
            await answer.read()
            return answer.status

    async def get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as answer:
            return await answer.json()

    @property
    def postmaster(self) -> int:
        return int((self.folder / "data/postgres/cluster/postmaster.pid").read_text().split()[0])

    async def database(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection to the hub's own database."""
        lines = (self.folder / "data/postgres/cluster/postmaster.pid").read_text().splitlines()
        return await asyncpg.connect(host=lines[4], user="tocsin", database="tocsin")

    async def close(self) -> None:
        await self.http.close()
        if hasattr(self, "process") and self.process.returncode is None:
            await self.stop()


async def until(ask: Any, what: str, *, seconds: float = 60, log: Path | None = None) -> Any:
    """What `ask` gives once it is truthy; connections refused meanwhile are no answer yet."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        try:
            if found := await ask():
                return found
        except (aiohttp.ClientError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass
        await asyncio.sleep(0.05)
    raise AssertionError(f"never happened: {what}\n{_end_of(log)}")


def _end_of(log: Path | None) -> str:
    return log.read_text()[-4000:] if log else ""
