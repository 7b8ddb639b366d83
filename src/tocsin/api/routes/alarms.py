"""What does not work in the hub itself?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.api import shapes, states, views
from tocsin.api.asking import Paged, Reader, Strict, TheHub, Word, Writer, cursor_in, cursor_out
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.engine import canary
from tocsin.store import alarms

router = APIRouter(prefix="/api/v1", tags=["health"], route_class=Keyed)


class CanaryBody(Strict):
    """Which connectors to try."""

    connectors: list[Word] = Field(default=[], description="Without any: those of the schedule, else all.")


@router.post(
    "/canary", summary="Send a canary", status_code=202, response_model=states.Canary,
    responses=problems("bad_input", "conflict"),
)  # fmt: skip
async def send_canary(hub: TheHub, who: Writer, body: CanaryBody) -> states.Canary | None:
    """A low page that goes the whole way to each connector, and is resolved when it was seen created there.
    Its end, two minutes later at most, is in `canary` of the health answer; who did not create it is an alarm."""
    return views.canary(await canary.begin(hub, who.name, body.connectors))


class Wanted(Paged):
    """Which alarms, and where in the list."""

    state: Literal["going_on", "over", "all"] = "going_on"


@router.get(
    "/alarms", summary="List the hub's own alarms", response_model=shapes.Page[states.Alarm], responses=problems("bad_input")
)  # fmt: skip
async def list_alarms(
    hub: TheHub, who: Reader, query: Annotated[Wanted, Query()]
) -> shapes.Page[states.Alarm]:
    """The last raised first. Each is an incident too, routed like any other but for the connector it speaks of."""
    over = {"going_on": False, "over": True, "all": None}[query.state]
    before = cursor_in(query.cursor, datetime, str)
    place = (before[0], before[1]) if before else None
    found = await hub.database.read(lambda c: alarms.page(c, over=over, before=place, most=query.limit + 1))
    shown = found[: query.limit]
    following = cursor_out(shown[-1].raised_at, shown[-1].alarm.key) if len(found) > query.limit else None
    return shapes.Page(items=[views.alarm(one) for one in shown], next_cursor=following)
