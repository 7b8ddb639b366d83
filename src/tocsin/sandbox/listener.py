"""Is a simulated API reachable? A listener can be shut (connections refused) and opened again on the same port."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web


class Listener:
    """One listening socket in front of an aiohttp application, or of another protocol."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self.host = host
        self.port = port  # 0 until the first opening, then the real one for good
        self._context = context
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._protocol: Callable[[], asyncio.BaseProtocol] | None = None

    async def serve_app(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        web_server = self._runner.server
        assert web_server is not None
        self._protocol = web_server
        await self.open()

    async def serve_protocol(self, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._protocol = protocol
        await self.open()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def open(self) -> None:
        """Listen (again). Raises OSError when the port is taken."""
        if self._server is not None or self._protocol is None:
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._protocol, self.host, self.port, ssl=self._context, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Close the listening socket and every connection, so that the next call is refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()

    async def stop(self) -> None:
        self.shut()
        if self._runner is not None:
            await self._runner.cleanup()
