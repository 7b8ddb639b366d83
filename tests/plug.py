"""The wire between a hub and its database, in the test's hand: pulled, held, plugged in again."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit


class Plug:
    """Stands between on a unix socket of its own; `dsn` is the address through it."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        self._there = Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432"
        self._folder = Path(tempfile.mkdtemp(prefix="plug-"))  # short: a socket's path has 107 bytes at most
        self.dsn = urlunsplit(parts._replace(query=f"host={quote(str(self._folder), safe='/')}"))
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._loses = False
        self.lost = asyncio.Event()

    async def plug_in(self) -> None:
        """The database can be reached."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_unix_server(self._line, self._folder / ".s.PGSQL.5432")

    async def pull(self) -> None:
        """Every connection breaks, new ones are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
            (self._folder / ".s.PGSQL.5432").unlink(missing_ok=True)
        self._flows.set()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def hold(self) -> None:
        """Nothing comes through any more, and nothing breaks: the other side is silent."""
        self._flows.clear()

    def lose_next_commit(self) -> None:
        """The next transaction is committed, but its answer never comes: everything breaks then, and `lost` is set."""
        self._loses = True
        self.lost.clear()

    async def close(self) -> None:
        await self.pull()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        try:
            there, back = await asyncio.open_unix_connection(self._there)
            try:
                await self._carry(reader, back, there, writer)
            finally:
                back.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._lines.discard(task)
            with suppress(OSError):
                writer.close()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        committing = asyncio.Event()

        def asked(data: bytes) -> bool:
            if self._loses and b"COMMIT" in data:
                self._loses = False
                committing.set()
            return True

        def answered(_data: bytes) -> bool:
            return not committing.is_set()

        await asyncio.gather(self._copy(reader, back, asked), self._copy(there, writer, answered))

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, passes: Callable[[bytes], bool]
    ) -> None:
        while data := await source.read(65536):
            await self._flows.wait()
            if not passes(data):
                self.lost.set()
                await self.pull()
            target.write(data)
            await target.drain()
        target.close()
