"""How is a provider asked several things in a row? It says what next, we send, until it asks nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tocsin.core.checks import Heard
from tocsin.core.ports import Call, Response, WireFault
from tocsin.engine.wire import Wire

SECONDS = 9.0
AT_ONCE, ROUNDS, MOST = 6, 12, 200
"""Calls under way at once; rounds of questions; calls in all."""


async def interview(
    wire: Wire,
    ask: Callable[[Heard], list[Call]],
    *,
    seconds: float = SECONDS,
    took: dict[str, float] | None = None,
) -> dict[str, Response | WireFault]:
    """Every answer by the step of its call, within `seconds`; what was not answered by then is missing.

    `ask` gives the calls of the next round, and [] at the end. Steps that were asked before are not asked again.
    `took` is filled with the seconds that each answer took.
    """
    heard: dict[str, Response | WireFault] = {}
    line = asyncio.Semaphore(AT_ONCE)

    async def send(call: Call) -> None:
        async with line:
            began = asyncio.get_running_loop().time()
            heard[call.step] = await wire.send(call.send)
            if took is not None:
                took[call.step] = asyncio.get_running_loop().time() - began

    try:
        async with asyncio.timeout(seconds):
            asked: set[str] = set()
            for _ in range(ROUNDS):
                calls = [call for call in ask(heard) if call.step not in asked][: MOST - len(asked)]
                if not calls:
                    break
                asked |= {call.step for call in calls}
                await asyncio.gather(*(send(call) for call in calls))
    except TimeoutError:
        pass  # what is missing says so
    return heard
