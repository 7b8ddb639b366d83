"""An act on an incident goes to every connector that holds it (S35), and stops what waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tocsin.core.lifecycle import Ruling
from tocsin.core.model import Actor, ActorKind, Incident, Line
from tocsin.core.plan import Way
from tocsin.core.ports import EffectKind, RemoteStatus
from tocsin.engine import assigning
from tocsin.engine.ask import add_effect, name_of, newest, waits_at
from tocsin.engine.assigning import Body
from tocsin.engine.hub import Hub
from tocsin.store import outbox
from tocsin.store import remotes as remotes_held
from tocsin.store.database import Connection
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet

_SETTLES = (EffectKind.CREATE, EffectKind.REOPEN)


async def withdraw(
    connection: Connection,
    sheet: Sheet,
    incident: Incident,
    remotes: Iterable[Remote],
    reason: str,
    now: datetime,
) -> set[int]:
    """Withdraw waiting pages that were surely never sent; ids of their remotes."""
    held = {r.id: r for r in remotes}
    gone = set(await outbox.withdraw_waiting(connection, list(held), _SETTLES, reason, now))
    for remote in gone:
        await outbox.update_remote(connection, remote, {"superseded_at": now, "fault": reason})
        text = f"{held[remote].connector}: the waiting page is withdrawn, {reason}"
        sheet.tell(now, incident, Line(kind="page_withdrawn", text=text, reason="stale"))
    return gone


async def supersede(
    connection: Connection,
    sheet: Sheet,
    incident: Incident,
    remotes: list[Remote],
    ways: list[tuple[Way, str]],
    now: datetime,
) -> None:
    """Another target has it (S31): what waits is withdrawn; what may have been sent is settled by looking, and
    adopted if it is there (S29)."""
    held = {remote.id: remote for remote in remotes}
    for remote_id, holder in waits_at(remotes, ways):
        reason = f"superseded: {holder} has it"
        if await withdraw(connection, sheet, incident, [held[remote_id]], reason, now):
            continue
        await outbox.update_remote(connection, remote_id, {"superseded_at": now})
        text = (
            f"{held[remote_id].connector}: {reason}; its own page is looked for, and adopted if it is there"
        )
        sheet.tell(now, incident, Line(kind="superseded", text=text, reason="perhaps_sent"))


async def tell_others(
    connection: Connection,
    hub: Hub,
    sheet: Sheet,
    ruling: Ruling,
    actor: Actor,
    remotes: list[Remote],
    note: str,
    now: datetime,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Put the act on the sheet for each connector that holds the incident, but the one it came from."""
    incident = ruling.incident
    gone: set[int] = set()
    if ruling.stops_paging:
        gone = await withdraw(connection, sheet, incident, newest(remotes).values(), ruling.reason, now)
    if ruling.tell is None or ruling.tell is EffectKind.REOPEN:
        return
    for remote in newest(remotes).values():
        if remote.id in gone or remote.superseded_at or (remote.failed_at and not remote.accepted_at):
            continue
        if remote.service not in ruling.services or _came_from(remote, actor):
            continue
        why = _kept_back(hub, ruling.tell, remote, actor)
        if not why and ruling.tell is EffectKind.RESOLVE and remote.shared:
            # merged there with another of ours (S41): it is over there once both are over here
            held = await remotes_held.held_by_another(connection, remote)
            why = "another incident of ours lives there too and is not over" if held else ""
        if why:
            if why != "inbound":
                sheet.tell(
                    now, incident, Line(kind="not_told", text=f"{remote.connector}: {why}", reason="setting")
                )
            continue
        body = {"person": actor.name if actor.person else "", "note": note}
        # by the life too: after a clock that stood or was set back, the resolve of a reopened one is another
        mark = f"{incident.life} {now:%Y%m%dT%H%M%S.%f}"
        for kind, own in _as_it_can(hub, sheet, ruling, remote, actor, now, more or {}):
            whose = own.get("to") or own.get("for", "")
            mine = f"{mark} {whose}" if whose else mark
            add_effect(sheet, incident, name_of(remote), kind, body | own, now, mark=mine)


def _as_it_can(
    hub: Hub,
    sheet: Sheet,
    ruling: Ruling,
    remote: Remote,
    actor: Actor,
    now: datetime,
    more: Mapping[str, Any],
) -> list[tuple[EffectKind, Body]]:
    """What is asked for one act, and what besides who and why. Only what is acknowledged can be snoozed, so that comes
    first; where nothing can be snoozed that is all, and it is told (S26). Who acknowledged has it, there too."""
    connector, tell = remote.connector, ruling.tell
    if tell is EffectKind.ASSIGN:
        return assigning.told(hub, sheet, ruling.incident, connector, actor, now)
    if tell is EffectKind.ESCALATE:
        return assigning.further(hub, sheet, ruling.incident, connector, more, now)
    if tell is EffectKind.ACKNOWLEDGE:
        return [(tell, {}), *assigning.with_ack(hub, connector, actor)]
    if tell is not EffectKind.SNOOZE:
        return [(tell, {})] if tell else []
    first: list[tuple[EffectKind, Body]] = []
    if not _kept_back(hub, EffectKind.ACKNOWLEDGE, remote, actor):
        first = [(EffectKind.ACKNOWLEDGE, {}), *assigning.with_ack(hub, connector, actor)]
    if hub.can_snooze(connector):
        return [*first, (EffectKind.SNOOZE, {})]
    text = (
        f"{connector} cannot snooze: it is told of an acknowledgement, and asked again when the snooze ends"
    )
    sheet.tell(now, ruling.incident, Line(kind="not_told", text=text, reason="snooze"))
    return first


def _came_from(remote: Remote, actor: Actor) -> bool:
    return actor.kind is ActorKind.PROVIDER and actor.via == remote.connector


def _kept_back(hub: Hub, kind: EffectKind, remote: Remote, actor: Actor) -> str:
    connector = hub.policy.connectors.get(remote.connector)
    if connector is None:
        return "it is no longer configured, so it is not told"
    if not hub.reaches_here(remote.connector):
        return "inbound"
    if kind is EffectKind.NOTE and not connector.sync_notes:
        return "inbound"
    if kind in (EffectKind.ASSIGN, EffectKind.ESCALATE) and remote.status is RemoteStatus.RESOLVED:
        return "inbound"  # there is nobody to have it any more
    if kind is EffectKind.RESOLVE and actor.kind is ActorKind.SENDER and not connector.auto_resolve:
        return "auto_resolve is off, so its incident stays open there"
    if (
        kind is EffectKind.ACKNOWLEDGE
        and remote.acknowledged_at
        and remote.status is RemoteStatus.ACKNOWLEDGED
    ):
        return "inbound"  # who has it there keeps it (ack: each)
    if kind in (EffectKind.ACKNOWLEDGE, EffectKind.SNOOZE) and remote.status is RemoteStatus.RESOLVED:
        return "resolved there already; an acknowledgement would reopen it"
    return ""


def tell_update(hub: Hub, sheet: Sheet, incident: Incident, remotes: Iterable[Remote], now: datetime) -> None:
    """The text changed: one update per connector waits at most (the text is read when it is sent), and at
    most one a minute is made; `store/sheet.py` holds to that."""
    for remote in newest(remotes).values():
        if remote.failed_at or remote.superseded_at or not hub.reaches_here(remote.connector):
            continue
        if remote.status is RemoteStatus.RESOLVED:
            continue
        if "update" not in hub.abilities(remote.connector):
            continue
        add_effect(
            sheet, incident, name_of(remote), EffectKind.UPDATE, {}, now, mark=f"{now:%Y%m%dT%H%M%S.%f}"
        )
