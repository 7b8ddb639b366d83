"""What do digests hold or ask, what did they tell, and may one leave now?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tocsin.api import shapes
from tocsin.api.asking import Paged, Reader, TheHub, Word, Writer, cursor_in, cursor_out
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.api.shapes import SeverityWord
from tocsin.core import silent as asked
from tocsin.core.digest import subject_of, text_of, worst_of
from tocsin.core.errors import Conflict, NotFound
from tocsin.engine import digest, silent
from tocsin.engine.hub import Hub
from tocsin.store import digests

router = APIRouter(prefix="/api/v1", tags=["alerts"], route_class=Keyed)


class Digest(BaseModel):
    """One period of a digest, still collected or told; or what somebody is, or was, asked about (S24)."""

    name: str = Field(description="That of its routing rule; `silent: ` and whom it asks.")
    state: str = Field(description="`collecting` or `sent`.")
    to: list[str]
    begins_at: datetime
    ends_at: datetime = Field(description="When it leaves, or left.")
    alerts: int
    holder: str = Field(
        "",
        description="Whom it asks about incidents that they have and nobody speaks of; empty for a rule's.",
    )
    incidents: int = Field(0, description="How many of them.")
    review: bool = Field(
        False, description="It tells what a `suppress` rule kept quiet, for the review of that rule."
    )
    worst: SeverityWord
    subject: str
    text: str = Field(description="The message as it is, or would be now.")
    delivered: dict[str, str] = Field(
        description="Connector -> `waiting`, `leased`, `done` or `failed`; empty while it is collected."
    )
    fell_back_at: datetime | None = Field(description="When the default route was asked instead.")


class Wanted(Paged):
    """Which digests, and where in the list."""

    name: Word = Field("", description="Those of one rule.")


class Sent(BaseModel):
    """What left by hand."""

    name: str
    alerts: int


@router.get(
    "/digests", summary="List digests", response_model=shapes.Page[Digest], responses=problems("bad_input")
)
async def list_digests(hub: TheHub, who: Reader, query: Annotated[Wanted, Query()]) -> shapes.Page[Digest]:
    """What is collected now, on the first page, then what was sent, the last first."""
    before = cursor_in(query.cursor, datetime, int)
    place = (before[0], before[1]) if before else None
    collecting = [] if place else [*await _collecting(hub, query.name), *await _asking(hub, query.name)]
    found = await hub.database.read(
        lambda c: digests.written(c, name=query.name, before=place, most=query.limit + 1)
    )
    sent = found[: query.limit]
    following = cursor_out(sent[-1].ends_at, sent[-1].id) if len(found) > query.limit else None
    told = [
        Digest(
            name=w.name, state="sent", to=list(w.to), begins_at=w.begins_at, ends_at=w.ends_at, alerts=w.alerts,
            worst=w.worst.value, subject=w.subject, text=w.text, delivered=dict(w.delivered), fell_back_at=w.fell_back_at,
            holder=w.holder, incidents=w.incidents, review=w.review,
        )
        for w in sent
    ]  # fmt: skip
    return shapes.Page(items=[*collecting, *told], next_cursor=following)


@router.post(
    "/digests/{name}/send", summary="Send a digest now", response_model=Sent, responses=problems("not_found", "conflict", "bad_input"),
)  # fmt: skip
async def send_digest(hub: TheHub, who: Writer, name: str) -> Sent:
    """What is collected leaves now instead of at its period's end; without anything collected nothing is sent."""
    known = {rule.name for rule in hub.policy.routing if rule.digest_to or rule.review}
    count = await digest.send_now(hub, name[:500])
    if not count and any(one.name == name for one in await _asking(hub, name)):
        raise Conflict(
            f"“{name[:200]}” asks its holder at the beginning of their business hours, not before",
            hint="`im show INC-1` tells what it is; leave a note, resolve it or snooze it, and nobody is asked",
        )
    if not count and name not in known:
        raise NotFound(f"There is no digest “{name[:200]}”", hint="`im digest list` shows them; a digest has the name of its rule")  # fmt: skip
    return Sent(name=name, alerts=count)


async def _collecting(hub: Hub, name: str) -> list[Digest]:
    found = await hub.database.read(lambda c: digests.collected(c, name=name))
    return [
        Digest(
            name=p.name, state="collecting", to=list(p.to), begins_at=p.begins, ends_at=p.due, alerts=len(p.entries),
            worst=worst_of(p.entries).value, subject=subject_of(p.name, p.entries, review=p.review),
            text=text_of(p.name, p.entries, p.begins, p.due, review=p.review), delivered={}, fell_back_at=None, holder="", incidents=0, review=p.review,
        )
        for p in found
    ]  # fmt: skip


async def _asking(hub: Hub, name: str) -> list[Digest]:
    after = hub.policy.defaults.silent_after
    found = await hub.database.read(lambda c: silent.waiting(c, hub))
    return [
        Digest(
            name=asked.name_of(a.to), state="collecting", to=[hub.mailer] if hub.mailer else [], holder=a.to.shown,
            begins_at=min(s.heard_at or s.incident.opened_at for s in a.found), ends_at=a.asks_at, alerts=0,
            incidents=len(a.found), review=False, worst=a.worst.value, subject=asked.subject_of(a.found),
            text=asked.text_of(a.found, after), delivered={}, fell_back_at=None,
        )
        for a in found
        if name in ("", asked.name_of(a.to))
    ]  # fmt: skip
