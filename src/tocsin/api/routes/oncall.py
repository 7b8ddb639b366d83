"""Who is on call for each service, as its providers say, and how old is what they said?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from tocsin.api.asking import Reader, Strict, TheHub, Word
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.core import oncall as core
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.oncall import STALE, Roster, Standing, Unknown
from tocsin.core.policy import Service
from tocsin.engine import oncall
from tocsin.engine.hub import Hub
from tocsin.engine.oncall import Seat
from tocsin.engine.wire import Wire

router = APIRouter(prefix="/api/v1", tags=["on-call"], route_class=Keyed)
_FURTHEST = timedelta(days=365)
_MOST_LIVE = 20


class OnCallTurn(BaseModel):
    """Somebody's turn."""

    person: str = Field(description="An e-mail address where the provider gives one, else a name.")
    name: str
    schedule: str = Field(description="The provider's schedule; empty = named by the escalation itself.")
    since: datetime | None
    until: datetime | None = Field(
        description="When it is handed over; null = not in the five weeks to come."
    )


class OnCallStep(BaseModel):
    """Who is asked later, while nobody has acknowledged."""

    level: int
    after_minutes: int = Field(description="Counted from the beginning of the page.")
    to: list[str]


class OnCall(BaseModel):
    """Who is on call for one service at one connector."""

    service: str
    team: str
    connector: str = Field(description="Who told it; empty = no connector of the service can be asked.")
    place: str = Field(description="What the service is mapped to there.")
    policy: str = Field(description="By which escalation there.")
    current: list[OnCallTurn]
    next: list[OnCallTurn]
    escalation: list[OnCallStep]
    warnings: list[str] = Field(description="Nobody on call, a gap to come, a provider that does not answer.")
    gap: bool = Field(description="Nobody is on call at the first level.")
    as_of: datetime | None = Field(description="When the provider told it; null = it never did.")
    age_seconds: int | None
    stale: bool = Field(description="It is so old that somebody else may be on call.")
    fault: str = Field(description="Why the last asking brought nothing; empty = it did.")
    fault_since: datetime | None


class OnCalls(BaseModel):
    """Who is on call at one instant."""

    at: datetime
    items: list[OnCall]


class Wanted(Strict):
    """Of which services, and when."""

    service: Word = Field("", description="Of this service alone.")
    team: Word = Field("", description="Of the services of this team.")
    at: AwareDatetime | None = Field(
        None,
        description="At this instant instead of now; within a year. The provider is asked where need be.",
    )


class Refresh(Strict):
    """Of which services."""

    service: Word = ""
    team: Word = ""


@router.get(
    "/oncall", summary="Who is on call", response_model=OnCalls, responses=problems("bad_input", "not_found")
)
async def who_is_on_call(hub: TheHub, who: Reader, query: Annotated[Wanted, Query()]) -> OnCalls:
    """One entry for each service and connector that can be asked, from what its provider told last, with its age."""
    chosen, now = _chosen(hub, query.service, query.team), hub.now()
    at = query.at or now
    if abs(at - now) > _FURTHEST:
        fault = FieldFault("at", "is more than a year away")
        raise BadInput("Nobody knows who is on call then", faults=(fault,))
    found = await oncall.known(hub, chosen)
    told = await _told(hub, found, at) if query.at else {}
    return OnCalls(at=at, items=_listed(chosen, found, told, at, now))


@router.post(
    "/oncall/refresh", summary="Ask who is on call now", response_model=OnCalls,
    responses=problems("bad_input", "not_found"),
)  # fmt: skip
async def refresh(hub: TheHub, who: Reader, body: Refresh | None = None) -> OnCalls:
    """Ask the providers now, within their rate limits, but for what they told in the last 30 seconds."""
    wanted = body or Refresh()
    chosen = _chosen(hub, wanted.service, wanted.team)
    wire = Wire()
    try:
        await oncall.read_now(hub, wire, chosen, fresh=timedelta(seconds=30))
    finally:
        await wire.close()
    now = hub.now()
    return OnCalls(at=now, items=_listed(chosen, await oncall.known(hub, chosen), {}, now, now))


def _chosen(hub: Hub, service: str, team: str) -> list[Service]:
    known = hub.policy.services
    if service and service not in known:
        raise NotFound(f"There is no service {service}", hint="`im api GET services` lists them")
    if team and team not in hub.policy.teams:
        raise NotFound(f"There is no team {team}", hint="`im api GET teams` lists them")
    return [
        one
        for one in known.values()
        if (not service or one.name == service) and (not team or one.team == team)
    ]


async def _told(hub: Hub, found: Sequence[Seat], at: datetime) -> dict[tuple[str, str], Roster | Unknown]:
    places: dict[tuple[str, str], Seat] = {(one.connector, one.place): one for one in found}
    wire = Wire()
    try:
        asked = list(places.items())[:_MOST_LIVE]
        said = await asyncio.gather(*(oncall.at_another_time(hub, wire, seat, at) for _, seat in asked))
    finally:
        await wire.close()
    late: dict[tuple[str, str], Roster | Unknown] = {
        place: Unknown(f"more than {_MOST_LIVE} places: ask about one service or team")
        for place in list(places)[_MOST_LIVE:]
    }
    return {place: answer for (place, _), answer in zip(asked, said, strict=True)} | late


def _listed(
    chosen: Sequence[Service],
    found: Sequence[Seat],
    told: dict[tuple[str, str], Roster | Unknown],
    at: datetime,
    now: datetime,
) -> list[OnCall]:
    items: list[OnCall] = []
    for service in chosen:
        own = [one for one in found if one.service.name == service.name]
        items += [_shown(one, told.get((one.connector, one.place)), at, now) for one in own]
        if not own:
            items.append(_nowhere(service))
    return items


def _nowhere(service: Service) -> OnCall:
    said = "no connector of this service tells who is on call: map it at one that does"
    return OnCall(
        service=service.name, team=service.team, connector="", place="", policy="", current=[], next=[], escalation=[],
        warnings=[said], gap=False, as_of=None, age_seconds=None, stale=False, fault="", fault_since=None,
    )  # fmt: skip


def _shown(seat: Seat, told: Roster | Unknown | None, at: datetime, now: datetime) -> OnCall:
    kept = seat.kept
    roster = told if isinstance(told, Roster) else kept.roster if kept and told is None else None
    live = isinstance(told, Roster) and (kept is None or told is not kept.roster)
    fault = told.reason if isinstance(told, Unknown) else "" if live or kept is None else kept.fault
    read_at = (now if live else kept.read_at if kept else None) if roster else None
    stands = core.standing(roster, at) if roster else Standing()
    stale = read_at is not None and now - read_at > STALE
    warnings = [*(roster.notes if roster else ()), *stands.gaps]
    if roster is None:
        warnings.append(fault or "not asked yet: `im oncall --refresh` asks now")
    elif fault:
        warnings.append(f"the provider does not answer, this is what it told last: {fault}")
    if stale and read_at is not None:
        warnings.append(
            f"this is from {read_at:%Y-%m-%d %H:%M} UTC: somebody else may be on call by now, "
            "and overrides since then are missing"
        )
    return OnCall(
        service=seat.service.name, team=seat.service.team, connector=seat.connector, place=seat.place,
        policy=roster.policy if roster else "", current=[_turn(one) for one in stands.current],
        next=[_turn(one) for one in stands.following], gap=roster is not None and not stands.current,
        escalation=[
            OnCallStep(level=one.level, after_minutes=int(one.after.total_seconds()) // 60, to=list(one.to))
            for one in stands.escalation
        ],
        warnings=warnings, as_of=read_at, age_seconds=int((now - read_at).total_seconds()) if read_at else None,
        stale=stale, fault=fault, fault_since=kept.fault_since if kept and fault else None,
    )  # fmt: skip


def _turn(one: core.Turn) -> OnCallTurn:
    return OnCallTurn(person=one.person, name=one.name, schedule=one.schedule, since=one.start, until=one.end)
