"""Are both sides in step? Differences with what was decided about them, and reading a provider by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.api import shapes, sides, views
from tocsin.api.asking import Paged, Reader, Strict, TheHub, Word, Writer, cursor_in, cursor_out
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.core.errors import NotFound
from tocsin.engine import check, reconcile
from tocsin.engine.wire import Wire
from tocsin.store import divergences, incidents
from tocsin.store.database import Connection

router = APIRouter(prefix="/api/v1", tags=["connectors"], route_class=Keyed)


class Wanted(Paged):
    """Which differences, and where in the list."""

    connector: Word = Field("", description="Those of one connector.")
    incident: Word = Field("", description="Those of one incident: INC-7, 7 or its id.")
    state: Literal["open", "ended", "all"] = "open"


@router.get(
    "/divergences", summary="List differences to providers", response_model=shapes.Page[sides.Divergence],
    responses=problems("bad_input", "not_found"),
)  # fmt: skip
async def list_divergences(
    hub: TheHub, who: Reader, query: Annotated[Wanted, Query()]
) -> shapes.Page[sides.Divergence]:
    """The newest first: what differs, what was decided and why. Nothing here is applied silently."""
    if query.connector and query.connector not in hub.policy.connectors:
        raise NotFound(f"There is no connector {query.connector}", hint="`im connector list` shows them")
    ended = {"open": False, "ended": True, "all": None}[query.state]
    before = cursor_in(query.cursor, datetime, int)

    async def ask(connection: Connection) -> list[divergences.DivergenceView]:
        incident = None
        if query.incident:
            incident = await incidents.id_of(connection, query.incident)
            if incident is None:
                raise NotFound(
                    f"There is no incident {query.incident}", hint="`im list --status all` shows every one"
                )
        return await divergences.page(
            connection, connector=query.connector, incident=incident, ended=ended, before=before, most=query.limit + 1
        )  # fmt: skip

    found = await hub.database.read(ask)
    shown = found[: query.limit]
    following = cursor_out(shown[-1].since, shown[-1].id) if len(found) > query.limit else None
    return shapes.Page(items=[views.divergence(one) for one in shown], next_cursor=following)


class SyncBody(Strict):
    """What to read."""

    incident: Word = Field("", description="INC-7, 7 or its id; empty = every live incident there.")


@router.post(
    "/connectors/{name}/sync", summary="Read a connector now", response_model=sides.SyncReport,
    responses=problems("bad_input", "not_found"),
)  # fmt: skip
async def sync(hub: TheHub, who: Writer, name: str, body: SyncBody | None = None) -> sides.SyncReport:
    """Ask the provider how its incidents stand, and do what follows, as if its webhooks had just come. It
    keeps to the connector's rate limit and says what that held back."""
    wire = Wire()
    try:
        report = await reconcile.sync(hub, wire, name[:200], body.incident if body else "")
    finally:
        await wire.close()
    return sides.SyncReport(
        connector=report.connector, read=report.read, calls=report.calls, held_back=report.held_back,
        findings=[
            sides.SyncFinding(
                incident=f.incident, service=f.service, remote_id=f.remote_id, ours=f.ours, theirs=f.theirs,
                decided=list(f.decided),
            )
            for f in report.findings
        ],
    )  # fmt: skip


@router.post(
    "/connectors/{name}/check", summary="Check a connector", response_model=sides.Checked, responses=problems("not_found")
)  # fmt: skip
async def check_connector(hub: TheHub, who: Writer, name: str) -> sides.Checked:
    """Ask the provider, changing nothing there: do address and key hold, and would anything there surprise
    somebody, as a timer that closes what still fires?"""
    wire = Wire()
    try:
        found = await check.check(hub, wire, name[:200])
    finally:
        await wire.close()
    return sides.Checked(
        connector=found.connector, looked=found.looked, fault=found.fault, gone=list(found.gone),
        warnings=list(found.warnings),
    )  # fmt: skip
