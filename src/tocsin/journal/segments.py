"""Where do records wait on disk, in which order, and who may take them up?

A journal is a folder of segments. A process appends to one segment of its own, which it holds locked; a
segment that nobody holds (sealed, or its writer is dead) may be read and removed by whoever holds the folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tocsin.journal.files import sync_folder
from tocsin.journal.records import Cut, framed, records_in

SEGMENT_BYTES = 8 * 1024 * 1024
KEEP_FREE_BYTES = 32 * 1024 * 1024
"""Left for the database: one that finds no room at all cannot start again."""
_SUFFIX = ".records"


class JournalFull(OSError):
    """The disk takes no more; nothing of the append was kept."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file's records in order, and where it was cut off (None = whole)."""

    path: Path
    records: tuple[bytes, ...]
    cut: Cut | None


class Journal:
    """Appends and gives back. Not safe for several threads at once: its user waits for one call before the next.

    Every method touches the disk; call them from a thread.
    """

    def __init__(
        self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, keep_free_bytes: int = KEEP_FREE_BYTES
    ) -> None:
        self.folder = folder
        self._segment_bytes, self._keep_free = segment_bytes, keep_free_bytes
        self._file: int | None = None
        self._size = 0

    def append(self, bodies: Sequence[bytes], new_name: UUID) -> None:
        """Keep these records, all or none; on disk when this returns. `new_name` names a segment, should one
        be begun: names sort by time. Raises JournalFull."""
        data = b"".join(framed(body) for body in bodies)
        try:
            if self._file is None:
                self._begin(new_name)
            if shutil.disk_usage(self.folder).free < self._keep_free + len(data):
                raise JournalFull(f"{self.folder}: the last {self._keep_free // 1024**2} MiB are kept free")
            self._write(data)
        except JournalFull:
            raise
        except OSError as fault:
            raise JournalFull(f"{self.folder}: {fault.strerror or fault}") from fault
        if self._size >= self._segment_bytes:
            self.seal()

    def seal(self) -> None:
        """End the segment under way, so that it can be taken up; the next append begins another."""
        if self._file is not None:
            os.close(self._file)
            self._file, self._size = None, 0

    def names(self) -> list[Path]:
        """Every segment, the oldest first; [] where there is nothing. Those under way count."""
        with suppress(FileNotFoundError):
            return sorted(path for path in self.folder.iterdir() if path.name.endswith(_SUFFIX))
        return []

    def idle(self) -> list[Path]:
        """Segments that nobody writes to, the oldest first."""
        return [path for path in self.names() if _unheld(path)]

    def read(self, path: Path) -> Segment:
        """What is in a segment; damage ends it, and is told."""
        found = list(records_in(path.read_bytes()))
        cut = found.pop() if found and isinstance(found[-1], Cut) else None
        assert cut is None or isinstance(cut, Cut)
        return Segment(path, tuple(body for body in found if isinstance(body, bytes)), cut)

    def remove(self, path: Path) -> None:
        """Forget a segment for good."""
        path.unlink(missing_ok=True)
        sync_folder(self.folder)

    def put_aside(self, path: Path) -> Path:
        """Keep a damaged segment for people to look at, out of the way; where it lies now."""
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        sync_folder(self.folder)
        return aside

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """True for the one process that may take segments up now; False while another does."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield _locked(number)
        finally:
            os.close(number)

    def _begin(self, name: UUID) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{name}{_SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._size = 0
        sync_folder(self.folder)

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fdatasync(self._file)
        except OSError:
            # half a record in the middle would hide every later one
            try:
                os.ftruncate(self._file, self._size)
            except OSError:
                self.seal()
            raise
        self._size += len(data)


def _unheld(path: Path) -> bool:
    try:
        number = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return _locked(number)
    finally:
        os.close(number)


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
