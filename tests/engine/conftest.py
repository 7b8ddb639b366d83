"""A hub per test, configured, with one provider of the tests' own; more nodes on the same database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from .bell import BellServer
from .office import Clock, Office, close_office, open_office

OpenNode = Callable[..., Awaitable[Office]]


@pytest.fixture
async def bell() -> AsyncIterator[BellServer]:
    server = BellServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def node(database_url: str, bell: BellServer) -> AsyncIterator[OpenNode]:
    """`await node()`: one more node on the test's database; `key` = its secret key, `folder` = it keeps a journal there."""
    opened: list[Office] = []
    clock = Clock()

    async def start(*, dsn: str = database_url, **more: Any) -> Office:
        opened.append(await open_office(dsn, bell, clock, **more))
        return opened[-1]

    yield start
    for office in opened:
        await close_office(office)


@pytest.fixture
async def office(node: OpenNode) -> Office:
    """The first node, configured."""
    first = await node()
    await first.configure()
    return first
