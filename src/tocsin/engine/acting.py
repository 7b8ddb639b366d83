"""Who is behind what is done now? Known by the task, and written to the audit log with the change itself (TR-4).

A request, a webhook or a start of the hub begins an `Acting`; whatever verb changes something tells what it changed
by `tell`, in its own transaction. A write that no verb has words for is told by its address all the same: the
transaction is asked before it commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from tocsin.core.audit import Entry, difference
from tocsin.core.model import Actor, ActorKind
from tocsin.engine.hub import Hub
from tocsin.store import audit
from tocsin.store.database import Connection, witness


@dataclass(slots=True)
class Acting:
    """Who acts, in one task. `action` and `object` name what was asked for where nothing better is known; `given`
    tells the names of the fields that came with it, never what they hold. `told` = an entry was written."""

    origin: str
    action: str = ""
    object: str = ""
    address: str = ""
    actor: str = ""
    kind: str = ""
    via: str = ""
    given: Callable[[], list[str]] = list
    writes: bool = True
    told: bool = False


_now: ContextVar[Acting | None] = ContextVar("acting", default=None)


def acting() -> Acting | None:
    """Who acts in this task; None = the hub itself."""
    return _now.get()


@contextmanager
def begun(hub: Hub, who: Acting) -> Iterator[Acting]:
    """What happens inside is done by `who`."""

    async def sees(connection: Connection) -> None:
        if who.told or not who.actor or not await audit.wrote(connection):
            return
        await tell(
            connection,
            hub,
            who.action,
            who.object,
            after={"given": given} if (given := who.given()) else None,
        )

    mine, seen = _now.set(who), witness.set(sees if who.writes else None)
    try:
        yield who
    finally:
        witness.reset(seen)
        _now.reset(mine)


async def tell(
    connection: Connection,
    hub: Hub,
    action: str,
    object: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    text: str = "",
    actor: Actor | None = None,
) -> None:
    """Write what was done into the audit log, in the transaction that does it. `actor` = who it was, where that is
    not the caller of this task. Of `before` and `after`, given both, only what differs is kept."""
    who = _now.get()
    if before is not None and after is not None:
        before, after = difference(before, after)
    name, kind, origin, via = _named(who, actor)
    entry = Entry(
        at=hub.now(), action=action, object=object, actor=name, actor_kind=kind, origin=origin, via=via,
        address=who.address if who else "", text=text, before=before, after=after,
    )  # fmt: skip
    await audit.add(connection, entry)
    if who is not None:
        who.told = True
    hub.wake.ring(BELL)


BELL = "audit"


def _named(who: Acting | None, actor: Actor | None) -> tuple[str, str, str, str]:
    """(name, kind, origin, via) of whoever it was."""
    if actor is None or (who is not None and who.actor and actor.kind is ActorKind.PERSON):
        if who is None or not who.actor:
            return ("hub", "hub", who.origin if who else "rule", "")
        return (actor.name if actor else who.actor, who.kind, who.origin, who.via)
    match actor.kind:
        case ActorKind.PROVIDER:
            return (actor.name, "provider", who.origin if who else "reading", actor.via)
        case ActorKind.TIMER:
            return (actor.name, "timer", "timer", actor.via)
        case ActorKind.SENDER:
            return (actor.name, "sender", who.origin if who else "rule", actor.via)
        case _:
            return (actor.name, "person", who.origin if who else actor.via or "api", actor.via)


def refuse(hub: Hub, who: Acting | None, text: str, *, name: str, kind: str, via: str) -> None:
    """Somebody who is known tried what they may not: written down by the loop `audit`, soon."""
    entry = Entry(
        at=hub.now(), action=who.action if who else "alert.send", object=who.object if who else "", actor=name,
        actor_kind=kind, origin=who.origin if who else "api", via=via, address=who.address if who else "",
        outcome="refused", text=text,
    )  # fmt: skip
    hub.attempts.note(entry)
    hub.wake.ring(BELL)
