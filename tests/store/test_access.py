"""Configurations, credentials, tokens, sessions, webhooks and timers at rest."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.plan import Plan
from tocsin.store import configs, hooks, sheet, timers, tokens
from tocsin.store.database import Connection, Database
from tocsin.store.hooks import Hook
from tocsin.store.tokens import Token

from .rows import NOON, an_incident, column, seconds, value

DAY = timedelta(days=1)


async def add(connection: Connection, name: str) -> int:
    document = {"services": {name: {}}}
    return await configs.add(connection, hash=name, author="ada", origin="test", document=document, now=NOON)


async def test_versions_count_up_and_stay(database: Database) -> None:
    """Also when ten are applied at the same moment; each can be read back as it was."""
    assert await database.read(configs.latest) is None
    numbers = await asyncio.gather(*(database.transact(lambda c, n=n: add(c, f"h{n}")) for n in range(10)))
    kept = await database.read(configs.versions)

    assert sorted(numbers) == list(range(1, 11))
    assert [v.version for v in kept] == list(range(10, 0, -1))
    assert await database.read(lambda c: configs.versions(c, 3, before=8)) == kept[3:6]
    latest, third = await database.read(configs.latest), await database.read(lambda c: configs.get(c, 3))
    assert latest is not None
    assert third is not None
    assert (latest.version, latest.hash) == (10, kept[0].hash)
    assert (third.version, third.hash, third.author) == (3, kept[7].hash, "ada")
    assert third.document == {"services": {third.hash: {}}}
    assert await database.read(lambda c: configs.get(c, 99)) is None


async def test_a_credential_outlives_its_version_by_a_week(database: Database) -> None:
    """For a rollback; named again it stays, and after a week without a name it is gone."""

    async def save(sealed: dict[str, bytes], used: set[str], at: datetime) -> set[str]:
        await database.transact(lambda c: configs.save_secrets(c, sealed, at, used=used))
        return set(await database.read(configs.sealed_secrets))

    assert await save({"a": b"1", "b": b"2"}, {"a", "b"}, NOON) == {"a", "b"}
    assert await save({"c": b"3"}, {"c"}, NOON + DAY) == {"a", "b", "c"}
    assert await save({}, {"a", "c"}, NOON + 2 * DAY) == {"a", "b", "c"}
    assert await save({"c": b"4"}, {"a", "c"}, NOON + 8 * DAY) == {"a", "b", "c"}
    assert await save({}, {"a", "c"}, NOON + 8 * DAY + timedelta(seconds=1)) == {"a", "c"}
    assert (await database.read(configs.sealed_secrets))["c"] == b"4"
    rows = await database.read(lambda c: c.fetch("SELECT name, changed_at FROM secret ORDER BY name"))
    assert [tuple(row) for row in rows] == [("a", NOON), ("c", NOON + 8 * DAY)]


def a_token(number: int = 1, **changes: object) -> Token:
    values: dict[str, object] = {
        "id": UUID(int=number), "name": "ci", "scopes": ("read", "write"), "made_at": NOON, "expires_at": NOON + DAY,
        "last_used_at": None, "revoked_at": None,
    }  # fmt: skip
    return Token(**{**values, **changes})


async def test_a_token_lives_until_it_expires_or_is_revoked(database: Database) -> None:
    """Its last use is noted, at most once a minute."""
    await database.transact(lambda c: tokens.add(c, a_token(), b"hash"))
    await database.transact(lambda c: tokens.add(c, a_token(2), b"hash"))

    async def find(at: object, text: bytes = b"hash") -> Token | None:
        return await database.transact(lambda c: tokens.find(c, text, at))

    assert await find(NOON) == a_token()
    assert await find(NOON, b"other") is None
    for later, noted in ((30, 0), (61, 61), (100, 61)):
        await find(NOON + seconds(later))
        assert await value(database, "SELECT last_used_at FROM api_token") == NOON + seconds(noted)
    assert await find(NOON + DAY) is None, "the instant it expires it is no longer valid"
    assert await database.transact(lambda c: tokens.revoke(c, UUID(int=1), NOON)) is True
    assert await database.transact(lambda c: tokens.revoke(c, UUID(int=1), NOON)) is False
    assert await find(NOON) is None
    (kept,) = await database.read(tokens.everyone)
    assert kept.revoked_at == NOON


def _session(end: datetime) -> tokens.Session:
    return tokens.Session(name="ada", scopes=("read",), expires_at=end)


async def test_a_code_opens_one_session(database: Database) -> None:
    """Spent twice at the same moment it opens once; too old it opens nothing and is gone; no session is a code."""
    for name, kind, end in (("code", "code", 60), ("old", "code", -1), ("live", "session", 60)):
        await database.transact(
            lambda c, n=name, k=kind, e=end: tokens.open_session(
                c, n.encode(), k, _session(NOON + seconds(e))
            )
        )
    spent = await asyncio.gather(
        *(database.transact(lambda c: tokens.spend_code(c, b"code", NOON)) for _ in range(4))
    )

    assert [one for one in spent if one] == [_session(NOON + seconds(60))]
    assert await database.transact(lambda c: tokens.spend_code(c, b"old", NOON)) is None
    assert await database.transact(lambda c: tokens.spend_code(c, b"live", NOON)) is None
    assert await database.read(lambda c: tokens.find_session(c, b"live", NOON)) == _session(
        NOON + seconds(60)
    )
    assert await database.read(lambda c: tokens.find_session(c, b"live", NOON + seconds(60))) is None
    await database.transact(lambda c: tokens.end_session(c, b"live", NOON))
    assert await column(database, "SELECT hash FROM session") == []


async def test_a_webhook_is_worked_off_once_in_order(database: Database) -> None:
    """Quarantined ones are not work; a settled one cannot be settled anew by somebody slower."""
    for number, state in ((2, "pending"), (1, "pending"), (3, "quarantined")):
        hook = Hook(
            id=UUID(int=number), received_at=NOON + seconds(number), connector="pd", state=state, headers={}, query="",
            body=b"\x00\xff", remote_address="",
        )  # fmt: skip
        await database.transact(lambda c, h=hook: hooks.keep(c, h))
    found = await database.transact(lambda c: hooks.claim(c, 10))

    assert [(h.id.int, h.body) for h in found] == [(1, b"\x00\xff"), (2, b"\x00\xff")]
    for state in ("done", "pending"):
        await database.transact(lambda c, s=state: hooks.settle(c, found[0], s, "x" * 9000))
    assert await column(database, "SELECT state FROM hook ORDER BY id") == ["done", "pending", "quarantined"]
    assert [
        await database.transact(lambda c: hooks.first_sight(c, "pd", "delivery-1")) for _ in range(2)
    ] == [True, False]
    assert await value(database, "SELECT last_webhook_at FROM connector_state") == NOON + seconds(1)


async def test_a_timer_is_due_once(database: Database) -> None:
    """Taken by one of two nodes; moved, it is due at its new time only; ended, never."""
    moved, ended = an_incident(), an_incident()
    filled = sheet.Sheet()
    for incident in (moved, ended):
        filled.incidents[incident.id] = (incident, Plan())
        filled.timers[(timers.PAGE, incident.id)] = NOON
    await database.transact(lambda c: sheet.save(c, filled, NOON))
    again = sheet.Sheet()
    again.timers = {(timers.PAGE, moved.id): NOON + seconds(5), (timers.PAGE, ended.id): None}
    await database.transact(lambda c: sheet.save(c, again, NOON))

    assert await database.read(timers.next_due) == NOON + seconds(5)
    assert await database.transact(lambda c: timers.claim_due(c, NOON, 10)) == []
    due = await asyncio.gather(
        *(database.transact(lambda c: timers.claim_due(c, NOON + seconds(5), 10)) for _ in range(2))
    )
    assert sorted(due) == [[], [(timers.PAGE, moved.id)]]
    assert await database.read(timers.next_due) is None
