"""Who holds the data folder, and where is the socket?"""

import fcntl
import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

from tocsin.postgres.account import Account
from tocsin.postgres.errors import DataFolderInUse, PostgresUnavailable

# sockaddr_un.sun_path holds 108 bytes with its final zero (104 on BSD and macOS); PostgreSQL adds this name.
_SOCKET_PATH_BYTES = 103
_SOCKET_NAME = "/.s.PGSQL.5432.lock"
# PostgreSQL splits the setting at commas and asyncpg its hosts too; a plain path needs no quoting anywhere.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./-]*\Z")


class FolderLock:
    """The data folder held by this process: a lock that the kernel lets go when the process ends, however it ends."""

    def __init__(self, data: Path) -> None:
        """Make the folder where it is missing and take the lock. Raises `DataFolderInUse`."""
        try:
            # Root's must let the lent account pass to its own folder inside, without letting it list or read.
            data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            self._file = os.open(data / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as refused:
            raise PostgresUnavailable(
                f"cannot write in the data folder {data} ({refused.strerror})"
            ) from refused
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise DataFolderInUse(data, int(holder) if holder.isdecimal() else None) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the folder go. The file stays: to remove it would race with the next holder."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def make_socket_folder(folder: Path, account: Account) -> Path:
    """A folder for the socket that only `account` (and root) can enter, with a path fit for a socket.

    `folder` itself when its path is short and plain and the account can reach it; else one of a name made from
    it in a run-time folder.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    account.own(folder)
    if _fits(folder) and account.can_enter(folder):
        return folder
    name = "tocsin-" + hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:12]
    for parent in _runtime_folders():
        made = _private_folder(parent / name, account)
        if made:
            return made
    raise PostgresUnavailable(
        f"no folder for its socket: the path {folder} does not do, and /tmp cannot be written"
    )


def _fits(folder: Path) -> bool:
    path = str(folder)
    return bool(_PLAIN_PATH.match(path)) and len(os.fsencode(path + _SOCKET_NAME)) <= _SOCKET_PATH_BYTES


def _runtime_folders() -> list[Path]:
    # As root /run first: nobody else can make names in it, while names in /tmp can be taken by anyone.
    first = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
    return [Path(place) for place in (first, "/tmp", "/var/tmp") if place and os.path.isdir(place)]  # noqa: S108


def _private_folder(path: Path, account: Account) -> Path | None:
    """The folder at `path`, made or found to be ours; another name beside it when somebody holds this one."""
    if not _fits(path):
        return None
    try:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            found = path.lstat()
            ours = stat.S_ISDIR(found.st_mode) and found.st_uid in (account.uid, os.geteuid())
            if not ours or stat.S_IMODE(found.st_mode) != 0o700:
                path = Path(tempfile.mkdtemp(prefix=path.name + "-", dir=path.parent))
        account.own(path)
    except OSError:
        return None
    return path if account.can_enter(path) else None
