"""Does a connector work, before somebody is woken by it or not? Live questions to its provider."""

from __future__ import annotations

from fastapi import APIRouter

from tocsin.api import trials
from tocsin.api.asking import Admin, TheHub, Writer
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import problems
from tocsin.engine import trial
from tocsin.engine.wire import Wire

router = APIRouter(prefix="/api/v1/connectors", tags=["connectors"], route_class=Keyed)


@router.post(
    "/check", summary="Check settings that are not stored", response_model=trials.ConnectorTest,
    responses=problems("bad_input"),
)  # fmt: skip
@asks_only
async def check_draft(hub: TheHub, who: Admin, body: trials.Draft) -> trials.ConnectorTest:
    """Ask the provider with these settings, changing nothing there and keeping nothing here. With `partial` as
    often as somebody types: a key alone is checked before the rest is known."""
    wire = Wire()
    try:
        found = await trial.draft(hub, wire, body.name[:200], body.type, body.settings, partial=body.partial)
    finally:
        await wire.close()
    return trials.tried(found)


@router.post(
    "/{name}/test", summary="Test a connector", response_model=trials.ConnectorTest, responses=problems("not_found", "conflict")
)  # fmt: skip
@asks_only
async def test_connector(hub: TheHub, who: Writer, name: str) -> trials.ConnectorTest:
    """Ask its provider for each thing that it needs, changing nothing there: address and key, each service, user and
    policy that its settings name, the way back, and what there would surprise somebody."""
    wire = Wire()
    try:
        found = await trial.stored(hub, wire, name[:200])
    finally:
        await wire.close()
    return trials.tried(found)
