"""Which connectors have work: asked each second, so it may not cost more when a thousand pages wait."""

from tocsin.core.severity import Severity
from tocsin.store import messages, outbox
from tocsin.store.database import Database
from tocsin.store.messages import NewMessage

from .planned import entries_read
from .rows import LEASE, NOON, an_incident, effect_on, save_effects, seconds

WAITING = 300


async def with_work(database: Database, after: float = 0) -> list[str]:
    return sorted(await database.read(lambda c: outbox.connectors_with_work(c, NOON + seconds(after))))


async def wait_at(database: Database, connector: str, *, due: float = 0) -> None:
    incident = an_incident()
    effect = effect_on(
        incident, f"{connector} {incident.number}", connector=connector, due=NOON + seconds(due)
    )
    await save_effects(database, incident, effect)


async def test_those_with_something_due_or_a_lease_that_ran_out(database: Database) -> None:
    for name in ("due", "leased", "settled"):
        await wait_at(database, name)
    await wait_at(database, "later", due=60)
    for name in ("leased", "settled"):
        (work,) = await database.transact(lambda c, name=name: outbox.claim(c, name, 10, NOON, LEASE))
    await database.transact(lambda c: outbox.settle(c, work.id, "done", "", NOON))

    assert await with_work(database) == ["due"]
    assert await with_work(database, 41) == ["due", "leased"]
    assert await with_work(database, 61) == ["due", "later", "leased"]


async def test_what_is_due_behind_what_is_not_counts(database: Database) -> None:
    await wait_at(database, "pd", due=60)
    assert await with_work(database) == []
    await wait_at(database, "pd")
    assert await with_work(database) == ["pd"]


async def test_messages_are_work_too(database: Database) -> None:
    digest = NewMessage(
        key="m", connector="mail", severity=Severity.LOW, subject="s", text="t", give_up_at=NOON + seconds(60)
    )
    await database.transact(lambda c: messages.put(c, [digest], NOON))
    await wait_at(database, "mail")

    assert await with_work(database) == ["mail"]


async def test_a_long_queue_is_not_read_for_the_names_in_it(database: Database) -> None:
    for connector in ("pd", "og"):
        incident = an_incident()
        effects = [effect_on(incident, f"{connector} {n}", connector=connector) for n in range(WAITING)]
        await save_effects(database, incident, *effects)

    read = await entries_read(database, "effect", lambda c: outbox.connectors_with_work(c, NOON))

    assert await with_work(database) == ["og", "pd"]
    assert read < WAITING / 10
