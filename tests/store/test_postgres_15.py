"""Debian's PostgreSQL 15, the oldest that is promised: one alert's whole way there, and a hub on it."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from rig import KEYS, MONDAY_NOON, Rig
from tocsin import providers, sources
from tocsin.core.model import Action, Event
from tocsin.core.ports import Accepted
from tocsin.engine import configure, deliver, outcome, settle
from tocsin.engine.admission import Doorway
from tocsin.engine.decider import decide_some
from tocsin.engine.hub import Hub
from tocsin.engine.ids import new_id
from tocsin.engine.seal import Seal
from tocsin.store.database import Connection, Database
from tocsin.store.intake import RawRequest
from tocsin.store.migrate import keep_partitions_ahead, migrate, migrations
from tocsin.store.retention import drop_before

from .rows import column, value

BIN = Path("/usr/lib/postgresql/15/bin")
HUB = Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml"
SECRETS = {"PAGERDUTY_WEBHOOK_SECRET": "pd-webhook-secret", "OPSGENIE_WEBHOOK_TOKEN": "og-webhook-token"}


@pytest.fixture(scope="module")
def server(outside_program: Callable[..., Path]) -> Iterator[str]:
    """The folder of its socket. As root it runs under another account, as PostgreSQL demands."""
    outside_program(str(BIN / "postgres"), package="postgresql-15")
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg15-"))
    more = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        more = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}

    def run(name: str, *arguments: str) -> None:
        command = [str(BIN / name), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60, **more)

    run("initdb", "-U", "tocsin", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run("pg_ctl", "start", "--wait", "--silent", "-l", str(folder / "log"), "-o", options)
    yield str(folder)
    run("pg_ctl", "stop", "--wait", "--silent", "-m", "immediate")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def address(server: str) -> AsyncIterator[str]:
    """A fresh, empty database."""
    admin = await asyncpg.connect(f"postgresql://tocsin@/postgres?host={server}")
    await admin.execute("CREATE DATABASE hub")
    yield f"postgresql://tocsin@/hub?host={server}"
    await admin.execute("DROP DATABASE hub WITH (FORCE)")
    await admin.close()


async def test_one_alert_there(address: str) -> None:
    """Migrated, configured, admitted, counted, decided, claimed, settled; partitions made, moved and dropped."""
    database = await Database.connect(address, most=4)
    assert (await value(database, "SHOW server_version")).startswith("15.")
    ran = await migrate(database, today=date(2026, 11, 16), new_installation=UUID(int=7))
    assert ran == [name for name, _ in migrations()]
    hub = Hub(
        database=database, now=lambda: MONDAY_NOON, installation=UUID(int=7), seal=Seal("a secret key of the tests"),
        sources=sources.discover(), providers=providers.discover(),
    )  # fmt: skip
    urls = dict.fromkeys(("PAGERDUTY_URL", "OPSGENIE_URL"), "http://127.0.0.1:1")
    environment = {**KEYS, **SECRETS, **urls, "SMTP_URL": "smtp://127.0.0.1:1"}
    await configure.apply(
        hub, HUB.read_text(), environment=environment, file_name="hub.yaml", author="test", origin="test"
    )
    door = Doorway(hub)
    running = asyncio.create_task(door.run())
    event = Event(
        action=Action.CREATE, dedup_key="k", title="Checkout fails", services=("web",), labels={"a": "b"}
    )
    for repeat in range(3):
        raw = RawRequest(
            id=new_id(MONDAY_NOON), received_at=MONDAY_NOON, integration="prometheus", source="webhook", method="POST",
            path="/", query="", headers={}, body=b"{}", remote_address="", reading="read",
        )  # fmt: skip
        (admitted,) = await door.admit(raw, "prometheus", [event])
        assert admitted.duplicate is (repeat > 0)
    assert await decide_some(hub) == 1
    (job,) = (await deliver.claim(hub, "prod-pagerduty", 24)).jobs
    attempt = outcome.Attempt(
        outcome=Accepted(remote_id="Q1", created=True), step="create", status=201, took_ms=1.0, calls=1
    )
    await settle.settle(hub, job.work, job.effect.kind, attempt)

    assert await value(database, "SELECT count FROM alert") == 2
    assert await column(database, "SELECT state FROM effect WHERE connector = 'prod-pagerduty'") == ["done"]
    assert "page_created" in await column(database, "SELECT kind FROM timeline")
    ahead = MONDAY_NOON + timedelta(weeks=8)
    await database.transact(lambda c: _audit(c, ahead))
    await keep_partitions_ahead(database, (MONDAY_NOON + timedelta(weeks=6)).date())
    assert await column(database, "SELECT tableoid::regclass::text FROM audit WHERE action = 'x'") == [
        f"audit_{ahead:%Y%m%d}"
    ]
    assert await drop_before(database, "event", date(2026, 11, 23)) == ["event_20261116"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()


async def _audit(connection: Connection, at: object) -> None:
    await connection.execute(
        "INSERT INTO audit (at, actor, origin, action, subject) VALUES ($1, 'ada', 'test', 'x', 'y')", at
    )


async def test_a_hub_on_a_database_of_ones_own(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DATABASE_URL: the whole way to both providers and back, on a database that was empty; no other is started."""

    def environment(names: dict[str, str]) -> None:
        for name, given in {**SECRETS, **names}.items():
            monkeypatch.setenv(name, given)

    rig = Rig(address, tmp_path, HUB.read_text(), at=MONDAY_NOON)
    await rig.start(environment)
    try:
        await rig.alert(
            title="Pool exhausted", source="database", severity="critical", service_name="payment-service"
        )

        async def everywhere() -> bool:
            shown = (await rig.incident())["providers"]
            return len(shown) == 2 and all(p["created_at"] for p in shown)

        await rig.until(everywhere, "both providers have it")
        (page,) = await rig.pagerduty()
        await rig.control(
            "POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "bo@example.com"}
        )

        async def acknowledged() -> bool:
            return bool((await rig.incident())["status"] == "mitigated")

        await rig.until(acknowledged, "Bo's acknowledgement is back")
        assert not (tmp_path / "data" / "postgres").exists()
    finally:
        await rig.stop()
