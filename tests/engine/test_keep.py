"""The database is away: what comes is kept on disk, answered, and given back once, in order (S47, TR-1)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from plug import Plug
from tocsin.core.dedup import Reading
from tocsin.core.errors import Busy
from tocsin.engine import admission
from tocsin.engine.kept import decoded
from tocsin.journal import Journal

from .conftest import OpenNode
from .office import Office, create, resolve

pytestmark = pytest.mark.usefixtures("bell")


@pytest.fixture
async def kept(node: OpenNode, plug: Plug, tmp_path: Path) -> Office:
    """A configured node with a journal, reached through the plug."""
    office = await node(dsn=plug.dsn, folder=tmp_path)
    await office.configure()
    return office


async def look(office: Office) -> None:
    assert office.keeper is not None
    await office.keeper.look()


async def alerts(office: Office) -> list[tuple[Any, ...]]:
    return await office.rows("SELECT dedup_key, status, count FROM alert ORDER BY dedup_key, first_event_at")


async def test_s47_what_comes_while_it_is_away_is_answered_and_is_there_afterwards(
    kept: Office, plug: Plug
) -> None:
    """S47: Accepted under the id that the alert has afterwards; a repeat and a resolve among them hold."""
    await plug.pull()
    (first,) = await kept.say(create("a"))
    (again,) = await kept.say(create("a"))
    (other,) = await kept.say(create("b"))
    (over,) = await kept.say(resolve("b"))
    (unknown,) = await kept.say(resolve("older than the outage"))
    await plug.plug_in()
    await look(kept)
    ids = await kept.rows("SELECT id, dedup_key FROM alert")

    assert (first.reading, again.reading, over.reading) == (Reading.NEW, Reading.SAME, Reading.RESOLVED)
    assert (again.alert_id, again.duplicate, over.alert_id) == (first.alert_id, True, other.alert_id)
    assert (unknown.alert_id, unknown.kept) == (None, True)
    assert "database is away" in first.reason
    assert sorted(ids) == sorted([(first.alert_id, "a"), (other.alert_id, "b")])
    assert await alerts(kept) == [("a", "queued", 1), ("b", "resolved", 0)]
    assert kept.keeper
    assert not kept.keeper.keeping
    assert kept.hub.away is None


async def test_s47_what_came_before_the_outage_takes_what_came_in_it(kept: Office, plug: Plug) -> None:
    """A key that was live before: its repeat and its resolve find it when they are given back."""
    await kept.say(create("a"))
    await plug.pull()
    await kept.say(create("a", description="worse"))
    await kept.say(resolve("a"))
    await plug.plug_in()
    await look(kept)

    assert await alerts(kept) == [("a", "resolved", 1)]


async def test_s47_a_database_that_is_silent_is_away_too(
    kept: Office, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer within the bound: kept beside it. The commit that was given up may have been applied; the
    request is stored once all the same."""
    monkeypatch.setattr(admission, "SLOW_SECONDS", 0.2)
    plug.hold()
    (said,) = await asyncio.wait_for(kept.say(create("a")), 5)
    await plug.plug_in()
    await look(kept)

    assert said.kept
    assert [key for key, _, _ in await alerts(kept)] == ["a"]
    assert await kept.value("SELECT count(*) FROM raw_request") == 1


async def test_s47_a_crash_in_the_middle_of_the_replay_stores_nothing_twice(
    kept: Office, plug: Plug, tmp_path: Path
) -> None:
    """The transaction committed, the segment was not removed: the next start gives the same records back."""
    await plug.pull()
    for key in "abc":
        await kept.say(create(key))
    journal = Journal(tmp_path / "journal")
    (path,) = journal.names()
    copy = path.read_bytes()
    await plug.plug_in()
    await look(kept)
    path.write_bytes(copy)
    assert kept.keeper is not None
    await kept.keeper.open()
    await look(kept)

    assert await alerts(kept) == [("a", "queued", 0), ("b", "queued", 0), ("c", "queued", 0)]
    assert await kept.value("SELECT count(*) FROM raw_request") == 3
    assert journal.names() == []


async def test_s47_another_process_takes_up_what_a_dead_one_kept(
    kept: Office, plug: Plug, node: OpenNode, tmp_path: Path
) -> None:
    """The hub was killed while the database was away; a new one on the same folder has its events first."""
    await plug.pull()
    (said,) = await kept.say(create("a"))
    kept.keeper._journal.seal()  # type: ignore[union-attr]
    await plug.plug_in()
    successor = await node(dsn=plug.dsn, folder=tmp_path)
    assert successor.keeper is not None
    assert successor.keeper.keeping
    (again,) = await successor.say(create("a"))
    await look(successor)

    assert again.alert_id == said.alert_id
    assert await alerts(successor) == [("a", "queued", 1)]


async def test_s47_a_journal_cut_off_in_a_record_gives_the_rest_and_is_kept_for_people(
    kept: Office, plug: Plug, tmp_path: Path
) -> None:
    await plug.pull()
    await kept.say(create("a"))
    await kept.say(create("b"))
    (path,) = Journal(tmp_path / "journal").names()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 7)
    await plug.plug_in()
    await look(kept)

    assert [key for key, _, _ in await alerts(kept)] == ["a"]
    assert [p.name for p in (tmp_path / "journal").glob("*.damaged")] == [path.stem + ".damaged"]


async def test_s47_with_the_disk_full_too_the_sender_is_told_to_come_again(
    kept: Office, plug: Plug, tmp_path: Path
) -> None:
    """S17: 429 with Retry-After, counted with its sender, and a word of the hub's own that pages, is kept in memory, and stays afterwards."""
    keeper = kept.keeper
    assert keeper is not None
    keeper._journal = Journal(tmp_path / "journal", keep_free_bytes=1 << 60)
    await plug.pull()
    for _ in range(2):
        with pytest.raises(Busy, match="disk is full") as refused:
            await kept.say(create("a"))
    own = [waiting.alert.title for waiting in keeper.waiting.values()]
    await plug.plug_in()
    await look(kept)

    assert refused.value.retry_after_seconds > 0
    assert kept.hub.refused.tally is not None
    assert kept.hub.refused.tally.requests == 2
    assert own == ["Tocsin refuses alerts: its database is away and its disk is full"]
    assert await kept.rows("SELECT integration, dedup_key FROM alert") == [("tocsin", "journal-full")]


async def test_s47_while_it_is_given_back_nothing_overtakes_it(kept: Office, plug: Plug) -> None:
    """Senders go on during the replay: each key's events are admitted in the order of their answers."""
    await plug.pull()
    for number in range(300):
        await kept.say(create(f"k{number % 7}", description=str(number)))
    await plug.plug_in()

    async def go_on() -> int:
        number = 300
        while kept.keeper and kept.keeper.keeping:
            await kept.say(create(f"k{number % 7}", description=str(number)))
            number += 1
        return number

    senders = asyncio.create_task(go_on())
    await look(kept)
    sent = await senders
    rows = await kept.rows("SELECT dedup_key, (body->>'description')::int FROM event ORDER BY id")
    by_key = {key: [n for k, n in rows if k == key] for key, _ in rows}

    assert len(rows) == sent
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


async def test_s50_the_journal_holds_no_key_of_a_sender(kept: Office, plug: Plug, tmp_path: Path) -> None:
    """It keeps what the database would keep: the request with its authentication hashed."""
    await plug.pull()
    await kept.say(create("a"))
    (path,) = Journal(tmp_path / "journal").names()
    (record,) = Journal(tmp_path / "journal").read(path).records

    assert decoded(record).raw.integration == "prometheus"
    for secret in ("bell-key-nobody-may-see", "alertmanager-key-0001"):
        assert secret.encode() not in record
        assert secret.encode() not in (tmp_path / "snapshot.json").read_bytes()
