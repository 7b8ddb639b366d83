"""Ask the providers who is on call, keep what they told, and answer from it with its age (RO-8, IM-3).

The node on duty asks each place anew every EVERY; somebody who looks may ask at once. Nothing is asked inside a
transaction, and reads leave a quarter of the rate limit to pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from tocsin.core.oncall import AHEAD, Question, Roster, TellsOnCall, Unknown
from tocsin.core.policy import Service
from tocsin.core.ports import Call, Response
from tocsin.engine.hub import Hub, log
from tocsin.engine.readback import grant, hold_off
from tocsin.engine.wire import Wire
from tocsin.store import oncall
from tocsin.store.oncall import Kept, Place

EVERY = timedelta(minutes=10)
FIRST_AFTER = timedelta(minutes=2)
"""A place never seen is asked so soon after; whoever cannot wait asks by hand."""
MOST_A_TURN = 2
"""Places of one connector in one turn of five seconds: about seventy calls a minute."""
MOST_BY_HAND, HAND_SECONDS, AT_ONCE = 30, 9.0, 4
ROUNDS = 8
"""Of reads that follow from one another; a provider that wants more goes in a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A service at one connector that tells who is on call for it. `kept` None = never asked."""

    service: Service
    connector: str
    place: str
    kept: Kept | None = None


def seats(hub: Hub, services: Collection[Service]) -> list[Seat]:
    """Where each service is paged and somebody can be asked about, in the order of the configuration."""
    found: list[Seat] = []
    for connector in hub.policy.connectors.values():
        if "oncall" not in hub.abilities(connector.name):
            continue
        module = cast(TellsOnCall, hub.providers[connector.type].module)
        settings = hub.active.settings_of(connector)
        for service in services:
            if service.providers and connector.name not in service.providers:
                continue
            if place := module.on_call_place(service.name, settings):
                found.append(Seat(service=service, connector=connector.name, place=place))
    return found


async def known(hub: Hub, services: Collection[Service]) -> list[Seat]:
    """The same with what was told last."""
    found = seats(hub, services)
    kept = await hub.database.read(lambda c: oncall.of(c, {(one.connector, one.place) for one in found}))
    return [
        Seat(service=s.service, connector=s.connector, place=s.place, kept=kept.get((s.connector, s.place)))
        for s in found
    ]


async def keep_fresh(hub: Hub, wire: Wire) -> None:
    """By the node on duty: ask what is due, each connector by itself."""
    if not hub.active.unsealed:
        return
    now = hub.now()
    wanted = list({(one.connector, one.place) for one in seats(hub, hub.policy.services.values())})
    due = await hub.database.transact(
        lambda c: oncall.claim_due(
            c, wanted, now, before=now - EVERY, first=now - EVERY + FIRST_AFTER, most=MOST_A_TURN
        )
    )
    by_connector: dict[str, list[Place]] = {}
    for place in due:
        by_connector.setdefault(place[0], []).append(place)
    await asyncio.gather(*(_read_in_turn(hub, wire, places) for places in by_connector.values()))


async def _read_in_turn(hub: Hub, wire: Wire, places: Sequence[Place]) -> None:
    for place in places:
        await read(hub, wire, place)


async def read_now(hub: Hub, wire: Wire, services: Collection[Service], *, fresh: timedelta) -> None:
    """By hand: ask about these services, but for what was read within `fresh`; at most MOST_BY_HAND places and
    HAND_SECONDS. What is not answered by then stays as it was."""
    now = hub.now()
    wanted: dict[Place, None] = {}
    for seat in await known(hub, services):
        kept = seat.kept
        if kept is None or kept.read_at is None or kept.fault or now - kept.read_at > fresh:
            wanted[seat.connector, seat.place] = None
    line = asyncio.Semaphore(AT_ONCE)

    async def one(place: Place) -> None:
        async with line:
            await read(hub, wire, place, tries=True)

    try:
        async with asyncio.timeout(HAND_SECONDS):
            await asyncio.gather(*(one(place) for place in list(wanted)[:MOST_BY_HAND]))
    except TimeoutError:
        log.warning("oncall_slow", places=len(wanted))


async def read(hub: Hub, wire: Wire, place: Place, *, tries: bool = False) -> None:
    """Ask about one place and keep what was told."""
    now = hub.now()
    told = await ask(hub, wire, place, Question(place=place[1], since=now, until=now + AHEAD), tries=tries)
    if isinstance(told, Roster):
        await hub.database.transact(lambda c: oncall.learned(c, place, told, now))
    else:
        await hub.database.transact(lambda c: oncall.failed(c, place, told.reason, now))


async def ask(
    hub: Hub, wire: Wire, place: Place, question: Question, *, tries: bool = False
) -> Roster | Unknown:
    """What the provider says; the calls of one round leave together. Keeps nothing."""
    connector = hub.policy.connectors.get(place[0])
    if connector is None or "oncall" not in hub.abilities(place[0]):
        return Unknown("the connector is gone")
    module = cast(TellsOnCall, hub.providers[connector.type].module)
    settings = hub.active.settings_of(connector)
    told: list[tuple[Call, Response]] = []
    for _ in range(ROUNDS):
        wanted = module.on_call(question, told, settings)
        if not isinstance(wanted, list):
            return wanted
        calls = wanted
        if why := await _withheld(hub, place[0], len(calls), tries=tries):
            return Unknown(why)
        answers = await asyncio.gather(*(wire.send(call.send) for call in calls))
        for call, answer in zip(calls, answers, strict=True):
            if not isinstance(answer, Response):
                return Unknown(answer.message)
            if answer.status == 429:
                await hold_off(hub, place[0], answer)
            told.append((call, answer))
    return Unknown("it names further teams and escalations without an end")


async def _withheld(hub: Hub, name: str, many: int, *, tries: bool) -> str:
    """Why so many calls may not be made now; "" = they may, and are counted."""
    granted, why = await hub.database.transact(lambda c: grant(c, hub, name, many, tries=tries))
    return why if granted < many else ""


async def at_another_time(hub: Hub, wire: Wire, seat: Seat, at: datetime) -> Roster | Unknown:
    """What the provider says of an instant that is not in what is kept; asked now and not kept."""
    kept = seat.kept
    if kept is not None and kept.roster is not None and kept.roster.since <= at < kept.roster.until:
        return kept.roster
    question = Question(place=seat.place, since=at, until=at + AHEAD)
    return await ask(hub, wire, (seat.connector, seat.place), question, tries=True)
