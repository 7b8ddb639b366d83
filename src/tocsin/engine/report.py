"""A report is gathered: what is known here, and, where it is asked for, what the providers' own logs say (IM-5).

The timelines of the worst incidents are told step by step, the others are counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from tocsin.core import report as core
from tocsin.core.history import Entry, TellsHistory
from tocsin.core.oncall import Unknown
from tocsin.core.ports import Call, Response
from tocsin.core.report import Incident, Report, Side
from tocsin.core.values import replace
from tocsin.engine.hub import Hub, log
from tocsin.engine.readback import grant, hold_off
from tocsin.engine.wire import Wire
from tocsin.store import reports
from tocsin.store.reports import MOST

TOLD, STEPS = 40, 14
"""Incidents whose steps are told, and how many steps of each."""
ROUNDS, SECONDS = 120, 45.0
"""Of reading one provider's log: pages of a hundred entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be reported: incidents opened within [start, end). `logs` = the providers are asked too."""

    start: datetime
    end: datetime
    timezone: str
    service: str = ""
    team: str = ""
    logs: bool = False


async def report(hub: Hub, wire: Wire, wanted: Wanted) -> Report:
    """The whole report; figures are worked out in a thread."""
    found = await hub.database.read(
        lambda c: reports.incidents_of(c, wanted.start, wanted.end, service=wanted.service, team=wanted.team)
    )
    notes: list[str] = []
    if len(found) > MOST:
        found = found[:MOST]
        notes.append(f"More than {MOST} incidents: these are the first. Ask for a shorter time.")
    logs: dict[str, str] = {}
    if wanted.logs:
        found, logs, more = await _with_logs(hub, wire, found, wanted)
        notes += more
    found = await _with_steps(hub, found, wanted.start)
    notes += await _forgotten(hub, wanted.start)
    return await asyncio.to_thread(
        core.report_of, found, policy=hub.policy, start=wanted.start, end=wanted.end, timezone=wanted.timezone,
        made_at=hub.now(), installation=str(hub.installation), logs=logs, notes=notes,
    )  # fmt: skip


async def _with_steps(hub: Hub, found: Sequence[Incident], since: datetime) -> list[Incident]:
    worst = sorted(found, key=_badness)[:TOLD]
    numbers = [int(one.name.removeprefix("INC-")) for one in worst]
    steps = await hub.database.read(lambda c: reports.steps_of(c, numbers, since, STEPS))
    none: tuple[tuple[core.Step, ...], int] = ((), 0)
    return [
        replace(one, steps=steps.get(one.name, none)[0], steps_left_out=steps.get(one.name, none)[1])
        for one in found
    ]


def _badness(one: Incident) -> tuple[int, int, float, datetime]:
    """The worst first: severity, promises missed, how long it took."""
    missed = (one.ack_kept is False) + (one.resolve_kept is False)
    took = (one.resolved_at - one.opened_at).total_seconds() if one.resolved_at else 1e12
    return (-one.severity.rank, -missed, -took, one.opened_at)


async def _forgotten(hub: Hub, start: datetime) -> list[str]:
    days = hub.policy.defaults.retention.timeline
    if hub.now() - start <= days:
        return []
    text = (
        "Timelines of the beginning of this time may be forgotten by `defaults.retention`: who acknowledged first, and"
        " escalations, are then missing."
    )
    return [text]


# ---- the providers' own logs -----------------------------------------------------------------------------


async def _with_logs(
    hub: Hub, wire: Wire, found: list[Incident], wanted: Wanted
) -> tuple[list[Incident], dict[str, str], list[str]]:
    names = [name for name in hub.policy.connectors if "history" in hub.abilities(name)]
    read = await asyncio.gather(*(_log_of(hub, wire, name, wanted) for name in names))
    entries: dict[str, list[Entry]] = {}
    logs, notes = dict[str, str](), list[str]()
    for name, told in zip(names, read, strict=True):
        if isinstance(told, Unknown):
            logs[name] = "could not be read"
            notes.append(f"The log of {name} could not be read: {told.reason}")
        else:
            logs[name], entries[name] = "read", told
    others = {s.connector for one in found for s in one.sides} - set(names)
    logs |= dict.fromkeys(sorted(others), "has none to read")
    return [_joined(one, entries) for one in found], logs, notes


def _joined(one: Incident, entries: Mapping[str, list[Entry]]) -> Incident:
    """The incident with what the logs say of each of its sides, by the id there."""
    sides = []
    for side in one.sides:
        own = [e for e in entries.get(side.connector, ()) if e.remote_id and e.remote_id == side.remote_id]
        sides.append(_timed(side, own) if own else side)
    return replace(one, sides=tuple(sides))


def _timed(side: Side, own: Sequence[Entry]) -> Side:
    acked = min((e for e in own if e.acknowledged_at), key=lambda e: e.acknowledged_at or e.at, default=None)
    resolved = max((e.resolved_at for e in own if e.resolved_at), default=None)
    return replace(
        side, there_acknowledged_at=acked.acknowledged_at if acked else None,
        there_acknowledged_by=acked.who if acked else "", there_resolved_at=resolved,
    )  # fmt: skip


async def _log_of(hub: Hub, wire: Wire, name: str, wanted: Wanted) -> list[Entry] | Unknown:
    try:
        async with asyncio.timeout(SECONDS):
            return await _read_log(hub, wire, name, wanted)
    except TimeoutError:
        return Unknown(f"it did not end within {SECONDS:g} s")
    except Exception as fault:  # noqa: BLE001 - one provider's log must not keep the report from being made
        log.warning("history_failed", connector=name, fault=type(fault).__name__)
        return Unknown(f"a fault of ours ({type(fault).__name__})")


async def _read_log(hub: Hub, wire: Wire, name: str, wanted: Wanted) -> list[Entry] | Unknown:
    connector = hub.policy.connectors[name]
    module = cast(TellsHistory, hub.providers[connector.type].module)
    settings = hub.active.settings_of(connector)
    told: list[tuple[Call, Response]] = []
    for _ in range(ROUNDS):
        asked = module.history(wanted.start, wanted.end, told, settings)
        if isinstance(asked, Unknown):
            return asked
        if not asked or not isinstance(asked[0], Call):
            return cast(list[Entry], asked)
        call = asked[0]
        granted, why = await hub.database.transact(lambda c: grant(c, hub, name, 1, tries=True))
        if not granted:
            return Unknown(why)
        answer = await wire.send(call.send)
        if not isinstance(answer, Response):
            return Unknown(answer.message)
        if answer.status == 429:
            await hold_off(hub, name, answer)
        told.append((call, answer))
    return Unknown(f"it is longer than {ROUNDS} pages: ask for a shorter time")
