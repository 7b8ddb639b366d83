"""What waits together is done together, and one bad item harms no other."""

import asyncio

import pytest

from tocsin.engine.together import Together


class Clerk:
    """Does groups, keeping them; the first waits until `go`; `bad` items cannot be done."""

    def __init__(self, *bad: str) -> None:
        self.groups: list[list[str]] = []
        self.tried: list[list[str]] = []
        self.begun, self.go, self.bad = asyncio.Event(), asyncio.Event(), set(bad)
        self.together: Together[str] = Together()

    async def work(self, group: list[str]) -> None:
        self.tried.append(group)
        if len(self.tried) == 1:
            self.begun.set()
            await self.go.wait()
        if self.bad.intersection(group):
            raise ValueError(group[0])
        self.groups.append(group)

    async def bring(self, *items: str) -> list[asyncio.Task[None]]:
        """The first is at work when this returns, the others wait."""
        tasks = [asyncio.create_task(self.together.bring(item, self.work)) for item in items]
        await self.begun.wait()
        return tasks


async def test_what_came_meanwhile_is_one_group_in_its_order() -> None:
    clerk = Clerk()
    tasks = await clerk.bring("a", "b", "c", "d")
    clerk.go.set()
    await asyncio.gather(*tasks)

    assert clerk.groups == [["a"], ["b", "c", "d"]]


async def test_one_that_cannot_be_done_harms_no_other() -> None:
    """The group fails as a whole; then each alone, and the bad one is told to whoever brought it."""
    clerk = Clerk("c")
    tasks = await clerk.bring("a", "b", "c", "d")
    clerk.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert clerk.groups == [["a"], ["b"], ["d"]]
    assert [type(result) for result in results] == [type(None), type(None), ValueError, type(None)]


@pytest.mark.parametrize("cut", [pytest.param(0, id="the one at work"), pytest.param(2, id="one that waits")])
async def test_one_that_is_cut_off_leaves_the_others_to_be_done(cut: int) -> None:
    clerk = Clerk()
    tasks = await clerk.bring("a", "b", "c", "d")
    tasks[cut].cancel()
    clerk.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    done = [item for group in clerk.groups for item in group]
    assert done == [item for item in "abcd" if item != "abcd"[cut]]
    assert [type(r) for r in results].count(asyncio.CancelledError) == 1
