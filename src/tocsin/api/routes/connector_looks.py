"""How is a connector, over time too, and what does its provider have?"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.api import config_shapes, looks
from tocsin.api.asking import Admin, Reader, Strict, TheHub, Word
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import problems
from tocsin.core.errors import BadInput, FieldFault
from tocsin.engine import connector_health, discover
from tocsin.engine.wire import Wire

router = APIRouter(prefix="/api/v1/connectors", tags=["connectors"], route_class=Keyed)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class HealthQuery(Strict):
    """Whom to ask, and how far back."""

    ask: bool = Field(True, description="The provider too, live; else only what is on record.")
    window: Word = Field(
        "", description="History of so long, such as 1h, 24h (by minute), 7d or 30d (by hour); empty = none."
    )


def _window(text: str) -> timedelta:
    if not text:
        return timedelta(0)
    number, unit = text[:-1], _UNITS.get(text[-1:].lower(), "")
    if unit and number.isascii() and number.isdigit() and len(number) <= 6:
        found = timedelta(**{unit: int(number)})
        if timedelta(0) < found <= connector_health.LONGEST:
            return found
    fault = FieldFault("window", "must be a time up to 30d, such as 1h, 24h or 7d")
    raise BadInput("The window cannot be shown", faults=(fault,))


@router.get(
    "/{name}/health", summary="How a connector is", response_model=looks.ConnectorHealth,
    responses=problems("not_found", "bad_input", "conflict"),
)  # fmt: skip
async def show_health(
    hub: TheHub, who: Reader, name: str, query: Annotated[HealthQuery, Query()]
) -> looks.ConnectorHealth:
    """A live question to its provider, beside its breaker, queue, webhooks, readings and attempts of a day."""
    window, wire = _window(query.window.strip()), Wire()
    try:
        return looks.health(await connector_health.look(hub, wire, name[:200], ask=query.ask, window=window))
    finally:
        await wire.close()


@router.get(
    "/{name}/discover", summary="What a connector's provider has", response_model=looks.Discovered,
    responses=problems("not_found", "conflict"),
)  # fmt: skip
async def show_discovered(hub: TheHub, who: Reader, name: str) -> looks.Discovered:
    """Services, policies and teams there, and which of ours might mean which, by name alone. Nothing is changed."""
    wire = Wire()
    try:
        return looks.discovered(await discover.look(hub, wire, name[:200]))
    finally:
        await wire.close()


@router.post(
    "/{name}/discover", summary="Map what was discovered", response_model=config_shapes.ConfigChange,
    responses=problems("not_found", "bad_input", "unsafe"),
)  # fmt: skip
@asks_only
async def accept_discovered(
    hub: TheHub, who: Admin, name: str, body: looks.Acceptance
) -> config_shapes.ConfigChange:
    """Write these mappings into the connector, as the next version of the configuration; the same again changes
    nothing."""
    accepted = [discover.Accepted(setting=m.setting, name=m.name, value=m.value) for m in body.accept]
    done = await discover.accept(hub, name[:200], accepted, author=who.name, via=who.via)
    return config_shapes.ConfigChange(
        version=done.version, changed=done.changed, diff=done.diff, warnings=list(done.warnings), refusals=[]
    )
