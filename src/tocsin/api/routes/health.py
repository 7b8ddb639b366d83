"""Is it alive, is it ready, how does it fare, and what happens right now?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tocsin import __version__
from tocsin.api import auth, fleet, states, views
from tocsin.api.asking import Reader, TheHub
from tocsin.api.metrics import MEDIA_TYPE
from tocsin.api.once import Keyed
from tocsin.api.routes import holding
from tocsin.api.routes.answers import problems
from tocsin.api.stream import Stream
from tocsin.core.severity import Severity
from tocsin.engine import credentials, keep_time
from tocsin.engine.hub import Hub
from tocsin.store import alarms, canaries, figures, nodes
from tocsin.store.database import DatabaseAway

router = APIRouter(tags=["health"], route_class=Keyed)
_DATABASE_SECONDS = 3.0
_LATE_SECONDS = 60


@router.head("/healthz", include_in_schema=False)  # what monitors of uptime ask
@router.get("/healthz", summary="Alive?")
async def healthz() -> dict[str, bool]:
    """200 while the process lives."""
    return {"ok": True}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="Ready?", responses={503: {"description": "Not ready; the same shape."}})
async def readyz(request: Request, hub: TheHub) -> JSONResponse:
    """200 when intake, database and worker are up, else 503; `checks` tells which is not.

    `reasons` is there when pages wait all the same: intake goes on then, so a balancer must not turn senders away.
    """
    checks: dict[str, bool] = {
        "intake": bool(request.app.state.intake_alive()),
        "database": await _database_up(hub),
        "worker": bool(request.app.state.worker_alive()),
    }
    ready = all(checks.values())
    told: dict[str, Any] = {"ready": ready, "checks": checks}
    if not hub.active.unsealed:
        told["reasons"] = [{"name": "credentials", "text": credentials.LOST, "next": credentials.NEXT}]
    if hub.hold is not None:
        text = f"pages of before wait until {hub.hold.until:%H:%M:%S} UTC: {hub.hold.reason}"
        step = "look at what would page (im api GET /api/v1/health), then im resume"
        told["reasons"] = [*told.get("reasons", []), {"name": "hold", "text": text, "next": step}]
    if hub.skew:
        off = {
            "name": "clock",
            "text": keep_time.told(hub.skew),
            "next": "run NTP or chrony on both machines",
        }
        told["reasons"] = [*told.get("reasons", []), off]
    return JSONResponse(told, 200 if ready else 503)


async def _database_up(hub: Hub) -> bool:
    try:
        async with asyncio.timeout(_DATABASE_SECONDS):
            await hub.database.now()
    except (DatabaseAway, TimeoutError):
        return False
    return True


@router.get("/api/v1/health", summary="How the hub is", response_model=states.Health, responses=problems())
async def health(request: Request, hub: TheHub, who: Reader) -> states.Health:
    """Unhealthy: nothing is decided or sent. Degraded: something is, but not all of it."""
    if hub.away is not None:
        return _blind(hub)
    worker = bool(request.app.state.worker_alive())
    held = await holding.held(hub)
    found = await fleet.fleet(hub)
    work = await hub.database.read(figures.work)
    going_on = await hub.database.read(lambda c: alarms.page(c, over=False, before=None, most=100))
    up = await hub.database.read(nodes.every)
    sung = next(iter(await hub.database.read(canaries.newest)), None)
    late = (hub.now() - work.oldest_undecided).total_seconds() if work.oldest_undecided else 0.0
    unhealthy = [] if worker else ["the worker's loops do not run: nothing is decided or sent"]
    degraded = [f"{c.name}: its breaker is {c.breaker.state}" for c in found.connectors if not c.healthy]
    if late > _LATE_SECONDS:
        degraded.append(f"an alert has waited {late:.0f} s for its decision")
    if not hub.active.unsealed:
        degraded.append(f"{credentials.LOST}: {credentials.NEXT}")
    if hub.refused_file is not None:
        degraded.append(
            f"the configuration {hub.refused_file.file} was refused at the start; version {hub.refused_file.version} stayed in force"
        )
    if hub.skew:
        degraded.append(keep_time.told(hub.skew))
    if held is not None:
        waits = f"{len(held.would_page)} pages wait until {held.until:%H:%M:%S} UTC, or `im resume`"
        degraded.insert(0, f"{held.reason}: {waits}")
    degraded += [one.alarm.title for one in going_on if one.alarm.severity.rank >= Severity.HIGH.rank]
    return states.Health(
        system_status="unhealthy" if unhealthy else "degraded" if degraded else "healthy",
        integrations=found.by_type, active_incidents=work.open_incidents + work.mitigated_incidents,
        connectors=list(found.connectors), database={"healthy": True},
        worker={"healthy": worker, "undecided_alerts": work.undecided_alerts, "pending_webhooks": work.pending_webhooks},
        alarms=[views.alarm(one) for one in reversed(going_on)], nodes=[views.node(one, hub.now()) for one in up],
        canary=views.canary(sung), hold=held, reasons=[*unhealthy, *degraded], version=__version__,
    )  # fmt: skip


def _blind(hub: Hub) -> states.Health:
    """What is known without the database."""
    text = f"the database is away since {hub.away:%H:%M:%S} UTC: alerts are kept on disk and decided when it is back"
    return states.Health(
        system_status="unhealthy", integrations={}, active_incidents=0, connectors=[], database={"healthy": False},
        worker={"healthy": False}, alarms=[], nodes=[], canary=None, hold=None, reasons=[text], version=__version__,
    )  # fmt: skip


@router.get(
    "/metrics", summary="The hub in numbers, for Prometheus", response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **problems()},
)  # fmt: skip
async def prometheus(request: Request, hub: TheHub) -> Response:
    """Open to a scraper on the same machine; from elsewhere with the scope read."""
    if not auth.on_this_machine(request.scope):
        await auth.authorize(hub, request.scope, "read")
    return Response(await request.app.state.metrics.text(), media_type=MEDIA_TYPE)


@router.get(
    "/api/v1/stream", summary="What happens right now", response_class=StreamingResponse,
    responses={
        200: {"description": "Server-sent events: incident, timeline, connector, reset, ping.", "content": {"text/event-stream": {}}},
        **problems("unavailable"),
    },
)  # fmt: skip
async def stream(
    request: Request, hub: TheHub, who: Reader, last_event_id: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """Each incident that changed in full and each new line of its timeline. `Last-Event-ID` takes up where it
    stood; when that is too long ago, `reset` comes first and says: fetch anew. A ping comes every 15 s."""
    source: Stream = request.app.state.stream
    source.room()
    scope = request.scope

    async def still_allowed() -> object:
        return await auth.authorize(hub, scope, "read")

    events = source.listen(last_event_id[:100], still_allowed)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def attach(state: Any, *, worker_alive: Callable[[], bool], intake_alive: Callable[[], bool]) -> None:
    """What these routes ask."""
    state.worker_alive, state.intake_alive = worker_alive, intake_alive
