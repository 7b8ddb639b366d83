"""A restored backup is held: what waits, and how to go on (S48)."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from tocsin.api import states
from tocsin.api.asking import TheHub, Writer
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.engine import hold
from tocsin.engine.hub import Hub
from tocsin.store.marks import WouldPage

router = APIRouter(tags=["health"], route_class=Keyed)


@router.post(
    "/api/v1/resume", summary="End a hold", response_model=states.Resumed, responses=problems("conflict")
)
async def resume(hub: TheHub, who: Writer) -> states.Resumed:
    """What was held because the database is an older copy (S48) leaves now. 409 when nothing is held."""
    return states.Resumed(resumed=True, would_page=_listed(await hold.resume(hub, who.name)))


async def held(hub: Hub) -> states.Hold | None:
    """The hold that goes on, with what waits at it."""
    if hub.hold is None:
        return None
    waiting = await hold.would_page(hub, hub.hold)
    return states.Hold(
        since=hub.hold.since, until=hub.hold.until, reason=hub.hold.reason, would_page=_listed(waiting)
    )


def _listed(waiting: list[WouldPage]) -> list[states.HeldPage]:
    return [states.HeldPage(**asdict(page)) for page in waiting]
