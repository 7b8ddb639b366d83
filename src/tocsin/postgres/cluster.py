"""Is there a cluster that these programs can open, and how is it set?

Layout, below the data folder:

    postgres/           owned by the account, closed to all others
    ├── cluster/        PGDATA
    ├── run/            the socket, when the path is fit for one
    └── server.log      what the server said; server.log.1 is the one before
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tocsin.postgres.account import Account
from tocsin.postgres.binaries import Binaries
from tocsin.postgres.errors import PostgresUnavailable

ROLE = DATABASE = "tocsin"

# fsync, synchronous_commit and full_page_writes are left on: an accepted event is never lost.
_SETTINGS = """\
# Written by Tocsin at each start; put your own settings in local.conf beside this file.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 64MB
dynamic_shared_memory_type = posix
wal_level = replica
max_wal_senders = 2
min_wal_size = 80MB
max_wal_size = 1GB
wal_compression = on
random_page_cost = 1.1
jit = off
autovacuum_naptime = 15s
idle_in_transaction_session_timeout = 10min
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
log_checkpoints = off
log_min_duration_statement = -1
log_min_error_statement = panic
include_if_exists = 'local.conf'
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The folder `postgres` of a data folder, with the account that owns it and the programs that open it."""

    folder: Path
    account: Account
    binaries: Binaries

    @property
    def pgdata(self) -> Path:
        return self.folder / "cluster"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @contextmanager
    def reachable(self) -> Iterator[tuple[Path, tuple[int, ...]]]:
        """The cluster's folder as its account can name it, and the open files that a child must be given for that.

        Below a parent that is closed to the account (/root, say) the folder is handed over open and named
        /proc/self/fd/N: such a name leads straight to it, so no mode of a parent has to be changed.
        """
        if not self.account.lent or self.account.can_enter(self.folder):
            yield self.folder, ()
            return
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            named = Path(f"/proc/self/fd/{descriptor}")
            if not named.exists():
                raise PostgresUnavailable(f"the account {self.account.name} cannot enter {self.folder}")
            yield named, (descriptor,)
        finally:
            os.close(descriptor)

    def prepare(self) -> None:
        """Make the cluster where there is none, check that it fits, write its settings.

        Raises `PostgresUnavailable` when another major version made it, or initdb fails.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.account.own(self.folder)
        if not self.pgdata.exists():
            self._make()
        made_by = (self.pgdata / "PG_VERSION").read_text().strip()
        if made_by != self.binaries.major:
            raise PostgresUnavailable(
                f"{self.pgdata} was made by PostgreSQL {made_by} and this is PostgreSQL {self.binaries.version}. "
                f"Dump it with the Tocsin that made it (pg_dump), move {self.folder} away, start, and load the dump"
            )
        self._write("postgresql.conf", _SETTINGS)
        # By the account that the kernel names, not by trust: the private folder is the first wall, this the second.
        self._write("pg_hba.conf", "local all all peer map=tocsin\n")
        callers = sorted({self.account.name, "root"} if self.account.lent else {self.account.name})
        self._write("pg_ident.conf", "".join(f'tocsin "{name}" {ROLE}\n' for name in callers))

    def _make(self) -> None:
        """Run initdb in a folder of another name: a cluster half made by a killed hub is never taken for one."""
        half_made = self.folder / "cluster.half-made"
        if half_made.exists():
            shutil.rmtree(half_made)
        with self.reachable() as (folder, open_files):
            at = folder / half_made.name
            self._run("initdb", open_files, "-D", at, "-U", ROLE, "--encoding=UTF8", "--locale=C",
                      "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth-local=peer",
                      "--auth-host=reject", "--no-instructions")  # fmt: skip
            create = f"CREATE DATABASE {DATABASE}\n"
            self._run(
                "postgres",
                open_files,
                "--single",
                "-D",
                at,
                "-c",
                "log_checkpoints=off",
                "postgres",
                stdin=create,
            )
        half_made.rename(self.pgdata)

    def _run(self, name: str, open_files: tuple[int, ...], *arguments: str | Path, stdin: str = "") -> None:
        done = self.account.run(
            [self.binaries.program(name), *arguments],
            env=self.binaries.environment(),
            stdin=stdin,
            pass_fds=open_files,
        )
        # A single-user server answers 0 for a statement that failed.
        if done.returncode != 0 or "ERROR:" in done.stderr:
            said = " / ".join(done.stderr.strip().splitlines()[-3:])
            raise PostgresUnavailable(f"{name} failed in {self.folder} with code {done.returncode}: {said}")

    def _write(self, name: str, text: str) -> None:
        path = self.pgdata / name
        if path.is_file() and path.read_text() == text:
            return
        fresh = path.with_name(name + ".fresh")
        fresh.write_text(text)
        fresh.chmod(0o600)
        self.account.own(fresh)
        fresh.rename(path)
