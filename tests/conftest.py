"""What tests of every room share: programs from outside that may be missing."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest

from plug import Plug
from tocsin.postgres import EmbeddedPostgres
from tocsin.store.database import Database
from tocsin.store.migrate import migrate


def find_outside_program(name: str, *, package: str) -> Path:
    """The path of a program that is not ours, by name or absolute path.

    Missing, it skips the test with the reason, or with CI=true fails it: there `./test` has installed all of
    requirements/programs.txt, and a test that never runs proves nothing.
    """
    found = shutil.which(name)
    if found:
        return Path(found)
    reason = f"{name} is missing: install the Debian package {package} (as root ./test does it by apt)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def outside_program() -> Callable[..., Path]:
    """`outside_program("chromium", package="chromium")`: its path, or the test is skipped (CI=true: fails)."""
    return find_outside_program


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a PostgreSQL of this test run's own; fsync off, since no test pulls the plug on it.

    Not below pytest's own folder: as root PostgreSQL runs under another account, and every pytest that
    starts on the machine closes that folder to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="tocsin-tests-", dir=_in_memory()))
    folder.chmod(0o711)
    postgres = EmbeddedPostgres(folder / "data")
    dsn = asyncio.run(postgres.start())
    asyncio.run(_each(dsn, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
    asyncio.run(_template(dsn))
    yield dsn
    asyncio.run(postgres.stop())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(fresh_database: Callable[[], tuple[str, Callable[[], None]]]) -> Iterator[str]:
    """A fresh, migrated database; gone after the test."""
    dsn, drop = fresh_database()
    yield dsn
    drop()


@pytest.fixture
async def plug(database_url: str) -> AsyncIterator[Plug]:
    """The wire to that database, plugged in; `plug.dsn` is the address through it."""
    wire = Plug(database_url)
    await wire.plug_in()
    yield wire
    await wire.close()


@pytest.fixture
def fresh_database(cluster: str) -> Callable[[], tuple[str, Callable[[], None]]]:
    """Makes a fresh, migrated database: its address, and what drops it."""

    def make() -> tuple[str, Callable[[], None]]:
        name = f"t{secrets.token_hex(6)}"
        asyncio.run(_each(cluster, f"CREATE DATABASE {name} TEMPLATE migrated"))
        return _other(cluster, name), lambda: asyncio.run(
            _each(cluster, f"DROP DATABASE {name} WITH (FORCE)")
        )

    return make


def _other(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))


def _in_memory() -> Path | None:
    """Where a folder costs no disk, if there is room: each test makes a database of some 300 files and drops it, and
    ext4 looks long for the place of a new file among those just deleted. None = the usual place."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < 4 * 1024**3:
        return None
    return memory


async def _each(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _template(dsn: str) -> None:
    await _each(dsn, "CREATE DATABASE migrated")
    database = await Database.connect(_other(dsn, "migrated"), most=1)
    await migrate(database, today=date(2026, 11, 16), new_installation=UUID(int=7))
    await database.close()
