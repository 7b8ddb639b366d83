"""Ask providers what they think: the way back where webhooks cannot reach, and the cure where one was missed.

Without a public address unacknowledged incidents are read every 10 s (S44), everything else at the
connector's `sync_interval`. What is read goes through the same door as a webhook.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.core.policy import Connector, Direction
from tocsin.core.ports import (
    ChangeKind,
    ConnectorSettings,
    RemoteChange,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    Response,
)
from tocsin.engine.follow import follow
from tocsin.engine.hub import Hub, log
from tocsin.engine.respond import rung
from tocsin.engine.wire import Wire
from tocsin.store import outbox
from tocsin.store.database import Connection
from tocsin.store.outbox import Remote

POLL_EVERY = timedelta(seconds=10)
MOST_AT_ONCE = 100
_KINDS = {
    RemoteStatus.ACKNOWLEDGED: ChangeKind.ACKNOWLEDGED,
    RemoteStatus.RESOLVED: ChangeKind.RESOLVED,
    RemoteStatus.TRIGGERED: ChangeKind.UNACKNOWLEDGED,
}


async def reconcile(hub: Hub, wire: Wire) -> int:
    """Read what is due at every connector that can be read; how many changes were found."""
    found = 0
    for connector in hub.policy.connectors.values():
        if connector.direction is not Direction.OUTBOUND and "read_states" in hub.abilities(connector.name):
            try:
                found += await _one(hub, wire, connector)
            except Exception as fault:  # noqa: BLE001 - one connector must not keep the others from being read
                log.warning("reconcile_failed", connector=connector.name, fault=type(fault).__name__)
    if found:
        rung(hub)
    return found


def polls(hub: Hub, connector: Connector) -> bool:
    """True where webhooks cannot be the way back."""
    return not hub.public_url or not connector.enable_webhook


async def _one(hub: Hub, wire: Wire, connector: Connector) -> int:
    now = hub.now()
    every = connector.sync_interval
    soon = min(POLL_EVERY, every) if polls(hub, connector) else every
    remotes = await hub.database.read(
        lambda c: outbox.to_read(c, connector.name, now - soon, now - every, MOST_AT_ONCE)
    )
    if not remotes or not hub.active.unsealed:
        return 0
    settings = hub.active.settings_of(connector)
    provider = hub.providers[connector.type].module
    refs = [RemoteRef(key=remote.key, remote_id=remote.remote_id) for remote in remotes]
    states: list[RemoteState] = []
    for call in provider.read_states(refs, settings):
        answer = await wire.send(call.send)
        if isinstance(answer, Response):
            states += provider.states_of(call, answer)
    return await hub.database.transact(lambda c: _apply(c, hub, connector, settings, remotes, states, now))


async def _apply(
    connection: Connection, hub: Hub, connector: Connector, settings: ConnectorSettings, remotes: list[Remote],
    states: list[RemoteState], now: datetime,
) -> int:  # fmt: skip
    """Absence says nothing (S41): a remote nobody mentioned is only marked as read."""
    changes = 0
    for remote in remotes:
        await outbox.update_remote(connection, remote.id, {"read_at": now})
        for state in states:
            if _is(remote, state):
                for change in changes_of(remote, state, now):
                    await follow(connection, hub, connector, change, heard=False)
                    changes += 1
    return changes


def _is(remote: Remote, state: RemoteState) -> bool:
    return bool(remote.remote_id and state.remote_id == remote.remote_id) or bool(
        state.key and state.key == remote.key
    )


def changes_of(remote: Remote, state: RemoteState, now: datetime) -> list[RemoteChange]:
    """What a reading says that was not known, as a webhook would have told it."""
    mark = f"read:{remote.id}:{now.isoformat()}"
    found: list[RemoteChange] = []
    if state.notified and remote.notified_at is None:
        found.append(
            RemoteChange(
                kind=ChangeKind.NOTIFIED,
                delivery_id=f"{mark}:notified",
                remote_id=remote.remote_id,
                key=remote.key,
            )
        )
    kind = _KINDS.get(state.status)
    first_sight = remote.status is RemoteStatus.UNKNOWN and state.status is RemoteStatus.TRIGGERED
    if kind is None or state.status is remote.status or first_sight:
        return found
    if kind is ChangeKind.UNACKNOWLEDGED and remote.status is RemoteStatus.RESOLVED:
        kind = ChangeKind.REOPENED
    person = {ChangeKind.ACKNOWLEDGED: state.acknowledged_by, ChangeKind.RESOLVED: state.resolved_by}.get(
        kind, ""
    )
    found.append(
        RemoteChange(
            kind=kind, delivery_id=f"{mark}:{kind.value}", remote_id=state.remote_id or remote.remote_id, key=remote.key,
            person=person, occurred_at=state.changed_at, raw_type=f"{kind.value} (read)",
        )
    )  # fmt: skip
    return found
