"""Does the audit log hold? Entries get their place in the chain here, and the chain is followed (TR-4, ADR 0034).

What is written with a change has no place yet: a chain that every act had to join would make them wait for each
other. The node on duty links what is committed, in one order, within a second or two; each node remembers outside
the database how far it has seen the log.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tocsin.core.audit import (
    Break,
    Entry,
    Linked,
    Run,
    Walk,
    canonical,
    content,
    follows,
    genesis,
    instant,
    runs_out,
)
from tocsin.core.errors import NotFound
from tocsin.engine.hub import Hub, log
from tocsin.engine.seen import anchors
from tocsin.store import audit
from tocsin.store.database import Connection

_LINKED, _WALKED = 200, 500
MOST_VERIFIED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found. `checked` entries from `first` on; `last` = up to which it was followed; `more` = the log goes
    on behind it; `waiting` = committed entries that have no place yet."""

    first: int
    last: int
    hash: bytes
    checked: int
    head: int
    waiting: int
    more: bool
    faults: tuple[Break, ...]


async def look(hub: Hub) -> float | None:
    """Write down what was refused, link what waits when this node has the duty, and remember the end outside the
    database. The seconds until the next look, None = as ever."""
    await look_at_attempts(hub)
    if hub.on_duty:
        while await link_some(hub) >= _LINKED:
            pass
    await remember(hub)
    return None


async def look_at_attempts(hub: Hub) -> None:
    """Write down what was refused since the last look."""
    refused = hub.attempts.due(hub.now())
    if refused:
        await hub.database.transact(lambda c: _write(c, refused))


async def _write(connection: Connection, entries: list[Entry]) -> None:
    for entry in entries:
        await audit.add(connection, entry)


async def link_some(hub: Hub) -> int:
    """Give up to 200 entries their place; how many."""

    async def work(connection: Connection) -> int:
        seq, mark = await audit.head(connection, genesis(hub.installation), hold=True)
        found = []
        for kept in await audit.unlinked(connection, _LINKED):
            seq, mark = seq + 1, follows(mark, kept.entry, seq + 1)
            found.append((kept, seq, mark))
        if found:
            await audit.link(connection, found)
        return len(found)

    return await hub.database.transact(work)


async def remember(hub: Hub) -> None:
    """Note the end of the log beside the database, when it has moved."""
    if hub.folder is None:
        return
    start = genesis(hub.installation)
    seq, mark = await hub.database.read(lambda c: audit.head(c, start))
    if not hub.audit_seen.moved(seq, mark):
        return
    try:
        if await asyncio.to_thread(hub.audit_seen.keep, hub.folder, seq, mark, hub.now()):
            log.info("audit_log", entries=seq, hash=mark.hex())
    except OSError as fault:
        log.error("audit_end_not_kept", message=str(fault))


# ---- following it ------------------------------------------------------------------------------------------------


async def verify(hub: Hub, *, after: int = 0, most: int = MOST_VERIFIED) -> Verified:
    """Follow the chain from the entry behind `after`, over at most `most` entries. Raises NotFound when there is no
    entry `after`."""
    seen = await asyncio.to_thread(anchors, hub.folder)
    start = genesis(hub.installation)

    async def begin(connection: Connection) -> tuple[bytes | None, tuple[int, bytes], list[Any], int]:
        mark = start if after == 0 else await audit.hash_of(connection, after)
        waiting = await audit.count_unlinked(connection)
        return mark, await audit.head(connection, start), await audit.forgotten(connection), waiting

    mark, head, runs, waiting = await hub.database.read(begin)
    if mark is None:
        raise NotFound(f"The audit log has no entry {after}", hint="begin without `after`, at its first")
    walk, place = Walk(after, mark, runs, seen), (after, _BEHIND)
    more = True
    while more and walk.checked < most:
        found = await _some(hub, place, min(_WALKED, most - walk.checked), head[0])
        await asyncio.to_thread(walk.take, found)
        more = bool(found)
        if more:
            place = (found[-1].seq, found[-1].id)
    if not more:
        walk.take(await _beyond(hub, head))
        walk.end(head)
    return Verified(
        first=after + 1, last=walk.seq, hash=walk.hash, checked=walk.checked, head=head[0], waiting=waiting, more=more,
        faults=tuple(walk.faults),
    )  # fmt: skip


async def _some(hub: Hub, after: tuple[int, int], most: int, until: int) -> list[Linked]:
    """What is linked while this looks on is left for the next time."""
    found = await hub.database.read(lambda c: audit.walk(c, after, most))
    return [one for one in found if one.seq <= until]


async def _beyond(hub: Hub, head: tuple[int, bytes]) -> list[Linked]:
    """What has a place behind the end of the log, and did not get it just now."""
    start = genesis(hub.installation)

    async def ask(connection: Connection) -> list[Linked]:
        found = await audit.walk(connection, (head[0], _BEHIND), 1)
        return found if await audit.head(connection, start) == head else []

    return await hub.database.read(ask)


_BEHIND = 2**62
"""Behind every row of a number."""


# ---- handing it out ------------------------------------------------------------------------------------------------


async def export(hub: Hub, first: int, last: int, *, by: str) -> AsyncIterator[bytes]:
    """Entries `first` to `last` as lines of JSON, between a line that says what it is and one that closes it.

    Written so that whoever has the file alone can tell whether a byte of it was changed (client/ledger.py).
    """
    runs = {run.last: run for run in await hub.database.read(audit.forgotten)}
    before = await _hash_before(hub, first, runs)
    whole, seq, mark, count, place = hashlib.sha256(), first - 1, before, 0, (first - 1, _BEHIND)
    begins = {
        "kind": "tocsin audit log", "version": 1, "installation": str(hub.installation), "first": first,
        "previous": mark.hex(), "exported_at": instant(hub.now()), "exported_by": by,
    }  # fmt: skip
    told = canonical(begins) + b"\n"
    whole.update(told)
    yield told
    while found := await _some(hub, place, _WALKED, last):
        lines = []
        for one in found:
            if one.seq > seq + 1 and (run := runs.get(one.seq - 1)) is not None:
                mark = run.hash
            line = {**content(one.entry, one.seq), "previous": mark.hex(), "hash": one.hash.hex()}
            lines.append(canonical(line) + b"\n")
            seq, mark, place, count = one.seq, one.hash, (one.seq, one.id), count + 1
        whole.update(b"".join(lines))
        yield b"".join(lines)
    ends = {
        "kind": "end", "entries": count, "last": seq, "hash": mark.hex(), "digest": whole.hexdigest(),
        "forgotten": runs_out(run for run in runs.values() if first <= run.first and run.last < seq),
    }  # fmt: skip
    yield canonical(ends) + b"\n"


async def _hash_before(hub: Hub, first: int, runs: dict[int, Run]) -> bytes:
    if first == 1:
        return genesis(hub.installation)
    found = await hub.database.read(lambda c: audit.hash_of(c, first - 1))
    return found if found is not None else runs[first - 1].hash if first - 1 in runs else b""
