"""Does a connector work, before somebody is woken by it or not? Live questions to its provider."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.api import trials
from tocsin.api.asking import Admin, Reader, Strict, TheHub, Writer
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import problems
from tocsin.engine import subscribe, trial
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


class Asking(Strict):
    """Whom to ask."""

    ask: bool = Field(True, description="The provider too; else what is known here.")


@router.get(
    "/{name}/webhook", summary="How a connector's webhooks stand", response_model=trials.Webhook,
    responses=problems("not_found", "conflict"),
)  # fmt: skip
async def show_webhook(
    hub: TheHub, who: Reader, name: str, query: Annotated[Asking, Query()]
) -> trials.Webhook:
    """What its provider sends where, and what has come."""
    wire = Wire()
    try:
        return trials.webhook(await subscribe.status(hub, wire, name[:200], ask=query.ask))
    finally:
        await wire.close()


@router.post(
    "/{name}/webhook", summary="Set a connector's webhooks up", response_model=trials.Webhook,
    responses=problems("not_found", "conflict", "bad_input", "provider_away"),
)  # fmt: skip
@asks_only
async def change_webhook(hub: TheHub, who: Admin, name: str, body: trials.WebhookAct) -> trials.Webhook:
    """enable: one subscription that sends all that is read and whose secret is known here; one that is there is adopted.
    disable: take away what sends here. rotate: a new secret; the old one goes once something came by the new.
    test: ask for a test delivery. All four may be repeated; what has come is in `GET` afterwards."""
    wire, name = Wire(), name[:200]
    try:
        if body.do == "enable":
            done = await subscribe.enable(hub, wire, name, body.scope)
        elif body.do == "rotate":
            done = await subscribe.rotate(hub, wire, name, body.scope)
        elif body.do == "disable":
            done = await subscribe.disable(hub, wire, name)
        else:
            done = await subscribe.test(hub, wire, name)
        return trials.webhook(done)
    finally:
        await wire.close()
