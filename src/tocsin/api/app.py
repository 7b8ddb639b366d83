"""The API put together: routes, refusals, pages. Everything but the hot path, which is asked first (intake.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from tocsin import __version__
from tocsin.api import dashboard, description, press, problems
from tocsin.api.dashboard import SECURITY_HEADERS, STATIC
from tocsin.api.limits import Limited
from tocsin.api.metrics import Metrics, Timed
from tocsin.api.routes import (
    access,
    acts,
    alarms,
    alerts,
    audit,
    catalog,
    config,
    connector_checks,
    connector_looks,
    connectors,
    digests,
    divergences,
    health,
    holding,
    incidents,
    logs,
    metrics,
    mutes,
    oncall,
    reports,
    sla,
)
from tocsin.api.stream import MOST_LISTENERS, PING_SECONDS, Stream
from tocsin.engine.hub import Hub

MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """What may be different about one process's API."""

    static: Path = STATIC
    ping_seconds: float = PING_SECONDS
    most_listeners: int = MOST_LISTENERS


def build_app(
    hub: Hub,
    *,
    worker_alive: Callable[[], bool],
    intake_alive: Callable[[], bool] = lambda: True,
    settings: ApiSettings | None = None,
) -> FastAPI:
    """The application for one hub. `app.state.stream.stop()` ends the streams when the process stops;
    `app.state.metrics.events.labels(reading).inc()` counts an event accepted."""
    given = settings or ApiSettings()
    app = bare_app()
    app.state.hub = hub
    app.state.stream = Stream(hub, ping_seconds=given.ping_seconds, most=given.most_listeners)
    app.state.metrics = Metrics(hub)
    health.attach(app.state, worker_alive=worker_alive, intake_alive=intake_alive)
    problems.install(app, hub)
    app.router.routes.extend(press.routes(hub))
    app.router.routes.extend(dashboard.routes(given.static))
    app.add_middleware(Limited, most=MOST_BYTES)
    app.add_middleware(Timed, metrics=app.state.metrics)
    return app


def bare_app() -> FastAPI:
    """The routes without a hub: what the description is made from."""
    app = FastAPI(
        title="Tocsin", version=__version__, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    for module in (
        incidents,
        acts,
        alerts,
        mutes,
        digests,
        config,
        connector_checks,
        connector_looks,
        catalog,
        connectors,
        divergences,
        access,
        audit,
        alarms,
        health,
        holding,
        oncall,
        logs,
        metrics,
        reports,
        sla,
    ):
        app.include_router(module.router)

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    async def document(request: Request) -> JSONResponse:
        return JSONResponse(description.document_of(request.app), headers={"Cache-Control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:
        text = description.page_of(description.document_of(request.app))
        return HTMLResponse(text, headers={**SECURITY_HEADERS, "Cache-Control": "no-cache"})

    @app.get("/docs/style.css", include_in_schema=False)
    async def style() -> Response:
        return Response(description.STYLE, media_type="text/css", headers={**SECURITY_HEADERS})

    return app
