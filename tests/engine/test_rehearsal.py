"""The first page finds every statement of its way prepared."""

from __future__ import annotations

import asyncio

import pytest

from tocsin.store.database import Connection
from tocsin.store.rehearsal import CONNECTIONS, rehearse

from .conftest import OpenNode
from .office import CONFIG, Office, create

_PREPARED = "SELECT statement FROM pg_prepared_statements"


@pytest.mark.parametrize("kind", ["bell", "town-crier"], ids=["alone", "where it could leave with others"])
async def test_a_page_prepares_nothing_anew(node: OpenNode, kind: str) -> None:
    """A statement that is missing here belongs into `store/rehearsal.py`. The first row of a connector's state is
    made once in its life."""
    office = await node(most=1)
    await office.configure(CONFIG.replace("type: bell", f"type: {kind}"))
    await office.hub.database.warm(1, rehearse)
    before = set(await office.rows(_PREPARED))
    await office.page(create("first"))

    assert len(office.bell.calls) == 1
    missing = [text for (text,) in set(await office.rows(_PREPARED)) - before]
    assert [text for text in missing if not text.startswith("INSERT INTO connector_state")] == []


async def test_nothing_is_changed(node: OpenNode) -> None:
    """Numbers neither: the first incident is INC-1 however often the hub was started before."""
    office = await node()
    await office.configure()
    for _ in range(3):
        await office.hub.database.warm(CONNECTIONS, rehearse)
    await office.page(create("first"))

    assert await office.rows("SELECT number FROM incident") == [(1,)]
    assert await office.rows("SELECT connector FROM connector_state") == [("east",)]


async def test_connections_that_are_warm_stay(node: OpenNode) -> None:
    """None is closed for having had nothing to do: the alert at 3 a.m. finds them."""
    office = await node()
    await office.hub.database.warm(CONNECTIONS, rehearse)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin' AND datname = current_database()"

    assert await office.rows(waiting) == [(CONNECTIONS,)]


async def test_a_slow_machine_starts_all_the_same(office: Office) -> None:
    """Its time is up in the middle of a statement, on some connections sooner than on others: whoever waits is told
    that time is up and nothing else, and the connections serve."""

    async def slowly(connection: Connection) -> None:
        await connection.execute("SELECT pg_sleep(0.05)")
        await connection.execute("SELECT pg_sleep(60)")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await office.hub.database.warm(CONNECTIONS, slowly)
    await office.hub.database.warm(CONNECTIONS, rehearse)


async def test_one_connection_fails_while_the_others_work(office: Office) -> None:
    """What failed is told once none of them works any more."""
    began = 0

    async def work(connection: Connection) -> None:
        nonlocal began
        began += 1
        if began == 1:
            raise LookupError("no such thing")
        await connection.execute("SELECT pg_sleep(0.2)")

    with pytest.raises(LookupError):
        await office.hub.database.warm(CONNECTIONS, work)
    await office.hub.database.warm(CONNECTIONS, rehearse)
