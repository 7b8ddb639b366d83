"""Who did what? The audit log: its entries, whether it holds, and all of it to take away (TR-4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from tocsin.api import shapes
from tocsin.api.asking import Admin, Manager, Paged, Strict, TheHub, Word, cursor_in, cursor_out
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import problems
from tocsin.core.errors import NotFound
from tocsin.engine import audit as chain
from tocsin.engine.acting import tell
from tocsin.store import audit
from tocsin.store.audit import AuditFilter, Kept
from tocsin.store.database import Connection

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], route_class=Keyed)
MEDIA_TYPE = "application/x-ndjson"


class AuditEntry(BaseModel):
    """One act. `before` and `after` hold what changed, and no secret."""

    id: int
    seq: int | None = Field(
        description="Its number in the chain; null = not linked yet, a matter of seconds."
    )
    hash: str = Field(
        description="SHA-256 over the entry and the hash before it; empty while it is not linked."
    )
    at: datetime
    actor: str = Field(description="The name of the person, token, timer …")
    actor_kind: str = Field(
        description="person, token, provider (a person there), rule, timer, sender or hub."
    )
    origin: str = Field(description="command, page, api, demo, webhook, reading, rule, timer or start.")
    via: str = Field(description="The token or session that was shown, or the connector.")
    address: str = Field(description="Where the request came from.")
    action: str = Field(
        description='"incident.acknowledge"; `api.…` is a write that has no words of its own.'
    )
    object: str = Field(description="What it was done to.")
    outcome: Literal["done", "refused"]
    text: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Broken(BaseModel):
    """What does not hold."""

    seq: int
    text: str


class Verified(BaseModel):
    """What following the chain has found. It holds when `faults` is empty."""

    ok: bool
    first: int
    last: int = Field(description="Up to which entry it was followed.")
    hash: str = Field(
        description="That entry's hash: keep it elsewhere, and you can tell later what was changed."
    )
    checked: int
    head: int = Field(description="The log's last entry.")
    waiting: int = Field(description="Entries that are written and not linked yet.")
    more: bool = Field(description="There is more behind `last`: ask again with `after` = `last`.")
    faults: list[Broken]


class Wanted(Paged):
    """Which entries, and where in the list."""

    actor: Word = ""
    action: Word = Field("", description='"incident.acknowledge", or "incident" for all that begin with it.')
    object: Word = Field("", description='"INC-7", "token 0190…", "version 12".')
    origin: Word = ""
    outcome: Literal["", "done", "refused"] = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class From(Strict):
    """Where to begin."""

    after: int = Field(0, ge=0, le=2**53, description="Behind this entry; 0 = from the first.")


class Span(Strict):
    """Of which time."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@router.get(
    "", summary="List the audit log", response_model=shapes.Page[AuditEntry], responses=problems("bad_input")
)
async def list_audit(hub: TheHub, who: Manager, query: Annotated[Wanted, Query()]) -> shapes.Page[AuditEntry]:
    """Who did what, the newest first: people, tokens, people at providers, timers; and what was refused."""
    wanted = AuditFilter(
        actor=query.actor, action=query.action, object=query.object, origin=query.origin, outcome=query.outcome,
        since=query.since, until=query.until,
    )  # fmt: skip
    before = cursor_in(query.cursor, datetime, int)
    place = (before[0], before[1]) if before else None
    found = await hub.database.read(lambda c: audit.page(c, wanted, before=place, most=query.limit + 1))
    shown = found[: query.limit]
    following = cursor_out(shown[-1].entry.at, shown[-1].id) if len(found) > query.limit else None
    return shapes.Page(items=[_entry(one) for one in shown], next_cursor=following)


def _entry(kept: Kept) -> AuditEntry:
    e = kept.entry
    return AuditEntry(
        id=kept.id, seq=kept.seq, hash=kept.hash.hex() if kept.hash else "", at=e.at, actor=e.actor,
        actor_kind=e.actor_kind, origin=e.origin, via=e.via, address=e.address, action=e.action, object=e.object,
        outcome="refused" if e.outcome == "refused" else "done", text=e.text,
        before=dict(e.before) if e.before is not None else None, after=dict(e.after) if e.after is not None else None,
    )  # fmt: skip


@router.get(
    "/verify", summary="Does the audit log hold?", response_model=Verified, responses=problems("bad_input", "not_found", "conflict")
)  # fmt: skip
async def verify_audit(hub: TheHub, who: Manager, query: Annotated[From, Query()]) -> Verified:
    """Follow the chain, 50,000 entries at a time: what was changed, taken out, put in or cut off is named. What this
    node has seen of the log is compared too."""
    found = await chain.verify(hub, after=query.after)
    return Verified(
        ok=not found.faults, first=found.first, last=found.last, hash=found.hash.hex(), checked=found.checked,
        head=found.head, waiting=found.waiting, more=found.more,
        faults=[Broken(seq=fault.seq, text=fault.text) for fault in found.faults],
    )  # fmt: skip


@router.post(
    "/export", summary="Take the audit log away", response_class=StreamingResponse,
    responses={200: {"description": "One JSON object a line.", "content": {MEDIA_TYPE: {}}}, **problems("bad_input", "not_found")},
)  # fmt: skip
@asks_only
async def export_audit(hub: TheHub, who: Admin, body: Span | None = None) -> StreamingResponse:
    """The entries of a time, all of it by default, in the order of their numbers. `im audit verify FILE` tells without
    a hub whether a byte was changed since. What was not linked yet is not in it."""
    of = body or Span()

    async def work(connection: Connection) -> tuple[int, int]:
        found = await audit.numbers(connection, of.since, of.until)
        if found is None:
            raise NotFound("The audit log has no entries of that time", hint="`im audit list` shows it")
        after = {"first": found[0], "last": found[1]}
        await tell(connection, hub, "audit.export", f"entries {found[0]} to {found[1]}", after=after)
        return found

    first, last = await hub.database.transact(work)
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return StreamingResponse(
        chain.export(hub, first, last, by=who.name), media_type=MEDIA_TYPE, headers=headers
    )
