"""How long is the database waited for? What does not answer in time counts as away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from tocsin.store.database import DatabaseAway

T = TypeVar("T")
MOST_LEFT = 6
"""Calls that may hang at once: each holds a connection, and the pool must not run dry of them."""


class Patience:
    """Waits for the database, but not for ever.

    A call that is given up is cancelled and left behind: what it asks of a server that does not answer,
    even to cancel, would hang as well.
    """

    def __init__(self) -> None:
        self._left: set[asyncio.Task[Any]] = set()

    async def within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives; raises DatabaseAway after `seconds` (it may have been applied), and at once
        while too many calls hang already."""
        if len(self._left) >= MOST_LEFT:
            work.close()
            raise DatabaseAway(f"{len(self._left)} earlier calls have not been answered")
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            return task.result()
        task.cancel()
        self._left.add(task)
        task.add_done_callback(self._ended)
        raise DatabaseAway(f"no answer within {seconds:.0f} s")

    async def all_ended(self, seconds: float) -> bool:
        """True once every call that was given up has come to its end; False after `seconds`."""
        if self._left:
            await asyncio.wait(set(self._left), timeout=seconds)
        return not self._left

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        with suppress(asyncio.CancelledError, Exception):
            task.result()  # told already, as away
