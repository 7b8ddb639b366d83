"""The database goes and comes back, or an older one takes its place: what the nights of the stories are made of."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import asyncpg

from plug import Plug
from rig import Rig


async def lost(rig: Rig, plug: Plug) -> None:
    """The database is pulled, and the hub has found out."""
    await plug.pull()
    rig.daemon.hub.wake.ring("keeper")

    async def found_out() -> bool:
        return rig.daemon.hub.away is not None

    await rig.until(found_out, "the hub sees that the database is away")


async def back(rig: Rig, plug: Plug) -> None:
    """It is there again, and everything kept is given back and decided."""
    await plug.plug_in()

    async def there() -> bool:
        rig.daemon.hub.wake.ring("keeper")
        return rig.daemon.hub.away is None

    await rig.until(there, "the journal is given back")
    await rig.advance(seconds=11)
    await rig.quiet()


def database_name(dsn: str) -> str:
    return urlsplit(dsn).path.lstrip("/")


async def administer(dsn: str, *statements: str) -> None:
    """Run these beside the database itself."""
    connection = await asyncpg.connect(urlunsplit(urlsplit(dsn)._replace(path="/postgres")))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def copied(rig: Rig, plug: Plug, database_url: str) -> str:
    """A backup: a copy of the database as it is now; its name."""
    name = f"{database_name(database_url)}_copy"
    await lost(rig, plug)
    await administer(database_url, f"CREATE DATABASE {name} TEMPLATE {database_name(database_url)}")
    await back(rig, plug)
    return name


async def restored(rig: Rig, plug: Plug, database_url: str, copy: str) -> None:
    """The copy takes the database's place, and the hub is started on it."""
    await rig.daemon.stop()
    await plug.pull()
    name = database_name(database_url)
    await administer(
        database_url, f"DROP DATABASE {name} WITH (FORCE)", f"ALTER DATABASE {copy} RENAME TO {name}"
    )
    await plug.plug_in()
    await rig.start_hub()

    async def noticed() -> bool:
        rig.daemon.hub.wake.ring("keeper")
        return rig.daemon.hub.hold is not None

    await rig.until(noticed, "the hub notices that its database is older")
