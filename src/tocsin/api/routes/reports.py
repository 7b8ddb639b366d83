"""What happened in a time, for those who were not there: as JSON, on paper, on a page, for a spreadsheet (IM-5)?"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from tocsin.api.asking import Reader, Strict, TheHub, Word
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.report import Report
from tocsin.engine import report
from tocsin.engine.hub import Hub
from tocsin.engine.report import Wanted
from tocsin.engine.wire import Wire
from tocsin.policy.times import zone_fault
from tocsin.render import html, table, typeset

router = APIRouter(prefix="/api/v1", tags=["reports"], route_class=Keyed)
_LONGEST = timedelta(days=400)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_PRESS = asyncio.Semaphore(1)
"""One document at a time: each takes a processor for about a second."""
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Asked(Strict):
    """Of which time, and of what."""

    start: Word = Field("", description="A day, or a time with its offset. Default: 30 days before the end.")
    end: Word = Field("", description="A day, which is included, or a time, which is not. Default: today.")
    timezone: Word = Field("UTC", description="By whose clock days and nights are told: Europe/Berlin.")
    service: Word = ""
    team: Word = ""
    include_providers: bool = Field(
        False, description="Read the providers' own logs too; what cannot be read is said in `notes`."
    )


Answered = problems("bad_input", "not_found")


@router.get("/reports", summary="Report on a time, as JSON", response_model=Report, responses=Answered)
async def as_json(hub: TheHub, who: Reader, query: Annotated[Asked, Query()]) -> Response:
    """Everything of the other forms. Times to … are in seconds; a figure that nothing stands behind is null."""
    return await _made(hub, query, msgspec.json.encode, "application/json", "")


@router.get(
    "/reports.pdf", summary="Report on a time, as a document", response_class=Response,
    responses=Answered | {200: {"content": {"application/pdf": {}}, "description": "The document."}},
)  # fmt: skip
async def as_pdf(hub: TheHub, who: Reader, query: Annotated[Asked, Query()]) -> Response:
    """To hand on: figures, charts, tables, and the timelines of what was worst."""
    async with _PRESS:
        return await _made(hub, query, typeset.pdf_of, "application/pdf", "pdf")


@router.get(
    "/reports.html", summary="Report on a time, as a page", response_class=Response,
    responses=Answered | {200: {"content": {"text/html": {}}, "description": "The page."}},
)  # fmt: skip
async def as_page(hub: TheHub, who: Reader, query: Annotated[Asked, Query()]) -> Response:
    """One file that needs nothing else: no scripts, no addresses; it prints well."""
    return await _made(hub, query, html.page, "text/html; charset=utf-8", "html")


@router.get(
    "/reports.csv", summary="Report on a time, a row an incident", response_class=Response,
    responses=Answered | {200: {"content": {"text/csv": {}}, "description": "The rows, the first names them."}},
)  # fmt: skip
async def as_rows(hub: TheHub, who: Reader, query: Annotated[Asked, Query()]) -> Response:
    """For a spreadsheet; times in UTC."""
    return await _made(hub, query, table.csv_of, "text/csv; charset=utf-8", "csv")


async def _made(
    hub: Hub, query: Asked, shape: Callable[[Report], bytes], media: str, ending: str
) -> Response:
    wanted = _wanted(hub, query)
    wire = Wire()
    try:
        found = await report.report(hub, wire, wanted)
    finally:
        await wire.close()
    body = await asyncio.to_thread(shape, found)
    headers = {"Cache-Control": "no-store"}
    if ending == "html":
        headers["Content-Security-Policy"] = _PAGE_POLICY
    if ending:
        headers["Content-Disposition"] = f'{"inline" if ending == "html" else "attachment"}; filename="{_name(wanted)}.{ending}"'  # fmt: skip
    return Response(body, media_type=media, headers=headers)


def _name(wanted: Wanted) -> str:
    zone = ZoneInfo(wanted.timezone)
    last = wanted.end - timedelta(microseconds=1)
    return f"incidents-{wanted.start.astimezone(zone):%Y-%m-%d}-to-{last.astimezone(zone):%Y-%m-%d}"


def _wanted(hub: Hub, query: Asked) -> Wanted:
    if said := zone_fault(query.timezone):
        raise BadInput("That is no time zone", faults=(FieldFault("timezone", said),))
    if query.service and query.service not in hub.policy.services:
        raise NotFound(f"There is no service {query.service}", hint="`im api GET services` lists them")
    if query.team and query.team not in hub.policy.teams:
        raise NotFound(f"There is no team {query.team}", hint="`im api GET teams` lists them")
    zone, now = ZoneInfo(query.timezone), hub.now()
    tomorrow = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)
    end = _instant(query.end, "end", zone, last=True) if query.end else tomorrow
    start = (
        _instant(query.start, "start", zone)
        if query.start
        else datetime.combine(end.astimezone(zone).date() - timedelta(days=30), time(), zone)
    )
    if start >= end:
        raise BadInput("That time is empty", faults=(FieldFault("start", "is not before end"),))
    if end - start > _LONGEST:
        fault = FieldFault("end", f"is more than {_LONGEST.days} days after start")
        raise BadInput("That time is too long for one report", faults=(fault,))
    return Wanted(
        start=start, end=end, timezone=query.timezone, service=query.service, team=query.team, logs=query.include_providers
    )  # fmt: skip


def _instant(text: str, field: str, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """A day begins at its midnight there; as an end it is included."""
    try:
        if _DAY.match(text):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=last), time(), zone)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        found = None
    if found is None or found.tzinfo is None or not 1970 < found.year < 9000:
        fault = FieldFault(field, "is no day (2026-08-01) and no time with its offset (2026-08-01T00:00:00Z)")
        raise BadInput(f"{field} is not right", faults=(fault,))
    return found
