"""What people respond to: list, look, act."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tocsin.api import scoped, shapes, views
from tocsin.api.asking import (
    Paged,
    Reader,
    Strict,
    Text,
    TheHub,
    Word,
    Writer,
    actor_of,
    cursor_in,
    cursor_out,
    storable,
    words,
)
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.core.amend import FIELDS_MOST, NAME_MOST, VALUE_MOST, Wording
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.model import IncidentStatus
from tocsin.core.severity import Severity, severity_named
from tocsin.engine.amend import change
from tocsin.engine.declare import declare
from tocsin.engine.hub import Hub
from tocsin.policy.times import duration
from tocsin.store import incidents, reading, retention

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"], route_class=Keyed)
STATUSES = tuple(status.value for status in IncidentStatus)


def _severity(value: str) -> str:
    if severity_named(value) is None:
        raise ValueError("should be critical, high, medium, low or SEV-1 to SEV-4")
    return value


def _span(value: str) -> str:
    duration(value)  # raises ValueError with the reason
    return value


def _text(value: object) -> object:
    """Numbers and truths are told as texts; null stays null."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _field_name(value: str) -> str:
    if not value.strip() or value != value.strip() or not value.isprintable():
        raise ValueError("a field's name should be printable, without spaces around it")
    return value


KnownSeverity = Annotated[str, AfterValidator(_severity)]
Span = Annotated[Word, BeforeValidator(_text), AfterValidator(_span)]
FieldName = Annotated[
    str, AfterValidator(storable), AfterValidator(_field_name), Field(min_length=1, max_length=NAME_MOST)
]
FieldValue = Annotated[str, BeforeValidator(_text), AfterValidator(storable), Field(max_length=VALUE_MOST)]


class IncidentQuery(Paged):
    """Which incidents."""

    status: Word = Field(
        "open,mitigated", description=f"Comma list of {', '.join(STATUSES)}; `all` for every one."
    )
    severity: Word = Field("", description="Comma list; high or SEV-2.")
    service: Word = ""
    team: Word = ""
    q: Word = Field("", description="Text in title or description.")


class Declared(Strict):
    """A new incident."""

    title: Word = Field(min_length=1)
    severity: KnownSeverity = Field(description="critical, high, medium, low or SEV-1 … SEV-4.")
    services: list[Word] = Field(default=[], max_length=50)
    description: Text = ""
    connector: list[Word] = Field(
        default=[], max_length=20, description="Page through these instead of by the rules."
    )

    fields: dict[FieldName, FieldValue] = Field(
        default={}, max_length=FIELDS_MOST, description="Custom fields: a name and its text."
    )


class Changes(Strict):
    """What to change; what is left out stays as it is."""

    title: Word | None = Field(None, min_length=1)
    description: Text | None = None
    severity: KnownSeverity | None = Field(None, description="A higher one is routed again and pages again.")
    fields: dict[FieldName, FieldValue | None] = Field(
        default={}, max_length=FIELDS_MOST, description='Set one by one; null or "" takes one away.'
    )

    @model_validator(mode="after")
    def _something(self) -> Changes:
        if not self.model_fields_set:
            raise ValueError("give at least one of title, description, severity and fields")
        for name in ("title", "description", "severity", "fields"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} should not be null: leave it out to keep it")
        return self


_CHANGED = {"description": "The incident afterwards.", "headers": {"Changed": {
    "description": "false when it had been done before", "schema": {"type": "string"}}}}  # fmt: skip
ACT: dict[str, Any] = {
    "response_model": shapes.Incident,
    "responses": {200: _CHANGED, **problems("not_found", "conflict", "bad_input", "too_large")},
}


@router.get(
    "", summary="List incidents", response_model=shapes.Page[shapes.Incident], responses=problems("bad_input")
)
async def list_incidents(
    hub: TheHub, who: Reader, query: Annotated[IncidentQuery, Query()]
) -> shapes.Page[shapes.Incident]:
    """The newest first; by default those open or mitigated."""
    statuses = () if query.status.strip() == "all" else words(query.status, "status", STATUSES)
    wanted = reading.IncidentFilter(
        statuses=statuses, severities=_severities(query.severity), service=query.service, team=query.team, text=query.q
    )  # fmt: skip
    place = cursor_in(query.cursor, int)
    found = await hub.database.read(
        lambda c: reading.incident_page(c, wanted, before=place[0] if place else None, most=query.limit + 1)
    )
    page = found[: query.limit]
    following = cursor_out(page[-1].incident.number) if len(found) > len(page) else None
    return shapes.Page(items=[views.incident(v, hub.policy) for v in page], next_cursor=following)


def _severities(text: str) -> tuple[str, ...]:
    named = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        severity = severity_named(word)
        if severity is None:
            fault = FieldFault("severity", f"{word} is none of {', '.join(Severity)} or SEV-1 to SEV-4")
            raise BadInput("severity is not right", faults=(fault,))
        named.append(severity.value)
    return tuple(named)


async def id_of(hub: Hub, name: str) -> UUID:
    found = await hub.database.read(lambda c: incidents.id_of(c, name))
    if found is None:
        raise NotFound(
            f"There is no incident {name[:100]}", hint="`im list --status all` shows every incident"
        )
    return found


async def shown(hub: Hub, incident: UUID, *, changed: bool = True) -> shapes.Incident:
    found = await hub.database.read(lambda c: reading.incident_views(c, [incident]))
    return views.incident(found[incident], hub.policy, changed=changed)


@router.post(
    "", summary="Declare an incident", status_code=201, response_model=shapes.Incident,
    responses=problems("bad_input", "too_large"),
)  # fmt: skip
async def declare_incident(request: Request, hub: TheHub, who: Writer, body: Declared) -> shapes.Incident:
    """Open an incident by hand; it pages by the routing rules, or through the connectors named."""
    scoped.mine(hub, who.name, who.teams, services=tuple(body.services))
    severity = severity_named(body.severity)
    assert severity is not None
    made = await declare(
        hub, title=body.title, severity=severity, services=tuple(dict.fromkeys(s for s in body.services if s)),
        actor=actor_of(who, request), description=body.description, connectors=tuple(dict.fromkeys(body.connector)),
        fields={name: value for name, value in body.fields.items() if value},
    )  # fmt: skip
    return await shown(hub, made.id)


@router.get(
    "/{name}", summary="Show an incident", response_model=shapes.Incident, responses=problems("not_found")
)
async def show_incident(hub: TheHub, who: Reader, name: str) -> shapes.Incident:
    """By INC-7, 7 or its id."""
    return await shown(hub, await id_of(hub, name))


@router.patch("/{name}", summary="Change an incident", **ACT)
async def change_incident(
    request: Request, response: Response, hub: TheHub, who: Writer, name: str, body: Changes
) -> shapes.Incident:
    """Its words, severity and fields, here and at every provider that holds it; a person's words are not
    overwritten by repeats. A higher severity is routed again, and asks whoever has acknowledged again."""
    wanted = Wording(
        title=body.title.strip() if body.title is not None else None, description=body.description,
        severity=severity_named(body.severity) if body.severity else None, fields=body.fields,
    )  # fmt: skip
    if wanted.title == "":
        raise BadInput(
            "The title is empty; nothing was changed", faults=(FieldFault("title", "is required"),)
        )
    done = await change(hub, name[:100], wanted, actor_of(who, request))
    if not done.changed:
        response.headers["Changed"] = "false"
    return await shown(hub, done.incident.id, changed=done.changed)


@router.get(
    "/{name}/timeline", summary="An incident's timeline", response_model=shapes.Timeline,
    responses=problems("not_found", "bad_input"),
)  # fmt: skip
async def show_timeline(
    hub: TheHub, who: Reader, name: str, query: Annotated[Paged, Query()]
) -> shapes.Timeline:
    """What happened, when, by whom and why; the oldest first."""
    incident, after = await id_of(hub, name), cursor_in(query.cursor, datetime, int)
    found = await hub.database.read(
        lambda c: reading.timeline(c, incident, after=after, most=query.limit + 1)
    )
    page = found[: query.limit]
    following = cursor_out(page[-1].at, page[-1].id) if len(found) > len(page) else None
    lost = await hub.database.read(lambda c: retention.lines_lost(c, incident))
    return shapes.Timeline(items=[views.line(v) for v in page], next_cursor=following, forgotten_before=lost)


@router.get(
    "/{name}/deliveries", summary="Attempts at telling the providers", response_model=shapes.Page[shapes.Delivery],
    responses=problems("not_found", "bad_input"),
)  # fmt: skip
async def show_deliveries(
    hub: TheHub, who: Reader, name: str, query: Annotated[Paged, Query()]
) -> shapes.Page[shapes.Delivery]:
    """Every attempt, the oldest first."""
    incident, after = await id_of(hub, name), cursor_in(query.cursor, datetime, int)
    found = await hub.database.read(
        lambda c: reading.deliveries(c, incident, after=after, most=query.limit + 1)
    )
    page = found[: query.limit]
    following = cursor_out(page[-1].at, page[-1].id) if len(found) > len(page) else None
    return shapes.Page(items=[views.delivery(v) for v in page], next_cursor=following)


@router.get(
    "/{name}/alerts", summary="An incident's alerts", response_model=shapes.Page[shapes.Alert],
    responses=problems("not_found", "bad_input"),
)  # fmt: skip
async def show_alerts(
    hub: TheHub, who: Reader, name: str, query: Annotated[Paged, Query()]
) -> shapes.Page[shapes.Alert]:
    """The alerts that make it up, the newest first."""
    wanted = reading.AlertFilter(incident=await id_of(hub, name))
    before = cursor_in(query.cursor, datetime, UUID)
    found = await hub.database.read(
        lambda c: reading.alert_page(c, wanted, before=before, most=query.limit + 1)
    )
    page = found[: query.limit]
    following = (
        cursor_out(page[-1].alert.first_event_at, page[-1].alert.id) if len(found) > len(page) else None
    )
    return shapes.Page(items=[views.alert(v) for v in page], next_cursor=following)
