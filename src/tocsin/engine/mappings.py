"""What is mapped to what at a connector, and what does its provider call it? Asks, and changes nothing there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from tocsin.core.errors import NotFound
from tocsin.core.model import Json
from tocsin.core.policy import Connector
from tocsin.core.ports import Call, Response
from tocsin.core.settings import setting, table
from tocsin.core.values import replace
from tocsin.engine.hub import Hub
from tocsin.engine.mapped import AT_ONCE, SECONDS
from tocsin.engine.wire import Wire

DEFAULT = "default"
TABLES = {"service": "service_mappings", "escalation": "escalation_mappings", "policy": "policy_mappings"}
SINGLE = {"service": "service_id", "escalation": "escalation_policy_id"}
"""Settings that are the default of a table without one."""


class Titled(Protocol):
    """What a provider with the ability `mappings` has besides."""

    def title_of(self, call: Call, answer: Response) -> str:
        """The name that people there know it by, "" when the answer does not tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One mapping. `kind`: service, escalation (by service) or policy (by escalation policy of ours); `there` None = it
    could not be asked; `title` is the provider's name for it."""

    kind: str
    here: str
    remote: str
    field: str
    there: bool | None = None
    title: str = ""


async def of(hub: Hub, name: str) -> tuple[tuple[Mapped, ...], str]:
    """Every mapping, looked up at the provider for SECONDS at most, and why not all could be; raises NotFound."""
    connector = hub.policy.connectors.get(name)
    if connector is None:
        raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")
    rows = tuple(written(connector))
    if "mappings" not in hub.abilities_of(connector.type):
        return rows, f"{connector.type} has no way to ask what is there" if rows else ""
    found, fault = await _ask(hub, connector)
    return tuple(_told(row, found.get(row.field, [])) for row in rows), fault


def written(connector: Connector) -> Iterator[Mapped]:
    """As the configuration has them, by name, the default last."""
    for kind, key in TABLES.items():
        entries = dict(table(connector.settings, key))
        default = entries.pop(DEFAULT, None)
        for here in sorted(entries):
            yield Mapped(kind=kind, here=here, remote=_words(entries[here]), field=f"custom.{key}.{here}")
        single = setting(connector.settings, SINGLE.get(kind, ""))
        if default:
            yield Mapped(kind=kind, here=DEFAULT, remote=_words(default), field=f"custom.{key}.{DEFAULT}")
        elif single:
            yield Mapped(kind=kind, here=DEFAULT, remote=_words(single), field=f"custom.{SINGLE[kind]}")


def _words(value: Json) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)


async def _ask(hub: Hub, connector: Connector) -> tuple[Mapping[str, list[tuple[bool | None, str]]], str]:
    module = hub.providers[connector.type].module
    titled = cast("Titled", module)
    calls = module.mappings(hub.active.settings_of(connector))
    line, faults = asyncio.Semaphore(AT_ONCE), list[str]()
    found: dict[str, list[tuple[bool | None, str]]] = {f: [] for c in calls for f in c.step.split("|")}
    wire = Wire()

    async def ask(call: Call) -> None:
        async with line:
            answer = await wire.send(call.send)
        there: bool | None = None
        title = ""
        if not isinstance(answer, Response):
            faults.append(answer.message)
        elif module.missing(call, answer):
            there = False
        elif answer.status < 300:
            there, title = True, titled.title_of(call, answer)
        else:
            faults.append(f"it answers {answer.status}")
        for field in call.step.split("|"):
            found[field].append((there, title))

    try:
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*(ask(call) for call in calls))
    except TimeoutError:
        faults.append(f"it did not answer within {SECONDS:g} s")
    finally:
        await wire.close()
    return found, faults[0] if faults else ""


def _told(row: Mapped, answers: list[tuple[bool | None, str]]) -> Mapped:
    if not answers:
        return row
    there = [one for one, _ in answers]
    whole = False if False in there else None if None in there else True
    return replace(row, there=whole, title=", ".join(title for _, title in answers if title))
