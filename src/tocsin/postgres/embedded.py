"""How does the hub hold a database of its own from its start to its end?"""

import asyncio
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from tocsin.postgres.account import account_for
from tocsin.postgres.binaries import find_binaries
from tocsin.postgres.cluster import DATABASE, ROLE, Cluster
from tocsin.postgres.errors import PostgresUnavailable
from tocsin.postgres.folder import FolderLock, make_socket_folder
from tocsin.postgres.server import Server, start_server, stop_left_behind

_RESTART_PAUSE_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0)


class EmbeddedPostgres:
    """A PostgreSQL server below `data`, started, watched and stopped by this process.

    A server that dies while the hub lives is started again under the same address. When the hub itself dies, a
    guard stops the server; should that one be killed too, the next start stops what was left.
    """

    def __init__(self, data: Path) -> None:
        """`data` is made where it is missing; nothing is touched before `start`."""
        self._data = data.absolute()
        self._stopping = threading.Event()
        self._lock: FolderLock | None = None
        self._cluster: Cluster | None = None
        self._sockets: Path | None = None
        self._server: Server | None = None
        self._watcher: threading.Thread | None = None

    async def start(self) -> str:
        """Start it and answer an address for asyncpg, psql and the like (a unix socket, no password).

        About a second for a new folder and a tenth for an old one; longer when it recovers from a crash.
        Raises `DataFolderInUse` while another hub that lives holds the folder, and `PostgresUnavailable`.
        """
        self._stopping.clear()
        work = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The thread cannot be cancelled: tell it, wait for it, leave nothing running.
            self._stopping.set()
            with suppress(Exception):
                await work
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server (running statements are rolled back), let go of the folder. Within seconds; twice is fine."""
        await asyncio.shield(asyncio.to_thread(self._stop))

    def _start(self) -> str:
        if self._lock is not None:
            raise RuntimeError("this EmbeddedPostgres has been started already")
        self._lock = FolderLock(self._data)
        try:
            folder = self._data / "postgres"
            account = account_for(folder)
            self._cluster = Cluster(folder, account, find_binaries(account, self._data))
            stop_left_behind(self._cluster)
            self._cluster.prepare()
            self._sockets = make_socket_folder(folder / "run", account)
            self._server = start_server(self._cluster, self._sockets, self._stopping.is_set)
        except OSError as refused:
            self._stop()
            raise PostgresUnavailable(f"{refused.strerror}: {refused.filename or self._data}") from refused
        except BaseException:
            self._stop()
            raise
        # A daemon: a hub that ends without `stop` is not held up by it.
        self._watcher = threading.Thread(
            target=self._watch,
            args=(self._server, self._cluster, self._sockets),
            name="embedded-postgres",
            daemon=True,
        )
        self._watcher.start()
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._sockets), safe='/')}"

    def _watch(self, server: Server, cluster: Cluster, sockets: Path) -> None:
        """Start the server again whenever it ends by itself; the pause grows while it keeps ending soon."""
        failures = 0
        while True:
            began = time.monotonic()
            server.wait()
            failures = 0 if time.monotonic() - began > 60 else failures + 1
            pause = _RESTART_PAUSE_SECONDS[min(max(failures - 1, 0), len(_RESTART_PAUSE_SECONDS) - 1)]
            while True:
                if self._stopping.wait(pause):
                    return
                with suppress(PostgresUnavailable, OSError):
                    self._server = server = start_server(cluster, sockets, self._stopping.is_set)
                    break
                pause = _RESTART_PAUSE_SECONDS[-1]
            # `_stop` sets the flag and then stops the server that it sees: one of the two sees the other's.
            if self._stopping.is_set():
                server.stop()
                return

    def _stop(self) -> None:
        self._stopping.set()
        if self._server:
            self._server.stop()
        if self._watcher:
            self._watcher.join()
        self._server = self._watcher = None
        if self._sockets and self._cluster and self._sockets.parent != self._cluster.folder:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._sockets = None
        if self._lock:
            self._lock.release()
            self._lock = None
