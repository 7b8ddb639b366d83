"""Does each thing that a connector needs hold, as its provider shows it? Asks, and changes nothing there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from tocsin.core.checks import Checkable, Here, Line, State, Verdict
from tocsin.core.errors import BadInput, FieldFault, NotFound, Refusal
from tocsin.core.model import Json
from tocsin.core.policy import Connector
from tocsin.core.ports import ConnectorSettings
from tocsin.engine.hub import Hub
from tocsin.engine.interview import interview
from tocsin.engine.wire import Wire
from tocsin.store import outbox

ABILITY = "checks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a check of one connector found; `took_ms` in all, `answered_in` = its first answer, None without one."""

    connector: str
    type: str
    verdict: Verdict
    took_ms: float
    answered_in: timedelta | None = None


class CredentialsLost(Refusal):
    """The connector's credentials cannot be opened, so nothing can be asked with them."""

    code = "conflict"


def known(hub: Hub, name: str) -> Connector:
    """A connector by its name; raises NotFound."""
    connector = hub.policy.connectors.get(name)
    if connector is None:
        raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")
    return connector


def filled(hub: Hub, connector: Connector) -> ConnectorSettings:
    """Its settings with credentials; raises CredentialsLost."""
    if not hub.active.unsealed:
        raise CredentialsLost(
            f"The credentials of {connector.name} cannot be opened with the present secret key",
            hint="start the hub with the TOCSIN_SECRET_KEY that it had, or apply the configuration with its credentials",
        )
    return hub.active.settings_of(connector)


def address(hub: Hub, name: str) -> str:
    """Where the provider's webhooks of a connector are to go; "" without a public address."""
    return f"{hub.public_url.rstrip('/')}/connectors/{name}/webhook" if hub.public_url else ""


async def here_of(hub: Hub, connector: Connector) -> Here:
    """The hub's own side of a connector."""
    state = (await hub.database.read(outbox.states)).get(connector.name)
    takes = connector.enable_webhook and "verify_webhook" in hub.abilities(connector.name)
    return Here(
        name=connector.name, address=address(hub, connector.name), wanted=takes,
        heard_at=state.last_webhook_at if state else None, now=hub.now(),
    )  # fmt: skip


async def stored(hub: Hub, wire: Wire, name: str) -> Tried:
    """Check a connector of the configuration; raises NotFound, CredentialsLost."""
    connector = known(hub, name)
    return await _tried(hub, wire, connector.type, filled(hub, connector), await here_of(hub, connector))


async def draft(
    hub: Hub, wire: Wire, name: str, kind: str, settings: Mapping[str, Json], *, partial: bool
) -> Tried:
    """Check settings that are not stored. `partial` = they are still being typed in: what is missing is no fault, and
    is not looked at. Raises BadInput that names the fields."""
    found = hub.providers.get(kind)
    if found is None:
        fault = FieldFault("type", f"is none of {', '.join(hub.providers)}")
        raise BadInput(f"There is no provider {kind[:100]}", faults=(fault,))
    typed = {**settings, "type": kind}
    faults = [
        FieldFault(f"settings.{field}", text)
        for field, text in found.module.check_settings(typed)
        if not (partial and text.startswith("missing"))
    ]
    if faults:
        raise BadInput("The settings cannot be used", faults=tuple(faults))
    wanted = settings.get("enable_webhook", True) is not False and "verify_webhook" in found.abilities
    here = Here(name=name, address=address(hub, name), wanted=wanted and not partial, now=hub.now())
    return await _tried(hub, wire, kind, ConnectorSettings(name=name, settings=typed), here)


async def _tried(hub: Hub, wire: Wire, kind: str, connector: ConnectorSettings, here: Here) -> Tried:
    began = asyncio.get_running_loop().time()
    found = hub.providers.get(kind)
    each: dict[str, float] = {}
    if found is None or ABILITY not in found.abilities:
        lines = [
            Line(subject="api", state=State.UNKNOWN, text=f"The provider {kind} cannot be asked anything")
        ]
    else:
        module = cast("Checkable", found.module)
        heard = await interview(wire, lambda said: module.check_calls(connector, here, said), took=each)
        lines = module.check_lines(connector, here, heard)
    took = (asyncio.get_running_loop().time() - began) * 1000
    first = timedelta(seconds=min(each.values())) if each else None
    return Tried(
        connector=connector.name,
        type=kind,
        verdict=Verdict(lines=tuple(lines)),
        took_ms=took,
        answered_in=first,
    )
