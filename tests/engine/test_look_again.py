"""A decision may say "look at this alert again at T": the decider does, although nothing is heard of it."""

import pytest

from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.engine import decider
from tocsin.engine.decider import decide_some
from tocsin.engine.respond import respond

from .conftest import OpenNode
from .office import Office, create

ADA = Actor(ActorKind.PERSON, "Ada", "cli")
LATER = "SELECT look_again_at - first_event_at FROM alert WHERE status = 'dropped'"


async def resolved_and_still_firing(office: Office) -> None:
    """INC-1 is resolved by Ada; a minute later the sender tells once more."""
    await office.page(create())
    await respond(office.hub, "INC-1", Act.RESOLVE, ADA)
    office.clock.advance(minutes=1)
    await office.say(create())
    await office.decide()


async def test_one_that_is_due_is_decided_and_pages(office: Office) -> None:
    """S10: a sender that tells once is looked at when the time after a person's resolve is over."""
    await resolved_and_still_firing(office)
    assert await office.value("SELECT status FROM alert WHERE incident_id IS NULL") == "dropped"
    office.clock.advance(minutes=3, seconds=59)
    assert await office.decide() == 0, "not due yet"
    office.clock.advance(seconds=1)
    assert await office.decide() == 1
    assert await office.rows("SELECT status FROM incident") == [("open",)]
    assert "still_broken" in await office.kinds()
    assert await office.decide() == 0, "a look that is done is not due again"


async def test_it_is_no_news_that_somebody_waits_for(office: Office) -> None:
    """`undecided_since` is what a caller of `?wait=decision` and the figures of the backlog go by."""
    await resolved_and_still_firing(office)
    office.clock.advance(minutes=10)
    assert await office.value("SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL") == 0
    assert await office.value("SELECT count(*) FROM alert WHERE look_again_at <= $1", office.clock.at) == 1


async def test_two_nodes_look_once(office: Office, node: OpenNode) -> None:
    await resolved_and_still_firing(office)
    other = await node()
    office.clock.advance(minutes=5)
    first, second = await decide_some(office.hub), await decide_some(other.hub)
    assert (first, second) == (1, 0)
    assert await office.value("SELECT count(*) FROM timeline WHERE kind = 'still_broken'") == 1


async def test_a_backlog_of_news_does_not_starve_what_is_due(office: Office) -> None:
    """A tenth of each claim is for those that are due."""
    await resolved_and_still_firing(office)
    office.clock.advance(minutes=5)
    await office.say(*(create(f"k{n}") for n in range(150)))
    assert await decide_some(office.hub, 100) == 101
    assert "still_broken" in await office.kinds()


async def test_one_that_cannot_be_decided_is_put_off_and_the_others_pass(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in deciding one alert that is due must not keep the next from its decision."""
    await resolved_and_still_firing(office)
    office.clock.advance(minutes=5)
    await office.say(create("good"))
    real = decider.understand

    def breaks(situation, policy, now):  # type: ignore[no-untyped-def]
        if situation.alert.dedup_key == "k":
            raise ZeroDivisionError("a bug of ours")
        return real(situation, policy, now)

    monkeypatch.setattr(decider, "understand", breaks)
    await office.decide()
    assert await office.value("SELECT status FROM alert WHERE dedup_key = 'good'") == "open"
    assert await office.value(f"SELECT ({LATER}) = interval '6 min'"), "a minute later"


async def test_a_person_who_resolves_ends_the_waiting(office: Office) -> None:
    """What is over is not looked at again."""
    await office.page(create())
    await office.rows(
        "UPDATE alert SET look_again_at = now() + interval '1 h' WHERE dedup_key = 'k' RETURNING id"
    )
    await respond(office.hub, "INC-1", Act.RESOLVE, ADA)
    assert await office.value("SELECT count(*) FROM alert WHERE look_again_at IS NOT NULL") == 0
