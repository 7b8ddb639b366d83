"""The way to PostgreSQL: one pool, transactions that start over after a deadlock, and its clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.exceptions import TargetServerAttributeNotMatched
from asyncpg.pgproto import pgproto

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Row: TypeAlias = asyncpg.Record
T = TypeVar("T")

uuid_of: Callable[[bytes], UUID] = pgproto.UUID
"""The id with these 16 bytes, as one that was read is: a `uuid.UUID` of the driver's own class, which is made, hashed
and written in a seventh of the time."""

_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)
_GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,  # what the pool says of a connection that ended while it was given back
    asyncpg.OperatorInterventionError,  # stopped, starting, in recovery
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # a standby took its place
    asyncpg.InvalidCatalogNameError,  # gone while it is restored
    asyncpg.ObjectNotInPrerequisiteStateError,  # closed to connections for a while
    asyncpg.InvalidAuthorizationSpecificationError,
    TargetServerAttributeNotMatched,  # of several hosts none may be written to: before the promotion of a standby
)
_TRIES = 6
_MOST_QUERIES, _MOST_STATEMENTS = 10_000_000, 300
"""Of one connection: made anew after so many, for whatever it may have gathered; statements it keeps prepared."""


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _leave_as_it_is(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Nothing of ours changes a session (no SET, no cursors, no session locks), so giving a connection back
    needs no round trip; it was the dearest statement of a single alert's way."""


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=_encode, decoder=msgspec.json.decode, schema="pg_catalog", format="text"
    )
    # asyncpg asks for each array type when it first meets it, by a query of 5 to 30 ms: once, for all of ours
    await connection.fetch(
        "SELECT $1::text[], $2::uuid[], $3::bigint[], $4::int[], $5::bytea[], $6::float8[], $7::timestamptz[]",
        *[[]] * 7,
    )


_BY_INDEX = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""Nearly every statement of ours fetches some rows by key. A plan made while a table was empty reads all of
it, and is kept until the statistics change; in a storm that is too late. What a plan would be does not hang on the
values either, so it is made once a connection: planned anew five times, or each time, an alert costs PostgreSQL
a third more. So a statement names the condition of a partial index in words, not by a parameter."""

_ALWAYS = 0
"""asyncpg closes a connection and forgets a statement after five minutes; the alert at 3 a.m. would begin anew."""


class Database:
    """A pool of connections to one PostgreSQL (15 or later).

    Raises DatabaseAway when it cannot be reached; every other error is a bug.
    """

    def __init__(self, dsn: str, pool: asyncpg.Pool[asyncpg.Record], backends: set[int]) -> None:
        self.dsn = dsn
        self._pool = pool
        self._backends = backends

    @classmethod
    async def connect(cls, dsn: str, *, most: int = 10, at_once: bool = True) -> Database:
        """Open the pool. `dsn` is a libpq address; a unix socket is fine. `at_once` False = it need not be
        there yet."""
        backends: set[int] = set()

        async def prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
            backends.add(connection.get_server_pid())
            await _prepare(connection)

        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1 if at_once else 0,
                max_size=most,
                init=prepare,
                reset=_leave_as_it_is,
                max_inactive_connection_lifetime=_ALWAYS,
                max_cached_statement_lifetime=_ALWAYS,
                max_queries=_MOST_QUERIES,
                statement_cache_size=_MOST_STATEMENTS,
                command_timeout=30,
                server_settings={"application_name": "tocsin", "timezone": "UTC", "jit": "off", **_BY_INDEX},
            )
        except (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            TargetServerAttributeNotMatched,
        ) as fault:
            raise DatabaseAway(str(fault)) from fault
        assert pool is not None
        return cls(dsn, pool, backends)

    async def warm(self, connections: int, work: Callable[[Connection], Awaitable[None]]) -> None:
        """Open so many connections, at the same time, and run `work` on each in a transaction that is undone.

        What went wrong on one is raised when none of them works any more.
        """
        opened: list[Connection] = []
        try:
            for _ in range(connections):
                opened.append(await self._pool.acquire())  # noqa: PERF401 - those that are open are given back, however few
            done = await asyncio.gather(*(_and_undo(c, work) for c in opened), return_exceptions=True)
            for wrong in filter(None, done):
                raise wrong
        except _GONE as fault:
            raise await self._away(fault) from fault
        finally:
            for connection in opened:
                await self._pool.release(connection)

    async def close(self) -> None:
        """Give running statements three seconds, then cut. Never raises: whoever stops has more to put away."""
        try:
            async with asyncio.timeout(3):
                await self._pool.close()
        except (TimeoutError, *_GONE):
            self._pool.terminate()

    async def transact(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in one transaction; after a deadlock or a lost race on a unique key, again.

        `work` must not send anything anywhere: it may run up to six times.
        """
        for attempt in range(_TRIES):
            try:
                async with self._line() as connection, connection.transaction():
                    made = await work(connection)
                    if (sees := witness.get()) is not None:
                        await sees(connection)
                    return made
            except _AGAIN:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(0.005 * (attempt + 1))
            except _GONE as fault:
                raise await self._away(fault) from fault
        raise AssertionError("unreachable")

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` on a connection without a transaction of its own."""
        try:
            async with self._line() as connection:
                return await work(connection)
        except _GONE as fault:
            raise await self._away(fault) from fault

    async def as_one(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` with all that it reads and transacts here as one transaction: it commits when `work` returns
        and leaves nothing behind when it raises.

        Holds for the task that called, not for others that it starts. A `transact` inside may still start over by
        itself. What `work` does outside of the database happens before the commit.
        """
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                token = _joined.set((self, asyncio.current_task(), connection))
                try:
                    return await work(connection)
                finally:
                    _joined.reset(token)
        except _GONE as fault:
            raise await self._away(fault) from fault

    async def _away(self, fault: Exception) -> DatabaseAway:
        """What it is to whoever asked. Where nothing can be written any more, every connection is made anew: the
        one that can be written to may be another server at the same address."""
        if isinstance(fault, asyncpg.ReadOnlySQLTransactionError):
            await self._pool.expire_connections()
        return DatabaseAway(str(fault) or type(fault).__name__)

    @property
    def joined(self) -> bool:
        """True inside of an `as_one`: what is sent from here would go out before the commit."""
        return self._around() is not None

    def _around(self) -> Connection | None:
        joined = _joined.get()
        if joined is not None and joined[0] is self and joined[1] is asyncio.current_task():
            return joined[2]
        return None

    def _line(self) -> AbstractAsyncContextManager[Connection]:
        """The connection of the `as_one` around, or one of the pool."""
        around = self._around()
        return self._pool.acquire() if around is None else _same(around)

    async def now(self) -> datetime:
        """The database's clock, on which leases run (S49)."""

        async def ask(connection: Connection) -> datetime:
            value: datetime = await connection.fetchval("SELECT clock_timestamp()")
            return value

        return await self.read(ask)

    async def listen(self, channels: list[str], heard: Callable[[str, str, bool], None]) -> Listener:
        """Call `heard(channel, payload, own)` for each NOTIFY, on a connection of its own; `own` = this very
        process made it, and has rung its own bells already."""
        connection = await asyncpg.connect(self.dsn, server_settings={"application_name": "tocsin listen"})

        def on_notify(_connection: Any, pid: int, channel: str, payload: Any) -> None:
            heard(channel, str(payload), pid in self._backends)

        for channel in channels:
            await connection.add_listener(channel, on_notify)
        return Listener(connection)


async def _and_undo(connection: Connection, work: Callable[[Connection], Awaitable[None]]) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await work(connection)
    finally:
        await transaction.rollback()


witness: ContextVar[Callable[[Connection], Awaitable[None]] | None] = ContextVar("witness", default=None)
"""Asked at the end of each transaction of a task, before it commits: what must be written with whatever was (TR-4)."""

_joined: ContextVar[tuple[Database, asyncio.Task[Any] | None, Connection] | None] = ContextVar(
    "joined", default=None
)


@asynccontextmanager
async def _same(connection: Connection) -> AsyncIterator[Connection]:
    yield connection


class Listener:
    """A connection that waits for notifications; `lost` tells that it must be made again."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    @property
    def lost(self) -> bool:
        """True when the connection is gone; callers poll meanwhile."""
        return self._connection.is_closed()

    async def close(self) -> None:
        """Stop listening."""
        try:
            await self._connection.close(timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()


class DatabaseAway(Exception):
    """PostgreSQL cannot be reached, broke the connection or cannot take anything now."""


async def notify(connection: Connection, channel: str, payload: str = "") -> None:
    """Wake the listeners of `channel` when this transaction commits."""
    await connection.execute("SELECT pg_notify($1, $2)", channel, payload)
