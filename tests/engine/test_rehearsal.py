"""The first page finds every statement of its way prepared."""

from __future__ import annotations

from tocsin.store.rehearsal import CONNECTIONS, rehearse

from .conftest import OpenNode
from .office import create

_PREPARED = "SELECT statement FROM pg_prepared_statements"


async def test_a_page_prepares_nothing_anew(node: OpenNode) -> None:
    """A statement that is missing here belongs into `store/rehearsal.py`. The first row of a connector's state is
    made once in its life."""
    office = await node(most=1)
    await office.configure()
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
