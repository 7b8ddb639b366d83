"""What is promised, what ends soon, what was missed, and how much was kept (IM-4)?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from tocsin.api.asking import Reader, Strict, TheHub, Word
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.api.shapes import SeverityWord
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.severity import Severity, severity_named
from tocsin.core.sla import Clock, Promise, Running, promises_of
from tocsin.policy.sla import disagreements
from tocsin.store import incidents, sla
from tocsin.store.database import Connection
from tocsin.store.sla import Kept

router = APIRouter(prefix="/api/v1", tags=["sla"], route_class=Keyed)
_MONTH = timedelta(days=30)
ClockWord = Literal["ack", "resolve"]


class SlaClock(BaseModel):
    """One of an incident's two clocks."""

    clock: ClockWord
    state: Literal["none", "running", "warned", "met", "missed"] = Field(
        description="`none` = nothing is promised; `missed` stays, also once it is done."
    )
    promised_seconds: int | None
    hours: Literal["always", "business"]
    by: str = Field(description="Where the promise stands: `defaults.sla`, `services.NAME.sla` …")
    due_at: datetime | None
    warn_at: datetime | None
    met_at: datetime | None = Field(description="When it was done, in time or not.")
    breached_at: datetime | None
    left_seconds: int | None = Field(
        description="Until it is due, by the clock on the wall; below 0 it is past. Null once it is done."
    )


class Sla(BaseModel):
    """An incident with its two clocks."""

    incident: str
    title: str
    severity: SeverityWord
    status: str
    team: str
    services: list[str]
    holder: str = Field(description="To whom it is assigned, else who acknowledged it.")
    opened_at: datetime
    clocks: list[SlaClock]


class SlaList(BaseModel):
    """Incidents with their clocks."""

    at: datetime
    items: list[Sla]


class SlaTargetShape(BaseModel):
    """What is promised for one service, severity and clock."""

    service: str = Field(description="Empty = an incident without a service.")
    severity: SeverityWord
    clock: ClockWord
    promised_seconds: int
    hours: Literal["always", "business"]
    team: str = Field(description="Whose business hours count.")
    by: str


class SlaTargets(BaseModel):
    """What is promised, and where connectors say something else."""

    items: list[SlaTargetShape]
    warn_at: float = Field(description="The share of the time after which the holder is warned; 1 = never.")
    disagreements: list[str]


class SlaFigure(BaseModel):
    """How many promises of incidents opened in a time were kept."""

    key: str
    clock: ClockWord
    kept: int
    missed: int
    running: int
    share: float | None = Field(description="Kept of those that ended, 0 to 1; null when none did.")


class SlaCompliance(BaseModel):
    """How much was kept."""

    start: datetime
    end: datetime
    by: str
    items: list[SlaFigure]


class Narrowed(Strict):
    """Of which incidents."""

    service: Word = ""
    team: Word = ""
    severity: Word = Field("", description="critical … low or SEV-1 … SEV-4.")
    limit: int = Field(100, ge=1, le=500)


class WantedRunning(Narrowed):
    """Which open incidents."""

    incident: Word = Field("", description="This one alone, over or not: INC-7, 7 or its id.")


class WantedBreaches(Narrowed):
    """Which misses."""

    start: AwareDatetime | None = Field(None, description="From then on; default 30 days ago.")
    end: AwareDatetime | None = Field(None, description="Before then; default now.")


class WantedFigures(Strict):
    """Over which time, by what."""

    start: AwareDatetime | None = Field(None, description="Opened from then on; default 30 days ago.")
    end: AwareDatetime | None = Field(None, description="Opened before then; default now.")
    by: Literal["all", "severity", "team", "service"] = "severity"


class WantedTargets(Strict):
    """Of which service."""

    service: Word = ""


@router.get(
    "/sla", summary="List what is promised about open incidents", response_model=SlaList,
    responses=problems("bad_input", "not_found"),
)  # fmt: skip
async def list_running(hub: TheHub, who: Reader, query: Annotated[WantedRunning, Query()]) -> SlaList:
    """The clock that ends soonest first. Nothing stops a clock but the incident's end."""
    severity = _severity(query.severity)

    async def ask(connection: Connection) -> list[Kept]:
        if query.incident:
            found = await incidents.id_of(connection, query.incident)
            if found is None:
                raise NotFound(
                    f"There is no incident {query.incident}", hint="`im list --status all` shows every one"
                )
            one = await sla.of_incident(connection, found)
            return [one] if one else []
        return await sla.running(
            connection, service=query.service, team=query.team, severity=severity, most=query.limit
        )

    now = hub.now()
    return SlaList(at=now, items=[shown(one, now) for one in await hub.database.read(ask)])


@router.get(
    "/sla/breaches", summary="List what was missed", response_model=SlaList, responses=problems("bad_input"),
)  # fmt: skip
async def list_breaches(hub: TheHub, who: Reader, query: Annotated[WantedBreaches, Query()]) -> SlaList:
    """The last missed first."""
    now = hub.now()
    start, end = _period(query.start, query.end, now)
    severity = _severity(query.severity)
    found = await hub.database.read(
        lambda c: sla.breached(
            c, start, end, service=query.service, team=query.team, severity=severity, most=query.limit
        )
    )
    return SlaList(at=now, items=[shown(one, now) for one in found])


@router.get(
    "/sla/targets", summary="Show what is promised", response_model=SlaTargets, responses=problems("not_found"),
)  # fmt: skip
async def targets(hub: TheHub, who: Reader, query: Annotated[WantedTargets, Query()]) -> SlaTargets:
    """For each service, severity and clock, whose word holds; first for an incident without a service."""
    policy = hub.policy
    if query.service and query.service not in policy.services:
        raise NotFound(f"There is no service {query.service}", hint="`im api GET services` lists them")
    names = [query.service] if query.service else ["", *(n for n, s in policy.services.items() if s.sla)]
    items = [
        SlaTargetShape(
            service=name, severity=severity.value, clock=clock.value, promised_seconds=_seconds(promise),
            hours="business" if promise.business else "always", team=promise.team, by=promise.by,
        )
        for name in names
        for severity in Severity
        for clock in Clock
        for promise in promises_of(name, "", severity, policy, clock)
    ]  # fmt: skip
    return SlaTargets(
        items=items, warn_at=policy.defaults.sla.warn_at, disagreements=list(disagreements(policy))
    )


@router.get(
    "/sla/compliance", summary="Show how much was kept", response_model=SlaCompliance, responses=problems("bad_input"),
)  # fmt: skip
async def compliance(hub: TheHub, who: Reader, query: Annotated[WantedFigures, Query()]) -> SlaCompliance:
    """Of the incidents opened in that time. One that is still open and not due is neither kept nor missed."""
    start, end = _period(query.start, query.end, hub.now())
    found = await hub.database.read(lambda c: sla.compliance(c, start, end, query.by))
    items = [
        SlaFigure(
            key=f.key, clock=f.clock.value, kept=f.kept, missed=f.missed, running=f.running, share=f.share
        )
        for f in found
    ]
    return SlaCompliance(start=start, end=end, by=query.by, items=items)


def shown(one: Kept, now: datetime) -> Sla:
    """An incident's clocks as the API tells them."""
    return Sla(
        incident=one.name, title=one.title, severity=Severity(one.severity).value, status=one.status, team=one.team,
        services=list(one.services), holder=one.assignee or one.acknowledged_by, opened_at=one.opened_at,
        clocks=[_clock(clock, one.track.of(clock), now) for clock in Clock],
    )  # fmt: skip


def _clock(clock: Clock, running: Running, now: datetime) -> SlaClock:
    promise = running.promise
    left = running.due_at - now if running.due_at and running.met_at is None else None
    return SlaClock(
        clock=clock.value, state=_state(running), promised_seconds=_seconds(promise) if promise else None,
        hours="business" if promise and promise.business else "always", by=promise.by if promise else "",
        due_at=running.due_at, warn_at=running.warn_at, met_at=running.met_at, breached_at=running.breached_at,
        left_seconds=int(left.total_seconds()) if left is not None else None,
    )  # fmt: skip


def _state(running: Running) -> Literal["none", "running", "warned", "met", "missed"]:
    if running.breached_at is not None:
        return "missed"
    if running.promise is None:
        return "none"
    if running.met_at is not None:
        return "met"
    return "warned" if running.warned_at is not None else "running"


def _seconds(promise: Promise) -> int:
    return int(promise.time.total_seconds())


def _severity(word: str) -> str:
    if not word:
        return ""
    found = severity_named(word)
    if found is None:
        fault = FieldFault("severity", "is none of critical, high, medium, low or SEV-1 … SEV-4")
        raise BadInput("severity is not right", faults=(fault,))
    return found.value


def _period(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    until = end or now
    since = start or until - _MONTH
    if since >= until:
        raise BadInput("That time is empty", faults=(FieldFault("start", "is not before end"),))
    return since, until
