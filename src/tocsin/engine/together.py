"""How do many that wait for the database become one transaction? Natural group commit.

While one group is under way the next gathers: alone nobody waits, in a burst most of the waiting is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from tocsin.store.database import DatabaseAway

T = TypeVar("T")


class Together(Generic[T]):
    """Items that came while others were worked on are worked on as one group, in the order they came."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []

    async def bring(self, item: T, work: Callable[[list[T]], Awaitable[None]]) -> None:
        """Returns when a group with `item` in it is done. `work` does a whole group or nothing of it; when it
        fails each is done alone, so that one bad item harms no other, and raises for its own bringer."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        try:
            async with self._turn:
                if not done.done():
                    await self._work_off(work)
        except asyncio.CancelledError:
            self._waiting = [entry for entry in self._waiting if entry[1] is not done]
            raise
        await done

    async def _work_off(self, work: Callable[[list[T]], Awaitable[None]]) -> None:
        group, self._waiting = self._waiting, []
        try:
            if len(group) > 1 and await self._as_one(group, work):
                return
            for item, done in group:
                try:
                    await work([item])
                except Exception as fault:  # noqa: BLE001 - raised for whoever brought it
                    done.set_exception(fault)
                else:
                    done.set_result(None)
        finally:
            # cut off: the others are done by the next whose turn it is
            self._waiting = [entry for entry in group if not entry[1].done()] + self._waiting

    @staticmethod
    async def _as_one(
        group: list[tuple[T, asyncio.Future[None]]], work: Callable[[list[T]], Awaitable[None]]
    ) -> bool:
        try:
            await work([item for item, _ in group])
        except DatabaseAway as fault:
            for _, done in group:
                done.set_exception(fault)
        except Exception:  # noqa: BLE001 - each alone, to find the one
            return False
        else:
            for _, done in group:
                done.set_result(None)
        return True
