"""What must be known and locked before events are admitted where keys join an alert by its title? (IN-6, S11)

Asks the database nothing for integrations that join nothing. The deciding is `core/alias.py`, on `core/ring.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from tocsin.core.alias import Joining, title_of
from tocsin.core.model import Action, Alert, Event
from tocsin.core.ring import Ring
from tocsin.engine.envelope import Envelope
from tocsin.store import aliases
from tocsin.store.aliases import Wanted
from tocsin.store.database import Connection

_PLACES = 512
_MORE = 4
"""Keys besides those heard of in a batch that are looked at: whether any still fires, and some for the sentence."""


async def gather(
    connection: Connection, group: Sequence[Envelope], joining: Joining
) -> tuple[Ring, set[UUID]]:
    """(a ring that knows nothing yet, the alerts to lock for it), after waiting for whoever admits the same keys
    or titles now."""
    mine = _concerned(group, joining)
    if not mine:
        return Ring(joining), set()
    said = [(envelope, event) for envelope in mine for event in envelope.events]
    await aliases.one_at_a_time(connection, _places(said))
    keys = {(envelope.scope, event.dedup_key) for envelope, event in said if event.dedup_key}
    found = set((await aliases.by_key(connection, keys)).values()) if keys else set[UUID]()
    if wanted := _titles(said, joining):
        found.update(await aliases.by_title(connection, wanted))
    return Ring(joining), found


async def fill(
    connection: Connection,
    ring: Ring,
    group: Sequence[Envelope],
    live: Iterable[Alert],
    asked: Collection[UUID],
) -> None:
    """Teach the ring the alerts that are locked now; of those asked for, the others have ended."""
    envelopes = _concerned(group, ring.joining)
    if not envelopes:
        return
    mine = [alert for alert in live if alert.scope in ring.joining.scopes]
    if gone := set(asked) - {alert.id for alert in mine}:
        await aliases.ended(connection, gone)
    if not mine:
        return
    heard = {event.dedup_key for envelope in envelopes for event in envelope.events if event.dedup_key}
    keys = await aliases.keys_of(connection, mine, heard, len(heard) + _MORE)
    for alert in mine:
        ring.learn(alert, keys.get(alert.id, {}))


def _concerned(group: Sequence[Envelope], joining: Joining) -> list[Envelope]:
    """Those of scopes in which keys may be aliases."""
    return [envelope for envelope in group if envelope.scope in joining.scopes] if joining.scopes else []


def _places(said: Iterable[tuple[Envelope, Event]]) -> set[int]:
    """Of the keys and titles of all creates. Few places for many names: a lock each would fill PostgreSQL's table."""
    names = set[str]()
    for envelope, event in said:
        if event.action is Action.CREATE:
            names.add(f"key {envelope.scope} {event.dedup_key}")
            if title := title_of(event):
                names.add(f"title {title}")
    return {zlib.crc32(name.encode("utf-8", "replace")) % _PLACES for name in names}


def _titles(said: Iterable[tuple[Envelope, Event]], joining: Joining) -> set[Wanted]:
    """By whichever title a create may join an alert; the oldest event of the batch says how far back."""
    since: dict[tuple[str, str], datetime] = {}
    for envelope, event in said:
        name = envelope.raw.integration
        look_back = joining.windows.get(name)
        if look_back is None or event.action is not Action.CREATE or not title_of(event):
            continue
        begin, place = envelope.raw.received_at - look_back, (name, title_of(event))
        since[place] = min(begin, since.get(place, begin))
    return {Wanted(name, title, begin) for (name, title), begin in since.items()}
