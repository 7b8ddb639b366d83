"""The journal goes back to the database: in order, each request once, however often it is begun."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from tocsin.engine.admission import admit_kept
from tocsin.engine.envelope import Envelope
from tocsin.engine.hub import Hub
from tocsin.engine.kept import Kept
from tocsin.store import blind_pages, intake
from tocsin.store.database import Connection

TOGETHER = 200
"""Requests in one transaction."""


async def replay(connection: Connection, hub: Hub, kept: Sequence[Kept]) -> int:
    """Admit what is not stored yet, as it would have been admitted then; how many requests that were.

    A crash after this commits, and before the segment is gone, leads here again with the same ids.
    """
    stored = await intake.stored_already(connection, [(k.raw.id, k.raw.received_at) for k in kept])
    left = [k for k in _once(kept) if k.raw.id not in stored]
    if left:
        loop = asyncio.get_running_loop()
        group = [Envelope(k.raw, k.scope, k.events, None, loop.create_future(), k.names) for k in left]
        await admit_kept(connection, hub, group)
        keys = {(k.scope, name) for k in left for name in _keys(k)}
        await blind_pages.mark_alerts(connection, keys)
        if joined := {(scope, key) for scope, key in keys if scope in hub.active.joining.scopes}:
            await blind_pages.mark_joined(connection, joined)
    return len(left)


def _keys(kept: Kept) -> list[str]:
    """Of its alerts: one without a key of its own has its id for one."""
    pairs = zip(kept.events, kept.names, strict=True)
    return [event.dedup_key or str(fresh.alert_id) for event, fresh in pairs]


def _once(kept: Sequence[Kept]) -> list[Kept]:
    found: dict[UUID, Kept] = {}
    for one in kept:
        found.setdefault(one.raw.id, one)
    return list(found.values())
