"""What goes out: waits are kept, limits shared, doubt is settled by looking, a bug stays where it is."""

import asyncio

import pytest

from tocsin.core.breaker import BreakerState, Leave, leave
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.core.ports import EffectKind
from tocsin.core.severity import Severity
from tocsin.engine import configure, deliver
from tocsin.engine.declare import declare
from tocsin.engine.respond import respond
from tocsin.engine.tick import tick
from tocsin.store import outbox

from .bell import status
from .conftest import OpenNode
from .office import CONFIG, ENVIRONMENT, Office, create

ADA = Actor(ActorKind.PERSON, "Ada", "cli")
TWO = CONFIG.replace("{all: [east]}", "{all: [east, west]}").replace(
    "connectors:\n",
    'connectors:\n  west: {type: KIND, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}\n',
)


async def breaker(office: Office, connector: str = "east") -> BreakerState:
    return (await office.hub.database.read(outbox.states))[connector].breaker.state


async def test_a_page_is_created_once(office: Office) -> None:
    """Sent, read, settled: one call, one ring, the remote's facts on record."""
    await office.page()

    assert office.bell.calls == ["create"]
    assert list(office.bell.rings.values()) == [1]
    (row,) = await office.rows("SELECT accepted_at, created_at, status, remote_id LIKE 'bell %' FROM remote")
    assert row == (office.clock.at, office.clock.at, "triggered", True)
    assert await office.rows("SELECT outcome, status, calls, step FROM delivery") == [
        ("accepted", 201, 1, "create")
    ]
    assert (await office.deliver()).jobs == []


async def test_retry_after_is_kept(office: Office) -> None:
    """503 with Retry-After 17: not before 17 s for this effect, and another connector's word is its own."""
    office.bell.script = [status(503, retry_after="17")]
    await office.page()
    office.clock.advance(seconds=16.9)
    await office.deliver()

    assert office.bell.calls == ["create"]
    office.clock.advance(seconds=0.2)
    await office.deliver()
    assert office.bell.calls == ["create", "create"]
    assert await breaker(office) is BreakerState.CLOSED


async def test_429_holds_the_whole_connector(office: Office) -> None:
    """Everything for it waits as long as it asked for; it is no failure; then all goes."""
    office.bell.script = [status(429, retry_after="30")]
    await office.page()
    await office.say(create("other"))
    await office.decide()
    held = await office.deliver()

    assert (held.jobs, held.wait_seconds) == ([], 30)
    office.clock.advance(seconds=30)
    await office.deliver()
    assert sorted(office.bell.rings.values()) == [1, 1]
    assert (await office.hub.database.read(outbox.states))["east"].breaker.failures == 0


async def test_the_bucket_is_shared_by_every_node(office: Office, node: OpenNode) -> None:
    """60 a minute, 3 at once: three go, whoever sends them; after two seconds two more."""
    await office.configure(CONFIG.replace("type: bell", "type: slow-bell"))
    other = await node()
    await office.say(*(create(f"k{n}") for n in range(8)))
    await office.decide()
    for at_work in (office, other, office):
        await at_work.deliver(free=2)

    assert len(office.bell.calls) == 3
    waits = (await other.deliver()).wait_seconds
    assert 0 < waits <= 1
    office.clock.advance(seconds=2)
    for at_work in (office, other):
        await at_work.deliver()
    assert len(office.bell.calls) == 5


async def test_the_breaker_is_shared_by_every_node(office: Office, node: OpenNode) -> None:
    """Five failures seen by two nodes open it for both; one probe of one node closes it for both."""
    other = await node()
    office.bell.script = [status(500) for _ in range(5)]
    await office.say(*(create(f"k{n}") for n in range(8)))
    await office.decide()
    await office.deliver(free=3)
    await other.deliver(free=2)

    assert await breaker(office) is BreakerState.OPEN
    for at_work in (office, other):
        closed_to = await at_work.deliver()
        assert closed_to.jobs == []
        assert 0 < closed_to.wait_seconds <= 1
    assert len(office.bell.calls) == 5
    office.clock.advance(seconds=1)
    probe = await deliver.claim(office.hub, "east", 24)
    assert len(probe.jobs) == 1
    assert (await deliver.claim(other.hub, "east", 24)).jobs == [], "one probe, not one per node"
    await deliver.carry_out(office.hub, office.wire, probe.jobs[0])
    assert await breaker(other) is BreakerState.CLOSED
    office.clock.advance(seconds=5)
    await other.deliver()
    assert sorted(office.bell.rings.values()) == [1] * 8


async def test_s33_what_waits_where_a_breaker_opens_is_looked_at_at_once(office: Office) -> None:
    """S33, PR-4: five failures open it; the next target is asked for every page that waits there, not after `within`."""
    text = TWO.replace("KIND", "bell").replace("{all: [east, west]}", "{failover: [east, west], within: 30s}")
    await office.configure(text)
    office.bell.script = [status(500) for _ in range(5)]
    await office.say(*(create(f"k{n}") for n in range(6)))
    await office.decide()
    before = await office.value("SELECT count(*) FROM remote WHERE connector = 'west'")
    await office.deliver(free=5)
    await tick(office.hub)

    assert before == 0
    assert await office.value("SELECT count(*) FROM remote WHERE connector = 'west'") == 6


async def test_s27_a_page_of_two_services_is_created_when_both_are(office: Office) -> None:
    """S27, S20: one of them is not there within the time, so the next target is asked."""
    text = TWO.replace("KIND", "bell").replace("{all: [east, west]}", "{failover: [east, west], within: 3s}")
    await office.configure(text)
    await declare(
        office.hub, title="It burns", severity=Severity.HIGH, services=("web", "database"), actor=ADA
    )
    office.bell.script = [office.bell.well, status(503, retry_after="60")]
    await office.deliver("east")
    asked = []
    for seconds in (2, 1):
        office.clock.advance(seconds=seconds)
        await tick(office.hub)
        asked.append(await office.value("SELECT count(*) FROM remote WHERE connector = 'west'"))

    assert asked == [0, 2]


async def test_a_probe_whose_node_died_is_given_up(office: Office) -> None:
    """Half-open and never answered: after its lease another probe goes."""
    office.bell.script = [status(500) for _ in range(5)]
    await office.say(*(create(f"k{n}") for n in range(6)))
    await office.decide()
    await office.deliver(free=5)
    office.clock.advance(seconds=1)
    await deliver.claim(office.hub, "east", 24)
    state = (await office.hub.database.read(outbox.states))["east"].breaker

    assert leave(state, office.clock.at) is Leave.WAIT
    office.clock.advance(seconds=15)
    await office.deliver()
    assert await breaker(office) is BreakerState.CLOSED


@pytest.mark.parametrize("sent", [pytest.param(True, id="it was sent"), pytest.param(False, id="it was not")])
async def test_a_lease_taken_over_looks_first(office: Office, node: OpenNode, sent: bool) -> None:
    """A node died between claim and settle: the next looks, adopts what is there, creates what is not."""
    await office.say(create())
    await office.decide()
    claimed = await deliver.claim(office.hub, "east", 1)
    if sent:  # it died before it could save the answer
        await deliver.converse(
            office.hub.providers["bell"].module, office.wire, claimed.jobs[0].effect,
            office.hub.active.settings_of(office.hub.policy.connectors["east"]), deliver.Talk(),
        )  # fmt: skip
    other = await node()
    assert (await other.deliver()).jobs == [], "its lease still runs"
    office.clock.advance(seconds=41)
    await other.deliver()

    assert office.bell.calls == (["create", "look"] if sent else ["look", "create"])
    assert list(office.bell.rings.values()) == [1]
    told = str(await office.rows("SELECT text FROM timeline WHERE kind = 'page_created'"))
    assert ("adopted" in told) is sent


async def test_an_answer_that_never_came_is_looked_for(office: Office) -> None:
    """Applied, then the connection broke: looked up and adopted, rung once."""
    office.bell.script = [office.bell.then_broken]
    await office.page()
    office.clock.advance(seconds=2)
    await office.deliver()

    assert office.bell.calls == ["create", "look"]
    assert list(office.bell.rings.values()) == [1]


async def test_a_provider_with_a_bug_is_contained(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """It raises after its call was sent: the other connector pages, the next attempt looks first, no key leaks."""
    await office.configure(TWO.replace("KIND", "broken-bell"))
    await office.say(create())
    await office.decide()
    await asyncio.gather(office.deliver("east"), office.deliver("west"))
    remotes = dict(await office.rows("SELECT connector, created_at IS NOT NULL FROM remote"))

    assert remotes == {"east": True, "west": False}
    assert await breaker(office, "west") is BreakerState.CLOSED
    office.clock.advance(seconds=2)
    await office.deliver("west")
    assert office.bell.calls.count("create") == 2
    assert office.bell.calls[-1] == "look"
    assert await office.value("SELECT created_at FROM remote WHERE connector = 'west'") == office.clock.at
    everything = str(await office.rows("SELECT row_to_json(t)::text FROM timeline t"))
    everything += str(await office.rows("SELECT row_to_json(d)::text FROM delivery d"))
    assert ENVIRONMENT["BELL_KEY"] not in everything


async def test_no_key_of_a_provider_with_a_bug_is_logged(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its exception holds the credential; the log line does not."""
    await office.configure(CONFIG.replace("type: bell", "type: broken-bell"))
    await office.page()
    logged = "".join(capsys.readouterr())

    assert "provider_failed" in logged
    assert ENVIRONMENT["BELL_KEY"] not in logged


async def test_a_lost_secret_key_fails_closed(office: Office, node: OpenNode) -> None:
    """A node with another secret key calls nobody with an empty key; alerts are still taken; with the right
    key everything waiting goes out."""
    lost = await node(key="quite another secret key")
    assert not lost.hub.active.unsealed
    await lost.say(create())
    await lost.decide()
    await lost.deliver()

    assert office.bell.calls == []
    assert await office.value("SELECT count(*) FROM alert") == 1
    assert "cannot be opened" in await office.value("SELECT fault FROM remote")
    assert await breaker(lost) is BreakerState.CLOSED
    office.clock.advance(seconds=31)
    await office.deliver()
    assert list(office.bell.rings.values()) == [1]


async def test_a_rejected_page_is_final(office: Office) -> None:
    """400: told, failed, never sent again."""
    office.bell.script = [status(400)]
    await office.page()
    office.clock.advance(minutes=5)
    await office.deliver()

    assert office.bell.calls == ["create"]
    assert "page_failed" in await office.kinds()
    assert await office.rows("SELECT state FROM effect") == [("failed",)]


async def test_what_nobody_wants_any_more_is_not_sent(office: Office) -> None:
    """Resolved while the page waits: withdrawn; resolved while the claim is on its way: not sent either."""
    await office.say(create("a"), create("b"))
    await office.decide()
    await respond(office.hub, "INC-1", Act.RESOLVE, ADA)
    claimed = await office.deliver()

    assert [job.incident.name for job in claimed.jobs] == ["INC-2"]
    assert len(office.bell.rings) == 1


@pytest.mark.parametrize(
    ("seconds", "reads"),
    [pytest.param(5, False, id="five seconds: written"), pytest.param(5.1, True, id="longer: read first")],
)
async def test_s39_an_acknowledgement_that_waited_is_read_before_it_is_written(
    office: Office, seconds: float, reads: bool
) -> None:
    """S39: meanwhile somebody may have resolved it there, and PagerDuty reopens what is acknowledged then."""
    await office.page()
    await respond(office.hub, "INC-1", Act.ACKNOWLEDGE, ADA)
    office.clock.advance(seconds=seconds)
    (job,) = (await deliver.claim(office.hub, "east", 24)).jobs

    assert (job.effect.kind, job.effect.reread) == (EffectKind.ACKNOWLEDGE, reads)


async def test_a_connector_that_was_removed(office: Office) -> None:
    """Its waiting work is withdrawn and told, not kept for ever."""
    await office.say(create())
    await office.decide()
    # forced: with an incident open there it is refused otherwise (S51)
    moved = CONFIG.replace("  east: {type", "  north: {type").replace("[east]", "[north]")
    await office.configure(moved, force=True)
    await office.deliver("east")

    assert office.bell.calls == []
    assert await office.rows("SELECT state FROM effect") == [("withdrawn",)]
    assert "no longer configured" in str(await office.rows("SELECT text FROM timeline"))


async def test_failures_grow_apart_and_fill_no_timeline(office: Office) -> None:
    """Ten failures of one effect: the waits double, the timeline tells the first, second, fourth and eighth."""
    office.bell.script = [status(500) for _ in range(10)]
    await office.say(create())
    await office.decide()
    for _ in range(10):
        await office.deliver()
        office.clock.advance(minutes=2)
    await office.deliver()

    assert (await office.kinds()).count("delivery_failed") == 4
    assert list(office.bell.rings.values()) == [1]
    assert await office.value("SELECT count(*) FROM delivery") == 11


async def test_refresh_takes_what_another_node_applied(office: Office, node: OpenNode) -> None:
    """The newest version, with its credentials."""
    other = await node()
    await office.configure(TWO.replace("KIND", "bell"))
    await configure.refresh(other.hub)

    assert list(other.hub.policy.connectors) == list(office.hub.policy.connectors)
    assert other.hub.active.secrets == office.hub.active.secrets
