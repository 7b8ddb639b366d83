"""What did the hub's nodes say of their work, and what do they say now? (ADR 0032)"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from tocsin.api.asking import Reader, Strict, TheHub, Word, cursor_in, cursor_out, words
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.core.logline import COMPONENTS, Level, LogLine, Wanted
from tocsin.engine.hub import Hub
from tocsin.store import log_lines
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.log_lines import Seen, Shipped

router = APIRouter(prefix="/api/v1", tags=["health"], route_class=Keyed)
LONGEST_WAIT = 25.0
_LOOK_SECONDS = 0.5
_NOBODY = UUID(int=0)


class LogEntry(BaseModel):
    """One line; no credential is in it."""

    at: datetime
    level: Literal["debug", "info", "warning", "error"]
    component: str
    event: str = Field(description="A stable word for what happened.")
    text: str
    connector: str
    incident: str
    node: str = Field(description="The node that says so.")
    data: dict[str, Any]


class LogPage(BaseModel):
    """Some lines: the newest first, or with `after` in their order."""

    items: list[LogEntry]
    next_cursor: str | None = Field(
        description="For the older ones, as `cursor`; null = there are none, or `after` was asked."
    )
    after: str = Field(
        description="Give it as `after` to get what comes next; with `wait` the answer waits for it."
    )
    memory_only: bool = Field(description="The database is away: only what this node remembers is here.")


class AskedLines(Strict):
    """Which lines."""

    component: Word = Field("", description=f"One of {', '.join(COMPONENTS)}.")
    filter: Word = Field(
        "", description="Lines that hold this text anywhere, in whatever case: a connector, its type, an id."
    )
    connector: Word = ""
    incident: Word = Field("", description="INC-7 or 7.")
    level: Literal["", "debug", "info", "warning", "error"] = Field("", description="This one and worse.")
    since: datetime | None = None
    until: datetime | None = None
    limit: int = Field(100, ge=1, le=1_000)
    cursor: Word = Field("", description="`next_cursor` of the page before.")
    after: Word = Field("", description="`after` of the answer before.")
    wait: float = Field(
        0, ge=0, le=LONGEST_WAIT, description="With `after`: seconds to wait for a line when there is none."
    )


@router.get("/logs", summary="What the nodes said", response_model=LogPage, responses=problems("bad_input"))
async def list_logs(
    request: Request, hub: TheHub, who: Reader, asked: Annotated[AskedLines, Query()]
) -> LogPage:
    """Their log lines, kept by `defaults.retention.logs`. A line is here a second after it was said. Follow with
    `after` and `wait`: none is missed or told twice, whichever node answers, also when the database was away."""
    wanted = _wanted(asked)
    if not asked.after:
        return await _newest(hub, wanted, asked)
    place = _place(asked.after)
    loop = asyncio.get_running_loop()
    until = loop.time() + asked.wait
    while True:
        page, place = await _following(hub, wanted, place, asked.limit)
        if (
            page.items
            or loop.time() >= until
            or request.app.state.stream.stopped
            or await request.is_disconnected()
        ):
            return page
        await asyncio.sleep(_LOOK_SECONDS)


def _wanted(asked: AskedLines) -> Wanted:
    words(asked.component, "component", tuple(COMPONENTS))
    name = asked.incident.strip().upper()
    return Wanted(
        component=asked.component.strip().lower(), word=asked.filter, connector=asked.connector,
        incident=f"INC-{name}" if name.isascii() and name.isdigit() else name,
        least=Level.named(asked.level) if asked.level else Level.DEBUG, since=asked.since, until=asked.until,
    )  # fmt: skip


Place = tuple[int, str, int, int]
"""(id in the database, the node whose memory was read too, its lines behind this number, up to this one)."""


def _place(text: str) -> Place:
    found = cursor_in(text, int, str, int, int)
    assert found is not None
    node = found[1] if _is_id(found[1]) else str(_NOBODY)
    return (found[0], node, found[2], found[3])


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def _newest(hub: Hub, wanted: Wanted, asked: AskedLines) -> LogPage:
    before = cursor_in(asked.cursor, int)

    async def ask(connection: Connection) -> tuple[int, list[Shipped]]:
        last = await log_lines.last_id(connection)
        return last, await log_lines.newest(
            connection, wanted, before=before[0] if before else None, most=asked.limit + 1
        )

    try:
        if hub.away is not None:
            raise DatabaseAway("known to be away")
        last, found = await hub.database.read(ask)
    except DatabaseAway:
        lines = hub.logs.newest(wanted, asked.limit)
        seq = hub.logs.shown[-1].seq if hub.logs.shown else 0
        return LogPage(
            items=[_entry(hub, line) for line in reversed(lines)], next_cursor=None,
            after=cursor_out(hub.logs.ends, str(hub.logs.node), 0, seq), memory_only=True,
        )  # fmt: skip
    shown = found[: asked.limit]
    place = max(last, shown[0].id if shown else 0)
    return LogPage(
        items=[_entry(hub, one.line, one.node_name) for one in shown],
        next_cursor=cursor_out(shown[-1].id) if len(found) > asked.limit else None,
        after=cursor_out(place, str(_NOBODY), 0, 0), memory_only=False,
    )  # fmt: skip


async def _following(hub: Hub, wanted: Wanted, place: Place, most: int) -> tuple[LogPage, Place]:
    """What came behind a place, and the place behind that."""
    at, node, low, high = place
    seen = Seen(node=UUID(node), after=low, upto=high) if high else None

    async def ask(connection: Connection) -> tuple[int, list[Shipped]]:
        last = await log_lines.last_id(connection)
        # 0 and something seen: it began while nobody could ask where the end is
        known = hub.logs.begins or 0 if seen and not at else at
        return last, await log_lines.after(connection, wanted, place=known, seen=seen, most=most)

    try:
        if hub.away is not None:
            raise DatabaseAway("known to be away")
        last, found = await hub.database.read(ask)
    except DatabaseAway:
        return _from_memory(hub, wanted, place, most)
    # what does not fit need not be looked at again, unless the answer is full
    to = found[-1].id if len(found) == most else max(last, found[-1].id if found else 0)
    following = (to, node, low, high)
    items = [_entry(hub, one.line, one.node_name) for one in found]
    return LogPage(items=items, next_cursor=None, after=cursor_out(*following), memory_only=False), following


def _from_memory(hub: Hub, wanted: Wanted, place: Place, most: int) -> tuple[LogPage, Place]:
    """What this node has said and the database has not got."""
    at, node, low, high = place
    logs = hub.logs
    if node != str(logs.node) or not high:
        node, low, high = str(logs.node), logs.shipped, logs.shipped
    found, to = logs.after(high, wanted, most)
    following = (at, node, low, to)
    items = [_entry(hub, line) for line in found]
    return LogPage(items=items, next_cursor=None, after=cursor_out(*following), memory_only=True), following


def _entry(hub: Hub, line: LogLine, node: str = "") -> LogEntry:
    level: Any = line.level.name.lower()
    return LogEntry(
        at=line.at, level=level, component=line.component, event=line.event, text=line.text, connector=line.connector,
        incident=line.incident, node=node or hub.logs.name, data=dict(line.data),
    )  # fmt: skip
