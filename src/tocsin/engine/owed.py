"""What does this node owe the database? Work that it has claimed, and what it could not write down of it.

A call does not end with the database: its answer comes all the same. What was learned is kept here and written down
first when the database is back, before anything is claimed or judged anew; else the work would wait for its lease, and
a page that somebody has already would go on to the next target.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

import structlog

from tocsin.store.database import DatabaseAway

log = structlog.get_logger("tocsin")

Record: TypeAlias = Callable[[], Awaitable[None]]
"""Writes one thing down. It may have been written already, by a commit whose answer was lost, or be another's by now:
then it changes nothing. Raises DatabaseAway while it must wait."""


class AtWork:
    """Rows of one table that are leased to this node and that it knows of, with the attempt each lease is for.

    What the database says is leased to this node and is not here was claimed by a commit whose answer was lost.
    """

    def __init__(self) -> None:
        self._attempts: dict[int, int] = {}

    def begin(self, row: int, attempt: int) -> None:
        self._attempts[row] = attempt

    def end(self, row: int, attempt: int) -> None:
        """It is settled; a later attempt of the same row stays."""
        if self._attempts.get(row) == attempt:
            del self._attempts[row]

    @property
    def rows(self) -> list[int]:
        return list(self._attempts)


class Owed:
    """One node's. No more is owed than was under way when the database went: nothing is claimed before it is paid."""

    def __init__(self) -> None:
        self.effects, self.messages = AtWork(), AtWork()
        self._records: dict[str, Record] = {}
        self._turn = asyncio.Lock()

    def put(self, name: str, record: Record) -> None:
        """Let this be written down when the database is back; the later of two with one name counts."""
        self._records[name] = record

    @property
    def names(self) -> Collection[str]:
        """What is owed, the oldest first."""
        return list(self._records)

    async def pay(self) -> None:
        """Write down what is owed, in the order it came. Raises DatabaseAway, and keeps the rest, while that cannot be."""
        if not self._records:
            return
        async with self._turn:
            for name, record in list(self._records.items()):
                try:
                    await record()
                except DatabaseAway:
                    raise
                except Exception as fault:  # noqa: BLE001 - one of them must not hold up the others: its lease runs out
                    log.error(
                        "settle_failed", owed=name, fault=type(fault).__name__, message=str(fault)[:300]
                    )
                else:
                    log.info("settled_late", owed=name)
                if self._records.get(name) is record:
                    del self._records[name]
