"""Does what a configuration names at its providers still exist there?

Asked when a configuration is compared or applied by somebody, and by `im doctor`; never at the start of a hub and never
by a rollback, which must not wait for a provider. Only its own word that something is not there counts: who cannot be
asked, or may not say, proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from tocsin.core.errors import Conflict, FieldFault
from tocsin.core.policy import Policy
from tocsin.core.ports import Call, ConnectorSettings, Request, Response
from tocsin.engine.hub import Active, Hub
from tocsin.engine.wire import Wire
from tocsin.policy import Loaded

T = TypeVar("T")
SECONDS = 4.0
AT_ONCE = 4
"""Reads under way at once for one connector."""
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Looked:
    """`gone` = (the read, what is not there); `fault` = why not everything could be asked, "" = it was."""

    gone: tuple[tuple[Call, str], ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class There:
    """Of one configuration: `gone` are new with it, `told` stand in the one in force too or could not be asked."""

    gone: tuple[FieldFault, ...] = ()
    told: tuple[str, ...] = ()


UNASKED = There()


async def look(hub: Hub, wire: Wire, kind: str, settings: ConnectorSettings) -> Looked:
    """Ask one provider, for SECONDS at most, changing nothing there."""
    module = hub.providers[kind].module
    line, gone, faults = asyncio.Semaphore(AT_ONCE), list[tuple[Call, str]](), list[str]()

    async def ask(call: Call) -> None:
        async with line:
            answer = await wire.send(call.send)
        if not isinstance(answer, Response):
            faults.append(answer.message)
        elif answer.status >= 500 or answer.status in (401, 403, 429):
            faults.append(f"it answers {answer.status}")
        elif what := module.missing(call, answer):
            gone.append((call, what))

    calls = module.mappings(settings)
    try:
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*(ask(call) for call in calls))
    except TimeoutError:
        faults.append(f"it did not answer within {SECONDS:g} s")
    gone.sort(key=lambda found: calls.index(found[0]))
    return Looked(tuple(gone), faults[0] if faults else "")


class AskFirst(Exception):
    """Providers cannot be asked here, inside of a transaction: leave it, `await ask()`, and do the same again."""

    def __init__(self, ask: Callable[[], Awaitable[None]]) -> None:
        super().__init__("providers are asked outside of a transaction")
        self.ask = ask


_answered: ContextVar[dict[str, There] | None] = ContextVar("answered", default=None)


async def outside(work: Callable[[], Awaitable[T]]) -> T:
    """Carry out `work`, which transacts as a whole: when it must ask providers it is left, they are asked, and it
    begins anew. Whoever changes the configuration meanwhile may make that happen again, but not for ever."""
    token = _answered.set({})
    try:
        for _ in range(_TRIES):
            try:
                return await work()
            except AskFirst as first:
                await first.ask()
        raise Conflict("The configuration changes all the time; nothing was changed", hint="try again")
    finally:
        _answered.reset(token)


async def look_up(hub: Hub, loaded: Loaded, only: Collection[str] | None = None) -> There:
    """What of `loaded` is not there, of the connectors `only` where given. Inside of a transaction that another holds
    open it raises AskFirst, for `outside`."""
    if not hub.database.joined:
        return await _look_up(hub, loaded, only)
    answered = _answered.get()
    if answered is None:
        return UNASKED
    if loaded.hash not in answered:

        async def ask() -> None:
            answered[loaded.hash] = await _look_up(hub, loaded, only)

        raise AskFirst(ask)
    return answered[loaded.hash]


async def _look_up(hub: Hub, loaded: Loaded, only: Collection[str] | None) -> There:
    able = _able(hub, loaded.policy, loaded.secrets)
    then = {name: settings for name, settings in able.items() if only is None or name in only}
    now = _able(hub, hub.policy, hub.active.secrets)
    wire = Wire()
    try:
        looked = await asyncio.gather(
            *(
                look(hub, wire, loaded.policy.connectors[name].type, settings)
                for name, settings in then.items()
            )
        )
    finally:
        await wire.close()
    gone: list[FieldFault] = []
    told: list[str] = []
    for name, found in zip(then, looked, strict=True):
        kind = loaded.policy.connectors[name].type
        before = _reads(hub, kind, now[name]) if name in now else set()
        for call, what in found.gone:
            for field in call.step.split("|"):
                path = f"connectors.{name}.{field}"
                if (field, _address(call)) in before:
                    told.append(f"{path}: {what}; pages that go there fail over")
                else:
                    gone.append(FieldFault(path, f"{what}; name one that is", loaded.line_of(path)))
        if found.fault:
            told.append(
                f"connectors.{name}: whether its mappings are there could not be asked: {found.fault}"
            )
    return There(tuple(gone), tuple(told))


def _able(hub: Hub, policy: Policy, secrets: Mapping[str, str]) -> dict[str, ConnectorSettings]:
    """The settings of the connectors whose provider can be asked."""
    filled = Active(policy=policy, secrets=secrets)
    return {
        name: filled.settings_of(connector)
        for name, connector in policy.connectors.items()
        if "mappings" in hub.abilities_of(connector.type)
    }


def _reads(hub: Hub, kind: str, settings: ConnectorSettings) -> set[tuple[str, str]]:
    calls = hub.providers[kind].module.mappings(settings) if kind == settings.settings["type"] else []
    return {(field, _address(call)) for call in calls for field in call.step.split("|")}


def _address(call: Call) -> str:
    return call.send.url if isinstance(call.send, Request) else ""
