"""What does a provider have that ours could be mapped to, and what of it was accepted?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from tocsin.core.checks import Explorable, Found
from tocsin.core.discovery import Ours, Proposed, proposed
from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.model import Json
from tocsin.core.policy import Connector
from tocsin.core.settings import table
from tocsin.engine import edit, trial
from tocsin.engine.configure import Applied
from tocsin.engine.hub import Hub
from tocsin.engine.interview import interview
from tocsin.engine.subscribe import NotDone
from tocsin.engine.wire import Wire

ABILITY = "discover"
SETTINGS = ("service_mappings", "policy_mappings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What is there, what of ours is mapped to each (setting, value), and the proposals."""

    connector: Connector
    found: Found
    mapped: Mapping[tuple[str, str], tuple[str, ...]]
    proposed: Proposed


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One mapping to be written: `name` of ours in `setting` means `value` there."""

    setting: str
    name: str
    value: str


async def look(hub: Hub, wire: Wire, name: str) -> Discovered:
    """Ask what is there; raises NotFound, NotDone."""
    connector = trial.known(hub, name)
    if ABILITY not in hub.abilities(name):
        raise NotDone(f"Connectors of type {connector.type} cannot be asked what they have")
    settings = trial.filled(hub, connector)
    module = cast("Explorable", hub.providers[connector.type].module)
    heard = await interview(wire, lambda said: module.discover_calls(settings, said))
    found = module.discovered(settings, heard)
    tables = {setting: table(settings.settings, setting) for setting in SETTINGS}
    mapped: dict[tuple[str, str], tuple[str, ...]] = {}
    for setting, entries in tables.items():
        for mine, value in entries.items():
            for one in value if isinstance(value, list | tuple) else [value]:
                key = (setting, str(one))
                mapped[key] = (*mapped.get(key, ()), mine)
    ours = [Ours(setting="service_mappings", name=s.name, also=s.team) for s in hub.policy.services.values()]
    ours += [Ours(setting="policy_mappings", name=one) for one in hub.policy.policies]
    return Discovered(
        connector=connector, found=found, mapped=mapped,
        proposed=proposed(ours, found.things, {name: [*entries] for name, entries in tables.items()}),
    )  # fmt: skip


async def accept(hub: Hub, name: str, accepted: Sequence[Accepted], *, author: str, via: str) -> Applied:
    """Write these mappings into the connector, as the next version of the configuration.

    Raises NotFound, BadInput (nothing accepted, a setting that holds no mappings), and what an edit raises.
    """
    trial.known(hub, name)
    faults = [
        FieldFault(f"accept.{n}.setting", f"is none of {', '.join(SETTINGS)}")
        for n, one in enumerate(accepted)
        if one.setting not in SETTINGS
    ]
    if faults or not accepted:
        raise BadInput(
            "The mappings cannot be written", faults=tuple(faults) or (FieldFault("accept", "is empty"),)
        )

    def change(entry: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
        custom = dict((entry or {}).get("custom") or {})
        for one in accepted:
            custom[one.setting] = {**(custom.get(one.setting) or {}), one.name: one.value}
        return {**(entry or {}), "custom": custom}

    return await edit.change_entry(hub, "connectors", name, change, author=author, origin=via)
