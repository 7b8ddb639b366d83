"""Is a connector set up well, as its provider shows it? Address, key, and what there would surprise somebody."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.core.errors import NotFound
from tocsin.core.ports import Response
from tocsin.engine import mapped
from tocsin.engine.hub import Hub
from tocsin.engine.line import Line
from tocsin.engine.wire import Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`fault` = why it cannot be used, "" = it can; `gone` = what its settings name and its provider has not;
    `warnings` in words with the next step; `looked` = whether its provider can be asked at all."""

    connector: str
    looked: bool
    fault: str = ""
    warnings: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


async def check(hub: Hub, wire: Wire, name: str) -> Checked:
    """Ask the provider, changing nothing there. Raises NotFound."""
    connector = hub.policy.connectors.get(name)
    if connector is None:
        raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")
    abilities, kind = hub.abilities(name), hub.providers.get(connector.type)
    if kind is None or "probe" not in abilities:
        return Checked(connector=name, looked=False)
    if not hub.active.unsealed:
        why = "its credentials cannot be opened with the present secret key"
        return Checked(connector=name, looked=False, fault=why)
    settings, wire = hub.active.settings_of(connector), Line(hub, wire, connector)
    if fault := kind.module.healthy(await wire.send(kind.module.probe(settings).send)):
        return Checked(connector=name, looked=True, fault=fault)
    warnings: list[str] = []
    for call in kind.module.inspect(settings) if "inspect" in abilities else []:
        answer = await wire.send(call.send)
        if isinstance(answer, Response):
            warnings += kind.module.warnings_of(call, answer)
    gone: tuple[str, ...] = ()
    if "mappings" in abilities:
        looked = await mapped.look(hub, wire, connector.type, settings)
        gone = tuple(f"{what}, named by {call.step.replace('|', ', ')}" for call, what in looked.gone)
    return Checked(connector=name, looked=True, warnings=tuple(warnings), gone=gone)
