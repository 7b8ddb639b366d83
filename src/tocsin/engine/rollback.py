"""Back to an older version of the configuration, in one step: a new version whose document is the old one's (RO-11)."""

from __future__ import annotations

from tocsin import policy as policies
from tocsin.core.errors import Conflict, NotFound
from tocsin.engine import configure
from tocsin.engine.configure import Applied
from tocsin.engine.hub import Hub
from tocsin.engine.seal import LOST_KEY
from tocsin.policy import Loaded
from tocsin.store import configs
from tocsin.store.configs import Version
from tocsin.store.database import Connection


async def find(connection: Connection, number: int) -> Version:
    """One version; raises NotFound."""
    found = await configs.get(connection, number) if 0 < number < 2**62 else None
    if found is None:
        raise NotFound(
            f"There is no version {number} of the configuration", hint="`im config list` shows them"
        )
    return found


async def compare(hub: Hub, number: int, other: int | None) -> tuple[int, int, str]:
    """(version, other version, what `other` has else); `other` None = the version in force."""

    async def ask(connection: Connection) -> tuple[int, int, str]:
        a = await find(connection, number)
        b = await configs.latest(connection) if other is None else await find(connection, other)
        assert b is not None  # there is one, so there is a latest
        names = (f"version {a.version}", f"version {b.version}")
        return a.version, b.version, configure.difference(a.document, b.document, names)

    return await hub.database.read(ask)


async def rollback(
    hub: Hub, number: int, *, author: str, via: str, dry_run: bool = False, force: bool = False
) -> Applied:
    """Put version `number` in force again, under the same checks as an apply.

    Credentials are today's: one that the old version needs and that is gone refuses it (BadInput names
    them), and the key of an integration that was rotated since stays rotated. Raises NotFound for a
    version that never was, Conflict while credentials cannot be opened, Unsafe for what would cost pages
    now, unless `force`.
    """

    async def work(connection: Connection) -> Applied:
        await configs.one_at_a_time(connection)
        loaded = await _loaded(connection, hub, number)
        origin = f"rollback to version {number} ({via})"
        return await configure.install(
            connection, hub, loaded, name=f"version {number}", author=author, origin=origin, force=force
        )

    async def look(connection: Connection) -> Applied:
        loaded = await _loaded(connection, hub, number)
        return await configure.foreseen(connection, hub, await configs.latest(connection), loaded)

    return await (hub.database.transact(look) if dry_run else configure.hub_takes(hub, work))


async def _loaded(connection: Connection, hub: Hub, number: int) -> Loaded:
    old = await find(connection, number)
    present = await configs.latest(connection)
    document = policies.with_keys_of(old.document, present.document if present else {})
    needed = policies.secret_names(document)
    sealed = {n: v for n, v in (await configs.sealed_secrets(connection)).items() if n in needed}
    secrets, whole = configure.opened(hub, sealed)
    if not whole:
        lost = ", ".join(sorted(sealed.keys() - secrets.keys()))
        raise Conflict(f"Version {number} needs {lost}: {LOST_KEY}")
    return configure.read_stored(hub, document, secrets, f"version {number}")
