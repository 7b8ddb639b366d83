"""Where do alerts wait while the server is away, so that none is lost and none overtakes another?

One file for each alert under $XDG_STATE_HOME/tocsin/spool, readable by its owner alone, named by a number
that only grows. An entry is on disk (fsync of the file and of the folder) before `keep` returns. Each carries
the key under which it is sent, always the same, so that sending it twice counts once at the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.cli.failures import Failure

MAX_ENTRIES = 10_000
_REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Entry:
    """Alerts that were sent together and wait: for which server, since when (RFC 3339), under which key."""

    path: Path
    url: str
    spooled_at: str
    key: str
    alerts: list[dict[str, Any]]


class NeverTaken(Exception):
    """The server will never take this entry."""


class NotNow(Exception):
    """The server stumbled over this entry alone; the others need not wait for it."""


class SpoolFull(Failure):
    """The spool holds as many alerts as it may: nothing was kept."""


class Spool:
    """The waiting alerts in one folder; several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def empty(self) -> bool:
        """Whether nothing waits, found out without taking the lock. Raises OSError as the others do."""
        return not self._names()

    def count(self) -> int:
        """How many entries wait."""
        return len(self._names())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the spool alone, so that order holds across processes. Waits for others."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def keep(self, alerts: list[dict[str, Any]], *, url: str, key: str, spooled_at: str) -> None:
        """Put an entry at the end. Call it while `locked`. Raises SpoolFull and OSError: then it is not kept."""
        names = self._names()
        if len(names) >= MAX_ENTRIES:
            raise SpoolFull(
                f"the spool {self.folder} is full ({MAX_ENTRIES} sendings wait)", hint="im send --flush"
            )
        number = int(names[-1].partition(".")[0]) + 1 if names else 1
        body = {"url": url, "spooled_at": spooled_at, "key": key, "alerts": alerts}
        path = self.folder / f"{number:012}.json"
        part = path.with_suffix(".part")
        handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(body, ensure_ascii=False).encode())
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        self._sync_folder()

    def waiting(self, url: str) -> list[Entry]:
        """The alerts waiting for this server, oldest first. An unreadable file is put aside."""
        entries = []
        for name in self._names():
            path = self.folder / name
            try:
                read = json.loads(path.read_bytes())
                entry = Entry(
                    path, str(read["url"]), str(read["spooled_at"]), str(read["key"]), list(read["alerts"])
                )
            except FileNotFoundError:
                continue
            except (ValueError, KeyError, TypeError):
                self.reject(path)
                continue
            if entry.url == url:
                entries.append(entry)
        return entries

    def forget(self, entry: Entry) -> None:
        """The server has it."""
        entry.path.unlink(missing_ok=True)

    def reject(self, path: Path) -> Path:
        """Put aside what can never be sent, so that it does not hold up the rest; answers where it is now."""
        aside = self.folder / _REJECTED
        aside.mkdir(mode=0o700, exist_ok=True)
        number = len(list(aside.iterdir())) + 1
        return path.rename(aside / f"{number:06}-{path.name}")

    def flush(self, url: str, send: Callable[[Entry], None], refused: Callable[[Entry, Path], None]) -> int:
        """Send what waits, in order, and forget it. Call it while `locked`.

        `send` raises NeverTaken (the entry is put aside) or NotNow (it stays, the next is tried); any other
        error ends the flush and is passed on, with the rest still waiting. Answers how many were sent.
        """
        sent = 0
        for entry in self.waiting(url):
            try:
                send(entry)
            except NeverTaken:
                refused(entry, self.reject(entry.path))
                continue
            except NotNow:
                continue
            self.forget(entry)
            sent += 1
        return sent

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.folder) if name.endswith(".json"))
        except FileNotFoundError:
            return []

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
