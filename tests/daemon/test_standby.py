"""A hub whose DATABASE_URL names a primary and its standby: the primary dies, the standby is promoted (TR-2)."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tocsin.sandbox.server import Sandbox

from .served import Served, free_port, until
from .test_serve import listed

BIN = Path("/usr/lib/postgresql/15/bin")
ALERT = {"source": "probe", "severity": "critical", "service_name": "user-auth"}


class Servers:
    """A primary and a standby of Debian's PostgreSQL 15, made by the commands of docs/howto/two-hubs.md."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"primary": free_port(), "standby": free_port()}
        self._more: dict[str, Any] = {"cwd": "/"}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._more |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(BIN / name), *arguments], check=True, stdout=subprocess.DEVNULL, timeout=60, **self._more
        )

    def sql(self, which: str, statement: str) -> None:
        self.run(
            "psql",
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.ports[which]),
            "-U",
            "tocsin",
            "-d",
            "postgres",
            "-c",
            statement,
        )

    def start(self, which: str) -> None:
        options = f"-p {self.ports[which]} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        data = str(self.folder / which)
        self.run("pg_ctl", "start", "-D", data, "--wait", "--silent", "-l", f"{data}.log", "-o", options)

    def stop(self, which: str) -> None:
        self.run("pg_ctl", "stop", "-D", str(self.folder / which), "--silent", "-m", "immediate")

    def set_up(self) -> None:
        """The primary, a copy that follows it, and no commit before that copy has it."""
        data, port = str(self.folder / "primary"), str(self.ports["primary"])
        self.run(
            "initdb", "-D", data, "-U", "tocsin", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"
        )
        self.start("primary")
        self.sql("primary", "CREATE DATABASE tocsin")
        source = f"host=127.0.0.1 port={port} user=tocsin application_name=standby"
        self.run(
            "pg_basebackup",
            "-D",
            str(self.folder / "standby"),
            "-d",
            source,
            "-R",
            "-C",
            "-S",
            "standby",
            "--checkpoint=fast",
            "--no-sync",
        )
        self.start("standby")
        self.sql("primary", "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)'")
        self.sql("primary", "SELECT pg_reload_conf()")

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports.values())
        return f"postgresql://tocsin@{hosts}/tocsin?target_session_attrs=read-write"


@pytest.fixture
def servers(outside_program: Callable[..., Path]) -> Iterator[Servers]:
    outside_program(str(BIN / "postgres"), package="postgresql-15")
    folder = Path(tempfile.mkdtemp(prefix="tocsin-standby-"))
    found = Servers(folder)
    found.set_up()
    yield found
    for which in found.ports:
        if (folder / which / "postmaster.pid").exists():
            found.stop(which)
    shutil.rmtree(folder, ignore_errors=True)


async def test_the_primary_dies_and_the_standby_takes_its_place(
    served: Served, sandbox: Sandbox, servers: Servers
) -> None:
    """Alerts are taken before, while nobody can be written to, and after; each 202 is an incident in the end, and
    each rings once. Nobody tells the hub: it finds the one that can be written to."""
    served.environment["DATABASE_URL"] = servers.url
    await served.start()
    titles = [f"alert {n}" for n in range(30)]
    for title in titles[:15]:
        assert await served.post({**ALERT, "title": title}) == 202

    async def first_sent() -> bool:
        alerts = (await served.get("/api/v1/alerts?limit=100"))["items"]
        waiting = [c["queue"] for c in (await served.get("/api/v1/connectors"))["items"]]
        return all(a["incident"] for a in alerts) and sum(waiting) == 0

    await until(first_sent, "the first ones are sent", log=served.log)
    servers.stop("primary")
    for title in titles[15:20]:
        assert await served.post({**ALERT, "title": title}) == 202, "kept in the journal"
    servers.run("pg_ctl", "promote", "-D", str(servers.folder / "standby"), "--wait", "--silent")
    await served.until_ready()
    for title in titles[20:]:
        assert await served.post({**ALERT, "title": title}) == 202

    async def all_sent() -> bool:
        alerts = (await served.get("/api/v1/alerts?limit=100"))["items"]
        waiting = [c["queue"] for c in (await served.get("/api/v1/connectors"))["items"]]
        return len(alerts) == 30 and all(a["incident"] for a in alerts) and sum(waiting) == 0

    await until(all_sent, "everything is sent", seconds=60, log=served.log)
    pages = await listed(served, sandbox, "pagerduty/incidents")
    assert Counter(page["notification_count"] for page in pages) == {1: 30}
