"""Reading providers back: within the rate limit, pages first, no connector waits for another (PR-9, S44)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tocsin.core.bucket import Rate
from tocsin.core.errors import BadInput, NotFound
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.engine.readback import for_pages
from tocsin.engine.reconcile import prove, sync
from tocsin.engine.respond import respond
from tocsin.store import remotes

from .office import Office, create

ADA = Actor(ActorKind.PERSON, "Ada", "cli")


@pytest.mark.parametrize(
    ("burst", "kept"),
    [
        pytest.param(60, 15, id="a quarter stays for pages"),
        pytest.param(4, 1, id="of four, one"),
        pytest.param(1, 0, id="a bucket of one is shared, or nothing would ever be read"),
    ],
)
def test_reading_leaves_room_for_pages(burst: float, kept: float) -> None:
    assert for_pages(Rate(60, burst)) == kept


async def test_what_cannot_be_read_by_hand_says_why(office: Office) -> None:
    """An unknown connector, and a provider that tells no state."""
    with pytest.raises(NotFound):
        await sync(office.hub, office.wire, "nowhere")
    with pytest.raises(BadInput, match="cannot be read back"):
        await sync(office.hub, office.wire, "east")


async def test_what_is_due_is_claimed_once_and_comes_again(office: Office) -> None:
    """Two nodes at once: one reads it. It is due again after its interval, or soon when it could not be read."""
    await office.page(create("one"), create("two"))
    office.clock.advance(seconds=10)

    every = {"open_every": timedelta(seconds=10), "every": timedelta(minutes=5)}

    async def claim() -> list[int]:
        found = await office.hub.database.transact(
            lambda c: remotes.claim_due(c, "east", office.clock.at, most=100, **every)
        )
        return sorted(r.id for r in found)

    first = await claim()
    assert len(first) == 2
    assert await claim() == []
    soon = office.clock.at + timedelta(seconds=5)
    await office.hub.database.transact(lambda c: remotes.unread(c, first[:1], soon, **every))
    office.clock.advance(seconds=4)
    assert await claim() == []
    office.clock.advance(seconds=1)
    assert await claim() == first[:1]
    office.clock.advance(seconds=10)
    assert await claim() == first


async def test_the_list_of_what_is_open_there_is_read_for_a_day_after_the_last_resolve(
    office: Office,
) -> None:
    """Once an interval by all nodes together, and never at a connector where nothing of ours was."""
    await office.page()

    async def claim(name: str = "east") -> bool:
        now, every = office.clock.at, timedelta(minutes=5)
        return bool(
            await office.hub.database.transact(lambda c: remotes.claim_open_list(c, name, now, every=every))
        )

    assert not await claim(), "it is not over"
    await respond(office.hub, "INC-1", Act.RESOLVE, ADA)
    assert [await claim(), await claim()] == [True, False]
    assert not await claim("nowhere")
    office.clock.advance(minutes=5)
    assert await claim()
    office.clock.advance(hours=24)
    assert not await claim(), "by now only a webhook would tell"


async def test_s44_a_write_that_has_not_come_back_is_found_after_a_minute(office: Office) -> None:
    """Not before, and not once an echo of it was heard."""
    await office.page()
    made = office.clock.at

    async def unheard(seconds: float) -> object:
        office.clock.at = made + timedelta(seconds=seconds)
        now = office.clock.at
        return await office.hub.database.read(
            lambda c: remotes.unheard(
                c, "east", since=now - timedelta(minutes=15), until=now - timedelta(seconds=60)
            )
        )

    assert await unheard(59) is None
    assert await unheard(61) == made
    await office.hub.database.transact(lambda c: remotes.proven(c, "east", made))
    assert await unheard(62) is None


async def test_s44_webhooks_are_doubted_after_a_minute(office: Office) -> None:
    """S44: no echo of our own write within 60 s: from then on it is read, and an alarm tells it."""
    office.hub.public_url = "https://hub.example.com"
    await office.page()
    doubted = []
    for seconds in (59, 1, 1):
        office.clock.advance(seconds=seconds)
        doubted.append(await prove(office.hub))

    assert doubted == [[], ["east"], []]
    assert await office.rows("SELECT key FROM alarm") == [("webhook-unproven/east",)]
