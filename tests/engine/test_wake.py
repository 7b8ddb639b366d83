"""The bells that wake the loops."""

import asyncio

import pytest

from tocsin.engine.hub import Wake
from tocsin.worker import ended


@pytest.mark.parametrize(
    "turns", range(6), ids=lambda turns: f"cancelled {turns} turns of the loop after the ring"
)
async def test_a_cancellation_at_the_moment_of_a_ring_is_not_lost(turns: int) -> None:
    """A hub that is told to stop while work arrives stops: a loop that missed its cancellation would wait and be
    rung for ever, and the hub with it."""
    wake = Wake()
    rounds = 0

    async def loop() -> None:
        nonlocal rounds
        while True:
            await wake.wait("work", 30)
            rounds += 1

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    wake.ring("work")
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)
    task.cancel()

    assert {task} == done
    assert rounds <= 1


async def test_a_ring_between_two_waits_is_heard() -> None:
    """Rung before anybody waits, the next wait returns at once; an unrung one ends by itself."""
    wake = Wake()
    wake.ring("work")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await wake.wait("work", 30)
    await wake.wait("work", 0.01)

    assert loop.time() - began < 5


@pytest.mark.parametrize("lost", [1, 2], ids=lambda lost: f"{lost} times")
async def test_a_cancellation_that_comes_out_as_a_lost_connection_is_not_the_last(lost: int) -> None:
    """A database that goes away while a hub stops: the driver raises the loss in place of the cancellation. The
    loop took that for an outage and went on, and the hub waited for it for ever."""
    swallowed = 0

    async def loop() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed == lost:
                    raise
                swallowed += 1

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await ended([task], patience=0.01)

    assert task.cancelled()
    assert swallowed == lost
